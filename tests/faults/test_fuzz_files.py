"""For any damage to results and checkpoints, each command reports it or works correctly, and no bit is wrong."""

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
from utils.analysis.live_reader import LiveReader
from utils.analysis.live_runs import RUNNING, STOPPED
from utils.compare_runs import main as compare
from utils.reporting.line_styles import LineStyles
from utils.reporting.live_page import PageTimes, render_live_page
from utils.results.progress_file import PROGRESS_DIRECTORY, RUN_ENDING
from utils.results.result_file import ResultFile
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training import stack_trainer as training
from utils.wiring import rebuild

NAME = "Pendulum-v1_SAC_SquashedGaussian"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Files:
    """Create configurations, two results in `straight`, and two checkpoints at timestep 6 of 12 in `stopped`."""
    files = Files(tmp_path_factory.mktemp("files"))
    files.environment(total_timesteps=12, steps_per_episode=5, eval_interval_timesteps=6, eval_episodes=1,
                      record=["train_states", "eval_states"])  # fmt: skip
    files.agent(batch_size=[4], hidden_dim=[4], alpha=[0.1, 0.5])
    assert train(files, "straight").exit_code == 0
    log_evaluation = training.log_evaluation
    with pytest.MonkeyPatch.context() as patch:

        def log_and_signal(logged: training.LoggedRuns, at: int, returns: list[float]) -> None:
            log_evaluation(logged, at, returns)
            if at == 6:
                signal.raise_signal(signal.SIGTERM)

        patch.setattr(training, "log_evaluation", log_and_signal)
        assert train(files, "stopped").exit_code == 75
    return files


def train(files: Files, save_dir: str, *more: str) -> Result:
    arguments = {name: str(files.folder / f"{name}.json") for name in ("environment", "agent")}
    options = ["--env-json", arguments["environment"], "--agent-json", arguments["agent"], "--runs", "1"]
    return CliRunner().invoke(main.main, [*options, "--save-dir", str(files.folder / save_dir), *more])


def assert_clear(done: Result, *codes: int) -> None:
    """Check the exit code; an error is one line."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in codes, done.output
    assert "Traceback" not in done.output
    if done.exit_code == 2:
        assert done.stderr.splitlines()[-1].startswith("error: ")


class NullSink:
    """Frame sink that discards all frames."""

    def show(self, frame: Any) -> None:
        pass

    def close(self) -> None:
        pass


def is_same_run(first: Path, second: Path) -> bool:
    """Return whether two results are the same run, bit for bit."""
    return first_run_difference(read_comparable(first), read_comparable(second)) is None


def assert_as_straight(folder: Path, out: Path) -> None:
    """Check that the results equal those of the undisturbed sweep; only files put aside may exist besides them."""
    straight = {path.name: path for path in (folder / "straight" / NAME).iterdir()}
    there = {path.name: path for path in (out / NAME).iterdir() if path.suffix != ".damaged"}
    if any(path.is_dir() for path in (out / NAME / PROGRESS_DIRECTORY).glob("*")):
        del there[PROGRESS_DIRECTORY]  # Training does not remove a directory in the place of a progress file.
    assert there.keys() == straight.keys()
    for name in straight:
        if name.endswith(".json"):
            assert is_same_run(straight[name], there[name])


@pytest.fixture
def repeat(pytestconfig, project, caplog, tmp_path) -> Callable[[str, Callable[[Path, list[Path]], None]], None]:
    """Call a check with many damaged copies of a folder and the damaged files of each."""

    def times(source: str, check: Callable[[Path, list[Path]], None]) -> None:
        @settings(max_examples=pytestconfig.getoption("--fuzz-examples") // 4, deadline=None, database=None,
                  derandomize=True, suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(st.data())
        def one(data: st.DataObject) -> None:
            out = project.folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(project.folder / source, out)
            paths = sorted(path for path in out.rglob("*") if path.is_file())
            caplog.clear()
            check(out, data.draw(damage.damaged_paths(paths)))
            assert "Traceback" not in caplog.text

        with caplog.at_level(logging.INFO):
            one()

    return times


def test_a_damaged_checkpoint_is_refused_and_no_bit_is_wrong(project, repeat, caplog):
    def check(out: Path, damaged: list[Path]) -> None:
        assert_clear(train(project, "out"), 0)
        assert_as_straight(project.folder, out)
        refused = [line for line in caplog.text.splitlines() if "starts again: " in line]
        for path in damaged:  # Without its state file, a run has no checkpoint to refuse.
            if path.suffix == RUN_ENDING:
                continue  # Training does not read it.
            assert any(path.parent.name in line for line in refused) or "state" in {path.name for path in damaged}
        assert len(refused) <= len({path.parent for path in damaged})

    repeat("stopped", check)


def test_the_live_page_passes_over_damaged_files(project, repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        [directory] = out.iterdir()
        sweep = LiveReader(directory).read()
        if sweep is not None:
            assert set(sweep.counts) <= {STOPPED, RUNNING}
            render_live_page([sweep], LineStyles(), PageTimes(0.0))

    repeat("stopped", check)


def test_a_damaged_result_is_put_aside_and_trained_again(project, repeat, caplog):
    """A file that is still a valid result, with other digits, is not replaced.

    If the other digits are those of its code or rollouts, nothing is trained without --accept-mixed.
    """

    def check(out: Path, damaged: list[Path]) -> None:
        files = [ResultFile(path.parent, path.stem) for path in damaged]
        flawed = {file.json.stem: file.find_flaw() for file in files if not file.exists()}
        kept = {path.name: path.read_bytes() for path in damaged if path.is_file() and flawed.get(path.stem)}
        folders = {path.stem for path in damaged if path.is_dir()}
        done = train(project, "out")
        if done.exit_code == 2:
            assert "--accept-mixed" in done.stderr
            assert any(file.exists() and f"{file.json.name}: " in done.stderr for file in files)
            done = train(project, "out", "--accept-mixed")
        assert_clear(done, 1 if folders else 0)  # A folder is not moved.
        for stem, flaw in flawed.items():
            assert flaw is None or f"trained again: {flaw}" in caplog.text
            result = out / NAME / f"{stem}.json"
            assert stem in folders or is_same_run(project.folder / "straight" / NAME / result.name, result)
        for name, bytes_before in kept.items():
            if Path(name).stem not in folders:
                assert (out / NAME / f"{name}.damaged").read_bytes() == bytes_before
        assert caplog.text.count("trained again: ") == sum(flaw is not None for flaw in flawed.values())

    repeat("straight", check)


def test_simple_combine_names_the_damaged_file(repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        done = CliRunner().invoke(simple_combine.main, [str(out / NAME)])
        assert_clear(done, 0, 1, 2)
        if done.exit_code == 1:
            assert any(path.name in done.stderr for path in damaged)
        combined = out / NAME / "data.json"
        assert combined.exists() == (done.exit_code != 2)

    repeat("straight", check)


def test_compare_runs_reports_the_damage(project, repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(compare, [str(project.folder / "straight" / NAME / path.name), str(path)])
        assert_clear(done, 0, 1, 2)
        assert done.exit_code != 2 or path.stem in done.stderr

    repeat("straight", check)


def test_verify_reports_the_damage(repeat):
    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(main.main, ["--verify", str(path)])
        assert_clear(done, 0, 1, 2)
        assert path.stem in done.output

    repeat("straight", check)


def test_watch_reports_the_damage(repeat, monkeypatch):
    monkeypatch.setattr(rebuild, "make_sink_opener", lambda *_: lambda frame: NullSink())

    def check(out: Path, damaged: list[Path]) -> None:
        path = damaged[0].with_suffix(".json")
        done = CliRunner().invoke(watch.watch, [str(path), "--episodes", "1"])
        assert_clear(done, 0, 2)
        assert done.exit_code == 0 or path.stem in done.stderr

    repeat("straight", check)
