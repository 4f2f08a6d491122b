"""A real SLURM for tests, and sweeps that run on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from utils.results.run_diff import first_run_difference, read_comparable
from utils.results.schema import read_result

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "slurm"
NEEDED = ("slurmctld", "slurmd", "munged", "squeue")

PATIENCE = 150.0
"""Seconds after which a test stops waiting and fails."""


def reason_to_skip() -> str | None:
    """Return why SLURM cannot be started here; None if it can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge"
    return None if os.geteuid() == 0 else "only root can start SLURM's daemons"


@contextmanager
def running_slurm(folder: Path, **settings: str) -> Iterator[None]:
    """Run a SLURM while the block runs; its commands find it by SLURM_CONF.

    folder: for its files.  settings: environment variables of start.sh.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.delenv("SBATCH_ACCOUNT", raising=False)
        try:
            words = [str(FOLDER / "start.sh"), str(folder)]
            started = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True, check=False)
            assert started.returncode == 0, started.stderr
            yield
        finally:
            subprocess.run([str(FOLDER / "stop.sh"), str(folder)], check=True)


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until `done` returns true; fail after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def call(*words: str) -> str:
    """Return the output of a command, which must succeed."""
    done = run(*words)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


class Sweep:
    """A sweep in a folder whose name needs quoting."""

    def __init__(self, folder: Path, name: str, runs: int, agent: dict[str, Any], protocol: dict[str, Any]) -> None:
        """runs: number of runs of each setting."""
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
        """Return the output of schedule.py, which must succeed.  cluster: keys of the cluster's file to change."""
        done = self.try_to_schedule(*options, **cluster)
        assert done.returncode == 0, f"{options}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_to_schedule(self, *options: str, **cluster: Any) -> subprocess.CompletedProcess[str]:
        """Run schedule.py.  cluster: keys of the cluster's file to change."""
        files = [self._write("cluster", self.cluster | cluster), "main.py", ".", self.env_json, str(self.save_dir)]
        return run(sys.executable, "schedule.py", "--runs", str(self.runs), *options, *files, self.agent_json)

    def train_here(self) -> Path:
        """Train the same runs with main.py, without SLURM; return the directory of the results."""
        where = ["--env-json", self.env_json, "--agent-json", self.agent_json, "--save-dir", str(self.folder / "here")]
        call(sys.executable, "main.py", *where, "--runs", str(self.runs))
        (found,) = (self.folder / "here").iterdir()
        return found

    @property
    def save_dir(self) -> Path:
        """Value of --save-dir."""
        return self.folder / "there"

    @property
    def directory(self) -> Path:
        """Directory of the results."""
        (found,) = self.save_dir.iterdir()
        return found

    @property
    def submission(self) -> Path:
        """Folder of the latest submission."""
        return max(self.directory.glob("slurm/*/submission.json"), key=lambda path: path.stat().st_mtime_ns).parent

    def jobs(self) -> list[int]:
        """Return the job numbers of the latest submission's arrays."""
        return [array["job"] for array in json.loads((self.submission / "submission.json").read_text())["arrays"]]

    @property
    def closing(self) -> int:
        """Job number of the latest submission's closing job."""
        return int(json.loads((self.submission / "submission.json").read_text())["closing"]["job"])

    def combined_runs(self) -> list[int]:
        """Return the run numbers of the only setting in data.json."""
        (setting,) = json.loads((self.directory / "data.json").read_text())["experiment_data"].values()
        return sorted(run["run_number"] for run in setting["runs"])

    def delay_task(self, task: int, seconds: int) -> None:
        """Make the tasks of this number slow: they sleep before they train."""
        path = Path(self.cluster["activate"])
        path.write_text(f'{path.read_text()}\n[ "$SLURM_ARRAY_TASK_ID" -ne {task} ] || sleep {seconds}\n')

    def listed(self) -> dict[str, list[str]]:
        """Return the stacks of the common list that each task has in each state, as "<task> <state>"."""
        found: dict[str, list[str]] = {}
        for path in sorted((self.submission / "list").glob("[0-9]*.*.*")):
            number, state, task = path.name.split(".")
            found.setdefault(f"{task} {state}", []).append(number)
        return found

    def letters(self) -> dict[int, str]:
        """Return each setting's row of letters in the output of --status."""
        rows = (line.split() for line in self.schedule("--status").splitlines())
        return {int(row[0]): row[-1] for row in rows if len(row) == 8 and row[0].isdecimal()}

    def stop_task(self, task: int) -> int:
        """Stop a task of the latest submission after its second evaluation; return the process in which it trains."""
        wait_for(lambda: self.log(task).count("evaluation return") >= 2)
        words = [b"python", f"--save-dir={self.save_dir}".encode()]
        if (self.submission / "list").exists():
            words += [b"--common-list", f"0_{task}".encode()]
        else:
            words += [f"--index={(self.submission / 'tasks.0.txt').read_text().splitlines()[task]}".encode()]
        (pid,) = (int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if has_words(path, words))
        os.kill(pid, signal.SIGSTOP)
        return pid

    def log(self, task: int) -> str:
        """Return the log of a task of the latest submission."""
        path = self.submission / "logs" / f"0_{task}.log"
        return path.read_text() if path.exists() else ""

    def resumed(self, *runs: int) -> list[bool]:
        """Return whether each of the only setting's runs resumed from a checkpoint, according to its result."""
        found = {}
        for path in self.directory.glob("*_*.json"):
            run = read_result(path).run
            found[run["run_number"]] = bool(run["provenance"]["resumed_at"])
        return [found[number] for number in runs]

    def restarts(self, task: int) -> int:
        """Return how often SLURM has restarted a task of the latest submission."""
        line = call("scontrol", "--oneliner", "show", "job", f"{self.jobs()[0]}_{task}")
        return int(line.partition(" Restarts=")[2].split()[0])


def job_time(job: object, name: str) -> str:
    """Return a time of a job or task, such as its StartTime, in a form that sorts."""
    line = call("scontrol", "--oneliner", "show", "job", str(job))
    return line.partition(f" {name}=")[2].split()[0]


def queue() -> list[str]:
    """Return the names of all tasks and jobs in the queue."""
    return call("squeue", "--noheader", "--array", "--format=%i").split()


def wait_for_all() -> None:
    """Wait until the queue is empty."""
    wait_for(lambda: not queue())


def has_words(path: Path, words: Sequence[bytes]) -> bool:
    """Return whether a process is alive and was called with all the words.  path: its cmdline file in /proc."""
    try:
        line = path.read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return all(word in line for word in words)


def continue_after_signal(pid: int) -> None:
    """Continue a stopped process once SIGUSR1 is pending. Some process trackers continue it themselves."""
    with suppress(FileNotFoundError, ProcessLookupError):
        wait_for(lambda: has_pending(pid, signal.SIGUSR1))
        os.kill(pid, signal.SIGCONT)


def has_pending(pid: int, number: signal.Signals) -> bool:
    """Return whether a signal is pending for a stopped process.  Raises FileNotFoundError if the process has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:"))
    return bool(mask >> (number - 1) & 1)


def assert_same_results(here: Path, there: Path) -> None:
    """Check that each result in `there` is also in `here`, identical to the bit."""
    names = sorted(path.name for path in there.glob("*_*.json"))
    assert names
    for name in names:
        assert first_run_difference(read_comparable(here / name), read_comparable(there / name)) is None, name
