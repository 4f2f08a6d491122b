"""Text of the benchmark's tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """A table whose rows are measured while they are read.

    header: column names.  widths: characters per column.  rows: values; a row may be shorter than the header.
    """

    header: Sequence[str]
    widths: Sequence[int]
    rows: Iterator[tuple]


def format_lines(table: Table) -> Iterator[str]:
    """Yield the header and each row as a line of text, aligned to the right."""
    yield _format_row(table.header, table.widths)
    for row in table.rows:
        yield _format_row(row, table.widths)


def _format_row(row: Sequence[object], widths: Sequence[int]) -> str:
    return "".join(_format_cell(value).rjust(width) for value, width in zip(row, widths, strict=False))


def _format_cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)
