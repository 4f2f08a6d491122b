"""Pages made from templates.

A page is one file that requests nothing: it contains its styles, script and charts, and its content security policy
forbids any others. The templates escape all text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
"""Directory of the templates."""

GENERATOR = "policy-params report"
"""The page's generator, by which a report is recognised: any other file is not replaced."""


def fill_template(name: str, scripts: Sequence[str], **content: Any) -> str:
    """Return the page that a template makes of some content.  scripts: files of the page's script, in their order."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    script = "".join((TEMPLATES / file).read_text() for file in scripts)
    return templates.get_template(name).render(
        generator=GENERATOR,
        style=Markup((TEMPLATES / "style.css").read_text()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **content,
    )
