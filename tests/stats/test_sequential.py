"""Decisions between agents, against enumeration by definition."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from utils.stats import sequential
from utils.stats.looks import without_failures
from utils.stats.sequential import decision_looks, divisions


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def arrange(group: np.ndarray) -> list[np.ndarray]:
    """Return every arrangement of a group's runs between two agents.  group: (2, n)."""
    runs, n = group.ravel(), group.shape[1]
    places = [list(first) for first in combinations(range(2 * n), n)]
    return [np.array([runs[first], np.delete(runs, first)]) for first in places]


def rejected_by_definition(groups: np.ndarray, looks: int, alpha: float) -> dict[tuple[int, ...], int]:
    """Return the look at which each arrangement of two agents' runs is rejected, in loops.

    groups: (k, 2, n).  An arrangement is the numbers of those of its groups.
    """
    k = len(groups)
    arranged = [arrange(group) for group in groups]
    rejected: dict[tuple[int, ...], int] = {}
    for look in range(1, k + 1):
        statistic = {}
        for each in product(*(range(len(some)) for some in arranged[:look])):
            a, b = np.concatenate([arranged[group][one] for group, one in enumerate(each)], axis=1)
            statistic[each] = round(float(abs(scipy_stats.ttest_ind(a, b, equal_var=False).statistic)), 6)
        out = {each for each in statistic if any(each[:length] in rejected for length in range(1, look))}
        for bound in sorted(set(statistic.values()), reverse=True):
            now = {each for each, value in statistic.items() if value >= bound}
            if len(now | out) > alpha * look / looks * len(statistic) + 1e-9:
                break
            rejected |= dict.fromkeys(now - out, look)
    return rejected


@pytest.mark.parametrize(
    ("n", "k", "looks", "alpha"), [(3, 2, 2, 0.2), (3, 2, 4, 0.3), (4, 1, 1, 0.05), (4, 1, 2, 0.5)]
)
def test_decisions_are_those_of_enumeration(n: int, k: int, looks: int, alpha: float) -> None:
    """Of all arrangements of the runs, exactly those are decided that the definition rejects; never more than alpha."""
    groups = rng(n).normal(size=(k, 2, n))
    expected = rejected_by_definition(groups, looks, alpha)
    arranged = [arrange(group) for group in groups]
    every = list(product(*(range(len(some)) for some in arranged)))
    runs = np.array([[arranged[group][one] for group, one in enumerate(each)] for each in every])
    found = decision_looks(runs, looks, alpha)[:, 0, 1]
    assert expected
    for each, look in zip(every, found, strict=True):
        assert look == min(expected.get(each[:length], k + 1) for length in range(1, k + 1)) % (k + 1)
    assert (found > 0).mean() <= alpha * k / looks + 1e-9


@pytest.mark.parametrize("alpha", [0.1, 0.2])
def test_the_family_wise_error_of_three_agents_by_enumeration(alpha: float) -> None:
    """Of the 1,680 arrangements of three runs of each of three equal agents, at most alpha have any decision."""
    runs = rng().normal(size=9)
    arranged = np.array([runs[list(order)] for order in orders()]).reshape(-1, 1, 3, 3)
    assert len(arranged) == 1680
    found = (decision_looks(arranged, 1, alpha) > 0).any((1, 2))
    assert 0 < found.mean() <= alpha


def orders() -> list[tuple[int, ...]]:
    """Return the arrangements of nine runs between three agents."""
    every = set(range(9))
    return [
        (*first, *second, *sorted(every - {*first, *second}))
        for first in combinations(sorted(every), 3)
        for second in combinations(sorted(every - {*first}), 3)
    ]


def test_drawn_arrangements_decide_like_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 studies, of which some are decided at the second look, few differ if its arrangements are drawn."""
    runs = rng().normal(size=(200, 2, 2, 4)) + 1.5 * np.arange(2)[:, None]
    every = decision_looks(runs, 2)
    assert 20 < (every[:, 0, 1] > 0).sum() < 180
    monkeypatch.setattr(sequential, "MOST_ENUMERATED", 70)
    assert (decision_looks(runs, 2) != every).any((1, 2)).sum() <= 4


def test_earlier_decisions_stay_and_dropped_agents_do_not_matter() -> None:
    runs = rng(3).normal(size=(6, 3, 5))
    runs[:, 0] += 3.0
    whole = decision_looks(runs, 6)
    assert whole[0, 1] == whole[0, 2] == 2
    assert whole[1, 2] == 0
    for k in range(1, 6):
        assert (decision_looks(runs[:k], 6) == np.where(whole <= k, whole, 0)).all()
    dropped = runs.copy()
    dropped[2:, 0] = np.nan
    assert (decision_looks(dropped, 6) == whole).all()
    dropped[2:, 0] = 100.0
    assert (decision_looks(dropped, 6) == whole).all()


def test_a_failed_run_counts_as_the_worst() -> None:
    runs = rng(4).normal(size=(3, 2, 4)) + np.array([[2.0], [0.0]])
    runs[0, 1, 2] = np.nan
    worst = np.where(np.isnan(runs), np.nanmin(runs), runs)
    assert (decision_looks(runs, 3) == decision_looks(worst, 3)).all()
    assert without_failures(runs).tolist() == worst.tolist()
    assert without_failures(np.full(3, np.nan)).tolist() == [0.0] * 3


def test_equal_runs_are_never_decided_and_constant_ones_are() -> None:
    equal = np.full((3, 2, 5), 7.0)
    assert not decision_looks(equal, 3).any()
    assert decision_looks(equal + np.array([[0.1], [0.0]]), 3)[0, 1] == 1
    assert not decision_looks(np.full((3, 2, 5), np.nan), 3).any()


def test_the_ways_to_divide_agents() -> None:
    assert divisions(3) == [((0, 1, 2),), ((0, 1),), ((0, 2),), ((1, 2),)]
    assert [len(divisions(agents)) for agents in range(2, 7)] == [1, 4, 14, 51, 202]  # Bell's numbers less one.


def test_units_do_not_matter() -> None:
    runs = rng(5).normal(size=(2, 4, 3, 4)) + np.array([[2.0], [0.0], [0.0]])
    assert (decision_looks(1e6 * runs - 1e7, 4) == decision_looks(runs, 4)).all()


@pytest.mark.parametrize(
    ("shape", "looks", "alpha", "message"),
    [
        ((3, 2, 4), 2, 0.05, "groups: found 3; allowed: 1 to 2"),
        ((1, 1, 4), 2, 0.05, "agents: found 1; allowed: 2 to 6"),
        ((1, 7, 4), 2, 0.05, "agents: found 7"),
        ((1, 2, 1), 2, 0.05, "group: found 1"),
        ((1, 2, 4), 2, 1.0, "alpha: found 1.0"),
    ],
)
def test_arguments_out_of_range(shape: tuple[int, ...], looks: int, alpha: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision_looks(np.zeros(shape), looks, alpha)
