"""Claims: statistics by hand, intervals, and what counts as re-obtained."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats

from utils.studies.choice import ArmInEnvironment
from utils.studies.claims import ClaimStatistic, Verdict, adjust, jackknife_test, judge, loss_by_chance, welch_test
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
    return RunRow(stage, "e", arm, setting, run, key, status, [0, 10], returns, 1.0, "c", "eager", "cpu", "torch 2")


def arm(name: str, choosing: np.ndarray | None, reporting: list[float | None]) -> ArmInEnvironment:
    rows = tuple(row(value, 3 + i, arm=name) for i, value in enumerate(reporting))
    return ArmInEnvironment("e", name, choosing, rows, 0)


def claim(kind: Any, to: str | None = None) -> Claim:
    return Claim(claim="c", kind=kind, a="A", b="B", to=to)


def test_the_loss_of_leaving_a_hyperparameter_to_chance_by_hand():
    """The best with 0.1 is 4, with 1.0 is 10: their maximum is 10 and their mean 7."""
    assert loss_by_chance(np.array([4.0, 10.0, 1.0, -3.0]), ["0.1", "1.0", "0.1", "1.0"]) == 3.0


def test_the_loss_on_several_sets_of_seeds_is_the_loss_on_each():
    means = np.random.Generator(np.random.PCG64(0)).normal(size=(4, 6))
    values = ["0.1", "1.0", "0.1", "1.0"]
    each = [loss_by_chance(means[:, k], values) for k in range(6)]
    np.testing.assert_array_equal(loss_by_chance(means, values), each)


def test_welch_test_is_scipys():
    a, b = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.5, 0.25])
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    found = welch_test(a, b)
    assert (found.low, found.high, found.p) == (interval.low, interval.high, theirs.pvalue)
    assert found.value == pytest.approx(a.mean() - b.mean())


@pytest.mark.parametrize(("runs", "p"), [(2, 1 / 3), (3, 0.1), (5, 2 / 252)])
def test_constants_are_not_certain_to_differ(runs, p):
    """Of 2 n runs, there are C(2 n, n) choices of a's runs; in two of them the arms are apart."""
    found = welch_test(np.ones(runs), np.zeros(runs))
    np.testing.assert_equal([found.value, found.low, found.high], [1.0, np.nan, np.nan])
    assert found.p == pytest.approx(p)
    nearly = welch_test(1 + 1e-9 * np.arange(runs), np.zeros(runs))
    assert nearly.p == pytest.approx(p)
    assert welch_test(np.ones(runs), np.ones(runs)).p == 1.0


def test_false_alarms_of_arms_that_fail_half_of_the_time():
    """Three runs each, which fail or do not: Welch's test alone is below 1e-6 in 3%; this, never below 0.1."""
    rng = np.random.Generator(np.random.PCG64(0))
    a, b = -1000.0 * rng.integers(0, 2, (2, 1000, 3)) + 1e-3 * rng.normal(size=(2, 1000, 3))
    assert min(welch_test(*pair).p for pair in zip(a, b, strict=True)) == pytest.approx(0.1)


def test_seeds_that_do_not_differ_are_tested_by_their_signs():
    """All of five differences are 0.1, also after rounding: p is 2 / 2^5, and there is no interval."""
    a = np.random.Generator(np.random.PCG64(2)).normal(size=(3, 5))
    found = jackknife_test(a + 0.1, a, mean, mean, 1.0)
    assert found.value == pytest.approx(0.1)
    np.testing.assert_equal([found.low, found.high, found.p], [np.nan, np.nan, 1 / 16])


def test_welch_test_of_one_arm_that_does_not_vary_is_students():
    """It is the test of one sample against a number, without a warning about data that are nearly identical."""
    a = np.array([-700.0, -990.0, -400.0, -995.0])
    theirs = stats.ttest_1samp(a, -1000.0)
    interval = theirs.confidence_interval(0.95)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = welch_test(a, np.full(30, -1000.0))
    # The limits differ in the rounding of sums of terms up to 1000.
    np.testing.assert_allclose([found.low - 1000, found.high - 1000], [*interval], rtol=1e-12)
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)


def mean(means: np.ndarray) -> np.ndarray:
    return means.mean(0)


def test_one_seed_has_an_interval_without_bounds():
    found = jackknife_test(np.full((1, 1), 3.0), np.full((2, 1), 1.0), mean, mean, 1.0)
    assert found == ClaimStatistic(2.0, float("-inf"), float("inf"), 1.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_jackknife_of_a_difference_of_means_is_students_paired_test(sign):
    a, b = np.random.Generator(np.random.PCG64(1)).normal(size=(2, 3, 5))
    found = jackknife_test(a, b, mean, mean, sign)
    theirs = stats.ttest_rel(sign * a.mean(0), sign * b.mean(0))
    interval = theirs.confidence_interval(0.95)
    expected = sign * (a.mean() - b.mean()), interval.low, interval.high, theirs.pvalue
    assert (found.value, found.low, found.high, found.p) == pytest.approx(expected, rel=1e-9)


def test_the_jackknife_of_a_maximum_by_hand():
    """Means 2 and 3 of three seeds; without one of them 3, 1.5, 1.5 and 1.5, 3, 4.5, so maxima 3, 3, 4.5.

    The variance of these is 0.5, the standard error 1, and the quantile of Student's distribution with 2 degrees of
    freedom 4.3027.
    """
    a = np.array([[0.0, 3.0, 3.0], [6.0, 3.0, 0.0]])
    found = jackknife_test(a, np.ones((1, 3)), lambda means: means.max(0), mean, 1.0)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, -2.30265, 6.30265), abs=1e-4)
    assert found.p == pytest.approx(2 * stats.t.sf(2.0, 2))


@pytest.mark.parametrize(("spread", "noise_of_a"), [(0.0, 0.2), (1.0, 0.2), (1.0, 1.0), (3.0, 1.0)])
def test_false_alarms_of_sensitivity(spread, noise_of_a):
    """Equal losses of two arms, 4 values of 6 settings each, 5 seeds, also where one arm's runs vary less.

    Of 1,500 studies at most 120 may be significant at 5%: with a level of 5%, more are so with probability 3e-7.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    values = [str(number // 6) for number in range(24)]
    alarms = 0
    for _ in range(1500):
        means = spread * rng.normal(size=(24, 1))
        a, b = means + noise_of_a * rng.normal(size=(24, 5)), means + rng.normal(size=(24, 5))
        loss = partial(loss_by_chance, values=values)
        alarms += jackknife_test(a, b, loss, loss, -1.0).p < 0.05
    assert alarms <= 120


def test_better_counts_a_diverged_run_as_the_worst_of_both_arms():
    verdict = judge(
        study(), claim("better"), arm("A", None, [5.0, 6.0, 7.0, None]), arm("B", None, [1.0, 2.0, 1.0, 2.0])
    )
    expected = welch_test(np.array([5.0, 6.0, 7.0, 1.0]), np.array([1.0, 2.0, 1.0, 2.0]))
    assert verdict is not None
    assert verdict.found == expected
    assert verdict.n == "4 + 4 runs"


def test_no_verdict_while_runs_are_missing():
    whole = arm("A", np.zeros((4, 3)), [1.0, 2.0, 3.0, 4.0])
    part = arm("B", None, [1.0, 2.0, 3.0])
    for kind, to in (("better", None), ("better_on_average", None), ("less_sensitive", "alpha")):
        assert judge(study(), claim(kind, to), whole, part) is None


def test_sensitivity_and_average_over_settings_by_hand():
    """Every seed has the same performance, so that there are no intervals.

    alpha varies fastest. A: 9 with alpha 0.1, 8 with 1.0: loss 0.5. B: 10 and 0: loss 5. Averages: 7 and 4.
    """
    a = np.repeat([[9.0], [8.0], [5.0], [6.0]], 3, axis=1)
    b = np.repeat([[10.0], [0.0], [6.0], [0.0]], 3, axis=1)
    arms = arm("A", a, []), arm("B", b, [])
    sensitivity = judge(study(), claim("less_sensitive", "alpha"), *arms)
    assert sensitivity is not None
    assert (sensitivity.found.value, sensitivity.found.p) == (4.5, 0.25)
    assert sensitivity.n == "12 + 12 runs of 3 seeds"
    average = judge(study(), claim("better_on_average"), *arms)
    assert average is not None
    assert (average.found.value, average.found.p) == (3.0, 0.25)


def verdict(value: float, p: float) -> Verdict:
    return Verdict(claim("better"), "e", ClaimStatistic(value, value - 1, value + 1, p), "", p)


@pytest.mark.parametrize(
    ("value", "p", "outcome"),
    [(0.5, 0.04, "re-obtained"), (-0.5, 0.04, "contradicted"), (0.5, 0.06, "open"), (0.5, 0.05, "re-obtained")],
)
def test_outcomes(value, p, outcome):
    assert verdict(value, p).outcome == outcome


def test_outcomes_of_several_claims_are_holms():
    """0.012 * 4 and 0.02 * 3, with a claim whose runs are missing."""
    found = adjust([verdict(1.0, 0.02), verdict(-1.0, 0.012), verdict(1.0, 0.5)], 4)
    assert [one.adjusted_p for one in found] == pytest.approx([0.06, 0.048, 1.0])
    assert [one.outcome for one in found] == ["open", "contradicted", "open"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"claims": [{"claim": "c", "kind": "better", "a": "A", "b": "C"}]}, "allowed: A, B"),
        ({"claims": [{"claim": "c", "kind": "less_sensitive", "a": "A", "b": "B"}]}, "allowed: a hyperparameter"),
        ({"claims": [{"claim": "c", "kind": "less_sensitive", "a": "A", "b": "B", "to": "tau"}]}, "not in the grid"),
        ({"claims": [{"claim": "c", "kind": "better", "a": "A", "b": "B", "to": "tau"}]}, "less_sensitive only"),
        ({"claims": [{"claim": "c", "kind": "better", "a": "A", "b": "A"}]}, "allowed: two arms"),
        ({"claims": [{"claim": c, "kind": "better", "a": "A", "b": "B"} for c in "cd"]}, "allowed: each claim once"),
        (
            {
                "claims": [{"claim": "c", "kind": "less_sensitive", "a": "A", "b": "B", "to": "tau"}],
                "parameters": {"tau": [0.1]},
            },
            "'tau' has one value in the grid of A",
        ),
    ],
)
def test_claims_about_what_a_study_does_not_have(options, message):
    with pytest.raises(ValueError, match=message):
        study(**options)


def test_performance_is_the_mean_of_the_last_half():
    assert row(3.0, 0, CHOOSING).performance == 3.0
    assert np.isnan(row(None, 0).performance)
