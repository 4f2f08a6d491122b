"""Every command in README.md and docs/ runs, in its page's order, on a copy of the project with shortened protocols.

README.md's first command has been run in every copy, so its result is there; whatever else a page's commands need,
earlier commands of the page make, or files that the page shows: `python` and `json` blocks under a line that names one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documentation import DOCUMENTATION, PAGES, README, ROOT, commands_in, name_of
from tests.support.fake_slurm import FakeSlurm
from tests.support.project_copy import copy_project, read_blocks, write_file
from tests.support.sharing import shared_folder
from utils.experiment.experiment import Experiment
from utils.wiring import build

SET_UP = re.compile(r"python3 -m venv \.venv && \. \.venv/bin/activate && pip install -r (requirements\S*\.txt) && ")
"""The part of README.md's two commands that .ci/run runs as it stands."""

TRAIN, TEST = commands_in(README)[:2]
"""README.md's first two commands."""

SCRIPTS = [
    "main.py", "schedule.py", "simple_combine.py", "utils/benchmark.py", "utils/compare_agents.py",
    "utils/compare_protocols.py", "utils/compare_runs.py", "utils/export.py", "utils/plot_mse_data.py",
    "utils/report.py", "utils/select_best.py", "utils/watch.py",
]  # fmt: skip

SHORTER = {
    r"--runs \d+(?=\s|$)": "--runs 2",
    r"--index 5-34(?=\s|$)": "--index 5-6",
    r"(utils/benchmark\.py.*)": r"\1 --agent SAC --stack 2 --engine eager --repeats 1 --seconds 0.01 --peer none",
}
"""Options of the commands and what they are here."""

ENVIRONMENT = {"SLURM_CPUS_PER_TASK": "1"}
"""`--jobs auto` means one process here, as tests run on all cores."""

SLOW = {
    "docs/benchmarks.md", "docs/choosing-a-setting.md", "docs/plotting.md", "docs/results.md", "docs/slurm.md",
    "docs/training.md",
}  # fmt: skip
"""Pages whose commands take longest; with --slow, a test runs them."""


def make_trained_copy(folder: Path) -> None:
    """Copy the project and run README.md's first command in the copy."""
    copy_project(folder)
    assert_succeeds(TRAIN, folder)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of the project in which README.md's first command has been run."""
    trained = shared_folder(tmp_path_factory, "project", make_trained_copy)
    return shutil.copytree(trained, tmp_path / "project")


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    """A SLURM that runs tasks at once."""
    fake = FakeSlurm(tmp_path / "slurm")
    fake.run_at_once()
    return fake


def run_command(command: str, folder: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would type it, with this interpreter first on the path."""
    environment = os.environ | ENVIRONMENT | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def assert_succeeds(command: str, folder: Path, path: str = os.environ["PATH"]) -> str:
    """Run a command, shortened, and return what it prints."""
    done = run_command(shorten(command, folder), folder, path)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def shorten(command: str, folder: Path) -> str:
    """Return a command without set-up, with fewer runs and the keys that runs have under the shortened protocol."""
    command = SET_UP.sub("", command)
    for key in set(re.findall(r"_([0-9a-f]{12})\.json", command)):
        command = command.replace(key, main_job(folder).run(0).key)
    for pattern, shorter in SHORTER.items():
        command = re.sub(pattern, shorter, command)
    return command


def main_job(folder: Path) -> Experiment:
    """Return the experiment of README.md's first command."""
    agent_json, env_json = (str(folder / file) for file in re.findall(r"config/\S+", TRAIN))
    return build.read_experiment(env_json, agent_json, "results")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if name_of(page) in SLOW else (), id=name_of(page))
        for page in PAGES
        if commands_in(page)
    ],
)
def test_every_command(page: Path, project: Path, slurm: FakeSlurm) -> None:
    """A page's commands in one test, as later ones use what earlier ones made."""
    for block in read_blocks(page):
        if block.path and block.language in ("python", "json"):
            write_file(project / block.path, block.text)
    for command in commands_in(page):
        if command == TRAIN or "pytest" in command:
            continue  # The fixture has run the one; .ci/run runs the other as it stands.
        output = assert_succeeds(command, project, slurm.path)
        if "compare_runs" in command:
            assert output == "identical\n"
        if "--status" in command:
            assert re.search(r"\bCC+$", output, re.MULTILINE), output
        for figure in figures_of(command):
            assert (project / figure).exists(), command


def figures_of(command: str) -> list[str]:
    """Return the files that a command for a figure is to write."""
    if "plot_mse_data" not in command or "--check" in command:
        return []
    return re.findall(r"--out (\S+)", command) or ([] if "--" in command else ["plots/png/Pendulum-v1.png"])


def test_every_script_has_a_command() -> None:
    commands = [command for page in PAGES for command in commands_in(page)]
    for script in [*SCRIPTS, "schedule.py .*--status", "schedule.py .*--pilot", "plot_mse_data.py .*--check"]:
        assert any(re.search(f"python {script}|python utils/{script}", command) for command in commands), script


def test_the_readme_begins_with_training_and_testing() -> None:
    """As .ci/run takes the second command from the first line that names requirements-dev.txt."""
    training, testing = SET_UP.match(TRAIN), SET_UP.match(TEST)
    assert training is not None
    assert training[1] == "requirements.txt"
    assert testing is not None
    assert testing[1] == "requirements-dev.txt"
    assert TEST.endswith("&& python -m pytest")
    assert next(line for line in README.read_text().splitlines() if "requirements-dev.txt" in line) == TEST


def test_keys_are_those_of_the_first_command() -> None:
    assert set(re.findall(r"_([0-9a-f]{12})\.json", DOCUMENTATION)) == {main_job(ROOT).run(0).key}


@pytest.mark.parametrize("script", SCRIPTS)
def test_help(script: str) -> None:
    done = run_command(f"python {script} --help", ROOT)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
