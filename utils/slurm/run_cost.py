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

UNIT_SECONDS = {"eager": 1.4e-4, "compiled": 0.6e-4}
"""Unit of cost by engine, s: what a run without matrix products adds to a step (`utils.training.stack_sizes`).

Processor time on an AMD EPYC, with an environment: eager 0.8e-4 to 1.5e-4, compiled 0.3e-4 to 0.7e-4, for SAC with 64
and 256 units.
"""

UNIT_SECONDS_WITHOUT_NETWORKS = 8e-6
"""The same for agents without networks. Measured with linearAC on Pendulum: 85 us for a step of one run, 8 us for each
further run.
"""

EVALUATION_STEP_SECONDS = 3e-5
"""Cost of an evaluation step, s: one environment step, and acting without learning."""

START_SECONDS = {"eager": 3.0, "compiled": 6.0}
"""Seconds that a task takes before and after training, by engine, unless a pilot measures them: imports, the check of
the environment, compiling.
"""

MAX_SPREAD_COST = 0.25
"""Fraction by which runs in smaller stacks, spread over more tasks, may be more expensive than in the largest ones."""


class Cost(BaseModel):
    """Cost of the runs of a shape on one core.

    stack: runs in a stack.
    seconds: a run's share of the seconds of such a stack.
    process_mib: memory of a process with such a stack; None: unknown.
    fixed_seconds: the part of a stack's seconds that does not grow with its runs.
    start_seconds: seconds that a task takes before and after training.
    replay_mib: memory that each further run of a stack takes; None: unknown.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    stack: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0.0)]
    process_mib: float | None = None
    fixed_seconds: Annotated[float, Field(ge=0.0)] = 0.0
    start_seconds: Annotated[float, Field(ge=0.0)] = START_SECONDS["eager"]
    replay_mib: float | None = None

    @property
    def measured(self) -> bool:
        """Whether a pilot measured it."""
        return self.process_mib is not None

    @property
    def stack_seconds(self) -> float:
        """Seconds that a stack takes."""
        return self.stack * self.seconds

    def seconds_of(self, runs: int) -> float:
        """Return the seconds that a stack of this number of runs takes."""
        return self.fixed_seconds + runs * (self.seconds - self.fixed_seconds / self.stack)

    def process_mib_of(self, runs: int) -> float | None:
        """Return the memory of a process with a stack of this number of runs, MiB; None if it is unknown."""
        if self.process_mib is None:
            return None
        return self.process_mib + (runs - self.stack) * (self.replay_mib or 0.0)

    def resized(self, stack: int) -> Cost:
        """Return the cost of the same runs in stacks of another size."""
        changes = {"stack": stack, "seconds": self.seconds_of(stack) / stack, "process_mib": self.process_mib_of(stack)}
        return self.model_copy(update=changes)

    @property
    def smallest_stack(self) -> int:
        """Size of the smallest stack whose runs are at most MAX_SPREAD_COST more expensive than in a full stack."""
        most = (1.0 + MAX_SPREAD_COST) * self.seconds
        return next(
            runs for runs in range(1, self.stack + 1) if self.seconds_of(runs) <= runs * most or runs == self.stack
        )


def estimate_cost(hyperparameters: Any, environment: EnvironmentConfig, stack: int | None, engine: str) -> Cost:
    """Estimate the cost of a run by rule. It does not know what a step of the environment costs.

    stack: largest number of runs in a stack; None: the fastest number.
    engine: "eager" or "compiled".
    """
    size = stack or max_runs_for_speed(hyperparameters, engine)
    used = engine if hyperparameters.compiles else "eager"
    unit = UNIT_SECONDS[used] if hasattr(hyperparameters, "hidden_dim") else UNIT_SECONDS_WITHOUT_NETWORKS
    steps = environment.total_timesteps
    watched = count_evaluations(environment) * environment.eval_episodes * environment.steps_per_episode
    fixed = unit * steps * fixed_cost(hyperparameters, engine)
    each = unit * steps * hyperparameters.step_cost + EVALUATION_STEP_SECONDS * watched
    return Cost(stack=size, seconds=fixed / size + each, fixed_seconds=fixed, start_seconds=START_SECONDS[used])


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
