"""The live page in a browser, while main.py trains a sweep."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM, Browser
from tests.support.processes import wait_for

ROOT = Path(__file__).resolve().parents[2]

PROTOCOL = {"total_timesteps": 40_000, "eval_interval_timesteps": 1000, "diagnostics_interval_timesteps": 250}
"""Training that takes several times as long as the time between two pages."""


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_a_page_is_kept_up_to_date_while_a_sweep_runs(files, tmp_path):
    """main.py is halted for a while, so that what the page shows meanwhile does not depend on the machine's speed."""
    configurations = ["--env-json", files.environment(**PROTOCOL), "--agent-json", files.agent(alpha=[0.1, 0.5])]
    training = start("main.py", *configurations, "--runs", "2", "--save-dir", str(tmp_path / "out"))
    folder = tmp_path / "out/Pendulum-v1_SAC_SquashedGaussian"
    watching = start("utils/report.py", str(folder), "--watch", "--interval", "1")
    page = folder / "live.html"
    try:
        wait_for(lambda: page.exists() and 'class="panel"' in page.read_text())
        training.send_signal(signal.SIGSTOP)
        with Browser(tmp_path) as browser:
            browser.open(page)
            assert_running(browser)
            assert_reload_keeps_place(browser)
            training.send_signal(signal.SIGCONT)
            output, _ = watching.communicate(timeout=300)
            assert (watching.returncode, output) == (0, f"{page}\nall runs have ended: 4 completed\n")
            wait_for(lambda: browser.evaluate("!document.querySelector('#times[data-reload]')"))
            assert cells(browser, "progress")[-8:] == ["\N{EN DASH}", "4", "0", "0", "0", "0", "0", "0"]
            assert browser.evaluate("document.querySelectorAll('.mean').length") == 2
    finally:
        for process in (training, watching):
            process.kill()
            process.wait()
    assert not (folder / "progress").exists()


def cells(browser: Browser, section: str) -> list[str]:
    """Return the texts of a section's cells."""
    return browser.evaluate(f"[...document.querySelectorAll('#{section} td')].map((each) => each.innerText)")


def assert_running(browser: Browser) -> None:
    """Check that the page shows four runs in training, their process, and diagnostics."""
    assert cells(browser, "progress")[4:] == ["0", "0", "4", "0", "0", "0", "0"]
    assert cells(browser, "processes")[2] == "0-3"
    panels = browser.evaluate("[...document.querySelectorAll('.panel figcaption')].map((each) => each.innerText)")
    assert any(title.startswith("critic's loss") for title in panels)
    assert browser.evaluate("document.getElementById('old').hidden")


def assert_reload_keeps_place(browser: Browser) -> None:
    """Check that the page reloads itself with its scroll position, open details and hidden lines."""
    steps = "scrollTo(0, 500); document.querySelector('details').open = true"
    steps += "; document.querySelector('[data-toggles=\"0\"]').click(); window.before = true"
    wait_for(lambda: browser.evaluate(steps))  # Nothing is evaluated while the page reloads.
    wait_for(lambda: browser.evaluate("window.before === undefined && document.readyState === 'complete'"))
    wait_for(lambda: browser.evaluate("scrollY") == 500)
    wait_for(lambda: browser.evaluate("document.querySelector('details').open"))
    wait_for(lambda: browser.evaluate("document.querySelector('[data-line=\"0\"]').classList.contains('off')"))
