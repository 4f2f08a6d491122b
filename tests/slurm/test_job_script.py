"""utils/slurm/job_script.py: the exact script for every cluster, and scripts that bash runs with fake commands."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from utils.slurm.cluster import Cluster, read_cluster
from utils.slurm.duration import parse_duration
from utils.slurm.job_script import Job, make_job_script

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "slurm" / "golden"
CLUSTERS = sorted(path.stem for path in (ROOT / "clusters").glob("*.json"))


@pytest.mark.parametrize("name", CLUSTERS)
def test_to_the_letter(name):
    cluster = read_cluster(str(ROOT / "clusters" / f"{name}.json"))
    folder = "/project/def-x/a student/it's; $(here)/results/sweep/slurm/20260101-000000-abcdef"
    command = ["python", "main.py", f"--env-json={folder}/environment.json", "--jobs=8"]
    script = make_job_script(
        Job(cluster, parse_duration(cluster.time), "/project/def-x/a student/it's; $(here)", command)
    )
    assert script == (GOLDEN / f"{name}.sh").read_text()


def test_a_common_list_to_the_letter():
    """The script's argument is the array's number; tasks are named by it and their own number, as their logs are."""
    cluster = read_cluster(str(ROOT / "clusters" / "fir.json"))
    script = make_job_script(Job(cluster, 3600, "/home/a b", ["python", "main.py", "--jobs=8"], Path("/a's/list")))
    assert script == (GOLDEN / "common_list.sh").read_text()


def test_every_key_that_asks_sbatch_for_something():
    cluster = Cluster(
        account="rrg-a_b", partition="long", time="1-00", cpus_per_task=3, mem_per_cpu="2G", gpus_per_node="l40s:1",
        warning_seconds=60, activate=None,
        options=["--qos=high", "--exclusive", "--exclude=fc[10101-10105]", "--export=ALL,WANDB_MODE=offline"],
    )  # fmt: skip
    script = make_job_script(Job(cluster, 86400, "/home", ["python", "main.py"]))
    assert [line for line in script.splitlines() if line.startswith("#SBATCH")] == [
        "#SBATCH --account=rrg-a_b",
        "#SBATCH --partition=long",
        "#SBATCH --time=1-00:00:00",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --cpus-per-task=3",
        "#SBATCH --mem-per-cpu=2G",
        "#SBATCH --gpus-per-node=l40s:1",
        "#SBATCH --signal=B:USR1@60",
        "#SBATCH --open-mode=append",
        "#SBATCH --requeue",
        "#SBATCH --qos=high",
        "#SBATCH --exclusive",
        "#SBATCH '--exclude=fc[10101-10105]'",
        "#SBATCH --export=ALL,WANDB_MODE=offline",
    ]
    assert " . " not in script


@pytest.mark.parametrize("code", [0, 1, 75])
def test_an_expedited_task_tells_slurm_of_no_failure(tmp_path, code):
    """SLURM would hold it."""
    node = Node(tmp_path, f"sys.exit({code})")
    job = Job(Cluster(activate=None), 60, str(node.home), ["python", "main.py"], expedite=True)
    node.script.write_text(make_job_script(job))
    assert "#SBATCH --requeue=expedite\n" in node.script.read_text()
    task = node.start()
    output, _ = task.communicate(timeout=60)
    assert task.returncode == 0
    assert f"task 7_1 ends with exit code {code}" in output
    assert node.asked.exists() == (code == 75)


TRAINING = """\
import os, signal, sys, time
from pathlib import Path
Path("called").write_text(repr(sys.argv[1:]))
def take(number, frame):
    Path("told").open("a").write(signal.Signals(number).name + " ")
    time.sleep(0.2)
    os._exit(75)
for number in (signal.SIGUSR1, signal.SIGTERM):
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, take)
Path("ready").touch()
{then}
"""


class Node:
    """The surroundings of a task: a folder whose name needs quoting, its line of indices, and fake SLURM commands."""

    def __init__(self, folder: Path, then: str, state: str = "RUNNING") -> None:
        """then: last code of main.py.  state: job state that scontrol reports."""
        self.home = folder / 'it\'s; $(touch hurt) "a" home'
        self.home.mkdir()
        (self.home / "main.py").write_text(TRAINING.format(then=then))
        (self.home / "my activate").write_text("export ACTIVATED=yes")
        self.tasks = folder / "tasks.0.txt"
        self.tasks.write_text("0-9\n10,12-14\n")
        commands = folder / "bin"
        commands.mkdir()
        scontrol = commands / "scontrol"
        scontrol.write_text(
            f'#!/bin/bash\necho "$@" >>{folder}/asked\n'
            f'[ "$1" = requeue ] || echo "JobId=7 JobState={state} Reason=None"\n'
        )
        scontrol.chmod(0o755)
        self.asked = folder / "asked"
        cluster = Cluster(activate="my activate")
        self.script = folder / "job.sh"
        self.script.write_text(make_job_script(Job(cluster, 60, str(self.home), ["python", "main.py", "--x=a b;c'd"])))
        self.environment = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1"}
        self.path = f"{commands}{os.pathsep}{os.environ['PATH']}"

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start the task in a session of its own."""
        return subprocess.Popen(
            ["bash", str(self.script), self.tasks.name], cwd=self.tasks.parent, start_new_session=True, text=True,
            env=os.environ | self.environment | {"PATH": self.path} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        """Wait until main.py, or the file that activates, has written a file of this name."""
        deadline = time.monotonic() + 60
        while not (self.home / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def send_signals(self, *numbers: signal.Signals, everybody: bool = False) -> tuple[int, str]:
        """Send signals to the script, or to all its processes; return the exit code and the signals of main.py."""
        task = self.start()
        self.wait_until_ready()
        for number in numbers:
            (os.killpg if everybody else os.kill)(task.pid, number)
            time.sleep(0.05)
        task.communicate(timeout=60)
        return task.returncode, (self.home / "told").read_text() if (self.home / "told").exists() else ""


SLEEP = "time.sleep(50)"


@pytest.mark.parametrize("code", [0, 1, 2, 137])
def test_the_exit_code_is_main_pys(tmp_path, code):
    node = Node(tmp_path, f"sys.exit({code})")
    task = node.start()
    output, _ = task.communicate(timeout=60)
    assert task.returncode == code
    assert (node.home / "called").read_text() == repr(["--x=a b;c'd", "--index=10,12-14"])
    assert "task 7_1 on" in output
    assert "start 1" in output
    assert not node.asked.exists()
    assert not list(tmp_path.glob("**/hurt"))


def test_a_task_that_stopped_with_a_checkpoint_queues_itself_again(tmp_path):
    node = Node(tmp_path, "sys.exit(75)")
    task = node.start(SLURM_RESTART_COUNT="2")
    output, _ = task.communicate(timeout=60)
    assert task.returncode == 75
    assert "start 3" in output
    assert node.asked.read_text() == "requeue 7_1\n"


def test_the_warning_before_the_time_limit_reaches_main_py_once(tmp_path):
    node = Node(tmp_path, SLEEP)
    assert node.send_signals(signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR1) == (75, "SIGUSR1 ")
    assert node.asked.read_text() == "requeue 7_1\n"


def test_a_preempted_task_queues_itself_again_while_it_runs(tmp_path):
    node = Node(tmp_path, SLEEP)
    assert node.send_signals(signal.SIGTERM) == (75, "SIGUSR1 ")
    assert node.asked.read_text() == "--oneliner show job 7_1\nrequeue 7_1\n"


def test_a_cancelled_task_stays_away(tmp_path):
    node = Node(tmp_path, SLEEP, state="COMPLETING")
    assert node.send_signals(signal.SIGTERM) == (75, "SIGUSR1 ")
    assert node.asked.read_text() == "--oneliner show job 7_1\n"


def test_a_signal_to_all_processes_is_one_signal_to_main_py(tmp_path):
    """SLURM sends TERM to all processes if it does not track them by cgroup."""
    node = Node(tmp_path, SLEEP)
    assert node.send_signals(signal.SIGTERM, everybody=True) == (75, "SIGUSR1 ")


def test_a_signal_before_main_py_can_take_it_costs_nothing(tmp_path):
    node = Node(tmp_path, "signal.signal(signal.SIGUSR1, signal.SIG_DFL); Path('ready').touch(); " + SLEEP)
    (node.home / "main.py").write_text((node.home / "main.py").read_text().replace('Path("ready").touch()\n', ""))
    assert node.send_signals(signal.SIGUSR1) == (138, "")
    assert node.asked.read_text() == "requeue 7_1\n"


@pytest.mark.parametrize(
    ("number", "state", "again"),
    [
        (signal.SIGUSR1, "RUNNING", ["requeue 7_1"]),
        (signal.SIGTERM, "RUNNING", ["--oneliner show job 7_1", "requeue 7_1"]),
        (signal.SIGTERM, "COMPLETING", ["--oneliner show job 7_1"]),
    ],
)
def test_a_signal_during_a_slow_activation_is_handled_at_once(tmp_path, number, state, again):
    """The command in the foreground of the activation takes a minute; the task does not wait for it."""
    node = Node(tmp_path, SLEEP, state)
    (node.home / "my activate").write_text("touch ready\nexec sleep 60")
    begin = time.monotonic()
    task = node.start()
    node.wait_until_ready()
    os.kill(task.pid, number)
    output, _ = task.communicate(timeout=60)
    assert time.monotonic() - begin < 30
    assert task.returncode == 138
    assert node.asked.read_text().splitlines() == again
    assert f"task 7_1 was told to stop ({number.name[3:]}) before it trained" in output
    assert ("is stopped by" in output) == (len(again) == 2 or number == signal.SIGUSR1)
    assert not (node.home / "called").exists()


def test_an_environment_that_ends_with_an_alternative_does_not_end_the_task(tmp_path):
    """bash would run the last command in place of the process that trains, and the task would do nothing."""
    node = Node(tmp_path, "sys.exit(0)")
    (node.home / "my activate").write_text("false || sleep 0.1\n")
    task = node.start()
    task.communicate(timeout=60)
    assert (node.home / "called").exists()


def test_a_signal_before_the_activation_costs_nothing(tmp_path):
    """It comes while the script reads its line; main.py is not started."""
    node = Node(tmp_path, "")
    sed = node.asked.parent / "bin" / "sed"
    sed.write_text(
        f'#!/bin/bash\ntouch {shlex.quote(str(node.home))}/ready\nsleep 1\nexec {shutil.which("sed")} "$@"\n'
    )
    sed.chmod(0o755)
    task = node.start()
    node.wait_until_ready()
    os.kill(task.pid, signal.SIGUSR1)
    output, _ = task.communicate(timeout=60)
    assert task.returncode == 138, output
    assert "is stopped by USR1 and queued again" in output
    assert node.asked.read_text() == "requeue 7_1\n"
    assert not (node.home / "called").exists()


def test_signals_are_taken_from_the_first_lines_on(tmp_path):
    lines = [line for line in Node(tmp_path, "").script.read_text().splitlines() if line and line[0] != "#"]
    assert lines[2:4] == ["trap 'pass_on USR1' USR1", "trap 'pass_on TERM' TERM"]


def test_a_task_without_a_line_or_an_environment_fails_by_name(tmp_path):
    node = Node(tmp_path, "")
    task = node.start(SLURM_ARRAY_TASK_ID="5")
    assert "tasks.0.txt has no line for task 7_5" in task.communicate(timeout=60)[0]
    assert task.returncode == 2
    (node.home / "my activate").unlink()
    task = node.start()
    assert "my activate" in task.communicate(timeout=60)[0]
    assert task.returncode == 2
    assert not (node.home / "called").exists()
