"""Parts that all figures share: style, caption, legend, ticks and file formats.

Lines differ in colour (`utils.analysis.line_style`) and, for grey print, in dashes and markers. The colour map cividis
(Nunez et al. 2018) is perceptually uniform in colour and in grey.
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

from utils.analysis.line_style import DASHES, OKABE_ITO
from utils.analysis.number_format import format_thousands, format_tick_values, short_value_name

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers of lines."""

COLOR_MAP = "cividis"
"""Colour map of heat maps."""

BAND_STYLE: dict[str, Any] = {"alpha": 0.22, "linewidth": 0}
"""Style of the band around a line."""

WIDTH = 6.4
"""Width of a figure, inches: the text width of a page."""

HEIGHT = 4.4
"""Height of a figure with one panel, without its caption, inches."""

DPI = 250
"""Resolution of a figure as an image."""

CAPTION_COLUMNS = 120
"""Characters in a line of the caption."""

CAPTION_LINE_HEIGHT = 0.13
"""Height of a line of the caption, inches."""

MAX_HALF_WIDTH_LABEL, MAX_LABEL_LINE = 36, 64
"""Longest label, in characters, that fits half the width of a figure, and longest line of a label."""

FORMATS = ("png", "pdf", "svg")
"""File formats of figures."""

UNDATED_METADATA = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""Metadata without a date, so that the same figure has the same bytes."""

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
    "text.parse_math": False,  # Text from a configuration is not mathematics, even with dollar signs.
    "pdf.fonttype": 42,
    "svg.hashsalt": "",
}
"""matplotlib's settings for all figures."""


@dataclass(frozen=True)
class Plot:
    """A figure to be drawn.  name: default file name.  sidecar: content of its sidecar.  draw: draws it.

    warnings: paragraphs that end the caption.  has_caption: false to leave the caption out.
    """

    name: str
    sidecar: dict[str, Any]
    draw: Callable[[], Figure]
    warnings: tuple[str, ...] = ()
    has_caption: bool = True


def encode_figure(plot: Plot, figure_format: str) -> bytes:
    """Draw a figure and return the content of its file.  figure_format: one of FORMATS."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = plot.draw()
        finish_caption(figure, plot)
        figure.savefig(buffer, format=figure_format, dpi=DPI, metadata=UNDATED_METADATA[figure_format])
    return buffer.getvalue()


def new_figure(caption: Sequence[str], height: float = HEIGHT) -> Figure:
    """Return an empty figure with its caption below.  caption: paragraphs.  height: inches above the caption."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    _set_caption(figure, [textwrap.fill(paragraph, CAPTION_COLUMNS) for paragraph in caption])
    return figure


def finish_caption(figure: Figure, plot: Plot) -> None:
    """Add the plot's warnings to the caption of its figure, or remove the caption if the plot has none."""
    present = figure.get_supxlabel().split("\n")
    added = [textwrap.fill(f"Warning: {warning}", CAPTION_COLUMNS) for warning in plot.warnings]
    if not plot.has_caption:
        _set_caption(figure, [], len(present))
    elif added:
        _set_caption(figure, [*present, *added], len(present))


def _set_caption(figure: Figure, lines: Sequence[str], present: int = 0) -> None:
    """Write the caption and adapt the figure's height.  present: number of lines of the caption so far."""
    text = "\n".join(lines)
    rows = text.count("\n") + 1 if text else 0
    figure.set_figheight(figure.get_figheight() + CAPTION_LINE_HEIGHT * (rows - present))
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7, color="#444444", linespacing=1.35)


def line_style(number: int) -> dict[str, Any]:
    """Return colour, dashes and marker of a figure's line.  number: number of the line, from 0."""
    return {
        "color": OKABE_ITO[number % len(OKABE_ITO)],
        "linestyle": dash_style(DASHES[number % len(DASHES)]),
        "marker": MARKERS[number % len(MARKERS)],
    }


def dash_style(pattern: Sequence[float]) -> Any:
    """Return matplotlib's line style for a dash pattern.  pattern: dashes and gaps in line widths; () is solid."""
    return (0, tuple(pattern)) if pattern else "-"


def add_panels(figure: Figure, count: int, **options: Any) -> list[Any]:
    """Add `count` axes to a figure, two per row, and return them.  options: arguments of `Figure.subplots`."""
    rows, columns = count_panel_rows(count), min(count, 2)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return list(axes[:count])


def count_panel_rows(panels: int) -> int:
    """Return the number of rows that `add_panels` needs."""
    return (panels + 1) // 2


def add_title_and_legend(figure: Figure, axes: Any, title: str) -> None:
    """Put the title and the legend above the axes, where the legend hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    columns = 2 if len(labels) > 1 and max(map(len, labels)) <= MAX_HALF_WIDTH_LABEL else 1
    labels = [textwrap.fill(label, MAX_LABEL_LINE) for label in labels]
    figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=12)
    axes.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, fontsize=9, borderaxespad=0.2,
        handlelength=3.2, frameon=False,
    )  # fmt: skip


def label_ticks(axis: Any, values: Sequence[Any], max_characters: int) -> None:
    """Set a tick at 0, 1, ... for each value.  max_characters: limit for unslanted labels in one row."""
    names = list(map(short_value_name, values))
    slanted = sum(map(len, names)) + len(names) > max_characters
    axis.set_ticks(range(len(names)), names, fontsize=9)
    if slanted:
        for label in axis.get_ticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")


class _GroupedDigits(Formatter):
    """Tick formatter that uses `format_tick_values`."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return format_thousands(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Format all ticks of an axis."""
        return format_tick_values([float(value) for value in values])


def group_digits(*axes: Any) -> None:
    """Format the ticks of x and y axes by `format_tick_values`."""
    for axis in axes:
        axis.set_major_formatter(_GroupedDigits())
