"""Text for numbers, hyperparameter values and axes, in figures and in reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.core.grid import value_text

MAX_NUMBER_CHARACTERS, MAX_NAME_CHARACTERS = 7, 24
"""Largest numbers of characters of a number and of any other value on an axis."""

MAX_TICK_DECIMALS = 4
"""Largest number of decimals of a tick."""

MIN_EXPONENT_VALUE = 1e12
"""Smallest number that is written with a power of ten."""

NO_VALUE = "\N{EN DASH}"
"""Text of a cell without a number."""


def performance_label(training: bool) -> str:
    """Return the axis label of `utils.stats.curves.final_performance`."""
    return f"Mean return over the last half of {'training' if training else 'evaluations'}"


def return_label(experiments: Sequence[CombinedResults], smooth: int | None) -> str:
    """Return the label of the axis of returns, including smoothing."""
    if experiments[0].training:
        text = "Training return, step-weighted"
    else:
        counts = sorted({each.environment["eval_episodes"] for each in experiments})
        episodes = " or ".join(str(n) for n in counts)
        text = f"Evaluation return, mean of {episodes} episode{'' if episodes == '1' else 's'}"
    return text if smooth is None else f"{text},\nmean over the last {format_thousands(smooth)} timesteps"


def format_thousands(value: float, decimals: int = 3) -> str:
    """Format a number with grouped digits and up to `decimals` decimals: -12500.0 -> "−12,500"."""
    if abs(value) >= MIN_EXPONENT_VALUE:
        return format_significant(value, 12)
    text = f"{value:,.{decimals}f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace("-", "\N{MINUS SIGN}")


def format_significant(value: float, digits: int) -> str:
    """Format a number with up to `digits` significant digits, and a power of ten where it is longer than that."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def format_tick_values(values: Sequence[float]) -> list[str]:
    """Format an axis' ticks with the decimals they need, or with six significant digits if they need too many.

    values: increasing or decreasing.  The text differs from the tick's value by at most a hundredth of a step.
    """
    step = min((abs(a - b) for a, b in pairwise(values)), default=1.0)
    for decimals in range(3, MAX_TICK_DECIMALS + 1):
        if all(abs(round(value, decimals) - value) <= step / 100 for value in values):
            return [format_thousands(value, decimals) for value in values]
    return [format_significant(value, 6) for value in values]


def format_number(value: float) -> str:
    """Format a number with three significant digits, or all digits before the point.

    Very small and very large numbers are written with a power of ten.
    """
    if 0 < abs(value) < 0.001:
        return format_significant(value, 2)
    if abs(value) >= MIN_EXPONENT_VALUE:
        return format_significant(value, 3)
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return format_thousands(round(value, max(0, digits)))


def format_interval(interval: tuple[float, float] | None) -> str:
    """Format an interval as "−190 to −140"; NO_VALUE for None."""
    return f"{format_number(interval[0])} to {format_number(interval[1])}" if interval else NO_VALUE


def format_estimate(value: float, interval: tuple[float, float] | None) -> str:
    """Format a number and its interval, if it has one, as "−165 [−190, −140]"."""
    text = format_number(value)
    return f"{text} [{format_number(interval[0])}, {format_number(interval[1])}]" if interval else text


def sort_values(values: Sequence[Any]) -> list[Any]:
    """Return a hyperparameter's values in the order of an axis: numbers by size, anything else as given."""
    return sorted(values) if all(isinstance(value, int | float) for value in values) else list(values)


def value_name(value: Any) -> str:
    """Return a hyperparameter's value as JSON, but a string without quotes."""
    return value_text(value)


def short_value_name(value: Any) -> str:
    """Return `value_name`, shortened to fit an axis; several values may get the same text."""
    name = value_name(value)
    if isinstance(value, float) and len(name) > MAX_NUMBER_CHARACTERS:
        return f"{value:.3g}"
    return name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
