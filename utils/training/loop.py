"""Training and evaluation of a stack of runs. The loop is handed its objects and knows no agent by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.core.transition import Step
from utils.training.evaluation import Abandoned, eval_episodes, slots
from utils.training.run_record import RunRecord
from utils.training.stack import Stack


@dataclass
class Watcher:
    """What a loop tells whoever watches it."""

    stepped: Callable[[int], object] = lambda steps: None
    evaluated: Callable[[int, list[float]], object] = lambda timestep, returns: None
    """Called with the timestep and each evaluated run's mean return."""
    left: Callable[[int], object] = lambda slot: None
    """Called with the slot of a run that has ended."""
    resumed: Callable[[int], object] = lambda timestep: None
    """Called with the timestep that the runs go on from, if not from their first."""


class Loop:
    """Trains one stack from its first step to its last."""

    def __init__(
        self, stack: Stack, watcher: Watcher | None = None, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        """interrupted: asked at each step of an evaluation whether to abandon it."""
        self.stack, self.config, self.watcher = stack, stack.config, watcher or Watcher()
        self.interrupted = interrupted
        self.runs = stack.envs.runs
        self.records = [RunRecord() for _ in range(self.runs)]
        self.active = np.ones(self.runs, bool)
        self.timestep = 0
        self.begun = False
        """Whether the environments are in an episode."""
        self.recorded = set(self.config.record)

    def run(self, pause: Callable[[], bool] = lambda: False) -> list[RunRecord]:
        """Evaluate, train, evaluate at every interval and at the end. Returns a record for each run.

        pause: asked before each step whether to return while there are `active` runs still. Called
        again, it goes on; an evaluation that was abandoned is made anew.
        """
        if not self.begun:
            self.stack.envs.reset()
            self.find_failed(self.stack.envs)
            self.begun = True
        while self._settled() and not pause():
            started = time.perf_counter()
            self.train_step()
            self.timestep += 1
            self._charge("train_time", started)
            self.watcher.stepped(1)
        return self.records

    def _settled(self) -> bool:
        """End the runs that are over and evaluate those that are due. Returns whether any can go on now."""
        try:
            self._end(self._over(), "completed")
            if self._evaluation_due():
                self._evaluate(self.active.copy())
        except Abandoned:
            return False
        return bool(self.active.any())

    def _over(self) -> np.ndarray:
        """The active runs, (R,) bool, that have had all their timesteps or `max_episodes`."""
        if self.timestep >= self.config.total_timesteps:
            return self.active.copy()
        limit = self.config.max_episodes
        if limit <= 0:
            return np.zeros(self.runs, bool)
        return self.active & [len(record.train_episode_steps) >= limit for record in self.records]

    def _evaluation_due(self) -> bool:
        """Whether the present timestep is one to evaluate at, and that was not done yet."""
        if self.timestep % self.config.eval_interval_timesteps:
            return False
        return any(self.records[r].timesteps_at_eval[-1:] != [self.timestep] for r in slots(self.active))

    def train_step(self) -> None:
        """One step of every active environment, one update of every learner."""
        agent, envs = self.stack.agent, self.stack.envs
        action = agent.act(envs.obs)
        self.find_diverged({"action": action})
        active = slots(self.active)
        if not active:
            return
        step = envs.step(action, self.active)
        self.find_failed(envs)
        active = slots(self.active)
        if not active:
            return
        agent.observe(step)
        metrics = agent.update()
        ended = np.logical_or(step.terminated, step.truncated)
        for r in active:
            self.records[r].step(float(step.reward[r]), bool(ended[r]))
        if self.recorded:
            self._keep(step)
        self.find_diverged({name: values.cpu().numpy() for name, values in metrics.items()})

    def _keep(self, step: Step) -> None:
        """Add this step to the arrays that the protocol asks for."""
        kept = {"train_states": step.obs, "train_actions": step.action, "train_rewards": step.reward}
        batch = self.stack.agent.last_batch
        if batch is not None and any(name.startswith("update_") for name in self.recorded):
            kept |= {
                "update_states": batch.obs.cpu().numpy(),
                "update_actions": batch.action.cpu().numpy(),
                "update_rewards": batch.reward.cpu().numpy(),
                "update_next_states": batch.next_obs.cpu().numpy(),
            }
        for name in self.recorded & kept.keys():
            for r in slots(self.active):
                self.records[r].keep(name, kept[name][r])

    def find_diverged(self, signs: dict[str, Any]) -> None:
        """End the runs one of whose signs (R, ...) is not finite; the others go on untouched."""
        for name, values in signs.items():
            finite = np.isfinite(values)
            if finite.all():
                continue
            finite = finite.reshape(self.runs, -1).all(1)
            for r in slots(self.active & ~finite):
                self.records[r].diverged(name)
                self._leave(r)

    def find_failed(self, envs: Any) -> None:
        """End the runs whose environments, for training or for evaluation, have raised an error."""
        for r, error in envs.errors.items():
            if self.active[r]:
                self.records[r].failed(error)
                self._leave(r)

    def _end(self, which: np.ndarray, status: str) -> None:
        """Evaluate the chosen runs a last time and close their records."""
        if which.any():
            self._evaluate(which)
        for r in slots(which & self.active):
            self.records[r].finish(status)
            self._leave(r)

    def _leave(self, run: int) -> None:
        """Keep what a run learned; its slot idles from here on."""
        self.records[run].learned_params = self.stack.agent.learned_params(run)
        self.active[run] = False
        self.watcher.left(run)

    def _evaluate(self, which: np.ndarray) -> None:
        """`eval_episodes` episodes of each chosen run. A run whose policy is not finite has diverged.

        Raises Abandoned, the records of the active runs then being what they were.
        """
        started = time.perf_counter()
        kept = [record.kept("eval_states") for record in self.records]
        try:
            returns, steps = eval_episodes(self, which)
        except Abandoned:
            for r in slots(self.active):
                self.records[r].forget("eval_states", kept[r])
            raise
        for r in slots(which & self.active):
            self.records[r].evaluated(returns[r], steps[r])
        self._tell(which & self.active)
        self._charge("eval_time", started)

    def _tell(self, which: np.ndarray) -> None:
        """Have the watcher know what an evaluation gave."""
        if which.any() and self.config.eval_episodes:
            latest = [self.records[r] for r in slots(which)]
            means = [float(np.mean(record.eval_episode_rewards[-1])) for record in latest]
            self.watcher.evaluated(latest[0].timesteps, means)

    def _charge(self, account: str, started: float) -> None:
        """Share the seconds since `started` among the active runs."""
        active = slots(self.active)
        share = (time.perf_counter() - started) / max(1, len(active))
        for r in active:
            setattr(self.records[r], account, getattr(self.records[r], account) + share)
