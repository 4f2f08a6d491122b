"""Kill sweeps at random moments, start them again, and compare their results with those of undisturbed sweeps.

    python tests/faults/campaign.py --kills 200
    python tests/faults/campaign.py --kills 200 --signal TERM

Each sweep has four settings of two shapes and two runs of each, trained by two processes in stacks; the agents take
turns. A signal is sent to the whole sweep or, for SIGKILL only, to one of the training processes. After each signal,
every existing result must be complete and correct; in the end, all results must exist, and no other files.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click
import numpy as np

from utils.results.run_diff import first_run_difference, read_comparable

ROOT = Path(__file__).resolve().parents[2]

PROTOCOL = {
    "total_timesteps": 600, "steps_per_episode": 70, "eval_interval_timesteps": 150, "eval_episodes": 2, "gamma": 0.99,
}  # fmt: skip

NETWORKS = {"batch_size": [16], "replay_capacity": [200], "hidden_dim": [16, 24], "critic_lr": [1e-3, 1e-2]}

SWEEPS: list[tuple[dict, str, dict]] = [
    ({"env_name": "Hopper-v5", "record": ["train_actions", "eval_states"]}, "SAC", {
        **NETWORKS, "automatic_entropy_tuning": [True], "alpha_lr": [1e-2],
    }),
    ({"env_name": "Pendulum-v1"}, "GreedyAC", {**NETWORKS, "policy_type": ["Beta"]}),
    ({"env_name": "CartPole-v1"}, "VACDiscrete", NETWORKS),
    ({"env_name": "MountainCarContinuous-v0"}, "linearAC", {"decay": [0.5, 0.9], "critic_lr": [0.1, 0.01]}),
]  # fmt: skip
"""Sweeps: additions to PROTOCOL, the agent, and its grid of four settings."""

OPTIONS = ("--runs", "2", "--jobs", "2", "--stack", "4", "--checkpoint-minutes", "0.01")

MAX_LINES = 30
"""Maximum number of log lines from the start of the first stack to a signal: about the whole log of a sweep."""

MAX_WAIT_SECONDS = 0.6
"""Maximum time from a log line to a signal, s."""


class Strike(NamedTuple):
    """A signal at a random moment.

    number: of the signal.  one: whether it is sent to one training process instead of the main process.
    lines: log lines of the sweep before it, from the start of its first stack.  seconds: time after the last of them.
    """

    number: int
    one: bool
    lines: int
    seconds: float

    @classmethod
    def draw(cls, number: int, rng: np.random.Generator) -> Strike:
        """Draw a strike. Only SIGKILL is sent to one process: a sweep does not expect that a single one stops."""
        one = number == signal.SIGKILL and bool(rng.integers(2))
        return cls(number, one, int(rng.integers(MAX_LINES)), float(rng.uniform(0.0, MAX_WAIT_SECONDS)))

    def __str__(self) -> str:
        return f"{'one process' if self.one else 'all'}, {self.lines} lines and {self.seconds:.2f} s"


class Sweep:
    """One sweep in its own folder, which can be started several times."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        """Write the configurations.  number: index in SWEEPS."""
        environment, agent, parameters = SWEEPS[number]
        self.save_dir, self.agent = folder / name, agent
        env_json, agent_json = folder / f"{name}_env.json", folder / f"{name}_agent.json"
        env_json.write_text(json.dumps(PROTOCOL | environment))
        agent_json.write_text(json.dumps({"agent_name": agent, "parameters": parameters}))
        files = ["--env-json", env_json, "--agent-json", agent_json, "--save-dir", self.save_dir]
        self.command = [sys.executable, "main.py", *map(str, files), *OPTIONS]

    def finish(self) -> None:
        """Run the sweep to its end.  Raises CalledProcessError if it fails."""
        subprocess.run(self.command, cwd=ROOT, check=True, capture_output=True)

    def run_and_strike(self, strike: Strike) -> bool:
        """Start the sweep and send a signal. Returns whether the sweep was ended by it.

        Raises RuntimeError for an unexpected exit code or a traceback.
        """
        process = subprocess.Popen(self.command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if " in a stack: " in line:
                break
        for _ in itertools.islice(process.stderr, strike.lines):
            pass
        time.sleep(strike.seconds)
        targets = [*training_processes(process.pid)] if strike.one else [process.pid]
        if targets:
            os.kill(targets[-1], strike.number)
        errors = process.communicate()[1]
        if process.returncode not in ((0, 1) if strike.one else (0, 75, -strike.number)) or "Traceback" in errors:
            raise RuntimeError(f"the sweep exited with code {process.returncode}: {errors}")
        return process.returncode != 0

    def results(self) -> dict[str, Path]:
        """Return the paths of the results, by name."""
        return {path.name: path for path in self.save_dir.glob("*/*.json")}

    def files(self) -> set[str]:
        """Return the names of all files and folders."""
        return {path.name for path in self.save_dir.rglob("*")}


def training_processes(parent: int) -> Iterator[int]:
    """Yield the ids of the training processes that a sweep has started, from Linux's /proc."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_rest = path.read_text().rpartition(")")
            command = path.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(name_and_rest[2].split()[1]) == parent and b"spawn_main" in command:
            yield int(path.parent.name)


def check_results(sweep: Sweep, undisturbed: Sweep) -> int:
    """Compare the existing results with those of an undisturbed sweep. Returns their number.

    Raises BadInput or RuntimeError if one is wrong.
    """
    expected = undisturbed.results()
    for name, path in sweep.results().items():
        difference = first_run_difference(read_comparable(expected[name]), read_comparable(path))
        if difference is not None:
            raise RuntimeError(f"{path}: differs from the undisturbed sweep: {difference}")
    return len(sweep.results())


def run_campaign(
    kills: int,
    seed: int,
    folder: Path,
    report: Callable[[str], object] = lambda line: None,
    name: str = "KILL",
    kinds: int = len(SWEEPS),
) -> None:
    """Run the campaign.

    report: receives lines of progress.  name: of the signal.  kinds: number of SWEEPS used, from the first.
    Raises BadInput or RuntimeError if a result is wrong or missing.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    number = signal.Signals[f"SIG{name}"]
    undisturbed = [Sweep(folder, f"undisturbed{i}", i) for i in range(kinds)]
    for sweep in undisturbed:
        sweep.finish()
    done = rounds = results = 0
    while done < kills:
        reference, sweep = undisturbed[rounds % kinds], Sweep(folder, f"round{rounds}", rounds % kinds)
        rounds += 1
        while done < kills:
            strike = Strike.draw(number, rng)
            if not sweep.run_and_strike(strike):
                break
            done += 1
            resumable = len(list(sweep.save_dir.glob("*/checkpoints/*/state")))
            complete = check_results(sweep, reference)
            report(f"{name} {done}: {sweep.agent}, {strike}; {complete} results, {resumable} checkpoints")
        sweep.finish()
        results += check_results(sweep, reference)
        if sweep.files() != reference.files():
            raise RuntimeError(f"{sweep.save_dir}: missing or left over: {sweep.files() ^ reference.files()}")
        shutil.rmtree(sweep.save_dir)
    report(f"{done} x {name} in {rounds} sweeps: all {results} results equal those of undisturbed sweeps, bit for bit")


@click.command(help="Kill small sweeps at random moments until they have survived the given number of signals.")
@click.option("--kills", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the moments.")
@click.option("--signal", "name", type=click.Choice(["KILL", "TERM"]), default="KILL", show_default=True)
def main(kills: int, seed: int, name: str) -> None:
    """Entry point of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        run_campaign(kills, seed, Path(folder), click.echo, name)


if __name__ == "__main__":
    main()
