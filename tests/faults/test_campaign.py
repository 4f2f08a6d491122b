"""A short campaign; `python tests/faults/campaign.py --kills N` is the long one."""

from __future__ import annotations

from tests.faults.campaign import run


def test_five_kills(tmp_path):
    said: list[str] = []
    run(5, 1, tmp_path, said.append)
    assert said[-1].startswith("5 kills in ")
