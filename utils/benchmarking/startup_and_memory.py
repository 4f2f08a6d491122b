"""Time until a process starts to train, and the memory it takes.

Start-up is the time that a user waits for a new process. Peak memory is that of a new process with full replays.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from agent import AGENTS
from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask, fill_replay, make_loop
from utils.core.provenance import ROOT
from utils.experiment.main_command import MainCommand

SMALL = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)
"""Task whose first update and whose stack are measured."""

SMALL_STACK = 32
"""Number of runs in the stack whose memory is measured."""

LARGE = BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256, 1_000_000)
"""Task whose replay's size is computed."""

LARGE_SIZES = (17, 6)
"""Numbers in an observation and in an action of HalfCheetah."""

MEMORY_STEPS = 100
"""Training steps before peak memory is read."""

WIDTHS = (44, 10)
"""Characters per column."""


def make_startup_table(engines: Sequence[str], repeats: int) -> Table:
    """Return the table of start-up times, in seconds."""
    return Table(("start-up", "seconds"), WIDTHS, measure_startup(engines, repeats))


def make_memory_table(engines: Sequence[str]) -> Table:
    """Return the table of memory, in MB."""
    return Table(("memory", "MB"), WIDTHS, measure_memory(engines))


def measure_startup(engines: Sequence[str], repeats: int) -> Iterator[tuple[str, float]]:
    """Yield the median seconds of each script's `--help`, and of main.py up to its first update with each engine."""
    for script in sorted(path.name for path in ROOT.glob("*.py")):
        yield f"{script} --help", median_seconds([sys.executable, script, "--help"], repeats)
    for engine in engines:
        with TemporaryDirectory() as folder:
            command = write_first_update(Path(folder), engine)
            yield f"main.py, first update, {engine}", median_seconds(command, repeats)


def median_seconds(command: Sequence[str], repeats: int) -> float:
    """Return the median time that a command takes, in seconds.  Raises CalledProcessError.

    The command runs once before it is timed, which fills the caches of files and kernels.
    """
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def write_first_update(folder: Path, engine: str) -> list[str]:
    """Write the configuration of a run of SMALL with a single update and return the command that trains it.

    The command trains the run again each time it is called.
    """
    protocol = {
        "env_name": SMALL.env_name, "total_timesteps": SMALL.batch, "steps_per_episode": 1000,
        "eval_interval_timesteps": 1000, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    grid = {"hidden_dim": [SMALL.hidden], "batch_size": [SMALL.batch]}
    env_json, agent_json = folder / "environment.json", folder / "agent.json"
    env_json.write_text(json.dumps(protocol))
    agent_json.write_text(json.dumps({"agent_name": SMALL.agent, "parameters": grid}))
    results = str(folder / "results")
    command = MainCommand(str(env_json), str(agent_json), save_dir=results, engine=engine, force=True)
    return command.words(python=sys.executable)


def measure_memory(engines: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield the peak MB of a stack of SMALL with each engine, then the MB of a replay of LARGE."""
    for engine in engines:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(peak_of_training, (SMALL, SMALL_STACK, engine))
        yield f"stack of {SMALL_STACK} small runs, {engine}", peak
    setting = AGENTS[LARGE.agent].hyperparameters.model_validate({"replay_capacity": LARGE.replay_capacity})
    replay = setting.replay_bytes(*LARGE_SIZES, LARGE.replay_capacity)
    yield f"replay of a run, {LARGE.env_name}, {LARGE.replay_capacity:.0e}", replay / 1e6


def peak_of_training(task: BenchmarkTask, runs: int, engine: str) -> float:
    """Train a stack with full replays for MEMORY_STEPS steps and return this process's peak memory, in MB."""
    loop = make_loop(task, runs, engine)
    fill_replay(loop)
    for _ in range(MEMORY_STEPS):
        loop.train_step()
    return peak_memory()


def peak_memory() -> float:
    """Return this process's peak memory, in MB; NaN if there is no /proc.

    It is not read from `getrusage`, whose value includes the parent process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
