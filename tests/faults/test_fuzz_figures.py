"""Whatever stands in a data.json or an option, what draws and ranks says what is wrong, or does what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.odd import files, written
from tests.faults.odd_results import oddities, tree
from utils import compare_protocols, plot_mse_data, report, select_best
from utils.analysis import mean_curve as summary

WORDS = ["tau", "critic_lr", "policy_type", "actor_lr", "", "x" * 300, "-1", "../.."]

NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e308", "nan", "inf", str(2**63), str(10**400)]

OUTS = ["out.png", "out.svg", "out.html", "out.gif", "out", "sweep/data.png", "sweep.png", "folder.png",
        "locked/a.png", "locked/a.html", "sweep/data.json/a.svg", f"{'x' * 300}.png", "sweep/data.html"]  # fmt: skip

COMPANIONS = {"compare_protocols": ["other"], "profile": ["elsewhere"]}
"""What a command is given beside the odd results, as it wants two."""

SOURCES = ["sweep", "sweep/data.json", "other", "elsewhere", "folder.png", "nowhere", "sweep/data.json/data.json",
           "foreign.json", "x" * 300]  # fmt: skip


@st.composite
def options(draw: st.DrawFn, allowed: dict[str, st.SearchStrategy[list[str]]]) -> list[str]:
    """Up to two of the options."""
    names = draw(st.lists(st.sampled_from([*allowed]), max_size=2))
    return [word for name in names for value in draw(allowed[name]) for word in ([name, value] if value else [name])]


def one(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=1)


FLAG = st.just([""])

KIND = {
    "--setting": one(NUMBERS), "--by": one(WORDS), "--key": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    "--confidence": one(NUMBERS), "--band": one(["bootstrap", "tolerance", "none", "all"]), "--smooth": one(NUMBERS),
    "--check": FLAG, "--out": st.lists(st.sampled_from(OUTS), min_size=1, max_size=2),
}  # fmt: skip

RANK = {
    "--across": FLAG, "--measure": one(["final", "area"]), "--write": one(["a", "../a", "x" * 300, ".a", "-a"]),
    "--fresh": one(NUMBERS), "--half-width": one(NUMBERS),
}  # fmt: skip

COMMANDS: dict[str, tuple[Any, dict[str, Any]]] = {
    **dict.fromkeys(plot_mse_data.KINDS, (plot_mse_data.main, KIND)),
    "report": (report.main, {"--confidence": one(NUMBERS), "--out": one(OUTS)}),
    "select_best": (select_best.main, RANK),
    "compare_protocols": (compare_protocols.main, {"--except": one([*WORDS, "versions", "agent.tau"])}),
}


@st.composite
def calls(draw: st.DrawFn, command: str) -> list[str]:
    """Its arguments."""
    sources = draw(st.lists(st.sampled_from(SOURCES), max_size=1)) if draw(st.booleans()) else []
    sources = ["sweep", *(sources or COMPANIONS.get(command, []))]
    given = draw(options(COMMANDS[command][1]))
    if command in plot_mse_data.KINDS:
        return ["--kind", command, *given, *(word for source in sources for word in ("--data", source))]
    return [*given, "--", *sources]


def assert_clear(done: Result) -> None:
    """One of the exit codes; an error is one line that names a file or an option; else nothing is said of any."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in (0, 1, 2), done.output
    if done.exit_code != 2:
        assert done.stderr == ""
    elif not done.stderr.startswith("Usage: "):  # Which is click's.
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert any(word in done.stderr for word in ("--", ".json", *SOURCES))


def assert_there(done: Result) -> None:
    """The figures that it names are, each with a sidecar."""
    assert done.stdout
    for line in done.stdout.splitlines():
        figure = Path(line.removesuffix(": up to date"))
        assert figure.stat().st_size > 0
        assert json.loads(figure.with_suffix(".json").read_bytes())["figure"].keys() >= {figure.name}


def lay_out(place: Path, content: bytes) -> None:
    """The folder to be in: an odd sweep, another that is sound, and what else there may be."""
    (place / "sweep/data.json").write_bytes(content)
    for path in place.glob("out*"):
        path.unlink()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results and with what is none."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("sweep", "other", "elsewhere", "folder.png", "locked", "config/agent", "config/environment"):
        (folder / name).mkdir(parents=True)
    (folder / "other/data.json").write_bytes(written(tree()))
    (folder / "elsewhere/data.json").write_bytes(written(tree("Acrobot-v1")))
    (folder / "foreign.json").write_text("[1, 2]")
    (folder / "locked/a.json").write_text("{}")
    return folder


@pytest.mark.filterwarnings("error::UserWarning:utils")
@pytest.mark.parametrize("command", COMMANDS)
def test_odd_results_and_options(command: str, place: Path, pytestconfig: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(summary, "RESAMPLES", 20)

    @settings(max_examples=pytestconfig.getoption("--fuzz-examples") // 16, deadline=None, database=None,
              derandomize=True, suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(oddities().map(written).flatmap(files), calls(command))
    def check(content: bytes, arguments: list[str]) -> None:
        lay_out(place, content)
        done = CliRunner().invoke(COMMANDS[command][0], arguments)
        assert_clear(done)
        if done.exit_code == 0 and command in plot_mse_data.KINDS:
            assert_there(done)

    check()
