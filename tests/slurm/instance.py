"""A real SLURM for tests, and sweeps on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from utils.results.run_diff import first_run_difference, read_comparable
from utils.results.schema import read_result

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "slurm"
NEEDED = ("slurmctld", "slurmd", "munged", "squeue")

PATIENCE = 150.0
"""Seconds after which a test that waits in vain is ended. None is slow on purpose."""


def reason_to_skip() -> str | None:
    """Why there can be no SLURM here; None where there can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge"
    return None if os.geteuid() == 0 else "only root can start SLURM's daemons"


def wait_for(done: Callable[[], bool]) -> None:
    """Return when it is."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def call(*words: str) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


class Sweep:
    """A sweep in a folder of awkward name."""

    def __init__(self, folder: Path, name: str, runs: int, agent: dict[str, Any], protocol: dict[str, Any]) -> None:
        """runs: of every setting."""
        self.folder, self.runs = folder / f'{name}: it\'s "50%" $(touch hurt)', runs
        self.folder.mkdir()
        self.agent_json, self.env_json = self._write("agent", agent), self._write("environment", protocol)
        activate = self.folder / "act ivate"
        activate.write_text(f"export PATH={Path(sys.executable).parent}:$PATH")
        self.cluster: dict[str, Any] = {
            "time": "0:05:00", "warning_seconds": 60, "cpus_per_task": 1, "mem_per_cpu": "100M",
            "activate": str(activate),
        }  # fmt: skip

    def _write(self, name: str, content: dict[str, Any]) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def schedule(self, *options: str, **cluster: Any) -> str:
        """What schedule.py says.  cluster: keys of its file."""
        files = [self._write("cluster", self.cluster | cluster), "main.py", ".", self.env_json, str(self.save_dir)]
        return call(sys.executable, "schedule.py", "--runs", str(self.runs), *options, *files, self.agent_json)

    def train_here(self) -> Path:
        """The same runs by main.py, undisturbed. Returns where the results are."""
        where = ["--env-json", self.env_json, "--agent-json", self.agent_json, "--save-dir", str(self.folder / "here")]
        call(sys.executable, "main.py", *where, "--runs", str(self.runs))
        (found,) = (self.folder / "here").iterdir()
        return found

    @property
    def save_dir(self) -> Path:
        return self.folder / "there"

    @property
    def directory(self) -> Path:
        """Of the results."""
        (found,) = self.save_dir.iterdir()
        return found

    @property
    def submission(self) -> Path:
        """The latest."""
        return max(self.directory.glob("slurm/*/submission.json"), key=lambda path: path.stat().st_mtime_ns).parent

    def jobs(self) -> list[int]:
        """The numbers of the latest submission's arrays."""
        return [array["job"] for array in json.loads((self.submission / "submission.json").read_text())["arrays"]]

    def letters(self) -> dict[int, str]:
        """Each setting's row of letters, from --status."""
        rows = (line.split() for line in self.schedule("--status").splitlines())
        return {int(row[0]): row[-1] for row in rows if len(row) == 8 and row[0].isdecimal()}

    def caught(self, task: int) -> int:
        """The process that a task of the latest submission trains in, stopped after its second evaluation."""
        wait_for(lambda: self.log(task).count("evaluation return") >= 2)
        index = (self.submission / "tasks.0.txt").read_text().splitlines()[task]
        words = [b"python", f"--index={index}".encode(), f"--save-dir={self.save_dir}".encode()]
        (pid,) = (int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if has_words(path, words))
        os.kill(pid, signal.SIGSTOP)
        return pid

    def log(self, task: int) -> str:
        """A task's, of the latest submission."""
        path = self.submission / "logs" / f"0_{task}.log"
        return path.read_text() if path.exists() else ""

    def resumed(self, *runs: int) -> list[bool]:
        """Whether runs of the only setting went on from a checkpoint, by their results."""
        found = {}
        for path in self.directory.glob("*_*.json"):
            run = read_result(path).run
            found[run["run_number"]] = bool(run["provenance"]["resumed_at"])
        return [found[number] for number in runs]

    def restarts(self, task: int) -> int:
        """How often SLURM has started a task of the latest submission again."""
        line = call("scontrol", "--oneliner", "show", "job", f"{self.jobs()[0]}_{task}")
        return int(line.partition(" Restarts=")[2].split()[0])


def queue() -> list[str]:
    """All tasks and jobs."""
    return call("squeue", "--noheader", "--array", "--format=%i").split()


def wait_for_all() -> None:
    """Until nothing runs and nothing is queued."""
    wait_for(lambda: not queue())


def has_words(path: Path, words: Sequence[bytes]) -> bool:
    """Whether a process, by its cmdline in /proc, still lives and was called with all the words."""
    try:
        line = path.read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return all(word in line for word in words)


def go_on_when_told(pid: int) -> None:
    """Let a stopped process go on once it is told to leave. Some trackers of processes let it go on themselves."""
    with suppress(FileNotFoundError, ProcessLookupError):
        wait_for(lambda: has_waiting(pid, signal.SIGUSR1))
        os.kill(pid, signal.SIGCONT)


def has_waiting(pid: int, number: signal.Signals) -> bool:
    """Whether a signal waits for a process to go on.  Raises FileNotFoundError if it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:"))
    return bool(mask >> (number - 1) & 1)


def assert_same_results(here: Path, there: Path) -> None:
    """Whatever is there is here too, and equal to the bit."""
    names = sorted(path.name for path in there.glob("*_*.json"))
    assert names
    for name in names:
        assert first_run_difference(read_comparable(here / name), read_comparable(there / name)) is None, name
