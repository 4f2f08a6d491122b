"""What all figures share: their look, their caption and their file formats.

Colours are those of Okabe & Ito (2008), told apart under colour blindness; dashes and markers tell
the lines apart in grey print. The colour map cividis (Nunez et al. 2018) is even in both.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from utils.analysis.colors import OKABE_ITO
from utils.analysis.number_format import short_name, thousands, tick_texts

DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.5, 1.5, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
COLOR_MAP = "cividis"

WIDTH = 6.4
"""Of a figure, inches: a page's text width."""

HEIGHT = 4.4
"""Of a figure with one panel, without its caption, inches."""

DPI = 250
CAPTION_COLUMNS = 120

LONGEST_OF_TWO, LONGEST_LINE = 36, 64
"""Characters of a label with which two stand side by side, and of a line of one that stands alone."""

FORMATS = ("png", "pdf", "svg")

UNDATED = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""Metadata with which the same figure has the same bytes."""

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "text.parse_math": False,  # What stands in a configuration is text, dollar signs included.
    "pdf.fonttype": 42,
    "svg.hashsalt": "",
}


@dataclass(frozen=True)
class Plot:
    """A figure that is not drawn yet.  name: of its file, by default.  facts: what its sidecar says."""

    name: str
    facts: dict[str, Any]
    draw: Callable[[], Figure]


def encode(plot: Plot, figure_format: str) -> bytes:
    """The figure's file.  figure_format: one of FORMATS."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = plot.draw()
        figure.savefig(buffer, format=figure_format, dpi=DPI, metadata=UNDATED[figure_format])
    return buffer.getvalue()


def framed(caption: Sequence[str], height: float = HEIGHT) -> Figure:
    """An empty figure with its caption below.  caption: its paragraphs.  height: inches above the caption."""
    wrapped = [textwrap.fill(paragraph, CAPTION_COLUMNS) for paragraph in caption]
    rows = sum(text.count("\n") + 1 for text in wrapped)
    figure = Figure(figsize=(WIDTH, height + 0.13 * rows), layout="constrained")
    figure.supxlabel("\n".join(wrapped), x=0.01, ha="left", fontsize=7, color="#444444", linespacing=1.35)
    return figure


def look(number: int) -> dict[str, Any]:
    """Colour, dashes and marker of the line of that number, counted from 0."""
    return {
        "color": OKABE_ITO[number % len(OKABE_ITO)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def panels(figure: Figure, count: int, **options: Any) -> list[Any]:
    """So many axes in a figure, two a row.  options: of `Figure.subplots`."""
    rows, columns = panel_rows(count), min(count, 2)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return list(axes[:count])


def panel_rows(count: int) -> int:
    """The rows that `panels` makes."""
    return (count + 1) // 2


def head(figure: Figure, axes: Any, title: str) -> None:
    """Title and legend above the axes, where the legend hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    columns = 2 if len(labels) > 1 and max(map(len, labels)) <= LONGEST_OF_TWO else 1
    labels = [textwrap.fill(label, LONGEST_LINE) for label in labels]
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=12)
    axes.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, fontsize=9, borderaxespad=0.2,
        handlelength=3.2, frameon=False,
    )  # fmt: skip


def name_ticks(axis: Any, values: Sequence[Any], room: int) -> None:
    """A tick at 0, 1, ... for each value.  room: characters that fit side by side; more than these are slanted."""
    names = list(map(short_name, values))
    slanted = sum(map(len, names)) + len(names) > room
    axis.set_ticks(range(len(names)), names, fontsize=9)
    if slanted:
        for label in axis.get_ticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")


class _Grouped(Formatter):
    """Writes ticks as `tick_texts` does."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return thousands(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return tick_texts([float(value) for value in values])


def group_digits(*axes: Any) -> None:
    """Ticks of x and y axes as `tick_texts` writes them."""
    for axis in axes:
        axis.set_major_formatter(_Grouped())
