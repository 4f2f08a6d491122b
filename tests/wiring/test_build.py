"""What only an agent of its environment can refuse is refused before training, in one line."""

from __future__ import annotations

import pytest

from tests.support.starts import configure, learn, read
from utils.core.errors import BadInput
from utils.wiring import build


def check(files, parameters, start=None):
    """Check all runs of a grid of SAC on Pendulum-v1, whose actions are in [-2, 2]."""
    experiment = read(files, configure(files, "SAC", start, parameters=parameters))
    build.check_agents(experiment, [experiment.run(index) for index in range(len(experiment.grid))])


@pytest.mark.parametrize("start", [False, True])
def test_a_target_entropy_above_that_of_the_uniform_density_is_refused(files, start):
    """It is log 2 for actions in [-1, 1], and log 4 in the environment's units."""
    path = learn(files, "SAC")[0].result.path if start else None
    check(files, {"target_entropy": [0.5, 0.69]}, path)
    with pytest.raises(BadInput, match=r"target_entropy is 0\.7, but no density .* more than 0\.693147; allowed: less"):
        check(files, {"target_entropy": [0.5, 0.7]}, path)
    check(files, {"target_entropy": [0.7, 1.38], "action_units": ["environment"]})
    with pytest.raises(BadInput, match=r"target_entropy is 1\.39,"):
        check(files, {"target_entropy": [1.39], "action_units": ["environment"]})


def test_a_target_entropy_counts_only_where_it_has_an_effect(files):
    check(files, {"target_entropy": [9.0], "automatic_entropy_tuning": [False]})
    check(files, {"target_entropy": [9.0], "policy_type": ["Gaussian"]})


def test_no_agent_is_built_where_nothing_is_doubtful(files, monkeypatch):
    monkeypatch.setattr("agent.make_agent", None)
    check(files, {})
