"""Whatever befalls results and checkpoints, each command says so or does what is right, and no bit is wrong after."""

from __future__ import annotations

import logging
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import main
import simple_combine
from tests.conftest import Files
from tests.faults import damage
from utils import watch
from utils.compare_runs import compare
from utils.results.result_file import ResultFile
from utils.results.run_diff import read_comparable, first_run_difference
from utils.training import stack_trainer as training

NAME = "Pendulum-v1_SAC_SquashedGaussian"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Files:
    """Configurations, and `straight` and `stopped`: two results; two checkpoints at timestep 6 of 12."""
    files = Files(tmp_path_factory.mktemp("files"))
    files.environment(total_timesteps=12, steps_per_episode=5, eval_interval_timesteps=6, eval_episodes=1,
                      record=["train_states", "eval_states"])  # fmt: skip
    files.agent(batch_size=[4], hidden_dim=[4], alpha=[0.1, 0.5])
    assert train(files, "straight").exit_code == 0
    log_evaluation = training.log_evaluation
    with pytest.MonkeyPatch.context() as patch:

        def and_signal(name: str, at: int, returns: list[float]) -> None:
            log_evaluation(name, at, returns)
            if at == 6:
                signal.raise_signal(signal.SIGTERM)

        patch.setattr(training, "log_evaluation", and_signal)
        assert train(files, "stopped").exit_code == 75
    return files


def train(files: Files, save_dir: str) -> Result:
    arguments = {name: str(files.folder / f"{name}.json") for name in ("environment", "agent")}
    options = ["--env-json", arguments["environment"], "--agent-json", arguments["agent"], "--runs", "1"]
    return CliRunner().invoke(main.main, [*options, "--save-dir", str(files.folder / save_dir)])


def assert_clear(done: Result, *codes: int) -> None:
    """One of the exit codes; an error is one line."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in codes, done.output
    assert "Traceback" not in done.output
    if done.exit_code == 2:
        assert done.stderr.splitlines()[-1].startswith("error: ")


class Blind:
    """Takes pictures, and looks at none."""

    def show(self, frame: Any) -> None:
        pass

    def close(self) -> None:
        pass


def same(first: Path, second: Path) -> bool:
    """Whether two results are the same run, to the bit."""
    return first_run_difference(read_comparable(first), read_comparable(second)) is None


def assert_as_straight(folder: Path, out: Path) -> None:
    """The results are those of the undisturbed sweep; beside them there is only what was put aside."""
    straight = {path.name: path for path in (folder / "straight" / NAME).iterdir()}
    there = {path.name: path for path in (out / NAME).iterdir() if path.suffix != ".damaged"}
    assert there.keys() == straight.keys()
    for name in straight:
        if name.endswith(".json"):
            assert same(straight[name], there[name])


@pytest.fixture
def repeat(pytestconfig, place, caplog, tmp_path) -> Callable[[str, Callable[[Path, list[Path]], None]], None]:
    """Calls a check with many damaged copies of a folder, and the files that are damaged in each."""

    def times(source: str, check: Callable[[Path, list[Path]], None]) -> None:
        @settings(max_examples=pytestconfig.getoption("--fuzz-examples") // 4, deadline=None, database=None,
                  derandomize=True, suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(st.data())
        def one(data: st.DataObject) -> None:
            out = place.folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(place.folder / source, out)
            paths = sorted(path for path in out.rglob("*") if path.is_file())
            caplog.clear()
            check(out, data.draw(damage.damages(paths)))
            assert "Traceback" not in caplog.text

        with caplog.at_level(logging.INFO):
            one()

    return times


def test_a_damaged_checkpoint_is_refused_and_no_bit_is_wrong(place, repeat, caplog):
    def check(out: Path, damaged: list[Path]) -> None:
        assert_clear(train(place, "out"), 0)
        assert_as_straight(place.folder, out)
        refused = [line for line in caplog.text.splitlines() if "starts anew: " in line]
        for path in damaged:  # Without its state, a run has no checkpoint that could be refused.
            assert any(path.parent.name in line for line in refused) or "state" in {path.name for path in damaged}
        assert len(refused) <= len({path.parent for path in damaged})

    repeat("stopped", check)


def test_a_damaged_result_is_put_aside_and_trained_again(place, repeat, caplog):
    """What cannot be told from a result, its digits being others, is left alone."""

    def check(out: Path, damaged: list[Path]) -> None:
        files = [ResultFile(path.parent, path.stem) for path in damaged]
        flawed = {file.json.stem: file.find_flaw() for file in files if not file.exists()}
        kept = {path.name: path.read_bytes() for path in damaged if path.is_file() and flawed.get(path.stem)}
        folders = {path.stem for path in damaged if path.is_dir()}
        assert_clear(train(place, "out"), 1 if folders else 0)  # A folder is not for us to move.
        for stem, flaw in flawed.items():
            assert flaw is None or f"trained again: {flaw}" in caplog.text
            result = out / NAME / f"{stem}.json"
            assert stem in folders or same(place.folder / "straight" / NAME / result.name, result)
        for name, bytes_before in kept.items():
            if Path(name).stem not in folders:
                assert (out / NAME / f"{name}.damaged").read_bytes() == bytes_before
        assert caplog.text.count("trained again: ") == sum(flaw is not None for flaw in flawed.values())

    repeat("straight", check)


def test_simple_combine_names_what_is_damaged(repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        done = CliRunner().invoke(simple_combine.main, [str(out / NAME)])
        assert_clear(done, 0, 1, 2)
        if done.exit_code == 1:
            assert any(path.name in done.stderr for path in damaged)
        combined = out / NAME / "data.json"
        assert combined.exists() == (done.exit_code != 2)

    repeat("straight", check)


def test_compare_runs_says_what_is_wrong(place, repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(compare, [str(place.folder / "straight" / NAME / path.name), str(path)])
        assert_clear(done, 0, 1, 2)
        assert done.exit_code != 2 or path.stem in done.stderr

    repeat("straight", check)


def test_verify_says_what_is_wrong(repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(main.main, ["--verify", str(path)])
        assert_clear(done, 0, 1, 2)
        assert path.stem in done.output

    repeat("straight", check)


def test_watch_says_what_is_wrong(repeat, monkeypatch):
    monkeypatch.setattr(watch, "sink_maker", lambda *_: lambda frame: Blind())

    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(watch.watch, [str(path), "--episodes", "1"])
        assert_clear(done, 0, 2)
        assert done.exit_code == 0 or path.stem in done.stderr

    repeat("straight", check)
