"""A temperature that explodes in a real run is seen at a glance: on the live page, in the log and in the report."""

from __future__ import annotations

import re

import pytest

from tests.reporting.test_report import Text, read, section
from tests.support.fake_results import combine
from tests.support.live_runs import read_sweep
from tests.support.sweep import Sweep
from tests.training.test_interruption import stop_at
from utils.reporting.line_styles import LineStyles
from utils.reporting.live_page import PageTimes, render_live_page

GROWN = re.compile(r"alpha has grown from (\S+) to (\S+)")


@pytest.fixture
def sweep(files, tmp_path) -> Sweep:
    """A run whose target entropy its policy never has, so that each update raises its temperature by a large step."""
    sweep = Sweep(files, tmp_path / "out")
    sweep.agent = {"automatic_entropy_tuning": [True], "alpha_lr": [0.5], "target_entropy": [0.69]}
    sweep.protocol = {
        "total_timesteps": 60, "eval_interval_timesteps": 50, "eval_episodes": 1, "diagnostics_interval_timesteps": 10,
    }  # fmt: skip
    return sweep


def growth(text: str) -> float:
    """Return the ratio of the temperature that a text names to the first one."""
    found = GROWN.search(text)
    assert found is not None, text
    return float(found[2].rstrip(";,")) / float(found[1])


def test_at_a_glance(sweep, tmp_path, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        stop_at(patch, 50)
        assert sweep.run().exit_code == 75
    [directory] = (tmp_path / "out").iterdir()
    page = render_live_page([read_sweep(directory)], LineStyles(), PageTimes(0.0, 5.0))
    assert growth(" ".join(Text(page[: page.index("<nav>")]).words)) > 100.0
    assert "temperature alpha, log10" in section(page, "diagnostics")
    with caplog.at_level("INFO", "policy_params"):
        assert sweep.run().exit_code == 0
    [last] = [line for line in caplog.messages if "in its last window of training" in line]
    assert "WARNING" in last
    assert growth(last) > 1000.0
    combine(directory)
    report = read(directory)
    assert growth(" ".join(Text(report[: report.index("<nav>")]).words)) > 1000.0
