"""Decisions between agents after each group of runs, with one error rate for all pairs and all looks.

The hypotheses are that two agents have the same distribution of returns, for
every pair of agents. Each is tested after every group of runs, until it is rejected or the largest number of runs is
reached. The probability that any true hypothesis is rejected at any look is at most alpha, exactly, for any number of
runs and any distribution:

1. If a set of hypotheses is true, the agents are divided into cells of equal agents, and the runs of each group may be
   exchanged between the agents of a cell. So the statistic's distribution, given the runs, is that over arrangements
   of the runs. All are enumerated if they are few; otherwise some are drawn, with a stated seed, and the arrangement
   that was found counts as one of them (`utils.stats.arrangements`).
2. The statistic is the largest Welch statistic of all pairs within a cell. At look k of K, arrangements are rejected
   from the largest on, until those of all looks are a fraction alpha k / K: the error is spent as in Lan and DeMets
   (1983, Biometrika 70(3)).
3. A pair is decided when every division with both agents in one cell is rejected (closed testing: Marcus, Peritz and
   Gabriel 1976, Biometrika 63(3)). An agent all of whose pairs are decided needs no more runs.

Permutations within groups and the linear spending are those of AdaStop (Mathieu et al., arXiv 2306.10882). It differs
in 2., where it takes the difference of sums, and in 3., where it steps down: then the error is known to be at most
alpha only if all agents are equal, or for many runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from utils.stats.arrangements import Cells, count_arrangements, every_arrangement, random_arrangements
from utils.stats.intervals import check_fraction
from utils.stats.looks import Looks, without_failures

MOST_ENUMERATED = 20_000
"""Largest number of arrangements that are enumerated."""

DRAWS = 9_999
"""Number of arrangements that are drawn if they are too many to enumerate."""

MOST_AGENTS = 6
"""Largest number of agents: they can be divided in 202 ways, seven in 876."""

BLOCK = 2**17
"""Approximate number of sums that are computed at once: 1 MiB, which fits into a processor's cache."""

NEVER = -1.0
"""A value for arrangements that are not to be rejected: statistics are in [0, 1]."""

DIGITS = 9
"""Decimal digits to which statistics, which are in [0, 1], are compared: arrangements that tie differ in rounding."""


def divisions(agents: int) -> list[Cells]:
    """Return the ways to divide agents into cells, the one with a single cell first; cells of one agent are left out.

    The way in which every agent has a cell of its own is left out too.
    """

    def divide(rest: tuple[int, ...]) -> Iterator[Cells]:
        if not rest:
            yield ()
            return
        for size in range(len(rest) - 1, -1, -1):
            for others in combinations(rest[1:], size):
                left = tuple(agent for agent in rest[1:] if agent not in others)
                yield from (((rest[0], *others), *cells) for cells in divide(left))

    found = (tuple(cell for cell in cells if len(cell) > 1) for cells in divide(tuple(range(agents))))
    return [cells for cells in found if cells]


def decision_looks(runs: np.ndarray, looks: int, alpha: float = 0.05, draws: int = DRAWS) -> np.ndarray:
    """Return the look at which each pair of agents is decided.

    runs: (..., k, A, N), performance of N runs of A agents in each of the k groups so far, NaN for a failed run. It
    counts as the worst run of the agents with which it may be exchanged. What is there of an agent after all its
    pairs are decided makes no difference.
    looks: the largest number of looks, K >= k.  alpha: in (0, 1).
    draws: number of arrangements that are drawn if they are too many to enumerate.
    Returns (..., A, A) int, 1 to k, symmetric; 0 for a pair that is open, and for an agent with itself.
    Raises ValueError for an argument out of range.
    """
    k, agents, n = runs.shape[-3:]
    check_fraction("alpha", alpha)
    for name, value, low, high in (("groups", k, 1, looks), ("agents", agents, 2, MOST_AGENTS)):
        if not low <= value <= high:
            raise ValueError(f"{name}: found {value}; allowed: {low} to {high}")
    Looks(n, n * looks)
    flat = np.asarray(runs, float).reshape(-1, k, agents, n)
    decided = np.zeros((len(flat), agents, agents), int)
    possible = np.arange(len(flat))
    for cells in divisions(agents):
        found = _rejection_looks(flat[possible], cells, looks, alpha, draws)
        for pair in (pair for cell in cells for pair in combinations(cell, 2)):
            decided[possible, *pair] = np.maximum(decided[possible, *pair], found)
        if len(cells) == 1 and len(cells[0]) == agents:  # Unless it is rejected, every pair is open.
            decided[found > k] = k + 1
            possible = np.flatnonzero(found <= k)
    decided = np.where(decided > k, 0, decided)
    return (decided + np.swapaxes(decided, 1, 2)).reshape(*runs.shape[:-3], agents, agents)


def _rejection_looks(runs: np.ndarray, cells: Cells, looks: int, alpha: float, draws: int) -> np.ndarray:
    """Return the look at which each study rejects that the agents of each cell are equal.

    Other agents make no difference, and are left out.
    runs: (S, k, A, N).  Returns (S,), k + 1 if it does not.
    """
    members = [agent for cell in cells for agent in cell]
    ends = np.cumsum([0, *map(len, cells)])
    runs, cells = runs[:, :, members], tuple(tuple(range(low, high)) for low, high in pairwise(ends))
    _, k, agents, n = runs.shape
    count = count_arrangements(cells, n)
    enumerated = max((look for look in range(1, k + 1) if count**look <= MOST_ENUMERATED), default=0)
    size = max(1, BLOCK // (agents * max(count**enumerated, draws + 1 if enumerated < k else 0)))
    found = np.full(len(runs), k + 1)
    for start in range(0, len(runs), size):
        part, own = runs[start : start + size], found[start : start + size]
        bounds, spent = _reject_enumerated(part[:, :enumerated], cells, alpha / looks, own)
        if enumerated < k:
            _reject_drawn(part, cells, alpha / looks, draws, bounds, spent, own)
    return found


def _reject_enumerated(
    runs: np.ndarray, cells: Cells, share: float, found: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Set the looks at which studies reject, with all arrangements of their runs.

    runs: (S, k, A, N), of the looks at which all are enumerated.  share: of alpha, for each look.
    found: (S,), set to the look where it is rejected.
    Returns for each look the values (S, 1) above which arrangements are rejected, and the fraction (S,) rejected so
    far.
    """
    studies, k, agents, n = runs.shape
    out, bounds = np.zeros((studies, 1), bool), []
    given = _indicators(every_arrangement(cells, agents, n), agents) if k else np.empty(0)
    for look in range(1, k + 1):
        scores, moments = _scores(runs[:, :look], cells), np.zeros((2, studies, 1, agents))
        for block in range(look):
            added = _moments(scores[:, block], given)
            moments = (moments[:, :, :, None] + added[:, :, None]).reshape(2, studies, -1, agents)
        values = _largest_statistic(moments, n * look, cells)
        out = np.repeat(out, values.shape[1] // out.shape[1], axis=1)
        out, bound = _reject(values, out, np.full(studies, _whole(values.shape[1] * share * look)))
        found[out[:, 0]] = np.minimum(found[out[:, 0]], look)
        bounds.append(bound)
    return bounds, out.mean(1)


def _reject_drawn(
    runs: np.ndarray,
    cells: Cells,
    share: float,
    draws: int,
    bounds: list[np.ndarray],
    spent: np.ndarray,
    found: np.ndarray,
) -> None:
    """Set the looks after those of `_reject_enumerated` at which studies reject, with drawn arrangements.

    bounds, spent: what `_reject_enumerated` returns.  Other arguments: as for it, of all looks.
    """
    studies, k, agents, n = runs.shape
    drawn = [random_arrangements(cells, agents, n, block, draws) for block in range(k)]
    given = np.concatenate([_indicators(labels, agents) for labels in drawn])  # (k * A * N, P, A)
    earlier, out = np.zeros((studies, draws + 1), bool), np.zeros((studies, draws + 1), bool)
    for look in range(1, k + 1):
        scores = _scores(runs[:, :look], cells).reshape(studies, -1)
        moments = _moments(scores, given[: scores.shape[1]])
        values = np.where(earlier, NEVER, _largest_statistic(moments, n * look, cells))
        if look <= len(bounds):
            earlier |= values > bounds[look - 1]
        else:
            out, _ = _reject(values, out, _whole((draws + 1) * (share * look - spent)))
            found[out[:, 0]] = np.minimum(found[out[:, 0]], look)


def _reject(values: np.ndarray, out: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the arrangements that are rejected after a look, and the values above which they are rejected at it.

    values: (S, P).  out: (S, P), those rejected at earlier looks.  allowed: (S,), the number that may be rejected in
    all. Of arrangements with equal values, all are rejected or none.  Returns (S, P) and (S, 1).
    """
    inside = np.sort(np.where(out, NEVER, values), axis=1)[:, ::-1]
    bound = np.take_along_axis(inside, (allowed - out.sum(1))[:, None], axis=1)
    return out | (values > np.where(out, np.inf, bound)), bound


def _whole(number: np.ndarray | float) -> np.ndarray:
    """Return the largest integer that is not above a number, to rounding."""
    return np.floor(np.asarray(number) + 1e-9).astype(int)


def _scores(runs: np.ndarray, cells: Cells) -> np.ndarray:
    """Return runs with failed ones as the worst of their cell, in standard deviations of it, and flat.

    runs: (S, k, A, N).  Returns (S, k, A * N), 0 if all runs of a cell are equal.
    """
    scores = np.empty(runs.shape)
    for cell in cells:
        own = without_failures(runs[:, :, cell], (1, 2, 3))
        centred = own - own.mean((1, 2, 3), keepdims=True)
        deviation = np.sqrt((centred**2).mean((1, 2, 3), keepdims=True))
        varies = np.ptp(own, axis=(1, 2, 3), keepdims=True) > 0
        scores[:, :, cell] = np.where(varies, centred / np.where(varies, deviation, 1.0), 0.0)
    return scores.reshape(*runs.shape[:2], -1)


def _indicators(labels: np.ndarray, agents: int) -> np.ndarray:
    """Return whether each run is given to each agent, 1 or 0.  labels: (P, A * N).  Returns (A * N, P, A)."""
    count, runs = labels.shape
    given = np.zeros((runs, count, agents))
    given[np.arange(runs)[:, None], np.arange(count), labels.T] = 1.0
    return given


def _moments(scores: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the sums of each agent's scores, and of their squares, under each arrangement.

    scores: (S, G), of one group or more.  given: (G, P, A), see `_indicators`.  Returns (2, S, P, A).
    """
    both = np.stack([scores, scores**2])
    return (both @ given.reshape(len(given), -1)).reshape(2, len(scores), *given.shape[1:])


def _largest_statistic(moments: np.ndarray, n: int, cells: Cells) -> np.ndarray:
    """Return the largest t^2 / (1 + t^2) of Welch's t of the pairs within cells, 0 for equal runs that do not vary.

    moments: (2, S, P, A), see `_moments`.  n: number of runs of each agent.  Returns (S, P).
    """
    means = moments[0] / n
    squared_errors = np.maximum(moments[1] / n - means**2, 0.0) / (n - 1)
    largest = np.zeros(means.shape[:2])
    for a, b in (pair for cell in cells for pair in combinations(cell, 2)):
        square = (means[..., a] - means[..., b]) ** 2
        whole = square + squared_errors[..., a] + squared_errors[..., b]
        np.maximum(largest, np.divide(square, whole, out=np.zeros_like(whole), where=whole > 1e-12), out=largest)
    return largest.round(DIGITS)
