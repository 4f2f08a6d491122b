"""What every tool gets of a run: its series over training, its hyperparameters, and what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import numpy as np

from utils.analysis.combined_results import evaluation_curve
from utils.files.json_text import canonical_json, encode_json
from utils.results.diagnostics import DIAGNOSTICS, RunDiagnostics
from utils.results.result_file import SettingIdentity, experiment_name

SETTING_DIGITS = 6
"""Hexadecimal digits that distinguish settings of different grids."""

EVALUATION_RETURN = "eval/return"
"""Name of the series of mean evaluation returns."""


@dataclass(frozen=True)
class Series:
    """A quantity over training.  timesteps: (N,) int64, not decreasing.  values: (N,) float64, all finite."""

    name: str
    timesteps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class ExportedRun:
    """One run as tools get it.

    key: the run's key, by which a tool finds it again.
    experiment: environment, agent and policy, as in the name of the directory of results.
    setting: None if it is not known.
    identity: what identifies the run, and how it ended.
    hyperparameters, protocol: JSON values; {} if they are not known.
    time: when the run ended, in seconds since 1970; 0 if it is not recorded.
    """

    key: str
    experiment: str
    setting: int | None
    identity: dict[str, Any]
    hyperparameters: dict[str, Any]
    protocol: dict[str, Any]
    series: tuple[Series, ...]
    time: float

    @property
    def name(self) -> str:
        """The run's name: unlike the key, it says what the run is."""
        return f"{self.experiment}_{self.key}"

    @property
    def group(self) -> str:
        """Name of the runs that differ in their seeds only."""
        return f"{self.experiment} {self.setting_name}"

    @property
    def setting_name(self) -> str:
        """The setting's number, with digits of its hyperparameters and protocol: other grids have the same numbers."""
        if self.setting is None:
            return "unknown setting"
        content = hashlib.sha256(canonical_json([self.hyperparameters, self.protocol])).hexdigest()
        return f"setting {self.setting} ({content[:SETTING_DIGITS]})"

    @property
    def status(self) -> str:
        """`completed`, `diverged` or `unfinished`."""
        return str(self.identity["status"])

    @property
    def config(self) -> dict[str, Any]:
        """Everything but the series, in one object; keys of the protocol begin with `environment.`."""
        protocol = {f"environment.{name}": value for name, value in self.protocol.items()}
        return self.identity | self.hyperparameters | protocol

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is exported."""
        digest = hashlib.sha256(encode_json([self.key, self.group, self.config]))
        for series in self.series:
            digest.update(series.name.encode() + b"\0")
            digest.update(series.timesteps.astype("<i8").tobytes() + series.values.astype("<f8").tobytes())
        return digest.hexdigest()

    def rows(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Yield each timestep that has values, in order, and these values by the names of their series."""
        found: dict[int, dict[str, float]] = {}
        for series in self.series:
            for timestep, value in zip(series.timesteps.tolist(), series.values.tolist(), strict=True):
                found.setdefault(timestep, {})[series.name] = value
        yield from sorted(found.items())


def describe_run(
    experiment: dict[str, Any], setting: int, params: dict[str, Any], run: dict[str, Any], found: RunDiagnostics | None
) -> ExportedRun:
    """Return a run of a result or a data.json as tools get it.

    experiment: of the tree.  params: the setting's hyperparameters.  found: the run's diagnostics, if it has any.
    """
    environment, agent_name = experiment["environment"], str(experiment["agent"]["agent_name"])
    number = run["run_number"]
    policy = params.get("policy_type")
    name = experiment_name(environment["env_name"], agent_name, None if policy is None else [str(policy)])
    identity = {
        "env_name": environment["env_name"],
        "agent_name": agent_name,
        "setting": setting,
        "run_number": number,
        "random_seed": run.get("random_seed"),
        "key": run.get("key") or SettingIdentity(agent_name, params, environment).key(number),
        "status": run["status"],
        "timesteps_done": run.get("timesteps_done"),
        "diverged_at_timestep": run.get("diverged_at_timestep"),
    }
    return ExportedRun(
        key=identity["key"],
        experiment=name,
        setting=setting,
        identity=identity,
        hyperparameters=params,
        protocol=environment,
        series=tuple(curve_series(run)) + tuple(diagnostic_series(found)),
        time=_end_time(run),
    )


def _end_time(run: dict[str, Any]) -> float:
    """Return when a run ended, in seconds since 1970; 0 if it is not recorded."""
    provenance = run.get("provenance")
    text = provenance.get("end_time") if isinstance(provenance, dict) else None
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


def curve_series(run: dict[str, Any]) -> Iterator[Series]:
    """Yield the learning curve and the training episodes of a run; of an incomplete episode only its steps."""
    curve = evaluation_curve(run)
    yield from _finite_series(EVALUATION_RETURN, curve.timesteps, curve.returns)
    steps = run.get("eval_episode_steps") or []
    means = np.array([np.mean(episodes) if episodes else np.nan for episodes in steps], float)
    yield from _finite_series("eval/steps", curve.timesteps[: len(means)], means)
    complete = len(run["train_episode_steps"]) - (not run.get("last_episode_complete", True))
    ends = np.array(list(accumulate(run["train_episode_steps"])), np.int64)
    yield from _finite_series("train/return", ends[:complete], np.array(run["train_episode_rewards"][:complete], float))
    yield from _finite_series("train/steps", ends[:complete], np.array(run["train_episode_steps"][:complete], float))


def diagnostic_series(found: RunDiagnostics | None) -> Iterator[Series]:
    """Yield a series for each quantity of a run's diagnostics."""
    if found is not None:
        for quantity, values in found.values.items():
            yield from _finite_series(f"{DIAGNOSTICS}/{quantity}", found.timesteps, values)


def _finite_series(name: str, timesteps: np.ndarray, values: np.ndarray) -> Iterator[Series]:
    """Yield the series of the finite values; nothing if there are none."""
    finite = np.isfinite(values)
    if finite.any():
        yield Series(name, np.asarray(timesteps, np.int64)[finite], np.asarray(values, np.float64)[finite])


def last_timestep(run: ExportedRun) -> int:
    """Return the last timestep at which a run has a value; 0 if it has none."""
    return max((int(series.timesteps[-1]) for series in run.series), default=0)
