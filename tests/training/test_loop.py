"""The loop with a scripted agent and environment, in which every number is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from env import EpisodeBatch, EpisodeProtocol, Episodes
from tests.env.test_wrappers import Corridor
from utils.core.transition import Step
from utils.experiment.config import EnvironmentConfig
from utils.training.loop import Loop, Watcher
from utils.training.stack import Stack


class Walker:
    """An agent that always walks right at the speed of its run, learns nothing, and keeps the steps it observes."""

    def __init__(self, speeds: list[float], nonfinite_at: int | None = None) -> None:
        self.speeds, self.nonfinite_at = np.array(speeds, np.float32), nonfinite_at
        self.steps: list[Step] = []
        self.last_batch = None

    def act(self, obs, greedy=False):
        return self.speeds[:, None].copy()

    def begin_eval(self, timestep):
        self.eval_timestep = timestep

    def act_eval(self, obs, greedy):
        return self.act(obs)

    def observe(self, step):
        self.steps.append(step)

    def update(self):
        if len(self.steps) == self.nonfinite_at:
            import torch

            return {"loss": torch.tensor([1.0, float("nan")])}
        return {}

    def read_diagnostics(self, run):
        return {}

    def learned_params(self, run):
        return {"speed": self.speeds[run]}


def make_loop(speeds: list[float], agent: Walker | None = None, **changes) -> Loop:
    protocol = {
        "env_name": "Corridor", "total_timesteps": 10, "steps_per_episode": 4,
        "eval_interval_timesteps": 5, "eval_episodes": 1, "gamma": 1.0,
    } | changes  # fmt: skip
    config = EnvironmentConfig.model_validate(protocol)

    def batch() -> EpisodeBatch:
        return EpisodeBatch([Episodes(Corridor(), EpisodeProtocol(config.steps_per_episode), 0) for _ in speeds])

    seeds = list(range(len(speeds)))
    learner: Any = agent or Walker(speeds)
    return Loop(Stack(learner, batch(), batch(), seeds, config))


def test_episodes_and_returns():
    """At speed 1, episodes end after 3 steps with return 3; at speed 0.5, they are truncated after 4 with return 2."""
    fast, slow = make_loop([1.0, 0.5]).run()
    assert fast.train_episode_steps == [3, 3, 3, 1]
    assert fast.train_episode_rewards == [3.0, 3.0, 3.0, 1.0]
    assert slow.train_episode_steps == [4, 4, 2]
    assert slow.train_episode_rewards == [2.0, 2.0, 1.0]
    assert not fast.last_episode_complete
    assert fast.learned_params == {"speed": 1.0}
    assert (fast.status, fast.timesteps) == ("completed", 10)


@pytest.mark.parametrize(
    ("total", "interval", "at"),
    [(10, 5, [0, 5, 10]), (10, 4, [0, 4, 8, 10]), (10, 100, [0, 10]), (3, 1, [0, 1, 2, 3])],
)
def test_evaluation_at_the_start_every_interval_and_the_end_never_twice(total, interval, at):
    (record,) = make_loop([1.0], total_timesteps=total, eval_interval_timesteps=interval).run()
    assert record.timesteps_at_eval == at
    assert record.eval_episode_rewards == [[3.0]] * len(at)
    assert record.eval_episode_steps == [[3]] * len(at)


def test_there_may_be_no_evaluation_episodes():
    (record,) = make_loop([1.0], eval_episodes=0).run()
    assert record.eval_episode_rewards == [[], [], []]


def test_a_complete_last_episode():
    (record,) = make_loop([1.0], total_timesteps=6).run()
    assert record.train_episode_steps == [3, 3]
    assert record.last_episode_complete


def test_max_episodes_ends_each_run_at_its_own_time():
    fast, slow = make_loop([1.0, 0.5], total_timesteps=100, max_episodes=2, eval_interval_timesteps=100).run()
    assert (fast.timesteps, slow.timesteps) == (6, 8)
    assert fast.timesteps_at_eval == [0, 6]
    assert slow.timesteps_at_eval == [0, 8]


def test_observations_are_true_successors():
    agent = Walker([1.0])
    make_loop([1.0], agent, total_timesteps=4, eval_episodes=0).run()
    assert [step.obs[0, 0] for step in agent.steps] == [0, 1, 2, 0]
    assert [step.next_obs[0, 0] for step in agent.steps] == [1, 2, 3, 1]
    assert [step.terminated[0] for step in agent.steps] == [0, 0, 1, 0]


def test_a_nonfinite_metric_ends_its_run_only():
    agent = Walker([1.0, 1.0], nonfinite_at=4)
    good, bad = make_loop([1.0, 1.0], agent).run()
    assert (good.status, good.timesteps) == ("completed", 10)
    assert (bad.status, bad.nonfinite, bad.diverged_at_timestep) == ("diverged", "loss", 4)
    assert bad.train_episode_steps == [3, 1]
    assert bad.timesteps_at_eval == [0]


def test_a_nonfinite_action_is_not_executed():
    agent = Walker([1.0, float("inf")])
    _, bad = make_loop([1.0, float("inf")], agent, eval_episodes=0).run()
    assert (bad.status, bad.nonfinite, bad.timesteps) == ("diverged", "action", 0)


def test_the_watcher_is_called_for_each_step_and_evaluation():
    steps: list[int] = []
    evaluations: list[tuple[int, list[float]]] = []
    loop = make_loop([1.0, 0.5])
    loop.watcher = Watcher(steps.append, lambda *evaluation: evaluations.append(evaluation))
    loop.run()
    assert steps == [1] * 10
    assert evaluations == [(0, [3.0, 2.0]), (5, [3.0, 2.0]), (10, [3.0, 2.0])]


def test_without_evaluation_episodes_the_watcher_is_not_called():
    evaluations: list[tuple] = []
    loop = make_loop([1.0], eval_episodes=0)
    loop.watcher = Watcher(evaluated=lambda *evaluation: evaluations.append(evaluation))
    loop.run()
    assert evaluations == []


def test_the_watcher_is_called_when_a_run_has_ended():
    calls: list[object] = []
    loop = make_loop([1.0, 0.5], total_timesteps=100, max_episodes=2, eval_episodes=0)
    loop.watcher = Watcher(calls.append, left=lambda slot: calls.append(f"left {slot}"))
    loop.run()
    assert calls == [1, 1, 1, 1, 1, 1, "left 0", 1, 1, "left 1"]
