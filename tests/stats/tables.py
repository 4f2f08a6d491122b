"""Tables of simulations in docs/statistics.md, between two comments each."""

from __future__ import annotations

import re

from utils.core.provenance import ROOT

PAGE = ROOT / "docs" / "statistics.md"
"""The page with the tables."""


def percent(rate: float) -> str:
    """Return a rate in percent, as in a table."""
    return f"{100 * rate:.0f}"


def write_table(name: str, table: str) -> None:
    """Replace a table of the page.  Raises ValueError if the page has no place for it."""
    text, count = _place(name).subn(lambda found: f"{found[1]}\n{table}\n\n{found[3]}", PAGE.read_text())
    if count != 1:
        raise ValueError(f"{PAGE.name}: found {count} tables '{name}'; allowed: 1")
    PAGE.write_text(text)
    print(f"{name}\n{table}\n", flush=True)


def read_table(name: str) -> list[list[str]]:
    """Return the cells of a table of the page, without its head.  Raises ValueError if the page has no such table."""
    found = _place(name).search(PAGE.read_text())
    if found is None or not found[2]:
        raise ValueError(f"{PAGE.name}: found no table '{name}', or an empty one")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2].splitlines()[2:]]


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- table: {re.escape(name)} -->\n)\n?(.*?)\n?(<!-- end of table -->)", re.DOTALL)
