"""How numbers, values and axes are written, in figures and in reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson

from utils.analysis.combined_results import CombinedResults

LONGEST_NUMBER, LONGEST_NAME = 7, 24
"""Characters of a value on an axis."""

MOST_DECIMALS = 4
"""Of a tick."""

LARGEST_IN_FULL = 1e12
"""Numbers from this on are written by their power of ten."""

NOTHING = "\N{EN DASH}"
"""Where there is no number."""


def performance_label(training: bool) -> str:
    """What `stats.final_performance` is, for an axis."""
    return f"Mean return over the last half of {'training' if training else 'evaluations'}"


def return_label(experiments: Sequence[CombinedResults], smooth: int | None) -> str:
    """What the axis of returns says, smoothing included."""
    if experiments[0].training:
        text = "Training return, step-weighted"
    else:
        counts = sorted({each.environment["eval_episodes"] for each in experiments})
        episodes = " or ".join(str(n) for n in counts)
        text = f"Evaluation return, mean of {episodes} episode{'' if episodes == '1' else 's'}"
    return text if smooth is None else f"{text},\nmean over the last {thousands(smooth)} timesteps"


def thousands(value: float, decimals: int = 3) -> str:
    """-12500.0 -> "−12,500"; up to 3 decimals, or so many, where they are needed."""
    if abs(value) >= LARGEST_IN_FULL:
        return significant(value, 12)
    text = f"{value:,.{decimals}f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace("-", "\N{MINUS SIGN}")


def significant(value: float, digits: int) -> str:
    """Up to so many significant digits, and a power of ten where that takes more places than digits."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def tick_texts(values: Sequence[float]) -> list[str]:
    """An axis' ticks as `thousands` writes them, with as many decimals as they need; or, of more, with six digits.

    values: increasing or decreasing.  A tick is written wrong by a hundredth of a step at most.
    """
    step = min((abs(a - b) for a, b in pairwise(values)), default=1.0)
    for decimals in range(3, MOST_DECIMALS + 1):
        if all(abs(round(value, decimals) - value) <= step / 100 for value in values):
            return [thousands(value, decimals) for value in values]
    return [significant(value, 6) for value in values]


def brief(value: float) -> str:
    """Three significant digits, or all those before the point; by its power of ten what is very small or large."""
    if 0 < abs(value) < 0.001:
        return significant(value, 2)
    if abs(value) >= LARGEST_IN_FULL:
        return significant(value, 3)
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return thousands(round(value, max(0, digits)))


def ordered(values: Sequence[Any]) -> list[Any]:
    """A hyperparameter's values as an axis has them: numbers by size, anything else as it comes."""
    return sorted(values) if all(isinstance(value, int | float) for value in values) else list(values)


def value_name(value: Any) -> str:
    """A hyperparameter's value, as JSON has it but without quotes."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def short_name(value: Any) -> str:
    """As `value_name`, cut to what an axis has room for: several values may become one text."""
    name = value_name(value)
    if isinstance(value, float) and len(name) > LONGEST_NUMBER:
        return f"{value:.3g}"
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"


def between(interval: tuple[float, float] | None) -> str:
    """ "−190 to −140", or NOTHING."""
    return f"{brief(interval[0])} to {brief(interval[1])}" if interval else NOTHING
