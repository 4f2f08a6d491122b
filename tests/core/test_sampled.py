"""Values that are drawn: their distribution, their range, and what they depend on."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from scipy import stats

from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.core.sampled import SampledValues


def sample(kind: str, low: float, high: float, n: int, seed: int = 0) -> SampledValues:
    return SampledValues.model_validate({"sample": kind, "low": low, "high": high, "n": n, "seed": seed})


@pytest.mark.parametrize(
    ("kind", "low", "high", "cdf"),
    [
        ("uniform", -2.0, 3.0, lambda x: (x + 2) / 5),
        ("log_uniform", 1e-5, 1e-1, lambda x: np.log(x / 1e-5) / np.log(1e4)),
    ],
)
def test_real_numbers_follow_their_distribution(kind, low, high, cdf):
    """A false alarm has probability 1e-6; rounding to four digits moves the largest distance by less than 1e-3."""
    values = np.array(sample(kind, low, high, 4000).values("alpha"))
    assert ((values >= low) & (values <= high)).all()
    distance = stats.kstest(values, cdf).statistic
    assert distance < stats.kstwo.isf(1e-6, len(values)) + 1e-3


@pytest.mark.parametrize(
    ("kind", "low", "high", "probability"),
    [
        ("integer", 1, 4, lambda k: 1 / 4),
        ("log_integer", 1, 7, lambda k: math.log((k + 1) / k) / math.log(8)),
    ],
)
def test_integers_follow_their_distribution(kind, low, high, probability):
    values = sample(kind, low, high, 4000).values("batch_size")
    assert {type(value) for value in values} == {int}
    counts = [values.count(k) for k in range(low, high + 1)]
    assert sum(counts) == len(values)
    expected = [len(values) * probability(k) for k in range(low, high + 1)]
    assert stats.chisquare(counts, expected).pvalue > 1e-6


def test_the_bits_are_those_of_the_stated_generator():
    """From numpy's raw PCG64 words, whose top 53 bits are u; SeedSequence is keyed by the name's bytes."""
    seed = np.random.SeedSequence(7, spawn_key=tuple(b"tau"))
    u = [(int(word) >> 11) / 2**53 for word in np.random.PCG64(seed).random_raw(3)]
    assert sample("uniform", 0, 1, 3, seed=7).values("tau") == [float(f"{each:.4g}") for each in u]
    text = repr(sample("log_uniform", 1e-5, 1e-1, 50).values("critic_lr"))
    assert hashlib.sha256(text.encode()).hexdigest().startswith("6f2ed5a1e651")


def test_values_depend_on_seed_and_name_alone():
    first = sample("log_uniform", 1e-3, 1, 5).values("alpha")
    assert sample("log_uniform", 1e-3, 1, 9).values("alpha")[:5] == first
    assert sample("log_uniform", 1e-3, 1, 5, seed=1).values("alpha") != first
    assert sample("log_uniform", 1e-3, 1, 5).values("tau") != first
    assert sample("log_uniform", 1e-300, 1e3, 5).values("alpha")[0] < 1e3


def test_drawn_hyperparameters_are_one_digit():
    drawn = {"sample": "log_uniform", "low": 1e-5, "high": 1e-1, "n": 3}
    grid = Grid({"critic_lr": drawn, "policy_type": ["Beta", "Gaussian"], "tau": drawn})
    rates, taus = (sample("log_uniform", 1e-5, 1e-1, 3).values(key) for key in ("critic_lr", "tau"))
    assert [grid.setting(number) for number in range(len(grid))] == [
        {"policy_type": policy, "critic_lr": rate, "tau": tau}
        for rate, tau in zip(rates, taus, strict=True)
        for policy in ("Beta", "Gaussian")
    ]
    assert grid.varied == ["policy_type", "critic_lr", "tau"]
    assert grid.values("tau") == taus
    assert grid.variants(0, ["critic_lr"]) == [0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"a": sample("uniform", 0, 1, 2), "b": sample("uniform", 0, 1, 3)},
            "found samples of different sizes, n = 2 of a, 3 of b",
        ),
        ({"a": sample("integer", 0, 1, 9)}, "is drawn twice"),
        ({"a": {"sample": "uniform", "low": 0, "high": 1}}, "key 'a'"),
    ],
)
def test_values_that_cannot_be_drawn(parameters, message):
    with pytest.raises(BadInput, match=message):
        Grid(parameters)
