"""Kill sweeps at random moments, start them again, and compare what comes of it with undisturbed ones.

    python tests/faults/campaign.py --kills 200
    python tests/faults/campaign.py --kills 200 --signal TERM

Each sweep has two settings of two shapes and two runs of each, trained by two processes in stacks; the agents take
turns. A blow falls on the whole sweep or, SIGKILL only, on one of the processes that train. After each, every
result that is there must be whole and right; in the end all must be there, and nothing else.
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

sys.path[0] = str(Path(__file__).resolve().parents[2])

import click
import numpy as np

from utils.results.run_diff import read_comparable, first_run_difference

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
"""What a protocol adds to PROTOCOL, the agent, its grid of four settings."""

OPTIONS = ("--runs", "2", "--jobs", "2", "--stack", "4", "--checkpoint-minutes", "0.01")

MOST_LINES = 30
"""What a sweep says from its first stack's beginning to a blow, at most: about all, however fast the machine is."""

LONGEST_WAIT = 0.6
"""Seconds from a line to a blow, at most."""


class Blow(NamedTuple):
    """A signal.  one: to one of the processes that train, not to the one that leads.

    lines: of the sweep's, from its first stack's beginning.  seconds: after the last of them.
    """

    number: int
    one: bool
    lines: int
    seconds: float

    @classmethod
    def draw(cls, number: int, rng: np.random.Generator) -> Blow:
        """Only SIGKILL may fall on one process: another that is told to stop, the sweep did not tell."""
        one = number == signal.SIGKILL and bool(rng.integers(2))
        return cls(number, one, int(rng.integers(MOST_LINES)), float(rng.uniform(0.0, LONGEST_WAIT)))

    def __str__(self) -> str:
        return f"{'one process' if self.one else 'all'}, {self.lines} lines and {self.seconds:.2f} s"


class Sweep:
    """One sweep into a folder of its own, started as often as it takes."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        """number: which of SWEEPS."""
        environment, agent, parameters = SWEEPS[number]
        self.save_dir, self.agent = folder / name, agent
        env_json, agent_json = folder / f"{name}_env.json", folder / f"{name}_agent.json"
        env_json.write_text(json.dumps(PROTOCOL | environment))
        agent_json.write_text(json.dumps({"agent_name": agent, "parameters": parameters}))
        files = ["--env-json", env_json, "--agent-json", agent_json, "--save-dir", self.save_dir]
        self.command = [sys.executable, "main.py", *map(str, files), *OPTIONS]

    def finish(self) -> None:
        """Let it end.  Raises CalledProcessError if it fails."""
        subprocess.run(self.command, cwd=ROOT, check=True, capture_output=True)

    def struck(self, blow: Blow) -> bool:
        """Start it and let a blow fall. Returns whether that ended anything."""
        process = subprocess.Popen(self.command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if " in a stack: " in line:
                break
        for _ in itertools.islice(process.stderr, blow.lines):
            pass
        time.sleep(blow.seconds)
        victims = [*trainers(process.pid)] if blow.one else [process.pid]
        if victims:
            os.kill(victims[-1], blow.number)
        errors = process.communicate()[1]
        if process.returncode not in ((0, 1) if blow.one else (0, 75, -blow.number)) or "Traceback" in errors:
            raise RuntimeError(f"the sweep left with exit code {process.returncode}: {errors}")
        return process.returncode != 0

    def results(self) -> dict[str, Path]:
        """Its results, by name."""
        return {path.name: path for path in self.save_dir.glob("*/*.json")}

    def files(self) -> set[str]:
        """The names of all files and folders."""
        return {path.name for path in self.save_dir.rglob("*")}


def trainers(parent: int) -> Iterator[int]:
    """The processes that a sweep has started to train, by Linux's /proc."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_rest = path.read_text().rpartition(")")
            command = path.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(name_and_rest[2].split()[1]) == parent and b"spawn_main" in command:
            yield int(path.parent.name)


def check(sweep: Sweep, undisturbed: Sweep) -> int:
    """Compare the results that there are. Returns their number.  Raises BadInput or RuntimeError."""
    right = undisturbed.results()
    for name, path in sweep.results().items():
        difference = first_run_difference(read_comparable(right[name]), read_comparable(path))
        if difference is not None:
            raise RuntimeError(f"{path}: differs from the undisturbed sweep: {difference}")
    return len(sweep.results())


def run(
    kills: int,
    seed: int,
    folder: Path,
    say: Callable[[str], object] = lambda line: None,
    name: str = "KILL",
    kinds: int = len(SWEEPS),
) -> None:
    """The campaign.  name: of the signal.  kinds: the first so many of SWEEPS take turns.

    Raises an error where a result is not what it is to be.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    number = signal.Signals[f"SIG{name}"]
    undisturbed = [Sweep(folder, f"undisturbed{i}", i) for i in range(kinds)]
    for sweep in undisturbed:
        sweep.finish()
    done = rounds = results = 0
    while done < kills:
        right, sweep = undisturbed[rounds % kinds], Sweep(folder, f"round{rounds}", rounds % kinds)
        rounds += 1
        while done < kills:
            blow = Blow.draw(number, rng)
            if not sweep.struck(blow):
                break
            done += 1
            resumable = len(list(sweep.save_dir.glob("*/checkpoints/*/state")))
            whole = check(sweep, right)
            say(f"{name} {done}: {sweep.agent}, {blow}; {whole} results, {resumable} checkpoints")
        sweep.finish()
        results += check(sweep, right)
        if sweep.files() != right.files():
            raise RuntimeError(f"{sweep.save_dir}: missing or left over: {sweep.files() ^ right.files()}")
        shutil.rmtree(sweep.save_dir)
    say(f"{done} x {name} in {rounds} sweeps: all {results} results are those of undisturbed sweeps, to the bit")


@click.command(help="Strike small sweeps at random moments until they have survived so many blows.")
@click.option("--kills", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the moments.")
@click.option("--signal", "name", type=click.Choice(["KILL", "TERM"]), default="KILL", show_default=True)
def main(kills: int, seed: int, name: str) -> None:
    """Entry point of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        run(kills, seed, Path(folder), click.echo, name)


if __name__ == "__main__":
    main()
