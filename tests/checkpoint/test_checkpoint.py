"""A checkpoint is the last completely saved state, whenever the process was killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.checkpoint import row_files
from utils.checkpoint.checkpoint import Checkpoint, CheckpointRefused
from utils.checkpoint.row_files import RowSequence

CONDITIONS = {"run": "abc", "numpy version": "2"}


def state(timestep: int) -> dict[str, Any]:
    """Return a state with a ring of 4 rows, among other values."""
    held = np.zeros((min(4, timestep), 3))
    for i in range(timestep):
        held[i % 4 if timestep > 4 else i] = i
    return {"timestep": timestep, "weights": np.full(5, float(timestep)), "replay": RowSequence(held, timestep)}


def assert_state(found: dict[str, Any], timestep: int) -> None:
    expected = state(timestep)
    np.testing.assert_array_equal(found["weights"], expected["weights"])
    np.testing.assert_array_equal(found["replay"], expected["replay"].held)


def test_round_trip(tmp_path):
    checkpoint = Checkpoint(tmp_path / "key", CONDITIONS)
    assert (checkpoint.exists(), checkpoint.timestep()) == (False, None)
    for timestep in (1, 3, 9):
        checkpoint.save(state(timestep), timestep)
        other = Checkpoint(tmp_path / "key", CONDITIONS)
        assert other.timestep() == timestep
        assert_state(other.load(), timestep)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_loaded_checkpoint_is_appended_to(tmp_path):
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(3), 3)
    other = Checkpoint(tmp_path / "key", CONDITIONS)
    other.load()
    other.save(state(4), 4)
    assert (tmp_path / "key/replay.0.rows").stat().st_size == 4 * 24
    assert_state(Checkpoint(tmp_path / "key", CONDITIONS).load(), 4)


class Killed(BaseException):
    """Simulated kill of the process."""


def kill_before_call(monkeypatch, when: int) -> list[str]:
    """Simulate a kill before disk-changing call number `when`. Returns the list of calls made."""
    calls: list[str] = []

    def wrap(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def killed(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) > when:
                raise Killed
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, killed)

    for owner, name in ((os, "fsync"), (os, "replace"), (Path, "unlink"), (Path, "mkdir")):
        wrap(owner, name)
    return calls


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_state(tmp_path, monkeypatch):
    monkeypatch.setattr(row_files, "MIN_FILE_BYTES", 1)
    found = []
    for when in range(20):
        folder = tmp_path / str(when)
        checkpoint = Checkpoint(folder, CONDITIONS)
        for timestep in (2, 3, 6):
            checkpoint.save(state(timestep), timestep)
        with monkeypatch.context() as patched:
            calls = kill_before_call(patched, when)
            try:
                checkpoint.save(state(9), 9)
            except Killed:
                pass
            else:
                break
        again = Checkpoint(folder, CONDITIONS)
        kept = again.timestep()
        assert kept is not None
        assert_state(again.load(), kept)
        found.append(kept)
        again.save(state(11), 11)
        assert_state(Checkpoint(folder, CONDITIONS).load(), 11)
    else:
        pytest.fail(f"20 or more calls: {calls}")
    assert found == sorted(found)
    assert set(found) == {6, 9}


def test_every_flipped_bit_is_detected(tmp_path):
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
    assert_state(Checkpoint(tmp_path / "key", CONDITIONS).load(), 6)


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


def test_a_checkpoint_put_aside_is_not_lost(tmp_path):
    checkpoint = Checkpoint(tmp_path / "key", CONDITIONS)
    for timestep in (3, 6):
        checkpoint.save(state(timestep), timestep)
        aside = checkpoint.put_aside()
        assert not checkpoint.exists()
    assert_state(Checkpoint(aside, CONDITIONS).load(), 6)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_rows_without_a_checkpoint_are_overwritten(tmp_path):
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(6), 6)
    (tmp_path / "key/state").unlink()
    Checkpoint(tmp_path / "key", CONDITIONS).save(state(2), 2)
    assert_state(Checkpoint(tmp_path / "key", CONDITIONS).load(), 2)
    shutil.rmtree(tmp_path / "key")
