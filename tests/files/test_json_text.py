"""What is not JSON is refused with a reason that a user can act on."""

from __future__ import annotations

import io

import numpy as np
import pytest

from utils.core.errors import BadInput
from utils.files.json_text import parse_json, read_json


def test_arrays_of_a_result(tmp_path):
    """Completing a file's name may end at the arrays that lie next to the result."""
    content = io.BytesIO()
    np.savez(content, returns=np.zeros(2))
    (tmp_path / "run.npz").write_bytes(content.getvalue())
    with pytest.raises(BadInput, match=r"run\.npz: not valid JSON: found arrays .*; allowed: the \.json file"):
        read_json(tmp_path / "run.npz")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": "\xe9"}', "a byte that is not text in UTF-8, at position 7"),
        (b'{"a": 1', "unexpected end of data"),
        (b'{"a": NaN}', "line 1 column 7"),
        (b"", "empty"),
    ],
)
def test_reason(content, reason):
    with pytest.raises(BadInput, match=f"^FILE: not valid JSON: .*{reason}"):
        parse_json("FILE", content)
