"""Append-only row files: only new rows are written, and rows overwritten in the ring are dropped."""

from __future__ import annotations

import numpy as np
import pytest

from utils.checkpoint import row_files
from utils.checkpoint.row_files import RowFiles, RowSequence


def ring(size: int, count: int) -> RowSequence:
    """Return a ring whose row i is [i, -i]."""
    held = np.zeros((min(size, count), 2), np.float32)
    for i in range(count):
        held[i % len(held) if count <= size else i % size] = (i, -i)
    return RowSequence(held, count)


def commit(files: RowFiles, found: RowSequence) -> RowFiles:
    files.chunks = files.write(found)
    files.remove_unused()
    return files


def read(files: RowFiles, like: RowSequence) -> np.ndarray:
    held = np.full_like(np.asarray(like.held), np.nan)
    RowFiles(files.directory, files.name, files.chunks).read(held, like.count)
    return held


@pytest.mark.parametrize("counts", [[3], [3, 3, 7], [7, 10], [8, 13], [10, 25], [9, 10, 11, 19, 20, 21, 40], [95]])
def test_ring_round_trip(counts, tmp_path):
    files = RowFiles(tmp_path, "ring")
    for count in counts:
        commit(files, ring(10, count))
        np.testing.assert_array_equal(read(files, ring(10, count)), ring(10, count).held)


@pytest.mark.parametrize("block", [1, 3, 10])
def test_rows_are_written_in_blocks(block, tmp_path, monkeypatch):
    """Also where the ring wraps around: the number of blocks does not change the chunks."""
    monkeypatch.setattr(row_files, "ROWS_PER_WRITE", block)
    assert max(len(part) for part in ring(10, 18).iterate_from(8)) <= block
    files = commit(RowFiles(tmp_path, "ring"), ring(10, 8))
    commit(files, ring(10, 17))
    np.testing.assert_array_equal(read(files, ring(10, 17)), ring(10, 17).held)
    assert [(chunk.first, chunk.rows) for chunk in files.chunks] == [(0, 8), (8, 9)]


def test_list_round_trip(tmp_path):
    files = RowFiles(tmp_path, "list")
    held = [np.array(float(i)) for i in range(9)]
    for count in (1, 4, 9):
        commit(files, RowSequence(held[:count], count))
        assert read(files, RowSequence(np.zeros(count), count)).tolist() == list(range(count))


def test_only_new_rows_are_written(tmp_path):
    files = commit(RowFiles(tmp_path, "ring"), ring(10, 6))
    before = files.path(0).read_bytes()
    commit(files, ring(10, 8))
    assert files.path(0).read_bytes() == before + np.array([[6, -6], [7, -7]], np.float32).tobytes()
    assert [(chunk.first, chunk.rows, chunk.offset) for chunk in files.chunks] == [(0, 6, 0), (6, 2, 48)]


def test_files_are_filled_and_dropped(tmp_path, monkeypatch):
    """The ring has 80 bytes: a file is full at 20 bytes, and is removed after 10 newer rows."""
    monkeypatch.setattr(row_files, "MIN_FILE_BYTES", 16)
    files = RowFiles(tmp_path, "ring")
    for count in range(1, 60):
        commit(files, ring(10, count))
        np.testing.assert_array_equal(read(files, ring(10, count)), ring(10, count).held)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 80 + 24
    assert len(list(tmp_path.iterdir())) <= 5


def test_an_unrecorded_write_is_overwritten(tmp_path):
    files = commit(RowFiles(tmp_path, "ring"), ring(10, 4))
    files.write(ring(10, 9))
    np.testing.assert_array_equal(read(files, ring(10, 4)), ring(10, 4).held)
    commit(files, ring(10, 6))
    np.testing.assert_array_equal(read(files, ring(10, 6)), ring(10, 6).held)
    assert files.path(0).stat().st_size == 6 * 8


def test_a_missing_chunk_is_detected(tmp_path):
    files = commit(commit(RowFiles(tmp_path, "ring"), ring(10, 4)), ring(10, 9))
    files.chunks = files.chunks[1:]
    with pytest.raises(ValueError, match="4 rows are missing"):
        read(files, ring(10, 9))
