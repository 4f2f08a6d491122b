"""A short measured stretch of training: what a run costs before ten thousand are submitted.

A stack of the sweep's own runs trains twice on one core, by main.py in a process of its own, under a shortened
protocol. The second stretch is the longer; what it takes beyond the first is free of imports, compilation and
the time in which nothing is learned yet.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.experiment.config import EnvironmentConfig
from utils.experiment.experiment import Experiment, Run
from utils.results.schema import read_result
from utils.slurm.run_cost import Cost, evaluations

SECONDS = 15.0
"""Of the longer stretch, about."""

FIRST = 200
"""Steps of the shorter stretch after learning begins."""

MIB = 2**20


@dataclass(frozen=True)
class Stretch:
    """What one stretch took, on average over its runs.

    steps: of a run.  train, evaluation: seconds of a run, and of one of its evaluations.  peak: MiB of the process.
    """

    steps: float
    train: float
    evaluation: float
    peak: float


Trainer = Callable[[Sequence[Run], int], Stretch]
"""Trains runs in one stack for so many steps."""


def measure(experiment: Experiment, runs: Sequence[Run], sizes: tuple[int, int], train: Trainer) -> Cost:
    """What one of the runs costs beside the others in one stack.  sizes: numbers in an observation and in an action.

    Raises BadInput if they cannot be trained.
    """
    environment, hyperparameters = experiment.environment, runs[0].hyperparameters
    total = environment.total_timesteps
    first = train(runs, min(total, getattr(hyperparameters, "batch_size", 0) + FIRST))
    rate = len(runs) * first.train / first.steps
    steps = min(total, max(2 * round(first.steps), round(SECONDS / rate)))
    second = train(runs, steps)
    a_step = second.train / second.steps
    if second.steps > first.steps and second.train > first.train:
        a_step = (second.train - first.train) / (second.steps - first.steps)
    filled = [hyperparameters.replay_bytes(*sizes, timesteps) for timesteps in (total, steps)]
    return Cost(
        stack=len(runs),
        seconds=total * a_step + evaluations(environment) * second.evaluation,
        process_mib=round(second.peak + len(runs) * (filled[0] - filled[1]) / MIB, 1),
    )


def shortened(environment: EnvironmentConfig, steps: int) -> dict[str, Any]:
    """The protocol for so many steps, evaluated before the first and after the last only."""
    return environment.model_dump(mode="json") | {"total_timesteps": steps, "eval_interval_timesteps": steps}


def trainer(experiment: Experiment, command: Sequence[str], directory: str) -> Trainer:
    """Trains by a command line of main.py, in a temporary folder.  directory: where the command runs."""

    def train(runs: Sequence[Run], steps: int) -> Stretch:
        with tempfile.TemporaryDirectory(prefix="pilot-") as name:
            folder = Path(name)
            env_json, agent_json = folder / "environment.json", folder / "agent.json"
            env_json.write_bytes(orjson.dumps(shortened(experiment.environment, steps)))
            agent_json.write_bytes(orjson.dumps(experiment.agent.model_dump(mode="json")))
            options = [f"--env-json={env_json}", f"--agent-json={agent_json}", f"--save-dir={folder / 'results'}"]
            indices = f"--index={format_indices(sorted(run.index for run in runs))}"
            call([*command, *options, indices, "--jobs=1", f"--stack={len(runs)}"], directory)
            return stretch(sorted((folder / "results").glob("*/*.json")))

    return train


def call(command: Sequence[str], directory: str) -> None:
    """Run main.py.  Raises BadInput with the end of what it said if it fails."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-5:])
        raise BadInput(f"the pilot failed with exit code {done.returncode}:\n{said}")


def stretch(results: Sequence[Path]) -> Stretch:
    """What the results of one stack tell."""
    runs = [read_result(path).run for path in results]
    steps, train = (sum(run[name] for run in runs) / len(runs) for name in ("timesteps_done", "train_time"))
    evaluation = sum(run["eval_time"] / max(1, len(run["timesteps_at_eval"])) for run in runs) / len(runs)
    return Stretch(steps, train, evaluation, max(run["provenance"]["peak_memory_mib"] for run in runs))
