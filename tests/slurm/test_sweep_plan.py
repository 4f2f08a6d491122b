"""utils/slurm/sweep_plan.py: the costs of shapes."""

from __future__ import annotations

import pytest

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.experiment.experiment import Experiment
from utils.slurm.cluster import Cluster
from utils.slurm.run_cost import Cost, Measurements
from utils.slurm.sweep_plan import Sweep, find_shapes


def cost_of(experiment: Experiment) -> Cost:
    """Return the cost of the only shape of an experiment of one run."""
    (shape,) = find_shapes(Sweep(experiment, [], [], list(experiment.run_ids([0], [0])), []), Cluster(), "eager")
    return shape.cost


@pytest.mark.parametrize("measured", [False, True])
def test_a_run_that_extends_another_costs_the_rest(tmp_path, measured):
    """Of 360 timesteps, 120 are there."""
    straight = make_experiment(ENVIRONMENT | {"total_timesteps": 360}, {"critic_lr": [0.1]}, tmp_path)
    extended = make_experiment(ENVIRONMENT, {"critic_lr": [0.1]}, tmp_path).extended(360)
    assert extended.protocol == straight.protocol
    if measured:
        cost = Cost(stack=4, seconds=30.0, process_mib=900.0, fixed_seconds=12.0, replay_mib=1.0)
        Measurements(straight, "eager", None).write(0, cost)
    whole, rest = cost_of(straight), cost_of(extended)
    assert rest.measured == measured
    for runs in (1, 3, whole.stack):
        assert rest.seconds_of(runs) == pytest.approx(whole.seconds_of(runs) * 240 / 360)
    assert (rest.stack, rest.start_seconds, rest.process_mib) == (whole.stack, whole.start_seconds, whole.process_mib)
