"""A short campaign of each kind; `python tests/faults/campaign.py --kills N` is the long one."""

from __future__ import annotations

import pytest

from tests.faults.campaign import run


@pytest.mark.parametrize(("blows", "name"), [(5, "KILL"), (2, "TERM")])
def test_some_blows(blows, name, tmp_path):
    said: list[str] = []
    run(blows, 1, tmp_path, said.append, name, kinds=1)
    assert said[-1].startswith(f"{blows} x {name} in ")
