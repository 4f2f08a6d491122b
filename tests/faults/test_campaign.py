"""A short campaign of each kind; `python tests/faults/campaign.py --kills N` runs a longer one."""

from __future__ import annotations

import pytest

from tests.faults.campaign import run_campaign


@pytest.mark.parametrize(
    ("kills", "name"),
    [
        (5, "KILL"),
        (2, "TERM"),
    ],
)
@pytest.mark.slow
def test_a_few_signals(kills, name, tmp_path):
    lines: list[str] = []
    run_campaign(kills, 1, tmp_path, lines.append, name, kinds=1)
    assert lines[-1].startswith(f"{kills} x {name} in ")
