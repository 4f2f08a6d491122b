"""simple_combine.py after any sequence of changes to a directory: data.json depends only on the directory's files."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_results import combine, write_result
from utils.combining.data_json import read_data_json
from utils.combining.listing import _scan_result_files
from utils.files.archive import ARCHIVE, open_archive

CELLS = st.tuples(st.integers(0, 2), st.integers(0, 3))
RETURNS = st.lists(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=3), max_size=3)

STEPS = st.one_of(
    st.tuples(st.just("write"), CELLS, RETURNS),
    st.tuples(st.just("copy"), CELLS, st.sampled_from(["here", "there"])),
    st.tuples(st.just("remove"), CELLS),
    st.tuples(st.sampled_from(["combine", "archive", "foreign"])),
)

few = settings(max_examples=40, deadline=None, derandomize=True)


class Directory:
    """A directory and its expected content: `files` in the directory itself, `archived` in its archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, bytes] = {}
        self.archived: dict[str, bytes] = {}

    def apply(self, kind: str, *arguments: Any) -> None:
        """Apply a step of STEPS."""
        getattr(self, kind)(*arguments)

    def write(self, cell: tuple[int, int], returns: list[list[float | None]]) -> None:
        """Write a run's result, perhaps over an earlier one, and remove or update its copy."""
        path = write_result(self.path, *cell, returns=returns, note="ünï\n", extra={"b": [1, 2.5], "a": None})
        copied = self.copy_name(cell)
        if copied in self.archived:
            self._write(copied, path.read_bytes())
        elif self.files.pop(copied, None):
            (self.path / copied).unlink()
        self.files[path.name] = path.read_bytes()

    def copy_name(self, cell: tuple[int, int]) -> str:
        """Return the name of a run's copy, which sorts before the original's name."""
        return f"A_{cell[0]}_{cell[1]}.json"

    def copy(self, cell: tuple[int, int], host: str) -> None:
        """Write a copy of the run, as if from another machine."""
        name = result_name(cell)
        if name in self.view():
            tree = json.loads(self.view()[name])
            [data] = tree["experiment_data"].values()
            data["runs"][0] |= {"provenance": {"host": host}, "train_time": 77.0}
            self._write(self.copy_name(cell), json.dumps(tree).encode())

    def _write(self, name: str, content: bytes) -> None:
        (self.path / name).write_bytes(content)
        self.files[name] = content

    def remove(self, cell: tuple[int, int]) -> None:
        """Delete the run's file."""
        if self.files.pop(result_name(cell), None):
            (self.path / result_name(cell)).unlink()

    def foreign(self) -> None:
        (self.path / "foreign.json").write_text("[1, 2]")

    def combine(self) -> None:
        combine(self.path)

    def archive(self) -> None:
        if combine(self.path, archive=True).exit_code < 2:
            self.archived |= self.files
            self.files.clear()

    def view(self) -> dict[str, bytes]:
        """Return every result; a file in the directory takes precedence over an archived one."""
        return self.archived | self.files


def result_name(cell: tuple[int, int]) -> str:
    """Return the file name that `write_result` gives a run."""
    return f"Pendulum-v1_SAC_{99 - cell[0]:02d}{99 - cell[1]:02d}.json"


def merged(files: dict[str, bytes]) -> bytes:
    """Return the expected data.json of files that agree, merged in memory."""
    trees = [json.loads(files[name]) for name in sorted(files)]
    cells: dict[int, dict[int, Any]] = {}
    params = {}
    for tree in trees:
        [(setting, cell)] = tree["experiment_data"].items()
        [run] = cell["runs"]
        cells.setdefault(int(setting), {}).setdefault(run["run_number"], run)
        params[setting] = cell["agent_params"]
    return orjson.dumps(
        {
            "experiment": trees[0]["experiment"],
            "experiment_data": {
                str(setting): {
                    "agent_params": params[str(setting)],
                    "runs": [cells[setting][number] for number in sorted(cells[setting])],
                }
                for setting in sorted(cells)
            },
        }
    )


@few
@given(st.lists(STEPS, max_size=14), st.integers(0, 2**32))
def test_whatever_happened_data_json_is_what_the_files_say(steps: list[Any], seed: int) -> None:
    """Combining again, with or without the index and in any order of listing, changes no byte."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Directory(Path(folder))
        for step in steps:
            directory.apply(*step)
        result, view = combine(directory.path), directory.view()
        assert result.exit_code == (2 if not view else 1 if (directory.path / "foreign.json").exists() else 0)
        if not view:
            return
        data = directory.path / "data.json"
        assert data.read_bytes() == merged(view)
        assert as_tree(read_data_json(data)) == json.loads(merged(view))
        data.with_name("data.json.index").unlink()
        with pytest.MonkeyPatch.context() as patch:
            listed = list(_scan_result_files(directory.path))
            random.Random(seed).shuffle(listed)
            patch.setattr("utils.combining.listing._scan_result_files", lambda _: iter(listed))
            assert combine(directory.path).stdout == result.stdout
        assert data.read_bytes() == merged(view)
        for name, content in directory.archived.items():
            assert open_archive(directory.path).read(name) == content
        assert (directory.path / ARCHIVE).exists() == bool(directory.archived)


def as_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a lazily read tree with all its runs loaded."""
    cells = {setting: cell | {"runs": list(cell["runs"])} for setting, cell in tree["experiment_data"].items()}
    return tree | {"experiment_data": cells}
