"""A checkpoint is the last state that was saved whole, wherever a process was killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.checkpoint import row_files as rows
from utils.checkpoint.checkpoint import Checkpoint, CheckpointRefused
from utils.checkpoint.row_files import RowSequence

CONDITIONS = {"run": "abc", "numpy version": "2"}


def state(timestep: int) -> dict[str, Any]:
    """A ring of 4 rows among other things."""
    held = np.zeros((min(4, timestep), 3))
    for i in range(timestep):
        held[i % 4 if timestep > 4 else i] = i
    return {"timestep": timestep, "weights": np.full(5, float(timestep)), "replay": RowSequence(held, timestep)}


def assert_is(found: dict[str, Any], timestep: int) -> None:
    expected = state(timestep)
    np.testing.assert_array_equal(found["weights"], expected["weights"])
    np.testing.assert_array_equal(found["replay"], expected["replay"].held)


def test_it_comes_back(tmp_path):
    checkpoint = Checkpoint(tmp_path / "key", CONDITIONS)
    assert (checkpoint.exists(), checkpoint.timestep()) == (False, None)
    for timestep in (1, 3, 9):
        checkpoint.save(state(timestep), timestep)
        other = Checkpoint(tmp_path / "key", CONDITIONS)
        assert other.timestep() == timestep
        assert_is(other.load(), timestep)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_read_is_added_to(tmp_path):
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(3), 3)
    other = Checkpoint(tmp_path / "key", CONDITIONS)
    other.load()
    other.save(state(4), 4)
    assert (tmp_path / "key/replay.0.rows").stat().st_size == 4 * 24
    assert_is(Checkpoint(tmp_path / "key", CONDITIONS).load(), 4)


class Killed(BaseException):
    """Ends whatever runs."""


def killing(monkeypatch, when: int) -> list[str]:
    """Have the process be killed before its n-th call that changes a disk. Returns the calls made."""
    calls: list[str] = []

    def before(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def killed(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) > when:
                raise Killed
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, killed)

    for owner, name in ((os, "fsync"), (os, "replace"), (Path, "unlink"), (Path, "mkdir")):
        before(owner, name)
    return calls


def test_a_kill_at_any_moment_leaves_the_state_before_or_the_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "SMALLEST", 1)
    found = []
    for when in range(20):
        folder = tmp_path / str(when)
        checkpoint = Checkpoint(folder, CONDITIONS)
        for timestep in (2, 3, 6):
            checkpoint.save(state(timestep), timestep)
        with monkeypatch.context() as patched:
            calls = killing(patched, when)
            try:
                checkpoint.save(state(9), 9)
            except Killed:
                pass
            else:
                break
        again = Checkpoint(folder, CONDITIONS)
        timestep = again.timestep()
        assert_is(again.load(), timestep)
        found.append(timestep)
        again.save(state(11), 11)
        assert_is(Checkpoint(folder, CONDITIONS).load(), 11)
    else:
        pytest.fail(f"20 calls and more: {calls}")
    assert found == sorted(found)
    assert set(found) == {6, 9}


def test_every_flipped_bit_is_found_out(tmp_path):
    checkpoint = Checkpoint(tmp_path / "key", CONDITIONS)
    checkpoint.save(state(6), 6)
    for path in sorted((tmp_path / "key").iterdir()):
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            damaged = bytearray(content)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            with pytest.raises(CheckpointRefused, match="key"):
                Checkpoint(tmp_path / "key", CONDITIONS).load()
        path.write_bytes(content)
    assert_is(Checkpoint(tmp_path / "key", CONDITIONS).load(), 6)


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"numpy version": "3"}, "is of another numpy version: found 2; allowed here: 3"),
        ({"run": "xyz"}, "is of another run: found abc; allowed here: xyz"),
        ({"new": 1}, "is of another new: found None; allowed here: 1"),
    ],
)
def test_other_conditions_are_refused(conditions, reason, tmp_path):
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(3), 3)
    with pytest.raises(CheckpointRefused, match=reason):
        Checkpoint(tmp_path / "key", CONDITIONS | conditions).load()


def test_one_put_aside_is_no_more_but_is_not_lost(tmp_path):
    checkpoint = Checkpoint(tmp_path / "key", CONDITIONS)
    for timestep in (3, 6):
        checkpoint.save(state(timestep), timestep)
        aside = checkpoint.put_aside()
        assert not checkpoint.exists()
    assert_is(Checkpoint(aside, CONDITIONS).load(), 6)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_rows_of_no_checkpoint_are_written_over(tmp_path):
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(6), 6)
    (tmp_path / "key/state").unlink()
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(2), 2)
    assert_is(Checkpoint(tmp_path / "key", CONDITIONS).load(), 2)
    shutil.rmtree(tmp_path / "key")
