"""How the report is laid out: results first, colours of agents, and widths of a phone and of a desktop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reporting.test_report import read, section
from tests.support.browser import CHROMIUM, Browser
from tests.support.fake_results import combine, write_result


def write_sweep(folder: Path, agent: str, environment: str, runs: int = 3) -> Path:
    """Combine an agent's results, of two policies, in an environment."""
    parameters = {
        "policy_type": ["Beta", "Gaussian"],
        "hidden_dim": [32],
        "a_rather_long_hyperparameter": [0.123456],
    }
    experiment = {"environment": {"env_name": environment}, "agent_name": agent, "parameters": parameters}
    for setting in range(2):
        for number in range(runs):
            returns = [[-9.0], [-5.0 + number - setting]]
            write_result(folder, setting, number, experiment=experiment, returns=returns)
    combine(folder)
    return folder


@pytest.fixture
def page(tmp_path: Path) -> str:
    """Return the report on SAC and VAC in one environment, and on VAC alone in another one."""
    one, other = (write_sweep(tmp_path / f"one/{agent}", agent, "Pendulum-v1") for agent in ("SAC", "VAC"))
    return read(one, other, write_sweep(tmp_path / "two/VAC", "VAC", "Acrobot-v1"))


def test_results_come_first(page):
    sections = re.findall(r'<section id="([\w-]+)">', page)
    assert sections[:4] == ["learning-curves", "best-settings", "pairwise-comparison", "several-environments"]
    assert sections[-2:] == ["what-ran", "how-to-reproduce"]


def test_protocol_and_provenance_are_folded_away(page):
    [found] = re.findall(r'<section id="what-ran">(.*?)</section>', page, re.DOTALL)
    assert found.count("<details>") == 3
    assert "<details open" not in page


def test_the_best_setting_has_all_its_hyperparameters(page):
    text = section(page, "best-settings")
    assert "All hyperparameters of setting 0" in text
    assert "policy_type Beta hidden_dim 32 a_rather_long_hyperparameter 0.123456" in text


def test_missing_runs_are_stated_at_the_top(tmp_path):
    write_result(tmp_path, 0, 0)
    write_result(tmp_path, 0, 1, status="diverged")
    combine(tmp_path)
    page = read(tmp_path)
    assert "SAC on Pendulum-v1: of 6 runs, 4 are missing and 1 diverged." in page[: page.index("<nav>")]


def test_one_colour_means_one_agent(page):
    colors: dict[str, set[str]] = {}
    for color, label in re.findall(r'stroke="(#\w+)" stroke-dasharray="[^"]*"/></svg> (\w+, \w+)', page):
        colors.setdefault(label, set()).add(color)
    assert sorted(colors) == ["SAC, Beta", "SAC, Gaussian", "VAC, Beta", "VAC, Gaussian"]
    assert [len(each) for each in colors.values()] == [1] * 4
    assert len(set.union(*colors.values())) == 4
    rows = re.findall(r'<text class="label"[^>]*>(\w+, \w+)[^<]*</text>\n<g fill="(#\w+)"', page)
    assert len(rows) == 6
    assert all(colors[label] == {color} for label, color in rows)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_nothing_is_wider_than_the_window(page, tmp_path):
    """Tables scroll in their own boxes; the smallest text in a chart is 9 pixels high, or the smallest of a phone 8."""
    file = tmp_path / "page.html"
    file.write_text(page)
    with Browser(tmp_path) as browser:
        for width, smallest in ((390, 8.0), (1280, 9.0)):
            browser.resize(width)
            browser.open(file)
            assert browser.evaluate("innerWidth") == width
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            heights = browser.evaluate(
                "[...document.querySelectorAll('.tick')].map((each) => parseFloat(getComputedStyle(each).fontSize)"
                " * each.ownerSVGElement.getBoundingClientRect().width / each.ownerSVGElement.viewBox.baseVal.width)"
            )
            assert min(heights) >= smallest
