"""Versions of the packages that an environment comes from: recorded, compared before training, and at a resume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import LINE, install
from utils.results.provenance_diff import Origin, describe_version_differences

ROOT = Path(__file__).resolve().parents[2]


class Project:
    """Runs of a Random agent in an environment of a package in a folder."""

    def __init__(self, folder: Path, agent: str, protocol: str) -> None:
        self.folder, self.out = folder, folder / "out"
        self._arguments = ["--agent-json", agent, "--env-json", protocol, "--save-dir", str(self.out)]
        (folder / "rails").mkdir()
        (folder / "rails/__init__.py").write_text(f"{LINE}\ngym.register('RailsLine-v0', entry_point='rails:Line')\n")

    def install(self, version: str) -> None:
        """Replace the installed package by another version."""
        for info in self.folder.glob("rails-*.dist-info"):
            info.rename(info.with_name(f"old{info.name}"))
        install(self.folder, "rails", ["rails/__init__.py"], version=version)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run main.py."""
        return subprocess.run(
            [sys.executable, "main.py", *self._arguments, *arguments], cwd=ROOT, check=False, capture_output=True,
            text=True, env=os.environ | {"PYTHONPATH": str(self.folder)},
        )  # fmt: skip

    def origin(self, index: int) -> Origin:
        """Return where a run's result comes from."""
        trees = [json.loads(path.read_text()) for path in self.out.glob("rails-RailsLine-v0_Random/*.json")]
        runs = [run for tree in trees for data in tree["experiment_data"].values() for run in data["runs"]]
        (found,) = [run for run in runs if run["index"] == index]
        return Origin(str(index), found["provenance"])


@pytest.fixture
def project(files, tmp_path):
    agent = files.write("random.json", {"agent_name": "Random", "parameters": {}})
    return Project(tmp_path, agent, files.environment(env_name="rails:RailsLine-v0"))


def test_the_version_is_recorded_and_another_one_is_refused(project):
    project.install("1.5")
    done = project.run("--index", "0")
    assert done.returncode == 0, done.stderr
    assert project.origin(0).section("versions")["rails"] == "1.5"
    project.install("1.6")
    refused = project.run("--runs", "2")
    assert refused.returncode == 2, refused.stderr
    assert "its code differs from today's: rails 1.5 and 1.6; so it is with 1 of 1 existing results" in refused.stderr
    warned = project.run("--index", "1")
    assert warned.returncode == 0, warned.stderr
    assert (
        "1 of the 1 results read are of another version of the code than the runs to train: rails 1.5" in warned.stderr
    )
    assert describe_version_differences(project.origin(0), project.origin(1)) == ["rails 1.5 and 1.6"]
    accepted = project.run("--runs", "2", "--accept-mixed")
    assert accepted.returncode == 0, accepted.stderr


def test_verify_names_the_version(project):
    project.install("1.5")
    assert project.run("--index", "0").returncode == 0
    (path,) = project.out.glob("rails-RailsLine-v0_Random/*.json")
    text = path.read_text()
    (project.folder / "rails/__init__.py").write_text(
        f"{LINE.replace('0.0, False', '1.0, False')}\ngym.register('RailsLine-v0', entry_point='rails:Line')\n"
    )
    project.install("1.6")
    done = subprocess.run(
        [sys.executable, "main.py", "--verify", str(path)], cwd=ROOT, check=False, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(project.folder)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["*", "rails", "1.5", "1.6"] in rows
    assert not [row for row in rows if row[:2] == ["*", "gymnasium"]]
    assert path.read_text() == text
