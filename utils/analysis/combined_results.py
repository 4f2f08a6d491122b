"""A data.json seen as learning curves: what became of each run of the grid, and which setting did best."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from utils.combining.coverage import missing_runs
from utils.combining.data_json import read_combined
from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.files.json_diff import first_difference
from utils.files.json_text import encode_json
from utils.results.provenance_diff import Origin
from utils.results.schema import find_data_file, reproducible_part, grid_of_tree, all_runs
from utils.stats.curves import final_performance, step_weighted_curve
from utils.stats.settings import rank_settings

POINTS = 500
"""Timesteps at which a training curve is drawn, at most."""

LARGEST_RETURN = 1e100
"""Beyond it, sums and squares of returns are soon not finite, nor is it a return that an environment means to give."""

FATES = {
    "diverged": "diverged",
    "missing": "missing",
    "nonfinite": "with returns that are not finite or beyond 1e100",
    "no episode": "without a complete episode",
}
"""Why a run is not in the mean, and how a caption says so."""

NAMES = ("index", "key", "status")
"""What names a run in a sidecar."""

RETURN_KEYS = ("env_name", "env_kwargs", "steps_per_episode", "overwrite_rewards", "rewards", "start_state")
"""Keys of a protocol that decide what a return means: without the same, two curves share no axis."""


@dataclass(frozen=True)
class Curve:
    """A run's returns over training.  timesteps, returns: (T,)."""

    timesteps: np.ndarray
    returns: np.ndarray


@dataclass(frozen=True)
class RunOutcome:
    """What became of a run.  names: its index, key and status.  fate: why it is not averaged, in FATES; "" if it is."""

    number: int
    names: dict[str, Any]
    curve: Curve
    fate: str


@dataclass(frozen=True, eq=False)
class CombinedResults:
    """A data.json.  training: whether its curves are of training episodes instead of evaluations."""

    path: Path
    tree: dict[str, Any]
    training: bool

    @property
    def environment(self) -> dict[str, Any]:
        """The protocol."""
        return self.tree["experiment"]["environment"]

    @property
    def agent_name(self) -> str:
        """The agent, as its configuration names it."""
        return self.tree["experiment"]["agent"]["agent_name"]

    @property
    def name(self) -> str:
        """The file, with the directory it stands in: enough to find it, and no machine's path."""
        return "/".join(self.path.resolve().parts[-2:])

    @cached_property
    def grid(self) -> Grid:
        """The settings, by number."""
        return grid_of_tree(self.tree)

    @cached_property
    def settings(self) -> list[dict[str, Any]]:
        """The hyperparameters of each setting, as the grid gives them."""
        return [self.grid.setting(number) for number in range(len(self.grid))]

    @cached_property
    def varied(self) -> dict[str, list[Any]]:
        """The hyperparameters that have several values in the grid, and these values, in the grid's order."""
        values: dict[str, list[Any]] = {key: [] for key in self.settings[0]}
        for setting in self.settings:
            for key, value in setting.items():
                if value not in values[key]:
                    values[key].append(value)
        return {key: found for key, found in values.items() if len(found) > 1}

    @cached_property
    def outcomes(self) -> list[list[RunOutcome]]:
        """For each setting of the grid, every run that there should be."""
        return [self._setting(setting, missing) for setting, missing in missing_runs(self.tree).items()]

    @cached_property
    def performance(self) -> np.ndarray:
        """(S, N) `final_performance` of each setting's runs; NaN for one that is not averaged."""
        rows = [
            [np.nan if outcome.fate else final_performance(outcome.curve.returns) for outcome in outcomes]
            for outcomes in self.outcomes
        ]
        return np.array(rows, float).reshape(len(rows), -1)

    def best(self, among: Sequence[int] | None = None) -> int:
        """The setting of highest mean final performance; one with a failed run comes after all without.

        among: the settings to choose from, all unless given.
        """
        candidates = range(len(self.settings)) if among is None else among
        return int(candidates[rank_settings(self.performance[list(candidates)])[0]])

    @cached_property
    def origins(self) -> list[Origin]:
        """Where each run that has a result comes from."""
        return [Origin(f"index {run.get('index')}", run.get("provenance")) for run in all_runs(self.tree)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the experiment and its runs, without what may differ between two executions of a run."""
        digest = hashlib.sha256(encode_json(self.tree["experiment"]))
        for setting, cell in self.tree["experiment_data"].items():
            digest.update(encode_json([setting, cell["agent_params"]]))
            for run in cell["runs"]:
                digest.update(encode_json(reproducible_part(run)))
        return digest.hexdigest()

    def _setting(self, setting: int, missing: list[int]) -> list[RunOutcome]:
        cell = self.tree["experiment_data"].get(str(setting), {"runs": []})
        present = [self._outcome(run) for run in cell["runs"]]
        absent = [
            RunOutcome(number, dict.fromkeys(NAMES), Curve(np.empty(0, int), np.empty(0)), "missing")
            for number in missing
        ]
        return sorted(present + absent, key=lambda outcome: outcome.number)

    def _outcome(self, run: dict[str, Any]) -> RunOutcome:
        total = self.environment["total_timesteps"]
        with np.errstate(over="ignore"):  # What overflows is beyond LARGEST_RETURN.
            curve = training_curve(run, total) if self.training else evaluation_curve(run)
        finite = np.abs(curve.returns) <= LARGEST_RETURN
        if run["status"] == "diverged":
            fate = "diverged"
        else:
            fate = "no episode" if not len(finite) else "" if finite.all() else "nonfinite"
        names = {name: run.get(name) for name in NAMES}
        return RunOutcome(run["run_number"], names, Curve(curve.timesteps[finite], curve.returns[finite]), fate)


def evaluation_curve(run: dict[str, Any]) -> Curve:
    """Mean return of each evaluation; NaN for one with a return that is not finite, or with none."""
    evaluations = run["eval_episode_rewards"]
    if len({len(returns) for returns in evaluations}) == 1 and evaluations[0]:
        means = np.array(evaluations, float).mean(1)
    else:
        means = np.array([np.mean(np.array(returns, float)) if returns else np.nan for returns in evaluations], float)
    return Curve(np.array(run["timesteps_at_eval"], int), means)


def training_curve(run: dict[str, Any], total_timesteps: int) -> Curve:
    """Step-weighted return of the complete training episodes: what the run's end cut off has none yet."""
    complete = len(run["train_episode_steps"]) - (not run.get("last_episode_complete", True))
    steps = np.array(run["train_episode_steps"][:complete], int)
    returns = np.array(run["train_episode_rewards"][:complete], float)
    grid = np.unique(np.linspace(1, total_timesteps, POINTS).astype(int))
    grid = grid[grid <= steps.sum()]
    return Curve(grid, step_weighted_curve(returns, steps, grid))


def smoothed(curve: Curve, window: int) -> Curve:
    """At each timestep t, the mean of the returns at timesteps in (t - window, t].

    The first points average what there is of their window.  window: timesteps, >= 1.
    """
    first = np.searchsorted(curve.timesteps, curve.timesteps - window, side="right")
    sums = np.concatenate([[0.0], np.cumsum(curve.returns)])
    after = np.arange(1, len(curve.returns) + 1)
    return Curve(curve.timesteps, (sums[after] - sums[first]) / (after - first))


def read_combined_results(paths: Sequence[Path]) -> list[CombinedResults]:
    """The experiments in some files or directories.  Raises BadInput.

    Where one of those that share an axis has no evaluations, all of them are seen by their training episodes.
    """
    files = [find_data_file(path) for path in paths]
    trees = [read_combined(file) for file in files]
    protocols = [tree["experiment"]["environment"] for tree in trees]
    unevaluated = [meaning(protocol) for protocol in protocols if protocol["eval_episodes"] == 0]
    return [
        CombinedResults(file, tree, meaning(protocol) in unevaluated)
        for file, tree, protocol in zip(files, trees, protocols, strict=True)
    ]


def meaning(protocol: dict[str, Any]) -> dict[str, Any]:
    """The keys of a protocol that decide what a return means."""
    return {key: protocol.get(key) for key in RETURN_KEYS}


def share_axis(experiments: Sequence[CombinedResults]) -> None:
    """Raises BadInput if a return means one thing in one experiment and something else in another."""
    first = experiments[0]
    for other in experiments[1:]:
        difference = first_difference(meaning(first.environment), meaning(other.environment))
        if difference:
            raise BadInput(f"{first.path} and {other.path} share no axis: {difference}; allowed: the same environment")
