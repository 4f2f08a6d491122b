"""The training loop of a stack: act, step, learn, and evaluate at every interval."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.core.transition import Step
from utils.results.learned_params import POLICIES
from utils.training.evaluation import EvaluationAbandoned, evaluate_runs
from utils.training.run_record import RunRecord
from utils.training.stack import ActiveRuns, Stack, Watcher, selected_slots


class Loop(ActiveRuns):
    """The training of one stack, from its first timestep to its last."""

    def __init__(
        self, stack: Stack, watcher: Watcher | None = None, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        """Prepare to train; see `ActiveRuns`."""
        super().__init__(stack, watcher, interrupted)
        self.timestep = 0
        self.completing: Callable[[list[int]], object] = lambda slots: None
        """Called with the runs that have made all their steps, before their last evaluation."""
        self.begun = False
        """Whether the environments are in an episode."""
        self.evaluated = False
        """Whether the evaluation environments were in an episode."""
        self.abandoned: dict[int, Any] = {}
        """States of evaluation environments, by slot, from before an evaluation that was abandoned."""

    def run(self, pause: Callable[[], bool] = lambda: False) -> list[RunRecord]:
        """Evaluate, train, evaluate at every interval and at the end. Returns a record for each run.

        pause: called before each step; returns whether to stop although runs are active. The next call continues,
        and repeats an evaluation that was abandoned.
        """
        if not self.begun:
            self.stack.envs.reset()
            self.end_failed(self.stack.envs)
            self.begun = True
        while self._prepare_step() and not pause():
            started = time.perf_counter()
            self.train_step()
            self.timestep += 1
            if self.window and self.timestep % self.window == 0:
                for r in selected_slots(self.active):
                    self.end_window(r)
            self.share_time("train_time", started)
            self.watcher.stepped(1)
        return self.records

    def _prepare_step(self) -> bool:
        """End the complete runs and evaluate the runs that are due. Returns whether a step can be made now."""
        try:
            self._complete_runs(self._complete())
            if self._is_evaluation_due():
                self._evaluate(self.active.copy())
        except EvaluationAbandoned:
            return False
        return bool(self.active.any())

    def _complete(self) -> np.ndarray:
        """Return the active runs, (R,) bool, that have made all their timesteps or `max_episodes`."""
        if self.timestep >= self.config.total_timesteps:
            return self.active.copy()
        limit = self.config.max_episodes
        if limit <= 0:
            return np.zeros(self.runs, bool)
        return self.active & [len(record.train_episode_steps) >= limit for record in self.records]

    def _is_evaluation_due(self) -> bool:
        """Return whether an evaluation at the present timestep is due and has not been made."""
        if self.timestep % self.config.eval_interval_timesteps:
            return False
        return any(self.records[r].timesteps_at_eval[-1:] != [self.timestep] for r in selected_slots(self.active))

    def train_step(self) -> None:
        """Make one step of every active environment and one update of every learner."""
        agent, envs = self.stack.agent, self.stack.envs
        action = agent.act(envs.obs)
        self.end_diverged({"action": action})
        if not self.active.any():
            return
        step = envs.step(action, self.active)
        self.end_failed(envs)
        active = selected_slots(self.active)
        if not active:
            return
        agent.observe(step)
        metrics = agent.update()
        rewards, ended = step.reward.tolist(), np.logical_or(step.terminated, step.truncated).tolist()
        for r in active:
            self.records[r].add_step(rewards[r], ended[r])
        if self.recorded:
            self._record_arrays(step)
        self.end_diverged({name: values.cpu().numpy() for name, values in metrics.items()})

    def _record_arrays(self, step: Step) -> None:
        """Add this step to the arrays that the protocol's `record` asks for."""
        arrays = {"train_states": step.obs, "train_actions": step.action, "train_rewards": step.reward}
        batch = self.stack.agent.last_batch
        if batch is not None and any(name.startswith("update_") for name in self.recorded):
            arrays |= {
                "update_states": batch.obs.cpu().numpy(),
                "update_actions": batch.action.cpu().numpy(),
                "update_rewards": batch.reward.cpu().numpy(),
                "update_next_states": batch.next_obs.cpu().numpy(),
            }
        for name, values in arrays.items():
            if name in self.recorded:
                for r in selected_slots(self.active):
                    self.records[r].add_row(name, values[r])

    def _complete_runs(self, which: np.ndarray) -> None:
        """Evaluate the chosen runs a last time and complete their records."""
        if which.any():
            self.completing(selected_slots(which))
            self._evaluate(which)
        for r in selected_slots(which & self.active):
            self.records[r].finish("completed")
            self.end_run(r)

    def _evaluate(self, which: np.ndarray) -> None:
        """Evaluate the chosen runs. A run with an action that is not finite has diverged.

        Raises EvaluationAbandoned, leaving the records of the active runs unchanged.
        """
        started = time.perf_counter()
        before = self.eval_states(which)
        self._undo_abandoned()
        rows = [record.row_count("eval_states") for record in self.records]
        try:
            returns, steps = evaluate_runs(self, which)
        except EvaluationAbandoned:
            for r in selected_slots(self.active):
                self.records[r].truncate_rows("eval_states", rows[r])
            self.abandoned = before
            raise
        self.evaluated = self.config.eval_episodes > 0
        for r in selected_slots(which & self.active):
            self.records[r].add_evaluation(returns[r], steps[r])
            if POLICIES in self.recorded:
                for name, array in self.stack.agent.policy_params(r).items():
                    self.records[r].add_row(f"{POLICIES}/{name}", array)
        self._report_evaluation(which & self.active)
        self.share_time("eval_time", started)

    def eval_states(self, which: np.ndarray) -> dict[int, Any]:
        """Return the chosen runs' evaluation environments by slot, without those that have never been used.

        After an evaluation that was abandoned, they are as before it.
        """
        if self.abandoned or not self.evaluated:
            return self.abandoned
        return {r: self.stack.eval_envs.state(r) for r in selected_slots(which)}

    def _undo_abandoned(self) -> None:
        """Restore the evaluation environments that an abandoned evaluation has changed."""
        for r, state in self.abandoned.items():
            self.stack.eval_envs.load_state(r, state)
        self.abandoned = {}

    def _report_evaluation(self, which: np.ndarray) -> None:
        """Report the mean returns of an evaluation to the watcher."""
        if which.any() and self.config.eval_episodes:
            latest = [self.records[r] for r in selected_slots(which)]
            means = [float(np.mean(record.eval_episode_rewards[-1])) for record in latest]
            self.watcher.evaluated(latest[0].timesteps, means)
