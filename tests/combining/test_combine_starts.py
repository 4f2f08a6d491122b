"""simple_combine.py on results that begin from learned parameters: only those of one start are combined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.fake_results import assert_refused, combine
from tests.support.starts import configure, learn
from utils.wiring.run import train


def train_from(files: Any, start: Path | None, runs: str) -> Path:
    """Train runs that begin from a result, and return the directory of their results."""
    configured = configure(files, "linearAC", start)
    return train(*configured, runs, save_dir=str(files.folder / "out"), engine="eager")[0].path.parent


def run_starts(folder: Path) -> list[str | None]:
    """Return the hash of what each run of a data.json began from."""
    (cell,) = json.loads((folder / "data.json").read_bytes())["experiment_data"].values()
    return [run["provenance"].get("start_from", {}).get("sha256") for run in cell["runs"]]


def test_runs_of_one_start_are_combined(files):
    (start,) = learn(files, "linearAC")
    folder = train_from(files, start.result.path, "0-1")
    assert combine(folder).exit_code == 0
    assert run_starts(folder) == [start.sha256] * 2
    tree = json.loads((folder / "data.json").read_bytes())
    assert tree["experiment"]["agent"]["start_from"] == str(start.result.path)


def test_other_starts_are_refused_or_chosen_by_the_agents_file(files):
    """Runs without a start, too; a moved start chooses its own runs."""
    one, other = learn(files, "linearAC", "0-1")
    train_from(files, None, "2")
    train_from(files, one.result.path, "0")
    folder = train_from(files, other.result.path, "1")
    assert_refused(combine(folder), "experiment differs: ", "start_from", "--agent-json")
    moved = one.result.path.rename(one.result.path.with_name("moved.json"))
    for path, expected in ((None, [None]), (moved, [one.sha256]), (other.result.path, [other.sha256])):
        agent_json = configure(files, "linearAC", path)[0]
        done = combine(folder, agent_json=agent_json)
        assert done.exit_code == 0, done.output
        assert "2 results of another grid or protocol" in done.stderr
        assert run_starts(folder) == expected


def test_a_start_that_was_replaced_is_noticed(files):
    """Two runs from one path, whose parameters were others for the second."""
    one, other = learn(files, "linearAC", "0-1")
    train_from(files, one.result.path, "0")
    for suffix in (".json", ".npz"):
        other.result.path.with_suffix(suffix).rename(one.result.path.with_suffix(suffix))
    tree = json.loads(one.result.path.read_bytes())
    text = json.dumps(tree).replace(
        other.result.path.with_suffix(".npz").name, one.result.path.with_suffix(".npz").name
    )
    one.result.path.write_text(text)
    folder = train_from(files, one.result.path, "1")
    assert_refused(combine(folder), f"they began from different learned parameters, though both from {one.result.path}")
