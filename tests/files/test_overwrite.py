"""utils/files/overwrite.py: an output replaces only a file of its own kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from utils.core.errors import BadInput
from utils.files.overwrite import check_replaceable, write_out


def is_ours(path: Path) -> bool:
    return path.read_text() == "ours"


def check(path: Path) -> None:
    check_replaceable(path, is_ours, "--out", "a report")


def test_a_free_path_and_an_own_file_may_be_written(tmp_path: Path) -> None:
    check(tmp_path / "a")
    (tmp_path / "a").write_text("ours")
    check(tmp_path / "a")


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("theirs")
    with pytest.raises(BadInput) as caught:
        check(tmp_path / "a")
    assert str(caught.value) == f"--out: would replace '{tmp_path / 'a'}', which is not a report; allowed: another name"


def test_an_unreadable_path_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        check(tmp_path)


def test_write_out_creates_the_directory(tmp_path: Path) -> None:
    write_out(tmp_path / "new/a", b"content")
    assert (tmp_path / "new/a").read_bytes() == b"content"
    with pytest.raises(BadInput, match="cannot be written"):
        write_out(tmp_path / "new/a/b", b"")
