"""Text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, without a line break at its end.

    head: the columns' titles.  rows: cells, in which line breaks become spaces, and bars are escaped unless they are.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Return text as one cell of a table."""
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(text.splitlines()))
