"""Rows in files that grow: only what is new is written, what went round in a ring is dropped."""

from __future__ import annotations

import numpy as np
import pytest

from utils.checkpoint import row_files as rows
from utils.checkpoint.row_files import RowFiles, RowSequence


def ring(size: int, count: int) -> RowSequence:
    """Row i is [i, -i]."""
    held = np.zeros((min(size, count), 2), np.float32)
    for i in range(count):
        held[i % len(held) if count <= size else i % size] = (i, -i)
    return RowSequence(held, count)


def committed(files: RowFiles, found: RowSequence) -> RowFiles:
    files.chunks = files.write(found)
    files.remove_unused()
    return files


def read(files: RowFiles, like: RowSequence) -> np.ndarray:
    held = np.full_like(np.asarray(like.held), np.nan)
    RowFiles(files.directory, files.name, files.chunks).read(held, like.count)
    return held


@pytest.mark.parametrize("counts", [[3], [3, 3, 7], [7, 10], [8, 13], [10, 25], [9, 10, 11, 19, 20, 21, 40], [95]])
def test_a_ring_comes_back(counts, tmp_path):
    files = RowFiles(tmp_path, "ring")
    for count in counts:
        committed(files, ring(10, count))
        np.testing.assert_array_equal(read(files, ring(10, count)), ring(10, count).held)


@pytest.mark.parametrize("piece", [1, 3, 10])
def test_rows_are_written_in_pieces(piece, tmp_path, monkeypatch):
    """Around the ring's seam, too: one chunk whatever the pieces."""
    monkeypatch.setattr(rows, "PIECE", piece)
    assert max(len(part) for part in ring(10, 18).since(8)) <= piece
    files = committed(RowFiles(tmp_path, "ring"), ring(10, 8))
    committed(files, ring(10, 17))
    np.testing.assert_array_equal(read(files, ring(10, 17)), ring(10, 17).held)
    assert [(chunk.first, chunk.rows) for chunk in files.chunks] == [(0, 8), (8, 9)]


def test_a_list_comes_back(tmp_path):
    files = RowFiles(tmp_path, "list")
    held = [np.array(float(i)) for i in range(9)]
    for count in (1, 4, 9):
        committed(files, RowSequence(held[:count], count))
        assert read(files, RowSequence(np.zeros(count), count)).tolist() == list(range(count))


def test_only_what_is_new_is_written(tmp_path):
    files = committed(RowFiles(tmp_path, "ring"), ring(10, 6))
    before = files.path(0).read_bytes()
    committed(files, ring(10, 8))
    assert files.path(0).read_bytes() == before + np.array([[6, -6], [7, -7]], np.float32).tobytes()
    assert [(chunk.first, chunk.rows, chunk.offset) for chunk in files.chunks] == [(0, 6, 0), (6, 2, 48)]


def test_files_are_filled_and_dropped(tmp_path, monkeypatch):
    """80 bytes of ring: a file takes no more once it has 20, and goes when 10 newer rows have come."""
    monkeypatch.setattr(rows, "SMALLEST", 16)
    files = RowFiles(tmp_path, "ring")
    for count in range(1, 60):
        committed(files, ring(10, count))
        np.testing.assert_array_equal(read(files, ring(10, count)), ring(10, count).held)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 80 + 24
    assert len(list(tmp_path.iterdir())) <= 5


def test_a_write_that_was_not_recorded_is_written_over(tmp_path):
    files = committed(RowFiles(tmp_path, "ring"), ring(10, 4))
    files.write(ring(10, 9))
    np.testing.assert_array_equal(read(files, ring(10, 4)), ring(10, 4).held)
    committed(files, ring(10, 6))
    np.testing.assert_array_equal(read(files, ring(10, 6)), ring(10, 6).held)
    assert files.path(0).stat().st_size == 6 * 8


def test_a_missing_chunk_is_found_out(tmp_path):
    files = committed(committed(RowFiles(tmp_path, "ring"), ring(10, 4)), ring(10, 9))
    files.chunks = files.chunks[1:]
    with pytest.raises(ValueError, match="4 rows are missing"):
        read(files, ring(10, 9))
