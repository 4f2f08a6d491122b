"""Division of runs into stacks: by structure, speed, memory and the number of processes."""

from __future__ import annotations

from typing import Any

import pytest

from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.hyperparameters import LinearACHyperparameters
from agent.replay.buffer import Replay
from agent.replay.chained_buffer import ChainedReplay
from tests.support.experiments import make_experiment
from tests.support.reference import tensor_bytes
from utils.experiment.experiment import Run, stack_label
from utils.training.stack_sizes import (
    PROCESS_BYTES,
    max_runs_for_memory,
    max_runs_for_speed,
    split_evenly,
    split_into_stacks,
    stack_size_rule,
)

ENVIRONMENT = {
    "env_name": "Pendulum-v1", "total_timesteps": 100, "steps_per_episode": 50, "eval_interval_timesteps": 50,
    "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip
GIB = 2**30


@pytest.fixture
def runs(tmp_path):
    """Return a function that makes runs 0 to n - 1 of a grid."""

    def make(n: int, **grid: list) -> list[Run]:
        experiment = make_experiment(ENVIRONMENT, grid, tmp_path)
        return [experiment.run(i) for i in range(n)]

    return make


def indices(stacks: list[list[Run]]) -> list[list[int]]:
    return [[run.index for run in stack] for stack in stacks]


@pytest.mark.parametrize(
    ("units", "batch", "eager", "compiled"),
    [(64, 32, 32, 8), (32, 16, 32, 9), (128, 64, 20, 8), (256, 64, 8, 8), (256, 256, 8, 8), (1024, 256, 8, 8)],
)
def test_the_size_for_speed(units, batch, eager, compiled):
    setting = SACHyperparameters(hidden_dim=units, batch_size=batch)
    assert max_runs_for_speed(setting, "eager") == eager
    assert max_runs_for_speed(setting, "compiled") == compiled


def test_an_agent_without_a_compiled_engine_has_the_eager_size():
    assert max_runs_for_speed(LinearACHyperparameters(), "compiled") == 32


def test_step_cost_grows_with_the_products():
    costs = [SACHyperparameters(hidden_dim=units, batch_size=32).step_cost for units in (64, 128, 256)]
    assert costs == [1.5, 3.0, 9.0]
    assert SACHyperparameters(hidden_dim=64, batch_size=32, num_hidden=4).step_cost == 2.0


@pytest.mark.parametrize(("capacity", "layout"), [(10_000, Replay), (1_000_000, ChainedReplay)])
@pytest.mark.parametrize("timesteps", [1000, 20_000])
def test_replay_bytes_are_the_buffers(timesteps, capacity, layout):
    setting = SACHyperparameters(replay_capacity=capacity)
    buffer = layout(1, min(capacity, timesteps), 17, 6)
    beside = tensor_bytes(buffer) - setting.replay_bytes(17, 6, timesteps)
    assert 0 <= beside < 1000, "a few observations at the ends"


def test_the_size_for_memory():
    """A million transitions of HalfCheetah take 104 MB per run; 32 runs take 3.3 GB."""
    run_bytes = SACHyperparameters(replay_capacity=10**6).replay_bytes(17, 6, 10**6)
    assert run_bytes == 104_000_000
    assert max_runs_for_memory(run_bytes, 8 * GIB) == 58
    assert max_runs_for_memory(run_bytes, 4 * GIB) == 27
    assert max_runs_for_memory(run_bytes, PROCESS_BYTES) == 1
    assert max_runs_for_memory(run_bytes, 0) == 1
    assert max_runs_for_memory(0, GIB) == 32


def test_the_smaller_of_both_sizes_applies(runs):
    (small,) = runs(1, replay_capacity=[10**6])
    assert stack_size_rule((17, 6), 10**6, 4 * GIB, "eager")(small) == 27
    assert stack_size_rule((17, 6), 10**6, 400 * GIB, "eager")(small) == 32
    assert stack_size_rule((17, 6), 10**3, 4 * GIB, "eager")(small) == 32


def test_runs_of_one_structure_are_divided_evenly(runs):
    assert indices(split_into_stacks(runs(7), lambda run: 3)) == [[0, 1, 2], [3, 4], [5, 6]]
    assert indices(split_into_stacks(runs(7), lambda run: 7)) == [[0, 1, 2, 3, 4, 5, 6]]
    assert indices(split_into_stacks(runs(3), lambda run: 1)) == [[0], [1], [2]]


def test_structures_do_not_mix_and_the_most_expensive_is_first(runs):
    assert indices(split_into_stacks(runs(6, hidden_dim=[16, 64, 256]), lambda run: 32)) == [[2, 5], [1, 4], [0, 3]]


@pytest.mark.parametrize(
    ("count", "jobs", "sizes"),
    [
        (10, 2, [5, 5]),
        (10, 4, [3, 3, 2, 2]),
        (40, 2, [20, 20]),
        (100, 3, [17, 17, 17, 17, 16, 16]),
        (3, 8, [1, 1, 1]),
        (64, 2, [32, 32]),
    ],
)
def test_no_process_idles_at_the_end(count, jobs, sizes, runs):
    stacks = split_into_stacks(runs(count), lambda run: 32, jobs)
    assert [len(stack) for stack in stacks] == sizes
    assert sorted(index for stack in indices(stacks) for index in stack) == list(range(count))


def test_the_most_expensive_stack_is_divided_among_more_processes(runs):
    stacks = split_into_stacks(runs(8, hidden_dim=[64, 256]), lambda run: 32, 4)
    assert sorted(indices(stacks)) == [[0, 2, 4, 6], [1, 3], [5], [7]]


def test_pieces_differ_by_one_at_most():
    letters: Any = "abcdefghij"
    assert split_evenly(letters, 4) == [list("abc"), list("de"), list("fgh"), list("ij")]


def test_a_stacks_label_is_a_value_of_the_index_option(runs):
    chosen = runs(9)
    assert stack_label(chosen[4:5]) == "index 4"
    assert stack_label(chosen[:3] + chosen[5:6] + chosen[7:]) == "indices 0-2,5,7-8"
