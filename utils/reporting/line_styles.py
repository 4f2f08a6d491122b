"""Colours and dashes of the lines on a page: one colour means one agent on the whole page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from utils.analysis.line_style import DASHES, OKABE_ITO
from utils.analysis.setting_choice import SettingChoice

DASH_UNIT = 1.6
"""Pixels per line width of a dash pattern."""


class LineStyle(NamedTuple):
    """The style of a line.  dashes: an SVG's stroke-dasharray."""

    color: str
    dashes: str


class LineStyles:
    """The styles of what a page shows, by name: an agent has the same one in every chart."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def style(self, name: str) -> LineStyle:
        """Return the style of a name; a new name gets the first one that is free."""
        if name not in self._numbers:
            used = set(self._numbers.values())
            self._numbers[name] = next(number for number in range(len(used) + 1) if number not in used)
        number = self._numbers[name]
        return LineStyle(OKABE_ITO[number % len(OKABE_ITO)], dash_array(DASHES[number % len(DASHES)]))

    def keep(self, names: Collection[str]) -> None:
        """Free the styles of all other names."""
        self._numbers = {name: number for name, number in self._numbers.items() if name in names}


def line_names(choices: Sequence[SettingChoice]) -> list[str]:
    """Return what each setting on an axis is called on the page: the same for an agent in several environments.

    It is agent and policy, the number of a runner-up, and the directory if that is the same for several settings.
    """
    names = [f"{one.name}, setting {one.setting}" if one.rank > 1 else one.name for one in choices]
    count = Counter(names)
    return [
        f"{name}, {one.experiment.path.parent}" if count[name] > 1 else name
        for name, one in zip(names, choices, strict=True)
    ]


def dash_array(pattern: Sequence[float]) -> str:
    """Return a dash pattern as an SVG's stroke-dasharray.  pattern: dashes and gaps in line widths; () is solid."""
    return " ".join(f"{DASH_UNIT * length:g}" for length in pattern)
