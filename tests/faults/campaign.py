"""Kill a sweep at random moments, start it again, and compare what comes of it with an undisturbed one.

    python tests/faults/campaign.py --kills 200

After every kill each result that is there must be whole and right; in the end all of them must be
there, and nothing else. A sweep that is done before the last kill is followed by another.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

import click
import numpy as np

from utils.compare_runs import content, first_difference

ROOT = Path(__file__).resolve().parents[2]

ENVIRONMENT = {
    "env_name": "Hopper-v5", "total_timesteps": 600, "steps_per_episode": 70, "eval_interval_timesteps": 150,
    "eval_episodes": 2, "gamma": 0.99, "record": ["train_actions", "eval_states"],
}  # fmt: skip

PARAMETERS = {
    "batch_size": [16], "replay_capacity": [200], "hidden_dim": [16, 24],
    "critic_lr": [1e-3, 1e-2], "automatic_entropy_tuning": [True], "alpha_lr": [1e-2],
}  # fmt: skip
"""Four settings in two stacks."""

CHECKPOINT_MINUTES = 0.001

LONGEST_WAIT = 4.0
"""Seconds from the first stack's beginning to a kill, at most; the sweep takes about as long."""


class Sweep:
    """One sweep into a folder of its own, started as often as it takes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.save_dir = folder / name
        for file, tree in (("env", ENVIRONMENT), ("agent", {"agent_name": "SAC", "parameters": PARAMETERS})):
            (folder / f"{file}.json").write_text(json.dumps(tree))
        options = ["--env-json", folder / "env.json", "--agent-json", folder / "agent.json", "--runs", "1"]
        options += ["--save-dir", self.save_dir, "--checkpoint-minutes", CHECKPOINT_MINUTES]
        self.command = [sys.executable, "main.py", *map(str, options)]

    def finish(self) -> None:
        """Let it end.  Raises CalledProcessError if it fails."""
        subprocess.run(self.command, cwd=ROOT, check=True, capture_output=True, env=os.environ)

    def killed(self, seconds: float) -> bool:
        """Start it and kill it some seconds into its training. Returns whether it was still going on then."""
        process = subprocess.Popen(self.command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if " in a stack: " in line:
                break
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the sweep left with exit code {process.returncode}")
        return process.returncode != 0

    def results(self) -> dict[str, Path]:
        """Its results, by name."""
        return {path.name: path for path in self.save_dir.glob("*/*.json")}

    def files(self) -> set[str]:
        """The names of all files and folders."""
        return {path.name for path in self.save_dir.rglob("*")}


def check(sweep: Sweep, undisturbed: Sweep) -> int:
    """Compare the results that there are. Returns their number.  Raises BadInput or RuntimeError."""
    right = undisturbed.results()
    for name, path in sweep.results().items():
        difference = first_difference(content(right[name]), content(path))
        if difference is not None:
            raise RuntimeError(f"{path}: differs from the undisturbed sweep: {difference}")
    return len(sweep.results())


def run(kills: int, seed: int, folder: Path, say: Callable[[str], object] = lambda line: None) -> None:
    """The campaign.  Raises an error where a result is not what it is to be."""
    rng = np.random.Generator(np.random.PCG64(seed))
    undisturbed = Sweep(folder, "undisturbed")
    undisturbed.finish()
    done = rounds = 0
    while done < kills:
        sweep, rounds = Sweep(folder, f"round{rounds}"), rounds + 1
        while done < kills:
            seconds = float(rng.uniform(0.0, LONGEST_WAIT))
            if not sweep.killed(seconds):
                break
            done += 1
            resumable = len(list(sweep.save_dir.glob("*/checkpoints/*/state")))
            say(f"kill {done}: after {seconds:.2f} s; {check(sweep, undisturbed)} results, {resumable} checkpoints")
        sweep.finish()
        check(sweep, undisturbed)
        if sweep.files() != undisturbed.files():
            raise RuntimeError(f"{sweep.save_dir}: missing or left over: {sweep.files() ^ undisturbed.files()}")
        shutil.rmtree(sweep.save_dir)
    say(f"{done} kills in {rounds} sweeps: every result is that of the undisturbed sweep, to the bit")


@click.command(help="Kill a small sweep at random moments until it has survived so many kills.")
@click.option("--kills", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the moments.")
def main(kills: int, seed: int) -> None:
    """Entry point of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        run(kills, seed, Path(folder), click.echo)


if __name__ == "__main__":
    main()
