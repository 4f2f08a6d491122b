"""What a process costs besides its steps, in seconds and in memory: a part of the benchmark.

Start-up is timed from outside, as a user waits for it. Peak memory is that of a fresh process whose replay is full.
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
from utils.benchmarking.timing import BenchmarkTask, fill, make_loop

ROOT = Path(__file__).resolve().parents[2]

SMALL, SMALL_STACK = BenchmarkTask("SAC", "Pendulum-v1", 64, 32), 32
LARGE = BenchmarkTask("SAC", "HalfCheetah-v5", 256, 256, 1_000_000)
LARGE_SIZES = (17, 6)
"""Numbers in an observation and in an action of HalfCheetah."""

WIDTHS = (44, 10)


def start_up(engines: Sequence[str], repeats: int) -> Iterator[tuple[str, float]]:
    """Each script's `--help`, and main.py's run of a step with an update by each engine: (what, median of seconds).

    Each is called once before it is timed, so that files, and kernels if any, are in their caches.
    """
    for script in sorted(path.name for path in ROOT.glob("*.py")):
        yield f"{script} --help", seconds([script, "--help"], repeats)
    for engine in engines:
        with TemporaryDirectory() as folder:
            yield f"main.py, first update, {engine}", seconds(first_update(Path(folder), engine), repeats)


def seconds(command: Sequence[str], repeats: int) -> float:
    """The median time that a script takes.  Raises CalledProcessError."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def first_update(folder: Path, engine: str) -> list[str]:
    """A command that trains SMALL until it can learn for the first time, once more at each call."""
    protocol = {
        "env_name": SMALL.env_name, "total_timesteps": SMALL.batch, "steps_per_episode": 1000,
        "eval_interval_timesteps": 1000, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    grid = {"hidden_dim": [SMALL.hidden], "batch_size": [SMALL.batch]}
    contents = {"--env-json": protocol, "--agent-json": {"agent_name": SMALL.agent, "parameters": grid}}
    command = ["main.py", "--force", "--save-dir", str(folder / "results"), "--engine", engine]
    for option, content in contents.items():
        path = folder / f"{option.strip('-')}.json"
        path.write_text(json.dumps(content))
        command += [option, str(path)]
    return command


def memory(engines: Sequence[str]) -> Iterator[tuple[str, float]]:
    """The peak of a stack of small runs by each engine, and a large run's replay by its sizes: (what, MB)."""
    for engine in engines:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(peak_of, (SMALL, SMALL_STACK, engine))
        yield f"stack of {SMALL_STACK} small runs, {engine}", peak
    setting = AGENTS[LARGE.agent].hyperparameters.model_validate({"replay_capacity": LARGE.replay_capacity})
    replay = setting.replay_bytes(*LARGE_SIZES, LARGE.replay_capacity)
    yield f"replay of a run, {LARGE.env_name}, {LARGE.replay_capacity:.0e}", replay / 1e6


def peak_of(task: BenchmarkTask, runs: int, engine: str) -> float:
    """MB at most that this process has had in memory, after it trained a little with a full replay."""
    loop = make_loop(task, runs, engine)
    fill(loop)
    for _ in range(100):
        loop.train_step()
    return peak()


def peak() -> float:
    """MB at most that this process has had in memory; NaN where no /proc tells. (`getrusage` tells its parent's.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
