"""utils/report.py: the page's content by value; it requests nothing, runs no foreign code and stays small."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.fake_results import assert_refused, combine, write_result
from utils.experiment.config import read_environment
from utils.report import main
from utils.reporting.how_to_reproduce import _json_lines
from utils.reporting.svg_chart import Scale, thinned_indices

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

HOSTILE = "\"><img src=x onerror=\"document.title='gone'\"></script><script>document.title='gone'</script>'&"

PROVENANCE = {
    "code": {"commit": "c0ffee", "dirty": True}, "versions": {"torch": "2.13.0"}, "cpu": {"model": "Pi", "flags": []},
    "rollout_hash": "abcd", "host": "here", "threads": 2, "engine": "eager", "peak_memory_mib": 300.0,
    "start_time": "2026-01-02T03:04:05+00:00", "end_time": "2026-01-02T04:04:05+00:00",
}  # fmt: skip


def report(*arguments: Any) -> Result:
    """Run report.py with some arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Combine three settings of three runs: one run of setting 1 diverged, one of setting 2 is missing."""
    folder = tmp_path / "results/sweep"
    for setting, number in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 2)]:
        write_result(
            folder, setting, number, returns=[[-9.0, -9.0], [-6.0 + number, -2.0 + number]], provenance=PROVENANCE,
            train_time=3600.0, eval_time=1800.0, timesteps_done=7200,
            status="diverged" if (setting, number) == (1, 2) else "completed",
        )  # fmt: skip
    combine(folder)
    return folder


class Text(HTMLParser):
    """The words of a page, and the addresses it requests."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def read(sweep: Path, *arguments: Any) -> str:
    """Return the report of a sweep."""
    result = report(sweep, *arguments)
    assert result.exit_code == 0, result.output
    return Path(result.stdout.strip()).read_text()


def section(page: str, name: str) -> str:
    """Return the words of one section."""
    [found] = re.findall(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    return " ".join(Text(found).words)


class TestContent:
    def test_what_ran(self, sweep: Path) -> None:
        text = section(read(sweep), "what-ran")
        for words in (
            "ran 2026-01-02 03:04 to 2026-01-02 04:04 UTC", "code c0ffee with uncommitted changes", "torch 2.13.0",
            "processor Pi", "engine eager", "environment hash abcd", "critic_lr 0.1, 0.01, 0.001", "total_timesteps 40",
        ):  # fmt: skip
            assert words in text

    def test_progress_and_missing_runs(self, sweep: Path) -> None:
        text = section(read(sweep), "progress")
        assert "SAC on Pendulum-v1 sweep/data.json 3 3 7 1 1" in text
        assert "Missing: --index 5" in text
        assert "Diverged: 7" in text
        assert "setting critic_lr completed diverged missing 1 0.01 2 1 0 2 0.001 2 0 1" in text

    def test_best_settings(self, sweep: Path) -> None:
        text = section(read(sweep), "best-settings")
        minus = "\N{MINUS SIGN}"
        assert f"0 0.1 {minus}3 {minus}5.48 to {minus}0.516 few 3 of 3 0 diverged, 0 missing 1.000" in text
        assert "run it on fresh seeds" in text

    def test_curves_distributions_and_sensitivity_have_tables(self, sweep: Path) -> None:
        page = read(sweep)
        assert "10 \N{MINUS SIGN}3 [\N{MINUS SIGN}5.48, \N{MINUS SIGN}0.516]" in section(page, "learning-curves")
        assert "reported on the same seeds" in section(page, "learning-curves")
        assert "SAC, Beta, critic_lr 0.1, setting 0 (n = 3) 3 0 diverged, 0 missing" in section(page, "distributions")
        assert "0.1 0 \N{MINUS SIGN}3" in section(page, "sensitivity")
        assert "a run failed" in section(page, "sensitivity")
        crosses = set(re.findall(r'class="cross" d="M([\d.]+)', page))
        assert len(crosses) == 4, "two settings without a mean, each in both ways"

    def test_pairs(self, sweep: Path) -> None:
        text = section(read(sweep), "pairwise-comparison")
        assert "SAC, Beta, critic_lr 0.1, setting 0 (n = 3) SAC, Beta, critic_lr 0.001, setting 2 (n = 2)" in text
        assert "adjusted for 3 pairs by Holm's method, and the 3 intervals hold simultaneously" in text

    def test_compute(self, sweep: Path) -> None:
        assert "SAC on Pendulum-v1 8 8 4 24 2 300" in section(read(sweep), "compute")

    def test_commands_reproduce_the_results(self, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        text = section(read(Path("results/sweep")), "how-to-reproduce")
        assert "git checkout c0ffee" in text
        train = "python main.py --env-json environment.json --agent-json agent.json"
        assert f"{train} --runs 3 --save-dir results --jobs auto --engine eager" in text
        assert f"{train} --index 5 --save-dir results --jobs auto --engine eager" in text
        assert text.endswith("python utils/report.py results/sweep")

    def test_no_engine_if_one_run_did_not_record_it(self, sweep: Path) -> None:
        assert "--engine eager" in section(read(sweep), "how-to-reproduce")
        write_result(sweep, 2, 1, provenance={})
        combine(sweep)
        assert "--engine" not in section(read(sweep), "how-to-reproduce")

    def test_commands_for_fresh_seeds(self, tmp_path: Path) -> None:
        for setting, number in [(0, 10), (1, 10), (2, 10), (0, 11)]:
            write_result(tmp_path, setting, number)
        combine(tmp_path)
        text = section(read(tmp_path), "how-to-reproduce")
        assert "--agent-json agent.json --index 30-35 " in text
        assert "--agent-json agent.json --index 34-35 " in text

    def test_a_shipped_configuration_is_used_by_path(self, tmp_path: Path) -> None:
        root = Path(__file__).resolve().parents[2]
        agent = json.loads((root / "config/agent/linearAC.json").read_text())
        protocol = read_environment(root / "config/environment/PendulumContinuous-v1.json").model_dump(mode="json")
        change = {"environment": protocol, "agent_name": "linearAC", "parameters": agent["parameters"]}
        tree = json.loads(write_result(tmp_path, 0, 0, experiment=change).read_text())
        tree["experiment"]["environment"] = protocol
        for cell in tree["experiment_data"].values():
            cell["agent_params"] |= {"action_units": "unit"}
        (tmp_path / "data.json").write_text(json.dumps(tree))
        text = section(read(tmp_path), "how-to-reproduce")
        assert "--agent-json config/agent/linearAC.json" in text
        assert "--env-json config/environment/PendulumContinuous-v1.json" in text

    @pytest.mark.parametrize("content", [{}, {"a": {}, "b": {"c": [1, {"d": 2}], "e": None}}, {"a": {"b": {"c": 1}}}])
    def test_json_lines_are_the_same_json(self, content: Any) -> None:
        assert json.loads("\n".join(_json_lines(content))) == content


class TestEdges:
    def test_one_run(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, experiment={"parameters": {"tau": [0.1]}})
        combine(tmp_path)
        page = read(tmp_path)
        assert "1 of 1 runs averaged" in section(page, "learning-curves")
        assert "No two settings have two runs or more." in section(page, "pairwise-comparison")
        assert "No grid has more than one setting." in section(page, "sensitivity")

    def test_no_run_to_show(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, status="diverged", provenance=None, train_time=None, eval_time=None)
        combine(tmp_path)
        page = read(tmp_path)
        for name in ("learning-curves", "distributions", "pairwise-comparison"):
            assert "No run to show." in section(page, name)
        assert "code not recorded" in section(page, "what-ran")

    def test_no_run_at_all(self, tmp_path: Path) -> None:
        tree = json.loads(write_result(tmp_path, 0, 0).read_text()) | {"experiment_data": {}}
        (tmp_path / "data.json").write_text(json.dumps(tree))
        page = read(tmp_path)
        assert "SAC on Pendulum-v1" in section(page, "progress")
        assert "No run to show." in section(page, "learning-curves")

    @pytest.mark.parametrize("odd", [7, [], {"code": 3, "versions": [], "threads": "two", "engine": {}, "host": []}])
    def test_odd_provenance(self, tmp_path: Path, odd: Any) -> None:
        write_result(tmp_path, 0, 0, provenance=odd, train_time="long", eval_time=[], timesteps_done=None)
        combine(tmp_path)
        assert "SAC on Pendulum-v1 1 0 0 0" in section(read(tmp_path), "compute")

    def test_experiments_of_two_environments(self, sweep: Path, tmp_path: Path) -> None:
        other = tmp_path / "results/other"
        write_result(other, 0, 0, experiment={"environment": {"env_name": "Acrobot-v1"}, "agent_name": "VAC"})
        combine(other)
        result = report(sweep, other)
        assert result.stdout == f"{tmp_path / 'results/report.html'}\n"
        page = (tmp_path / "results/report.html").read_text()
        assert "<h1>SAC, VAC on Pendulum-v1, Acrobot-v1</h1>" in page
        assert page.count('<figure class="chart">') == 4

    def test_many_runs_do_not_make_a_large_page(self, tmp_path: Path) -> None:
        """Of 300 runs of 500 evaluations, 150,000 points, the page draws few and states it."""
        file = write_result(tmp_path, 0, 0, experiment={"parameters": {"tau": [0.1]}}, returns=[[-1.5]] * 500)
        tree = json.loads(file.read_text())
        [run] = tree["experiment_data"]["0"]["runs"]
        tree["experiment_data"]["0"]["runs"] = [run | {"run_number": number} for number in range(300)]
        (tmp_path / "data.json").write_text(json.dumps(tree))
        page = read(tmp_path)
        assert len(page) < 250_000
        text = section(page, "learning-curves")
        assert "The first 60 single runs of each line are drawn." in text
        assert "Means are drawn at 300 of their points. Single runs are drawn at 100 of their points." in text
        assert "At most 200 runs of each setting are drawn, at evenly spaced ranks." in section(page, "distributions")


class TestSafety:
    @pytest.fixture
    def hostile(self, tmp_path: Path) -> Path:
        """Combine results with texts that would become code in a page that did not escape them."""
        change = {"environment": {"env_name": HOSTILE}, "agent_name": HOSTILE, "parameters": {HOSTILE: [HOSTILE, "b"]}}
        provenance = PROVENANCE | {"host": HOSTILE, "code": {"commit": HOSTILE, "dirty": False}}
        for setting, number in [(0, 0), (0, 1), (1, 0)]:
            write_result(tmp_path / "sweep", setting, number, experiment=change, provenance=provenance)
        combine(tmp_path / "sweep")
        return tmp_path / "sweep"

    def test_requests_nothing(self, sweep: Path) -> None:
        page = read(sweep)
        assert all(address.startswith("#") for address in Text(page).addresses)
        assert not re.search(r"url\(|@import|(?<!xmlns=\")https?://(?!www\.w3\.org/2000/svg)", page)
        assert "default-src 'none'" in page

    def test_every_text_is_escaped(self, hostile: Path) -> None:
        page = read(hostile)
        assert "<img" not in page
        assert Text(page).tags.count("script") == 2  # A chart's values and the page's own.
        assert "document.title='gone'" in " ".join(Text(page).words)

    @pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
    def test_in_a_browser_no_text_becomes_code(self, hostile: Path, tmp_path: Path) -> None:
        assert "<title>Report: " in dump(hostile / "report.html", read(hostile), "")


def dump(path: Path, page: str, script: str) -> str:
    """Return the page as a browser shows it after running a script after the page's own."""
    allowed = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", page) if script else page
    path.write_text(allowed.replace("</body>", f"<script>{script}</script></body>") if script else allowed)
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent / 'profile'}"]
    done = subprocess.run([*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True)
    return done.stdout.replace("\n</body>", "</body>")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
class TestBrowser:
    def test_with_scripts_values_are_shown_and_lines_are_toggled(self, sweep: Path, tmp_path: Path) -> None:
        script = """
        const figure = document.querySelector("figure.chart"), svg = figure.querySelector("svg");
        const box = svg.getBoundingClientRect();
        const move = () => svg.dispatchEvent(new PointerEvent("pointermove", {clientX: box.right - 5, clientY: 9}));
        move();
        const said = [figure.querySelector(".readout").innerText];
        const toggle = figure.querySelector("[data-toggles='0']");
        toggle.click();
        move();
        said.push(figure.querySelector(".readout").innerText, svg.querySelector("[data-line='0']").classList.value);
        figure.querySelector("[data-toggles='runs']").click();
        said.push(String(svg.querySelectorAll(".runs.off").length), String(toggle.hidden));
        document.body.replaceChildren(said.join("|").replaceAll("\\n", ";"));
        """
        [body] = re.findall(r"<body>(.*?)</body>", dump(tmp_path / "copy.html", read(sweep), script), re.DOTALL)
        first, second, classes, hidden_runs, box_hidden = body.split("|")
        minus = "\N{MINUS SIGN}"
        label = "SAC, Beta, critic_lr 0.1, setting 0 (n = 3)"
        assert first.startswith(f"10 timesteps;\u25a0 {label}: {minus}3 [{minus}5.48, {minus}0.516];")
        assert "setting 0" not in second
        assert "setting 2 (n = 2)" in second
        assert (classes, hidden_runs, box_hidden) == ("off", "3", "false")

    def test_without_scripts_everything_is_shown_and_no_dead_control(self, sweep: Path, tmp_path: Path) -> None:
        page = re.sub(r"script-src '[^']*'", "script-src 'none'", read(sweep))
        found = dump(tmp_path / "copy.html", page, "")
        assert found.count('type="checkbox"') == 4
        assert len(re.findall(r'<input type="checkbox" data-toggles="\d" checked="" hidden="">', found)) == 3
        assert '<li class="scripted" hidden="">' in found
        assert found.count('class="mean"') == 3


class TestBadInput:
    def test_data(self, tmp_path: Path) -> None:
        assert_refused(report(tmp_path), "data.json: not found", "simple_combine.py")
        (tmp_path / "data.json").write_text("[]")
        assert_refused(report(tmp_path), "not a result")

    @pytest.mark.parametrize("confidence", ["0", "1", "nan"])
    def test_confidence(self, sweep: Path, confidence: str) -> None:
        assert_refused(report(sweep, "--confidence", confidence), "above 0 and below 1")

    def test_path(self, sweep: Path, tmp_path: Path) -> None:
        assert_refused(report(sweep, "--out", tmp_path / "a.txt"), ".html")
        assert_refused(report(sweep, "--out", sweep / "data.json/a.html"), "cannot be written")
        assert_refused(report(sweep, "--out", tmp_path / f"{'x' * 300}.html"), "cannot be written (File name too long)")
        (tmp_path / "mine.html").write_text("my page")
        assert_refused(report(sweep, "--out", tmp_path / "mine.html"), "not a report")
        assert (tmp_path / "mine.html").read_text() == "my page"

    def test_a_report_may_be_replaced(self, sweep: Path) -> None:
        assert [report(sweep).exit_code for _ in range(2)] == [0, 0]


def test_ticks_are_round_numbers() -> None:
    assert [tick.text for tick in Scale(-1.0, 11.0, 0.0, 120.0).ticks] == ["0", "2", "4", "6", "8", "10"]
    assert [tick.position for tick in Scale(-1.0, 11.0, 120.0, 0.0).ticks] == [110.0, 90.0, 70.0, 50.0, 30.0, 10.0]
    assert [tick.text for tick in Scale(0.0, 3e-4, 0.0, 1.0).ticks][:2] == ["0", "5e\N{MINUS SIGN}05"]


def test_thinning_keeps_both_ends() -> None:
    assert thinned_indices(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert thinned_indices(101, 3).tolist() == [0, 50, 100]
