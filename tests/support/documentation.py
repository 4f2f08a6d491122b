"""README.md and docs/ as tests read them: their texts, code blocks and commands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

README = ROOT / "README.md"

PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
"""README.md and every page of docs/."""

DOCUMENTATION = "\n".join(page.read_text() for page in PAGES)
"""The text of all pages."""


def name_of(page: Path) -> str:
    """Return a page's path relative to the project."""
    return page.relative_to(ROOT).as_posix()


def code_blocks(language: str, text: str = DOCUMENTATION) -> list[str]:
    """Return the contents of the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands_in(page: Path) -> list[str]:
    """Return the commands of a page's `sh` blocks, which a test runs, in their order.

    A line that ends in a backslash continues on the next. Comments are left out.
    """
    lines = "".join(code_blocks("sh", page.read_text())).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
