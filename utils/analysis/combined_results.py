"""The results in a data.json as learning curves: the outcome of each run of the grid, and the best setting."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from utils.analysis.stop_record import Stop, read_stop
from utils.combining.coverage import missing_runs_by_setting
from utils.combining.data_json import read_data_json
from utils.combining.freshness import combine_command, describe_uncombined
from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.files.json_diff import first_difference
from utils.files.json_text import encode_json
from utils.results.code_mixture import describe_mixed_code
from utils.results.foreign import foreign_source, is_unknown
from utils.results.provenance_diff import Origin
from utils.results.schema import all_runs, find_data_file, grid_of_tree, reproducible_part
from utils.stats.curves import final_performance, step_weighted_curve
from utils.stats.settings import rank_settings

MAX_TRAINING_POINTS = 500
"""Largest number of timesteps at which a training curve is evaluated."""

LARGEST_RETURN = 1e100
"""Largest return that is averaged. Sums and squares of larger ones soon overflow."""

EXCLUSIONS = {
    "diverged": "diverged",
    "missing": "missing",
    "not allowed": "of settings that are not allowed",
    "nonfinite": "with returns that are not finite or beyond 1e100",
    "no episode": "without a complete episode",
}
"""Reasons why a run is not averaged, and their wording in a caption."""

IDENTITY_KEYS = ("index", "key", "status")
"""Keys that identify a run in a sidecar."""

RETURN_KEYS = ("env_name", "env_kwargs", "steps_per_episode", "overwrite_rewards", "rewards", "start_state")
"""Keys of a protocol that define a return: curves of protocols that differ in one of them share no axis."""


@dataclass(frozen=True)
class Curve:
    """A run's returns over training.  timesteps, returns: (T,)."""

    timesteps: np.ndarray
    returns: np.ndarray


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of one run.

    number: the run number.  identity: its index, key and status, for a sidecar.
    exclusion: the reason why it is not averaged, a key of EXCLUSIONS; "" if it is averaged.
    """

    number: int
    identity: dict[str, Any]
    curve: Curve
    exclusion: str


@dataclass(frozen=True, eq=False)
class CombinedResults:
    """The results in a data.json.  training: whether curves are of training episodes instead of evaluations."""

    path: Path
    tree: dict[str, Any]
    training: bool

    @property
    def environment(self) -> dict[str, Any]:
        """The protocol."""
        return self.tree["experiment"]["environment"]

    @property
    def agent_name(self) -> str:
        """The agent's name in its configuration."""
        return self.tree["experiment"]["agent"]["agent_name"]

    @property
    def name(self) -> str:
        """File name and directory: enough to find the file, without a path of this machine."""
        return "/".join(self.path.resolve().parts[-2:])

    @cached_property
    def grid(self) -> Grid:
        """The grid, which numbers the settings."""
        return grid_of_tree(self.tree)

    @cached_property
    def settings(self) -> list[dict[str, Any]]:
        """The hyperparameters of each setting, as given in the grid."""
        return [self.grid.setting(number) for number in range(len(self.grid))]

    @cached_property
    def varied(self) -> dict[str, list[Any]]:
        """Hyperparameters with several values in the grid, and these values, in the grid's order."""
        return {key: self.grid.values(key) for key in self.grid.varied}

    def describe_setting(self, setting: int, without: Collection[str] = ()) -> str:
        """Return a setting's hyperparameters that vary in the grid, such as "critic_lr 0.001, alpha 0.1".

        without: hyperparameters to leave out.
        """
        return self.grid.describe_varied(setting, without)

    @cached_property
    def outcomes(self) -> list[list[RunOutcome]]:
        """Every run of each setting, missing runs included."""
        missing = missing_runs_by_setting(self.tree)
        return [self._setting_outcomes(setting, numbers) for setting, numbers in missing.items()]

    @cached_property
    def performance(self) -> np.ndarray:
        """(S, N) `final_performance` of each setting's runs; NaN for a run that is not averaged."""
        rows = [
            [
                np.nan if each.exclusion else final_performance(each.curve.returns, each.curve.timesteps)
                for each in outcomes
            ]
            for outcomes in self.outcomes
        ]
        return np.array(rows, float).reshape(len(rows), -1)

    def best_setting(self, among: Sequence[int] | None = None) -> int:
        """Return the setting with the highest mean final performance; settings with a failed run rank last.

        among: the settings to choose from, all by default.
        """
        settings = range(len(self.settings)) if among is None else among
        return int(settings[rank_settings(self.performance[list(settings)])[0]])

    @cached_property
    def origins(self) -> list[Origin]:
        """Where each run that has a result comes from."""
        return list(self._read_origins())

    def _read_origins(self) -> Iterator[Origin]:
        """Yield where each run comes from, one at a time: those of a large data.json take much memory."""
        return (Origin(f"index {run.get('index')}", run.get("provenance")) for run in all_runs(self.tree))

    @cached_property
    def warnings(self) -> list[str]:
        """What a reader of these results must know: versions of the code that are mixed, results that are left out."""
        mixed = describe_mixed_code(self._read_origins())
        uncombined = describe_uncombined(self.path)
        foreign = foreign_source(self.environment)
        described = [f"{self.name}: {foreign.describe(RETURN_KEYS)}"] if foreign else []
        return (
            described
            + [f"{self.name}: {mixed}"] * bool(mixed)
            + [f"{self.name} lacks {uncombined}; combine again: {combine_command(self.path.parent)}"] * bool(uncombined)
        )

    @cached_property
    def stop(self) -> Stop | None:
        """The record of the rule that has added runs; None if their number was fixed.  Raises BadInput."""
        return read_stop(self.path.parent)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the experiment and its runs, without what may differ between two executions of a run."""
        digest = hashlib.sha256(encode_json(self.tree["experiment"]))
        for setting, cell in self.tree["experiment_data"].items():
            digest.update(encode_json([setting, cell["agent_params"]]))
            for run in cell["runs"]:
                digest.update(encode_json(reproducible_part(run)))
        return digest.hexdigest()

    def _setting_outcomes(self, setting: int, missing: list[int]) -> list[RunOutcome]:
        """Return the outcomes of a setting's runs, sorted by run number.  missing: run numbers without a result."""
        cell = self.tree["experiment_data"].get(str(setting), {"runs": []})
        why = "not allowed" if setting in self.tree["experiment"]["agent"].get("not_allowed", ()) else "missing"
        present = [self._run_outcome(run) for run in cell["runs"]]
        absent = [
            RunOutcome(number, dict.fromkeys(IDENTITY_KEYS), Curve(np.empty(0, int), np.empty(0)), why)
            for number in missing
        ]
        return sorted(present + absent, key=lambda outcome: outcome.number)

    def _run_outcome(self, run: dict[str, Any]) -> RunOutcome:
        total = self.environment["total_timesteps"]
        with np.errstate(over="ignore"):  # An overflow is beyond LARGEST_RETURN.
            curve = training_curve(run, total) if self.training else evaluation_curve(run)
        finite = np.abs(curve.returns) <= LARGEST_RETURN
        if run["status"] == "diverged":
            exclusion = "diverged"
        else:
            exclusion = "no episode" if not len(finite) else "" if finite.all() else "nonfinite"
        identity = {name: run.get(name) for name in IDENTITY_KEYS}
        return RunOutcome(run["run_number"], identity, Curve(curve.timesteps[finite], curve.returns[finite]), exclusion)


def evaluation_curve(run: dict[str, Any]) -> Curve:
    """Return the mean return of each evaluation; NaN for one without episodes or with a return that is not finite."""
    evaluations = run["eval_episode_rewards"]
    if len({len(returns) for returns in evaluations}) == 1 and evaluations[0]:
        means = np.array(evaluations, float).mean(1)
    else:
        means = np.array([np.mean(np.array(returns, float)) if returns else np.nan for returns in evaluations], float)
    return Curve(np.array(run["timesteps_at_eval"], int), means)


def training_curve(run: dict[str, Any], total_timesteps: int) -> Curve:
    """Return the step-weighted return of the complete training episodes, without one cut off by the run's end."""
    complete = len(run["train_episode_steps"]) - (not run.get("last_episode_complete", True))
    steps = np.array(run["train_episode_steps"][:complete], int)
    returns = np.array(run["train_episode_rewards"][:complete], float)
    grid = np.unique(np.linspace(1, total_timesteps, MAX_TRAINING_POINTS).astype(int))
    grid = grid[grid <= steps.sum()]
    return Curve(grid, step_weighted_curve(returns, steps, grid))


def smooth_curve(curve: Curve, window: int) -> Curve:
    """Return, at each timestep t, the mean of the returns at timesteps in (t - window, t].

    The first points average the part of their window that exists.  window: timesteps, >= 1.
    """
    first = np.searchsorted(curve.timesteps, curve.timesteps - window, side="right")
    sums = np.concatenate([[0.0], np.cumsum(curve.returns)])
    after = np.arange(1, len(curve.returns) + 1)
    return Curve(curve.timesteps, (sums[after] - sums[first]) / (after - first))


def read_combined_results(paths: Sequence[Path]) -> list[CombinedResults]:
    """Read the results in data.json files or their directories.  Raises BadInput if one cannot be read.

    Experiments whose returns mean the same are read alike: if one has no evaluations, all show training episodes.
    """
    files = [find_data_file(path) for path in paths]
    trees = [read_data_json(file) for file in files]
    protocols = [tree["experiment"]["environment"] for tree in trees]
    unevaluated = [protocol for protocol in protocols if protocol["eval_episodes"] == 0]
    return [
        CombinedResults(file, tree, any(find_return_difference(protocol, other) is None for other in unevaluated))
        for file, tree, protocol in zip(files, trees, protocols, strict=True)
    ]


def return_definition(protocol: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a protocol that defines a return: equal for two protocols if their returns mean the same."""
    return {key: protocol.get(key) for key in RETURN_KEYS}


def find_return_difference(a: dict[str, Any], b: dict[str, Any]) -> str | None:
    """Return the first difference between two protocols in what defines a return; None if their returns mean the same.

    Training length, evaluation and gamma may differ; `is_same_protocol` in `utils.results.schema` compares those too.
    What another program did not record does not count as a difference.
    """
    unknown = [key for key in RETURN_KEYS if is_unknown(a, key) or is_unknown(b, key)]
    first, second = ({k: v for k, v in return_definition(each).items() if k not in unknown} for each in (a, b))
    return first_difference(first, second)


def group_by_returns(experiments: Sequence[CombinedResults]) -> list[list[CombinedResults]]:
    """Group experiments whose returns mean the same, in the order of each group's first."""
    groups: list[list[CombinedResults]] = []
    for experiment in experiments:
        protocol = experiment.environment
        for members in groups:
            if all(find_return_difference(other.environment, protocol) is None for other in members):
                members.append(experiment)
                break
        else:
            groups.append([experiment])
    return groups


def check_same_returns(experiments: Sequence[CombinedResults]) -> None:
    """Check that returns mean the same in all experiments, so that they can share an axis.  Raises BadInput if not."""
    first = experiments[0]
    for other in experiments[1:]:
        difference = find_return_difference(first.environment, other.environment)
        if difference:
            raise BadInput(
                f"{first.path} and {other.path} cannot share an axis: {difference}; allowed: the same environment"
            )
