"""Time that a user waits for a new process: for help, and until the first update.

All starts take turns, so that ratios are valid even if the machine's speed varies. The compiled engine's first update
is timed with an empty cache, with one that has the code, and with one that was filled by a stack of another size. The
first update of a peer is timed if it has a process of its own; it compiles each time.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from utils.benchmarking.peers.catalogue import ISOLATED
from utils.benchmarking.peers.environments import NotAvailable
from utils.benchmarking.peers.processes import IsolatedPeer, PeerProcess, peer_sizes
from utils.benchmarking.table import Table
from utils.benchmarking.timing import BenchmarkTask
from utils.core.provenance import ROOT
from utils.experiment.main_command import MainCommand

SMALL = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)
"""Task whose first update is timed."""

OTHER_STACK = 8
"""Number of runs in a stack that finds the code which a single run has compiled."""

WIDTHS = (58, 10)
"""Characters per column."""

Start = Callable[[], dict[str, float]]
"""Starts a process and returns the seconds of its parts, by the name of the row."""


def make_startup_table(engines: Sequence[str], peers: Sequence[str], repeats: int) -> Table:
    """Return the table of start-up times, in seconds.  peers: names."""
    return Table(("start-up", "seconds"), WIDTHS, measure_startup(engines, peers, repeats))


def measure_startup(engines: Sequence[str], peers: Sequence[str], repeats: int) -> Iterator[tuple]:
    """Yield the median seconds of each script's `--help`, and of the first update with each engine and peer.

    Everything runs once before it is timed, which fills the caches of files and kernels.
    """
    with TemporaryDirectory() as folder:
        starts = [*help_starts(), *first_update_starts(Path(folder), engines)]
        unavailable = {}
        for name in peers:
            if name in ISOLATED:
                try:
                    start_peer(name, ISOLATED[name])
                    starts.append(functools.partial(start_peer, name, ISOLATED[name]))
                except NotAvailable as error:
                    unavailable[name] = str(error)
        rounds = [[start() for start in starts] for _ in range(repeats + 1)][1:]
    for times in zip(*rounds, strict=True):
        for row in times[0]:
            yield (row, median(seconds[row] for seconds in times))
    for name, reason in unavailable.items():
        yield (name, f" not available: {reason}")


def help_starts() -> list[Start]:
    """Return the starts of each script's `--help`."""
    scripts = sorted(path.name for path in ROOT.glob("*.py"))
    return [timed_command(f"{script} --help", [sys.executable, script, "--help"]) for script in scripts]


def first_update_starts(folder: Path, engines: Sequence[str]) -> Iterator[Start]:
    """Yield the starts of main.py up to its first update.  folder: for configurations, results and caches."""
    for engine in engines:
        row, command = f"main.py, first update, {engine}", write_first_update(folder / engine, engine)
        if engine == "eager":
            yield timed_command(row, command)
            continue
        stack = write_first_update(folder / "stack", engine, OTHER_STACK)
        empty, full = folder / "empty", folder / "full"
        empty.mkdir()
        yield timed_command(f"{row}, empty cache", command, empty)
        run_command(command, full)
        yield timed_command(f"{row}, full cache", command, full)
        yield timed_command(f"{row}, full cache, stack of {OTHER_STACK}", stack, full)


def timed_command(row: str, command: Sequence[str], cache: Path | None = None) -> Start:
    """Return a start of a command with a fresh copy of a cache; None: the user's cache."""

    def start() -> dict[str, float]:
        with TemporaryDirectory() as folder:
            copy = None if cache is None else shutil.copytree(cache, Path(folder) / "cache")
            started = time.perf_counter()
            run_command(command, copy)
            return {row: time.perf_counter() - started}

    return start


def run_command(command: Sequence[str], cache: Path | None) -> None:
    """Run a command in the project's folder.  cache: for $XDG_CACHE_HOME.  Raises CalledProcessError."""
    environment = os.environ | ({} if cache is None else {"XDG_CACHE_HOME": str(cache)})
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=environment)


def write_first_update(folder: Path, engine: str, runs: int = 1) -> list[str]:
    """Write the configuration of runs of SMALL with a single update and return the command that trains them.

    The command trains the runs again each time it is called.
    """
    protocol = {
        "env_name": SMALL.env_name, "total_timesteps": SMALL.batch, "steps_per_episode": 1000,
        "eval_interval_timesteps": 1000, "eval_episodes": 0, "gamma": 0.99,
    }  # fmt: skip
    grid = {"hidden_dim": [SMALL.hidden], "batch_size": [SMALL.batch]}
    folder.mkdir()
    env_json, agent_json = folder / "environment.json", folder / "agent.json"
    env_json.write_text(json.dumps(protocol))
    agent_json.write_text(json.dumps({"agent_name": SMALL.agent, "parameters": grid}))
    results = str(folder / "results")
    command = MainCommand(
        str(env_json), str(agent_json), runs=runs, stack=runs, save_dir=results, engine=engine, force=True
    )
    return command.words(python=sys.executable)


def start_peer(name: str, peer: IsolatedPeer) -> dict[str, float]:
    """Train a peer up to its first update, and return how long that took, and compiling alone.

    Raises NotAvailable.
    """
    started = time.perf_counter()
    process = PeerProcess(peer, peer_sizes(SMALL, 1, SMALL.batch + 1))
    seconds = time.perf_counter() - started
    process.close()
    return {f"{name}, first update": seconds, f"{name}, compiling": process.compile_seconds}
