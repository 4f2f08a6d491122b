"""Plotting and ranking commands give correct output or a clear error for any data.json and any options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.odd_configurations import encode_tree, file_contents
from tests.faults.odd_results import make_combined_results, odd_results
from utils import compare_protocols, plot_mse_data, report, select_best
from utils.analysis import mean_curve as summary

WORDS = ["tau", "critic_lr", "policy_type", "actor_lr", "", "x" * 300, "-1", "../.."]

NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e308", "nan", "inf", str(2**63), str(10**400)]

OUTS = ["out.png", "out.svg", "out.html", "out.gif", "out", "sweep/data.png", "sweep.png", "folder.png",
        "locked/a.png", "locked/a.html", "sweep/data.json/a.svg", f"{'x' * 300}.png", "sweep/data.html"]  # fmt: skip

COMPANIONS = {"compare_protocols": ["other"], "profile": ["elsewhere"]}
"""Further sources for commands that need two."""

SOURCES = ["sweep", "sweep/data.json", "other", "elsewhere", "folder.png", "nowhere", "sweep/data.json/data.json",
           "foreign.json", "x" * 300]  # fmt: skip


@st.composite
def options(draw: st.DrawFn, allowed: dict[str, st.SearchStrategy[list[str]]]) -> list[str]:
    """Draw up to two of the options."""
    names = draw(st.lists(st.sampled_from([*allowed]), max_size=2))
    return [word for name in names for value in draw(allowed[name]) for word in ([name, value] if value else [name])]


def pick(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=1)


FLAG = st.just([""])

KIND = {
    "--setting": pick(NUMBERS), "--by": pick(WORDS), "--key": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    "--confidence": pick(NUMBERS), "--band": pick(["confidence", "tolerance", "none", "all"]),
    "--smooth": pick(NUMBERS), "--check": FLAG, "--out": st.lists(st.sampled_from(OUTS), min_size=1, max_size=2),
}  # fmt: skip

RANK = {
    "--across": FLAG, "--measure": pick(["final", "area"]), "--write": pick(["a", "../a", "x" * 300, ".a", "-a"]),
    "--fresh": pick(NUMBERS), "--half-width": pick(NUMBERS),
}  # fmt: skip

COMMANDS: dict[str, tuple[Any, dict[str, Any]]] = {
    **dict.fromkeys(plot_mse_data.KINDS, (plot_mse_data.main, KIND)),
    "report": (report.main, {"--confidence": pick(NUMBERS), "--out": pick(OUTS)}),
    "select_best": (select_best.main, RANK),
    "compare_protocols": (compare_protocols.main, {"--except": pick([*WORDS, "versions", "agent.tau"])}),
}


@st.composite
def command_lines(draw: st.DrawFn, command: str) -> list[str]:
    """Draw the arguments of a command."""
    sources = draw(st.lists(st.sampled_from(SOURCES), max_size=1)) if draw(st.booleans()) else []
    sources = ["sweep", *(sources or COMPANIONS.get(command, []))]
    given = draw(options(COMMANDS[command][1]))
    if command in plot_mse_data.KINDS:
        return ["--kind", command, *given, *(word for source in sources for word in ("--data", source))]
    return [*given, "--", *sources]


def assert_clear(done: Result) -> None:
    """Check the exit code; an error is one line that names a file or an option, and otherwise stderr is empty."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in (0, 1, 2), done.output
    if done.exit_code != 2:
        assert done.stderr == ""
    elif not done.stderr.startswith("Usage: "):  # Printed by click.
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert any(word in done.stderr for word in ("--", ".json", *SOURCES))


def assert_figures_exist(done: Result) -> None:
    """Check that the printed figures exist, each with a sidecar."""
    assert done.stdout
    for line in done.stdout.splitlines():
        figure = Path(line.removesuffix(": up to date"))
        assert figure.stat().st_size > 0
        assert json.loads(figure.with_suffix(".json").read_bytes())["figure"].keys() >= {figure.name}


def reset_folder(folder: Path, content: bytes) -> None:
    """Write the odd results and remove figures of earlier calls."""
    (folder / "sweep/data.json").write_bytes(content)
    for path in folder.glob("out*"):
        path.unlink()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with valid results and with other files."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("sweep", "other", "elsewhere", "folder.png", "locked", "config/agent", "config/environment"):
        (folder / name).mkdir(parents=True)
    (folder / "other/data.json").write_bytes(encode_tree(make_combined_results()))
    (folder / "elsewhere/data.json").write_bytes(encode_tree(make_combined_results("Acrobot-v1")))
    (folder / "foreign.json").write_text("[1, 2]")
    (folder / "locked/a.json").write_text("{}")
    return folder


@pytest.mark.filterwarnings("error::UserWarning:utils")
@pytest.mark.parametrize("command", COMMANDS)
def test_odd_results_and_options(command: str, project: Path, pytestconfig: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(summary, "RESAMPLES", 20)

    @settings(max_examples=pytestconfig.getoption("--fuzz-examples") // 16, deadline=None, database=None,
              derandomize=True, suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(odd_results().map(encode_tree).flatmap(file_contents), command_lines(command))
    def check(content: bytes, arguments: list[str]) -> None:
        reset_folder(project, content)
        done = CliRunner().invoke(COMMANDS[command][0], arguments)
        assert_clear(done)
        if done.exit_code == 0 and command in plot_mse_data.KINDS:
            assert_figures_exist(done)

    check()
