"""The page about runs in training: its content by value."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

import numpy as np
import pytest

from tests.reporting.test_report import HOSTILE, Text, section
from tests.results.test_progress_file import EXPERIMENT
from tests.support.fake_results import PARAMETERS, write_result
from tests.support.live_runs import HERE, NOW, read_sweep, write_every_state, write_progress
from utils.analysis.live_runs import LiveSweep
from utils.reporting.line_styles import LineStyles
from utils.reporting.live_page import PageTimes, format_seconds, render_live_page

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_every_state(tmp_path / "sweep")


def page_of(*sweeps: LiveSweep, reload: float | None = 5.0) -> str:
    return render_live_page(sweeps, LineStyles(), PageTimes(NOW, reload))


class TestPage:
    def test_progress(self, folder):
        text = section(page_of(read_sweep(folder)), "progress")
        assert "SAC on Pendulum-v1 sweep 43.1%" in text
        assert "1 1 2 3 1 0 1" in text

    def test_curves(self, folder):
        page = page_of(read_sweep(folder))
        text = section(page, "learning-curves")
        assert "SAC, Beta, critic_lr 0.1, setting 0" in text
        assert f"0 {MINUS}8 {MINUS}8" not in text
        assert f"10 {MINUS}3 {MINUS}3 {MINUS}6" in text
        assert page.count('class="mean"') == 3

    def test_processes_and_problems(self, folder):
        page = page_of(read_sweep(folder))
        assert f"{platform.node()}, process {os.getpid()} SAC on Pendulum-v1 2-3 10 to 20" in section(page, "processes")
        text = section(page, "problems")
        assert "4 SAC on Pendulum-v1 1 critic_lr 0.01 failed 7 there the rope broke" in text
        assert "1 SAC on Pendulum-v1 1 critic_lr 0.01 diverged 20 here critic_loss was not finite" in text
        assert "5 SAC on Pendulum-v1 2 critic_lr 0.001 stopped 5" in text

    def test_settings_are_ranked_by_what_they_have_so_far(self, folder):
        text = section(page_of(read_sweep(folder)), "settings")
        assert f"0 0.1 {MINUS}2.5 0 1 1 1 0 2 0.001 {MINUS}7.5 0 0 1 1 1 1 0.01 \N{EN DASH} 0 0 0 1 2" in text

    def test_it_reloads_itself_until_it_is_the_last_one(self, folder):
        page, last = page_of(read_sweep(folder)), page_of(read_sweep(folder), reload=None)
        assert 'data-reload="5.0"' in page
        assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
        assert "1970-01-01 00:16:40 UTC" in page
        assert "data-reload=" not in last
        assert 'http-equiv="refresh"' not in last

    def test_a_temperature_that_explodes_is_seen_at_a_glance(self, tmp_path):
        """The first lines of the page name the run; the panel's axis is logarithmic and reaches the value."""
        for number, alphas in ((0, [1.0, 4e2, 5.7e6]), (1, [1.0, 0.5, 0.2])):
            windows = [
                {"timestep": 10 * k + 10, "time": 991.0, "window": {"q": -1.0, "alpha": alpha}}
                for k, alpha in enumerate(alphas)
            ]
            write_progress(tmp_path, 0, number, {0: [-1.0]}, more=windows)
        page = page_of(read_sweep(tmp_path))
        head = page[: page.index("<nav>")]
        assert Text(head).words.count("alpha") == 1
        label = "SAC, Beta, critic_lr 0.1, setting 0"
        assert f"index 0 ({label}, run 0): alpha has grown from 1 to 5.7e+06" in " ".join(Text(head).words)
        text = section(page, "diagnostics")
        assert "temperature alpha, log10" in text
        assert re.search(r"temperature alpha, log10 .* 6 ", text)

    def test_a_setting_keeps_its_colour_while_others_come(self, tmp_path):
        styles = LineStyles()

        def color(label: str) -> str:
            page = render_live_page([read_sweep(tmp_path)], styles, PageTimes(NOW))
            [found] = set(re.findall(rf'stroke="(#\w+)" stroke-dasharray="[^"]*"/></svg> {label}<', page))
            return found

        write_progress(tmp_path, 2, 0, {0: [-1.0]})
        last = color("SAC, Beta, critic_lr 0.001, setting 2")
        write_progress(tmp_path, 0, 0, {0: [-1.0]})
        assert color("SAC, Beta, critic_lr 0.001, setting 2") == last
        assert color("SAC, Beta, critic_lr 0.1, setting 0") != last

    def test_of_a_large_grid_the_best_so_far_are_drawn(self, tmp_path):
        grid = PARAMETERS | {"critic_lr": [k / 100 for k in range(20)]}
        experiment = EXPERIMENT | {"agent": {"agent_name": "SAC", "parameters": grid}}
        for setting in range(20):
            write_progress(tmp_path, setting, 0, {0: [float(setting)]}, experiment=experiment, key=f"k{setting}")
        page = page_of(read_sweep(tmp_path))
        assert page.count('class="mean"') == 12
        assert "The best 12 of 20 settings so far are drawn." in page
        assert "critic_lr 0.07" not in section(page, "learning-curves")

    def test_every_text_is_escaped_and_nothing_is_requested(self, tmp_path):
        agent = {"agent_name": HOSTILE, "parameters": {HOSTILE: [HOSTILE, "b"]}}
        environment = EXPERIMENT["environment"] | {"env_name": HOSTILE}
        experiment = {"environment": environment, "agent": agent}
        write_progress(
            tmp_path, 0, 0, {0: [-1.0]}, HERE | {"host": HOSTILE, "time": 990.0}, experiment=experiment,
            more=[{"timestep": 10, "time": 991.0, "window": {HOSTILE: 1e9}}],
        )  # fmt: skip
        page = page_of(read_sweep(tmp_path))
        assert "<img" not in page
        assert Text(page).tags.count("script") == 2
        assert all(address.startswith("#") for address in Text(page).addresses)

    def test_before_the_first_return(self, tmp_path):
        write_progress(tmp_path, 0, 0, {})
        page = page_of(read_sweep(tmp_path))
        assert "No returns yet." in section(page, "learning-curves")
        assert "No diagnostics yet." in section(page, "diagnostics")

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(3.4, "3 s"), (61, "1 min"), (7300, "2 h 1 min"), (180_000, "2 d 2 h")],
    )
    def test_times(self, seconds, text):
        assert format_seconds(seconds) == text


def test_diagnostics_of_finished_runs_are_shown_too(tmp_path):
    path = write_result(tmp_path, 0, 0, key="run0")
    arrays = {"diagnostics/timestep": np.array([10, 20]), "diagnostics/alpha": np.array([1.0, 2.0])}
    np.savez(path.with_suffix(".npz"), allow_pickle=False, **arrays)
    tree = json.loads(path.read_bytes())
    shapes = {"diagnostics/timestep": [2], "diagnostics/alpha": [2]}
    tree["experiment_data"]["0"]["runs"][0]["diagnostics"] = {"file": path.with_suffix(".npz").name, "arrays": shapes}
    path.write_text(json.dumps(tree))
    assert "temperature alpha" in section(page_of(read_sweep(tmp_path)), "diagnostics")
    path.with_suffix(".npz").unlink()
    assert "No diagnostics yet." in section(page_of(read_sweep(tmp_path)), "diagnostics")
