"""Warnings where the returns of a set of runs are of a kind for which intervals hold less than they promise.

The interval of a mean learns from the runs how much returns vary. It fails where a kind of run that is rare, or that
happens to be missing, decides the mean: few failures among good runs, two groups, most runs at the highest possible
return. Below 29 runs, a kind that occurs once in ten runs may well be missing altogether; then no data can show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

FEW_RUNS = 10
"""Number of runs below which a warning is due whatever the runs are: they seldom show a kind that is rare."""

RARE = 0.1
"""Frequency of the rare kind of run in the warning of few runs."""

MIN_RUNS_TO_SPLIT = 5
"""Smallest number of runs for a warning of a gap or of a run far from the rest."""

MIN_TIED, MIN_TIED_SHARE = 2, 0.2
"""Smallest number of runs, and smallest fraction of them, at the highest or lowest return for a warning of a tie."""

RUNS = (5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 39, 40, 50, 70, 100, 200, 500)
"""Numbers of runs for which the limits were simulated; between them, the logarithm is interpolated."""

GAP_LIMITS = (14.5, 10.6, 8.3, 6.98, 5.3, 4.34, 3.41, 2.57, 2.4, 2.34, 2.28, 1.52, 1.49, 1.11, 0.75, 0.41, 0.19)
FAR_LIMITS = (12.5, 9.3, 7.9, 7.2, 6.4, 6.05, 5.8, 5.7, 5.65, 5.65, 5.65, 5.7, 5.75, 6.05, 6.3, 6.9, 8.2)
"""Largest gap, in standard deviations within groups, without a warning.

The 99% quantiles for normal, uniform or Student returns with 5 degrees of freedom, whichever is largest. So each of
the two warnings is a false alarm in at most 1% of such samples.
"""

ROUNDING = 1e-12
"""Sum of squares within groups, as a fraction of the total, that is 0 to rounding."""

WHAT_HELPS = (
    "More runs help. The median or the interquartile mean over the runs does not: each hides the runs that matter. "
    "Show every run."
)
"""Advice after warnings."""


class SampleWarning(NamedTuple):
    """A warning.  kind: "few", "tie", "gap" or "far".  text: a clause with the numbers."""

    kind: str
    text: str


class Gaps(NamedTuple):
    """The largest gap between two groups of runs, and the largest gap next to few runs at the end.

    middle, end: (...), the gaps in standard deviations within the two groups.
    middle_below, end_below: (...), number of runs below each gap.
    """

    middle: np.ndarray
    middle_below: np.ndarray
    end: np.ndarray
    end_below: np.ndarray


def sample_warnings(returns: np.ndarray) -> list[SampleWarning]:
    """Return the warnings that apply to the interval of the mean of some runs; [] for well-behaved returns.

    returns: (n,), finite, n >= 1.
    few: fewer than 10 runs.  tie: at least 2 runs and a fifth of them have exactly the highest or the lowest return.
    gap: two groups of runs, each of more than a twentieth of them.  far: one run, or up to a twentieth of them, lies
    far from the rest. The last two need 5 runs, and each is a false alarm in at most 1% of samples of normal, uniform
    or Student (5 degrees of freedom) returns. docs/statistics.md has the rates at which they detect the battery.
    """
    n = len(returns)
    found = [_few(n)] if n < FEW_RUNS else []
    tie = _tie(returns)
    found += [tie] if tie else []
    if n < MIN_RUNS_TO_SPLIT or np.ptp(returns) == 0:
        return found
    gaps, (gap_limit, far_limit) = largest_gaps(returns), split_limits(n)
    if gaps.middle > gap_limit:
        found.append(_gap(int(gaps.middle_below), n))
    if gaps.end > far_limit and not tie:
        found.append(_far(int(gaps.end_below), n))
    return found


def join_warnings(found: Sequence[SampleWarning]) -> str:
    """Return warnings as text: "Warning: ...; .... More runs help...."; "" if there are none."""
    return f"Warning: {_join_texts(found)} {WHAT_HELPS}" if found else ""


def list_warnings(named: Iterable[tuple[str, Sequence[SampleWarning]]]) -> list[str]:
    """Return the warnings of several sets of runs as paragraphs of Markdown: a list, and what helps.

    named: what each set of runs is, and its warnings.  Returns [] if no set has any.
    """
    lines = [f"- {name}: {_join_texts(found)}" for name, found in named if found]
    if not lines:
        return []
    return ["Warnings, of intervals that may hold less than they promise:", "\n".join(lines), WHAT_HELPS]


def _join_texts(found: Sequence[SampleWarning]) -> str:
    return "; ".join(each.text for each in found) + "."


def largest_gaps(returns: np.ndarray) -> Gaps:
    """Return the largest gaps between neighbours in the order of returns, relative to the deviation within groups.

    returns: (..., n), n >= 5. For a gap above the k lowest runs, the deviation is the pooled one of the k lowest and
    the n - k highest, with n - 2 degrees of freedom. A gap is at the end if one run, or a twentieth of them or fewer,
    are on one side. A gap between two groups without any deviation is infinite.
    """
    n = returns.shape[-1]
    x = np.sort(returns, axis=-1)
    gap = np.diff(x, axis=-1)  # (..., n - 1)
    x = x - x.mean(-1, keepdims=True)
    below = np.arange(1, n)
    total, squares = np.cumsum(x, -1)[..., :-1], np.cumsum(x * x, -1)
    within = squares[..., -1:] - total**2 * (1 / below + 1 / (n - below))  # The total of all is 0.
    within = np.where(within > ROUNDING * squares[..., -1:], within, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(gap > 0, gap / np.sqrt(within / (n - 2)), 0.0)
    few = max(1, n // 20)
    at_end = np.minimum(below, n - below) <= few
    middle, end = np.where(at_end, 0.0, ratio), np.where(at_end, ratio, 0.0)
    return Gaps(middle.max(-1), middle.argmax(-1) + 1, end.max(-1), end.argmax(-1) + 1)


def split_limits(n: int) -> tuple[float, float]:
    """Return the limits of a gap in the middle and at the end for n >= 5 runs; for more than 500, those of 500."""
    gap, far = (np.exp(np.interp(n, RUNS, np.log(limits))) for limits in (GAP_LIMITS, FAR_LIMITS))
    return float(gap), float(far)


def _few(n: int) -> SampleWarning:
    runs = "1 run" if n == 1 else f"{n} runs"
    return SampleWarning(
        "few",
        f"a kind of run that occurs once in {1 / RARE:.0f} is missing from {(1 - RARE) ** n:.0%} of all sets of "
        f"{runs}, and an interval knows nothing of it",
    )


def _tie(returns: np.ndarray) -> SampleWarning | None:
    n = len(returns)
    needed = max(MIN_TIED, MIN_TIED_SHARE * n)
    highest, lowest = int((returns == returns.max()).sum()), int((returns == returns.min()).sum())
    if highest == n >= needed:
        return SampleWarning("tie", f"all {n} runs have the same return, so nothing shows how much returns vary")
    if max(highest, lowest) < needed:
        return None
    count, end = (highest, "highest") if highest >= lowest else (lowest, "lowest")
    return SampleWarning("tie", f"{count} of {n} runs have exactly the {end} return: the others decide the interval")


def _gap(below: int, n: int) -> SampleWarning:
    return SampleWarning(
        "gap",
        f"the runs are in two groups, {below} low and {n - below} high: the mean lies between them, and depends on how "
        "many of each there happen to be",
    )


def _far(below: int, n: int) -> SampleWarning:
    count, side = (below, "below") if below <= n - below else (n - below, "above")
    verb = "lies" if count == 1 else "lie"
    return SampleWarning(
        "far", f"{count} of {n} runs {verb} far {side} the rest: the mean depends on how often that happens"
    )
