"""utils/report.py --watch: when it writes, how it ends, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.support.fake_results import assert_refused, combine, write_result
from tests.support.live_runs import NOW, write_failure, write_progress
from utils.core.interrupt import Interruption
from utils.report import main
from utils.reporting.live_watch import Watch
from utils.results.progress_file import progress_path


class Watched:
    """A watch whose sleeps change the directory instead of taking time."""

    def __init__(self, folder: Path, *events: Any) -> None:
        self.now, self.events, self.interruption, self.pages = NOW, list(events), Interruption(), []
        self.watch = Watch([str(folder)], None, 5.0, clock=lambda: self.now)
        self.watch._sleep = self._sleep  # type: ignore[method-assign]

    def _sleep(self, interruption: Interruption) -> None:
        if self.watch.path.exists():
            self.pages.append(self.watch.path.read_text())
        self.now += 5.0
        if self.events:
            self.events.pop(0)()

    def run(self) -> int:
        return self.watch.run(self.interruption)


class TestWatching:
    def test_it_ends_when_the_last_run_has_a_result(self, tmp_path, capsys):
        folder = tmp_path / "sweep"

        def begin() -> None:
            write_progress(folder, 0, 0, {0: [-9.0]})

        def end() -> None:
            progress_path(folder, "run0").unlink()
            write_result(folder, 0, 0, key="run0")

        watched = Watched(folder, begin, lambda: None, end)
        assert watched.run() == 0
        assert capsys.readouterr() == (f"{folder / 'live.html'}\n", "all runs have ended: 1 completed\n")
        assert len(watched.pages) == 2
        assert all("data-reload=" in page for page in watched.pages)
        assert "data-reload=" not in (folder / "live.html").read_text()

    def test_a_failed_run(self, tmp_path, capsys):
        write_progress(tmp_path, 1, 1, {0: [-9.0]})

        def fail() -> None:
            progress_path(tmp_path, "run4").unlink()
            write_failure(tmp_path, 4)

        write_result(tmp_path, 0, 0, key="run0")
        assert Watched(tmp_path, fail).run() == 1
        assert capsys.readouterr().err == "all runs have ended: 1 completed, 1 failed\n"

    def test_a_sweep_that_ended_before(self, tmp_path):
        """As a new one may be about to begin, it waits for half a minute."""
        write_result(tmp_path, 0, 0)
        watched = Watched(tmp_path)
        assert watched.run() == 0
        assert watched.now - NOW == 30.0

    def test_a_stop(self, tmp_path, capsys):
        write_progress(tmp_path, 0, 0, {0: [-9.0]})
        watched = Watched(tmp_path)
        watched.events = [lambda: watched.interruption.request("Ctrl-C")]
        assert watched.run() == 75
        assert capsys.readouterr().err == "watching was stopped: 1 running\n"
        assert "data-reload=" not in (tmp_path / "live.html").read_text()

    def test_another_page_is_not_replaced_and_a_report_is(self, tmp_path):
        write_result(tmp_path, 0, 0)
        (tmp_path / "live.html").write_text("my page")
        assert_refused(run("--watch", tmp_path), "not a report")
        combine(tmp_path)
        assert run(tmp_path, "--out", tmp_path / "page.html").exit_code == 0
        assert Watch([str(tmp_path)], str(tmp_path / "page.html"), 1.0).path == tmp_path / "page.html"


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(main, [str(each) for each in arguments])


class TestBadInput:
    def test_options(self, tmp_path):
        assert_refused(run(tmp_path, "--interval", 3), "--interval", "--watch")
        assert_refused(run(tmp_path, "--watch", "--confidence", 0.9), "--confidence", "--watch")
        (tmp_path / "data.json").write_text("{}")
        assert_refused(run(tmp_path / "data.json", "--watch"), "allowed: the directory")
        assert_refused(run(tmp_path, "--watch", "--out", "page.txt"), ".html")

    def test_no_run(self, tmp_path, monkeypatch):
        monkeypatch.setattr("utils.reporting.live_watch.START_SECONDS", 0.0)
        assert_refused(run(tmp_path / "none", "--watch"), "found no run in", "main.py")
