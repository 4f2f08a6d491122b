"""The cost of runs: estimated by the rule of `utils.training.stack_sizes`, or measured by a pilot."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from utils.experiment.config import EnvironmentConfig
from utils.experiment.experiment import Experiment
from utils.files.atomic import write_atomically
from utils.files.json_model import validate
from utils.files.json_text import read_json
from utils.slurm.submission_folder import FOLDER
from utils.training.stack_sizes import fixed_cost, max_runs_for_speed

UNIT_SECONDS = {"eager": 1.8e-4, "compiled": 1e-4}
"""Unit of cost by engine, s: what a run without matrix products adds to a step (`utils.training.stack_sizes`).

Measured compiled, with an environment, on an AMD EPYC: 0.6e-4 for SAC 64x64, 1.0e-4 for SAC 256x256.
"""

ACTING = 0.2
"""Cost of an evaluation step, in UNIT_SECONDS: one environment step, and acting without learning."""


class Cost(BaseModel):
    """Cost of one run of a shape on one core, in a full stack.

    stack: runs in the stack.
    seconds: the run's share of the stack's seconds.
    process_mib: memory of a process with a full stack; None: unknown.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    stack: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0.0)]
    process_mib: float | None = None

    @property
    def measured(self) -> bool:
        """Whether a pilot measured it."""
        return self.process_mib is not None

    @property
    def stack_seconds(self) -> float:
        """Seconds that a stack takes."""
        return self.stack * self.seconds


def estimate_cost(hyperparameters: Any, environment: EnvironmentConfig, stack: int | None, engine: str) -> Cost:
    """Estimate the cost of a run by rule.

    stack: largest number of runs in a stack; None: the fastest number.
    engine: "eager" or "compiled".
    """
    size = stack or max_runs_for_speed(hyperparameters, engine)
    learning = environment.total_timesteps * (fixed_cost(hyperparameters, engine) / size + hyperparameters.step_cost)
    watched = count_evaluations(environment) * environment.eval_episodes * environment.steps_per_episode
    unit = UNIT_SECONDS[engine if hyperparameters.compiles else "eager"]
    return Cost(stack=size, seconds=unit * (learning + ACTING * watched))


def count_evaluations(environment: EnvironmentConfig) -> int:
    """Return the number of evaluations of a run: at the start, at every interval, and at the end; never two at once."""
    return 1 + -(-environment.total_timesteps // environment.eval_interval_timesteps)


class Measurements:
    """Measurements of an experiment's pilots, one file per shape.

    A file is named after everything that determines the cost: agent, protocol, shape, engine, and stack limit.
    """

    def __init__(self, experiment: Experiment, engine: str, stack: int | None) -> None:
        self.experiment, self._rest = experiment, [engine, stack]

    def path(self, setting: int) -> Path:
        """Return the path of the measurement of a setting's shape."""
        experiment, shape = self.experiment, self.experiment.hyperparameters(setting).structure()
        identity = [experiment.agent.agent_name, experiment.environment.model_dump(mode="json"), shape, *self._rest]
        digest = hashlib.sha256(orjson.dumps(identity)).hexdigest()[:12]
        return experiment.directory / FOLDER / f"pilot_{digest}.json"

    def read(self, setting: int) -> Cost | None:
        """Read the cost of a setting's shape; None if it was not measured.  Raises BadInput for a damaged file."""
        path = self.path(setting)
        return validate(Cost, read_json(path), str(path)) if path.exists() else None

    def write(self, setting: int, cost: Cost) -> None:
        """Write the cost of a setting's shape.  Raises OSError."""
        path = self.path(setting)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, orjson.dumps(cost.model_dump()))
