"""What runs cost: as the rule of `utils.training.stack_sizes` has it, or as a pilot measured it."""

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
from utils.training.stack_sizes import fixed, largest_for_speed

UNIT_SECONDS = 1.8e-4
"""Seconds that a run without matrix products adds to a step of its stack: the unit of `utils.training.stack_sizes`."""

ACTING = 0.2
"""In that unit, a step of an evaluation: the environment's, and acting without learning."""


class Cost(BaseModel):
    """Of one run of a shape, on one core, beside as many as make a stack.

    seconds: its share of the stack's.  process_mib: memory of a process with a full stack; None: not known.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    stack: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0.0)]
    process_mib: float | None = None

    @property
    def measured(self) -> bool:
        """Whether a pilot found it out."""
        return self.process_mib is not None

    @property
    def stack_seconds(self) -> float:
        """From the beginning of a stack to its end."""
        return self.stack * self.seconds


def estimate(hyperparameters: Any, environment: EnvironmentConfig, stack: int | None, engine: str) -> Cost:
    """By rule.  stack: the most runs in one; None: as many as make it fast.  engine: "eager" or "compiled"."""
    size = stack or largest_for_speed(hyperparameters, engine)
    learning = environment.total_timesteps * (fixed(hyperparameters, engine) / size + hyperparameters.work)
    watched = evaluations(environment) * environment.eval_episodes * environment.steps_per_episode
    return Cost(stack=size, seconds=UNIT_SECONDS * (learning + ACTING * watched))


def evaluations(environment: EnvironmentConfig) -> int:
    """How many a run has: at the beginning, at every interval, and at the end, never twice at one step."""
    return 1 + -(-environment.total_timesteps // environment.eval_interval_timesteps)


class Measurements:
    """What pilots of one experiment found, each shape in a file of its own.

    What decides a cost names it: agent, protocol, shape, engine, and the limit of a stack.
    """

    def __init__(self, experiment: Experiment, engine: str, stack: int | None) -> None:
        self.experiment, self._rest = experiment, [engine, stack]

    def path(self, setting: int) -> Path:
        """Where the cost of a setting's shape is."""
        experiment, shape = self.experiment, self.experiment.hyperparameters(setting).structure()
        identity = [experiment.agent.agent_name, experiment.environment.model_dump(mode="json"), shape, *self._rest]
        digest = hashlib.sha256(orjson.dumps(identity)).hexdigest()[:12]
        return experiment.directory / FOLDER / f"pilot_{digest}.json"

    def read(self, setting: int) -> Cost | None:
        """The cost of a setting's shape; None if it was not measured.  Raises BadInput for a damaged file."""
        path = self.path(setting)
        return validate(Cost, read_json(path), str(path)) if path.exists() else None

    def write(self, setting: int, cost: Cost) -> None:
        """Keep it.  Raises OSError."""
        path = self.path(setting)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, orjson.dumps(cost.model_dump()))
