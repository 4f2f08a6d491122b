"""The hash of the code that computes a run: what changes it, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from utils.core.source_hash import ROOT, SOURCES, source_hash

CODE = '''"""Docstring."""


def double(x):
    """Return 2 x."""
    return 2 * x  # Comment.
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one agent, one environment and a C header."""
    for name, content in (("agent/a.py", CODE), ("env/e.py", CODE), ("agent/engine/h.h", "// C"), ("utils/u.py", CODE)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def new_hash(project: Path) -> str:
    source_hash.cache_clear()
    return source_hash(project)


def test_all_sources_exist():
    assert all((ROOT / source).exists() for source in SOURCES)


@pytest.mark.parametrize(
    ("file", "content", "changes"),
    [
        ("agent/a.py", CODE.replace("2 * x", "3 * x"), True),
        ("env/e.py", CODE.replace("2 * x", "x * 2"), True),
        ("env/new.py", "", True),
        ("agent/engine/h.h", "// D", True),
        ("agent/a.py", CODE.replace("Comment", "Other").replace("Return 2 x", "Double x").replace("Docs", "S"), False),
        ("agent/a.py", CODE.replace("2 * x", "(2*x)"), False),
        ("utils/u.py", CODE.replace("2 * x", "3 * x"), False),
        ("agent/notes.md", "notes", False),
    ],
)
def test_what_changes_the_hash(project, file, content, changes):
    before = new_hash(project)
    (project / file).write_text(content)
    assert (new_hash(project) != before) == changes


def test_a_file_that_does_not_parse_has_a_hash_as_well(project):
    before = new_hash(project)
    (project / "agent/a.py").write_text("def (")
    assert new_hash(project) != before
