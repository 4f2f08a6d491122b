"""A pilot: a short training that measures the cost of a run before thousands are submitted.

A stack of the sweep's own runs trains twice, by main.py in a process of its own, under a shortened protocol. Each
training is a *stretch*. The second one is longer; the time that it takes beyond the first excludes imports, compilation
and the steps before learning begins.

The machine may be busy: time in which a process was ready to run but had no core does not count (`core_wait_seconds` of
the results). Tasks have their cores for themselves.

A pilot takes one core. In a job with several cores it trains such a stack on each of them, as tasks do: cores that
share caches, memory and power slow each other down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.core.machine import SLURM_CORES, available_cores
from utils.experiment.config import EnvironmentConfig
from utils.experiment.experiment import Experiment, Run
from utils.experiment.main_command import MainCommand
from utils.results.schema import read_result
from utils.slurm.cluster import Cluster
from utils.slurm.run_cost import Cost, count_evaluations
from utils.slurm.task_time import POOL_STARTS

SECONDS = 15.0
"""Approximate duration of the second stretch, s."""

FIRST = 200
"""Number of timesteps of the first stretch after learning has begun."""

MIB = 2**20

MAX_WAIT_SHARE = 0.99
"""Largest fraction of a run's time that is left out as waiting, so that a cost remains."""


@dataclass(frozen=True)
class Stretch:
    """Measurements of one stretch, averaged over its runs.

    steps: timesteps of a run.
    train, evaluation: seconds of a run's training, and of one of its evaluations.
    peak: memory of the process, MiB.
    start: seconds that a single process would take besides training.
    """

    steps: float
    train: float
    evaluation: float
    peak: float
    start: float = 0.0


Trainer = Callable[[Sequence[Run], int, int], Stretch]
"""A function that trains runs for a number of timesteps, in stacks of a number of runs that train at the same time."""


def measure_cost(
    experiment: Experiment, runs: Sequence[Run], sizes: tuple[int, int], rule: Cost, train: Trainer
) -> Cost:
    """Measure the cost of one run in stacks of these runs.  Raises BadInput if they cannot be trained.

    sizes: dimensions of an observation and of an action.
    rule: the estimate of the cost in a stack of the size to measure, from which the part is taken that does not grow
        with the stack.
    """
    environment, hyperparameters = experiment.environment, runs[0].hyperparameters
    total = environment.total_timesteps
    stack = min(rule.stack, len(runs))
    first = train(runs, min(total, getattr(hyperparameters, "batch_size", 0) + FIRST), stack)
    rate = stack * first.train / first.steps
    steps = min(total, max(2 * round(first.steps), round(SECONDS / rate)))
    second = train(runs, steps, stack)
    a_step = second.train / second.steps
    if second.steps > first.steps and second.train > first.train:
        a_step = (second.train - first.train) / (second.steps - first.steps)
    filled = [hyperparameters.replay_bytes(*sizes, timesteps) / MIB for timesteps in (total, steps)]
    seconds = second.train + (total - second.steps) * a_step + count_evaluations(environment) * second.evaluation
    return Cost(
        stack=stack,
        seconds=seconds,
        process_mib=round(second.peak + stack * (filled[0] - filled[1]), 1),
        fixed_seconds=stack * seconds * rule.fixed_seconds / rule.seconds_of(stack),
        start_seconds=second.start,
        replay_mib=filled[0],
    )


def pilot_cores(cluster: Cluster) -> int:
    """Return the number of cores that a pilot takes: at most those of a task, if it runs in a job; otherwise one."""
    return min(cluster.cpus_per_task, available_cores()) if SLURM_CORES in os.environ else 1


def shorten_protocol(environment: EnvironmentConfig, steps: int) -> dict[str, Any]:
    """Return the protocol with `steps` timesteps, evaluated only before the first and after the last."""
    return environment.model_dump(mode="json") | {"total_timesteps": steps, "eval_interval_timesteps": steps}


def make_trainer(experiment: Experiment, script: str, engine: str, directory: str) -> Trainer:
    """Return a trainer that calls main.py with results in a temporary folder.

    script, directory: main.py and its working directory.
    """

    def train(runs: Sequence[Run], steps: int, stack: int) -> Stretch:
        processes = -(-len(runs) // stack)
        with tempfile.TemporaryDirectory(prefix="pilot-") as name:
            folder = Path(name)
            env_json, agent_json = folder / "environment.json", folder / "agent.json"
            env_json.write_bytes(orjson.dumps(shorten_protocol(experiment.environment, steps)))
            agent_json.write_bytes(orjson.dumps(experiment.agent.model_dump(mode="json")))
            command = MainCommand(
                str(env_json),
                str(agent_json),
                index=format_indices(sorted(run.index for run in runs)),
                save_dir=str(folder / "results"),
                jobs=processes,
                stack=stack,
                engine=engine,
            )
            begin = time.monotonic()
            run_main(command.joined_words(script, sys.executable), directory)
            wall = time.monotonic() - begin
            return summarize_stretch(sorted((folder / "results").glob("*/*.json")), wall, processes)

    return train


def run_main(command: Sequence[str], directory: str) -> None:
    """Run main.py.  Raises BadInput with the end of its output if it fails."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-5:])
        raise BadInput(f"the pilot failed with exit code {done.returncode}:\n{said}")


def summarize_stretch(results: Sequence[Path], wall: float, processes: int) -> Stretch:
    """Summarize the results of a stretch.

    wall: seconds from its start to its end.
    processes: number of its processes, each of which trained one stack.
    """
    runs = [read_result(path).run for path in results]
    busy = sum(map(core_share, runs)) / len(runs)
    steps, train = (sum(run[name] for run in runs) / len(runs) for name in ("timesteps_done", "train_time"))
    evaluation = sum(run["eval_time"] / max(1, len(run["timesteps_at_eval"])) for run in runs) / len(runs)
    start = wall - sum(run["train_time"] + run["eval_time"] for run in runs) / processes
    start = busy * max(0.0, start) / (POOL_STARTS if processes > 1 else 1.0)
    peak = max(run["provenance"]["peak_memory_mib"] for run in runs)
    return Stretch(steps, busy * train, busy * evaluation, peak, start)


def core_share(run: dict[str, Any]) -> float:
    """Return the fraction of a run's time in which its process had a core if it could use one; 1.0 if unknown."""
    origin = run["provenance"]
    waited = origin.get("core_wait_seconds")
    if not waited:
        return 1.0
    start, end = (datetime.fromisoformat(origin[name]) for name in ("start_time", "end_time"))
    return 1.0 - min(waited / max((end - start).total_seconds(), waited), MAX_WAIT_SHARE)
