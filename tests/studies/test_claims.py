"""Claims: statistics by hand, intervals, and what counts as re-obtained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from utils.studies.choice import ArmInEnvironment
from utils.studies.claims import Verdict, judge, loss_by_chance, resampled_interval, welch_interval
from utils.studies.run_table import CHOOSING, REPORTING, RunRow
from utils.studies.study import Arm, Claim, Study

ARMS = {name: Arm(agent_name="SAC", parameters={"alpha": [0.1, 1.0], "critic_lr": [1e-3, 1e-2]}) for name in "AB"}


def study(**options) -> Study:
    return Study(
        title="t", source="s", environments=["e.json"], arms=ARMS, choosing_runs=3, reporting_runs=4, **options
    )


def row(performance: float | None, run: int, stage: str = REPORTING, setting: int = 0, arm: str = "A") -> RunRow:
    status = "completed" if performance is not None else "diverged"
    returns = [0.0, np.nan if performance is None else performance]
    key = f"{stage}{arm}{setting}-{run}"
    return RunRow(stage, "e", arm, setting, run, key, status, [0, 10], returns, 1.0, "c", "eager", "cpu")


def arm(name: str, choosing: np.ndarray | None, reporting: list[float | None]) -> ArmInEnvironment:
    rows = tuple(row(value, 3 + i, arm=name) for i, value in enumerate(reporting))
    return ArmInEnvironment("e", name, choosing, rows, 0)


def claim(kind: Any, to: str | None = None) -> Claim:
    return Claim(claim="c", kind=kind, a="A", b="B", to=to)


def test_the_loss_of_leaving_a_hyperparameter_to_chance_by_hand():
    """The best with 0.1 is 4, with 1.0 is 10: their maximum is 10 and their mean 7."""
    assert loss_by_chance(np.array([4.0, 10.0, 1.0, -3.0]), ["0.1", "1.0", "0.1", "1.0"]) == 3.0


def test_welch_interval_is_scipys():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.5, 0.25])
    difference, low, high = welch_interval(a, b)
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (difference, low, high) == (pytest.approx(a.mean() - b.mean()), interval.low, interval.high)
    assert welch_interval(np.ones(3), np.zeros(3)) == (1.0, 1.0, 1.0)


def test_one_seed_has_an_interval_without_bounds():
    assert resampled_interval(lambda seeds: float(len(seeds)), 1) == (1.0, float("-inf"), float("inf"))


def test_resampled_interval_of_a_mean_is_its_bootstrap():
    """All multisets of three seeds: the mean's 2.5% and 97.5% points are its extremes, of probability 1/27 each."""
    values = np.array([1.0, 2.0, 6.0])
    assert resampled_interval(lambda seeds: float(values[seeds].mean()), 3) == (3.0, 1.0, 6.0)


def test_better_counts_a_diverged_run_as_the_worst_of_both_arms():
    verdict = judge(
        study(), claim("better"), arm("A", None, [5.0, 6.0, 7.0, None]), arm("B", None, [1.0, 2.0, 1.0, 2.0])
    )
    expected = welch_interval(np.array([5.0, 6.0, 7.0, 1.0]), np.array([1.0, 2.0, 1.0, 2.0]))
    assert verdict is not None
    assert (verdict.statistic, verdict.low, verdict.high) == expected
    assert verdict.n == "4 + 4 runs"


def test_no_verdict_while_runs_are_missing():
    whole = arm("A", np.zeros((4, 3)), [1.0, 2.0, 3.0, 4.0])
    part = arm("B", None, [1.0, 2.0, 3.0])
    for kind, to in (("better", None), ("better_on_average", None), ("less_sensitive", "alpha")):
        assert judge(study(), claim(kind, to), whole, part) is None


def test_sensitivity_and_average_over_settings_by_hand():
    """Every seed has the same performance, so that the intervals have width 0.

    alpha varies fastest. A: 9 with alpha 0.1, 8 with 1.0: loss 0.5. B: 10 and 0: loss 5. Averages: 7 and 4.
    """
    a = np.repeat([[9.0], [8.0], [5.0], [6.0]], 3, axis=1)
    b = np.repeat([[10.0], [0.0], [6.0], [0.0]], 3, axis=1)
    arms = arm("A", a, []), arm("B", b, [])
    sensitivity = judge(study(), claim("less_sensitive", "alpha"), *arms)
    assert sensitivity == Verdict(claim("less_sensitive", "alpha"), "e", 4.5, 4.5, 4.5, "12 + 12 runs of 3 seeds")
    average = judge(study(), claim("better_on_average"), *arms)
    assert average is not None
    assert (average.statistic, average.low, average.high) == (3.0, 3.0, 3.0)


@pytest.mark.parametrize(
    ("low", "high", "outcome"), [(0.1, 1.0, "re-obtained"), (-1.0, -0.1, "contradicted"), (-0.1, 0.1, "open")]
)
def test_outcomes(low, high, outcome):
    assert Verdict(claim("better"), "e", 0.0, low, high, "").outcome == outcome


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"claims": [{"claim": "c", "kind": "better", "a": "A", "b": "C"}]}, "allowed: A, B"),
        ({"claims": [{"claim": "c", "kind": "less_sensitive", "a": "A", "b": "B"}]}, "allowed: a hyperparameter"),
        ({"claims": [{"claim": "c", "kind": "less_sensitive", "a": "A", "b": "B", "to": "tau"}]}, "not in the grid"),
        ({"claims": [{"claim": "c", "kind": "better", "a": "A", "b": "B", "to": "tau"}]}, "less_sensitive only"),
    ],
)
def test_claims_about_what_a_study_does_not_have(options, message):
    with pytest.raises(ValueError, match=message):
        study(**options)


def test_performance_is_the_mean_of_the_last_half():
    assert row(3.0, 0, CHOOSING).performance == 3.0
    assert np.isnan(row(None, 0).performance)
