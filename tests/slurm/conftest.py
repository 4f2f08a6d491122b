"""A fake SLURM, and a project that schedule.py is called for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fake_slurm import FakeSlurm
from tests.support.scheduled_project import Project


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", fake.path)
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    return fake


@pytest.fixture
def project(files) -> Project:
    return Project(files)
