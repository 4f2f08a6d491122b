"""utils/slurm/closing_job.py: the exact script for some clusters, and scripts that bash runs with fake commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from utils.slurm.closing_job import ClosingJob, closing_arguments, closing_directives, make_closing_script
from utils.slurm.cluster import Cluster, read_cluster

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "slurm" / "golden" / "closing"

FOLDER = Path("/project/def-x/it's; $(here)/results/sweep/Pendulum-v1_SAC/slurm/20260101-000000-abcdef")


def closing_job(cluster: Cluster, steps: tuple[str, ...], directory: str, script: str = "main.py") -> ClosingJob:
    """Return a closing job of a submission in FOLDER."""
    files = FOLDER / "agent.json", FOLDER / "environment.json"
    return ClosingJob(cluster, steps, FOLDER.parents[1], *files, directory, script)


@pytest.mark.parametrize("name", ["fir", "killarney", "slurm", "tamia", "trillium"])
def test_to_the_letter(name):
    cluster = read_cluster(str(ROOT / "clusters" / f"{name}.json"))
    script = make_closing_script(closing_job(cluster, ("combine", "report"), "/project/def-x/it's; $(here)"))
    assert script == (GOLDEN / f"{name}.sh").read_text()


@pytest.mark.parametrize(
    ("limits", "time"),
    [
        ({}, "0:30:00"),
        ({"min_time": "1:00:00"}, "1:00:00"),
        ({"max_time": "0:20:00", "time": "0:20:00"}, "0:20:00"),
    ],
)
def test_its_time_is_one_that_the_cluster_accepts(limits, time):
    assert f"--time={time}" in closing_directives(Cluster(**limits))


def test_it_requests_the_options_of_the_cluster_file():
    cluster = Cluster(account="def-a", partition="long", options=["--mail-type=END", "--constraint=a&b"])
    assert closing_directives(cluster) == [
        "--account=def-a", "--partition=long", "--time=0:30:00", "--nodes=1", "--ntasks=1", "--cpus-per-task=1",
        "--mem-per-cpu=8000M", "--open-mode=append", "--requeue", "--mail-type=END", "'--constraint=a&b'",
    ]  # fmt: skip


def test_it_waits_for_all_arrays():
    assert closing_arguments(Cluster(account="def-a"), Path("/a 50%/b"), "x.closing", [7, 8]) == [
        "--job-name=x.closing", "--dependency=afterany:7:8", "--chdir=/a 50%/b", "--output=/a 50%%/b/logs/closing.log",
        "--account=def-a", "/a 50%/b/closing.sh",
    ]  # fmt: skip


def test_other_scripts_are_next_to_main_py():
    job = closing_job(Cluster(), ("combine", "report"), "/home", "code/main.py")
    assert [command[1] for command in job.commands()] == ["code/simple_combine.py", "code/utils/report.py"]


@pytest.mark.parametrize(
    ("combine", "report", "code", "called"),
    [(0, 0, 0, 2), (1, 0, 1, 2), (2, 0, 2, 1), (0, 2, 2, 2), (1, 2, 2, 2)],
)
def test_a_step_that_fails_ends_it_and_one_that_leaves_files_out_does_not(tmp_path, combine, report, code, called):
    """The environment is a fake python that ends simple_combine.py and report.py with given exit codes."""
    home = tmp_path / 'it\'s; $(touch hurt) "a" home'
    home.mkdir()
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/bash\nprintf "%s|" "$@" >>calls\necho >>calls\n[[ $1 = *combine* ]] && exit {combine}\n'
                      f"exit {report}\n")  # fmt: skip
    python.chmod(0o755)
    (home / "my activate").write_text(f'PATH={python.parent}:"$PATH"')
    job = closing_job(Cluster(activate="my activate"), ("combine", "report"), str(home))
    script = tmp_path / "closing.sh"
    script.write_text(make_closing_script(job))
    done = subprocess.run(
        ["bash", str(script)], env=os.environ | {"SLURM_JOB_ID": "7"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stdout.splitlines()[-1].endswith(f"closing job 7 ends with exit code {code}")
    combining = ["simple_combine.py", f"--agent-json={FOLDER}/agent.json", f"--env-json={FOLDER}/environment.json"]
    commands = [[*combining, "--", str(FOLDER.parents[1])], ["utils/report.py", "--", str(FOLDER.parents[1])]]
    assert [line.split("|")[:-1] for line in (home / "calls").read_text().splitlines()] == commands[:called]
    assert not list(tmp_path.glob("**/hurt"))


def test_without_an_environment_it_fails_by_name(tmp_path):
    script = tmp_path / "closing.sh"
    script.write_text(make_closing_script(closing_job(Cluster(activate="none"), ("combine",), str(tmp_path))))
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "none" in done.stderr
