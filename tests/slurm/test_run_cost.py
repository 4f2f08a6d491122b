"""utils/slurm/run_cost.py and utils/slurm/pilot.py: the cost of runs, by rule and by pilot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent import AGENTS
from tests.conftest import ENVIRONMENT, PARAMETERS
from tests.support.experiments import make_experiment
from tests.support.result_trees import result_tree
from utils.core.errors import BadInput
from utils.experiment.config import EnvironmentConfig
from utils.slurm.cluster import Cluster
from utils.slurm.pilot import Stretch, measure_cost, pilot_cores, shorten_protocol, summarize_stretch
from utils.slurm.run_cost import Cost, Measurements, count_evaluations, estimate_cost
from utils.slurm.task_time import POOL_STARTS


@pytest.mark.parametrize(
    ("total", "interval", "count"), [(120, 60, 3), (100, 60, 3), (60, 60, 2), (59, 60, 2), (1, 1, 2)]
)
def test_evaluations_are_those_of_the_loop(total, interval, count):
    config = EnvironmentConfig.model_validate(
        ENVIRONMENT | {"total_timesteps": total, "eval_interval_timesteps": interval}
    )
    assert count_evaluations(config) == count
    assert len({*range(0, total + 1, interval), total}) == count


def test_the_rule_by_hand():
    """A run without networks in a stack of 11: (1 + 1) 0.008 ms per step; 0.03 ms per step of 3 evaluations."""
    config = EnvironmentConfig.model_validate(ENVIRONMENT)
    cost = estimate_cost(AGENTS["linearAC"].hyperparameters(), config, 11, "eager")
    assert (cost.stack, cost.measured) == (11, False)
    assert cost.seconds == pytest.approx(120 * 0.016e-3 + 3 * 2 * 50 * 0.03e-3)
    assert cost.stack_seconds == pytest.approx(11 * cost.seconds)
    assert cost.fixed_seconds == pytest.approx(120 * 11 * 0.008e-3)
    assert cost.seconds_of(1) == pytest.approx(120 * 12 * 0.008e-3 + 3 * 2 * 50 * 0.03e-3)


@pytest.mark.parametrize(("engine", "unit", "fixed"), [("eager", 1.4e-4, 11.0), ("compiled", 0.6e-4, 1.1)])
def test_the_rule_for_networks_by_hand(engine, unit, fixed):
    """A stack's step costs 11 units, or 1.1 compiled, and for each run one unit and its products."""
    hyperparameters = AGENTS["SAC"].hyperparameters.model_validate({"batch_size": 32, "hidden_dim": 64})
    config = EnvironmentConfig.model_validate(ENVIRONMENT | {"eval_episodes": 0})
    cost = estimate_cost(hyperparameters, config, 8, engine)
    assert cost.fixed_seconds == pytest.approx(120 * unit * fixed)
    assert cost.stack_seconds == pytest.approx(120 * unit * (fixed + 8 * hyperparameters.step_cost))


def test_the_cost_of_other_stacks_by_hand():
    """A stack of 4 takes 100 + 4 * 50 s and 900 MiB; a stack of 8, 100 + 8 * 50 s and 900 + 4 * 25 MiB."""
    cost = Cost(stack=4, seconds=75.0, process_mib=900.0, fixed_seconds=100.0, replay_mib=25.0)
    assert [cost.seconds_of(runs) for runs in (1, 4, 8)] == [150.0, 300.0, 500.0]
    larger = cost.resized(8)
    assert (larger.stack, larger.seconds, larger.process_mib) == (8, 62.5, 1000.0)
    assert [larger.seconds_of(runs) for runs in (1, 4, 8)] == [150.0, 300.0, 500.0]
    assert larger.resized(4) == cost
    # 1.25 * 62.5 s are 78.1 s per run; 3 runs take 83.3 s each, 4 take 75 s.
    assert larger.smallest_stack == 4


class Trainer:
    """A machine that takes 0.3 s for the first 100 steps and 10 ms for each further step."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.stacks: set[tuple[int, int]] = set()

    def __call__(self, runs, steps, stack):
        self.asked.append(steps)
        self.stacks.add((len(runs), stack))
        return Stretch(float(steps), 0.3 + 0.01 * (steps - 100), 0.5, 400.0 + steps / 100, 3.0)


RULE = Cost(stack=8, seconds=0.1, fixed_seconds=0.4)
"""A rule for which half of the cost of a stack of 8 is fixed: 0.4 s, and 0.05 s per run."""


def test_what_a_pilot_finds_is_free_of_what_is_paid_once(tmp_path):
    experiment = make_experiment(ENVIRONMENT | {"total_timesteps": 100_000}, PARAMETERS, tmp_path)
    runs, make_trainer = [experiment.run(i) for i in range(4)], Trainer()
    cost = measure_cost(experiment, runs, (3, 1), RULE, make_trainer)
    assert make_trainer.asked == [216, round(15 / (4 * (0.3 + 1.16) / 216))]
    steps = make_trainer.asked[1]
    assert cost.stack == 4
    assert cost.seconds == pytest.approx(0.3 + 99_900 * 0.01 + count_evaluations(experiment.environment) * 0.5)
    assert cost.fixed_seconds == pytest.approx(4 * cost.seconds * 0.4 / (0.4 + 4 * 0.05))
    assert cost.start_seconds == 3.0
    assert make_trainer.stacks == {(4, 4)}
    assert cost.replay_mib == pytest.approx(36 * 1000 / 2**20)
    # A transition is 2 * 3 + 1 + 2 numbers of 4 bytes; the replay holds 1000 of them.
    assert cost.process_mib == pytest.approx(400 + steps / 100 + 4 * 36 * (1000 - min(1000, steps)) / 2**20, abs=0.1)


def test_several_stacks_are_measured_like_one_of_them(tmp_path):
    experiment = make_experiment(ENVIRONMENT | {"total_timesteps": 100_000}, PARAMETERS, tmp_path)
    train = Trainer()
    cost = measure_cost(experiment, [experiment.run(i) for i in range(6)], (3, 1), RULE.resized(2), train)
    assert train.stacks == {(6, 2)}
    assert train.asked[1] == round(15 / (2 * (0.3 + 1.16) / 216))
    assert cost.stack == 2
    assert cost.seconds == pytest.approx(0.3 + 99_900 * 0.01 + count_evaluations(experiment.environment) * 0.5)


def test_the_start_of_a_stretch_is_the_time_without_training(tmp_path):
    """Two processes train two runs each, 10 s per run: 20 of 30 s; both are half of what their start takes."""
    paths = [tmp_path / f"{number}.json" for number in range(4)]
    run: dict[str, Any] = {
        "train_time": 9.0,
        "eval_time": 1.0,
        "timesteps_done": 2,
        "provenance": {"peak_memory_mib": 300.0},
    }
    for path in paths:
        path.write_text(json.dumps(result_tree(**run)))
    assert summarize_stretch(paths, 30.0, 2).start == 10.0 / POOL_STARTS
    assert summarize_stretch(paths[:2], 30.0, 1).start == 10.0
    assert summarize_stretch(paths[:2], 19.0, 1).start == 0.0


@pytest.mark.parametrize(
    ("waited", "share"), [(0.0, 1.0), (None, 1.0), (15.0, 0.75), (60.0, 0.01), (90.0, 0.01)], ids=str
)
def test_time_without_a_core_does_not_count(waited, share, tmp_path):
    """A stack of two runs took a minute, of which its process had no core for some seconds."""
    origin: dict[str, Any] = {"peak_memory_mib": 300.0, "start_time": "2026-11-28T11:00:30+00:00"}
    origin |= {"end_time": "2026-11-28T11:01:30+00:00", "core_wait_seconds": waited}
    run: dict[str, Any] = {"train_time": 20.0, "eval_time": 4.0, "timesteps_done": 2, "provenance": origin}
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(json.dumps(result_tree(**run)))
    found = summarize_stretch([tmp_path / "0.json", tmp_path / "1.json"], 68.0, 1)
    assert found.train == pytest.approx(share * 20.0)
    assert found.evaluation == pytest.approx(share * 4.0)
    assert found.start == pytest.approx(share * 20.0)


@pytest.mark.parametrize(("cores", "taken"), [(None, 1), ("1", 1)])
def test_a_pilot_takes_one_core_outside_of_jobs(monkeypatch, cores, taken):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    if cores:
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", cores)
    assert pilot_cores(Cluster(cpus_per_task=8)) == taken


def test_a_pilot_in_a_job_takes_the_cores_of_a_task(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    monkeypatch.setattr("utils.slurm.pilot.available_cores", lambda: 6)
    assert [pilot_cores(Cluster(cpus_per_task=cores)) for cores in (4, 6, 8)] == [4, 6, 6]


def test_a_run_shorter_than_the_first_stretch_is_measured_whole(tmp_path):
    experiment, make_trainer = make_experiment(ENVIRONMENT, PARAMETERS, tmp_path), Trainer()
    cost = measure_cost(experiment, [experiment.run(0)], (3, 1), RULE, make_trainer)
    assert make_trainer.asked == [120, 120]
    assert cost.seconds == pytest.approx(0.5 + 3 * 0.5)


def test_the_shortened_protocol_is_the_protocol(tmp_path):
    config = EnvironmentConfig.model_validate(ENVIRONMENT)
    short = EnvironmentConfig.model_validate_json(
        EnvironmentConfig.model_validate(shorten_protocol(config, 30)).model_dump_json()
    )
    changed = {"total_timesteps": 30, "eval_interval_timesteps": 30}
    assert short.model_dump() == config.model_dump() | changed


def test_measurements_are_kept_by_all_that_decides_them(tmp_path):
    cost = Cost(stack=8, seconds=2.5, process_mib=600.0)
    grid = {"critic_lr": [0.1, 0.01], "hidden_dim": [32, 64]}
    experiment = make_experiment(ENVIRONMENT, grid, tmp_path)
    Measurements(experiment, "eager", None).write(0, cost)
    read = Measurements(experiment, "eager", None).read
    assert [read(setting) for setting in range(4)] == [cost, cost, None, None]
    assert Measurements(experiment, "compiled", None).read(0) is None
    assert Measurements(experiment, "eager", 4).read(0) is None
    longer = make_experiment(ENVIRONMENT | {"total_timesteps": 121}, grid, tmp_path)
    assert Measurements(longer, "eager", None).read(0) is None


def test_a_damaged_measurement_is_an_error(tmp_path):
    measurements = Measurements(make_experiment(ENVIRONMENT, PARAMETERS, tmp_path), "eager", None)
    measurements.write(0, Cost(stack=8, seconds=2.5, process_mib=600.0))
    measurements.path(0).write_text('{"stack": 8}')
    with pytest.raises(BadInput, match="'seconds' is missing"):
        measurements.read(0)
