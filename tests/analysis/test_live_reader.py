"""The runs of a directory while they train: their states and curves, by value, whatever files there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.test_progress_file import EXPERIMENT, WRITER
from tests.support.fake_results import PARAMETERS, write_result
from tests.support.live_runs import HERE, NOW, read_sweep, write_call, write_every_state, write_progress
from tests.training.test_progress_writer import dead_process
from utils.analysis import live_reader
from utils.analysis.live_reader import LiveReader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_every_state(tmp_path / "sweep")


class TestStates:
    def test_every_state(self, folder):
        sweep = read_sweep(folder)
        states = {run.index: run.state for run in sweep.runs}
        assert states == {
            0: "completed", 1: "diverged", 2: "running", 3: "running", 4: "failed", 5: "stopped", 6: "waiting",
            7: "waiting", 8: "waiting",
        }  # fmt: skip
        assert sweep.counts == {
            "completed": 1, "diverged": 1, "running": 2, "waiting": 3, "stopped": 1, "failed": 1,
        }  # fmt: skip
        assert not sweep.is_over
        runs = {run.index: run for run in sweep.runs}
        assert runs[2].curve.returns.tolist() == [-9.0, -6.0]
        assert runs[3].curve.timesteps.tolist() == [0, 10, 20]
        assert (runs[4].reason, runs[4].timestep, runs[4].place) == ("the rope broke", 7, "there")
        assert runs[1].reason == "critic_loss was not finite"

    def test_how_much_is_done_and_how_long_the_rest_takes(self, folder):
        """Of nine runs of 40 timesteps, three have ended, two train, and one stopped at timestep 5.

        Their process began at second 100: run 2 made 10 steps until second 991, run 3 made 20 until second 992.
        """
        sweep = read_sweep(folder)
        assert sweep.fraction_done == pytest.approx((3 * 40 + 10 + 20 + 5) / (9 * 40))
        rates = [10 / 891, 20 / 892]
        left = (30 + 20 + 3 * 40) / sum(rates)
        assert sweep.seconds_left == pytest.approx(max(left, 30 / rates[0]))

    def test_a_killed_process_has_stopped_and_its_call_waits_for_nothing(self, tmp_path):
        dead = HERE | {"process": dead_process()}
        write_progress(tmp_path, 0, 0, {0: [-1.0]}, dead)
        write_call(tmp_path, [0, 1], dead)
        sweep = read_sweep(tmp_path)
        assert [(run.index, run.state, run.reason) for run in sweep.runs] == [(0, "stopped", "its process has ended")]
        assert sweep.is_over

    @pytest.mark.parametrize(
        ("silence", "state"),
        [(10.0, "running"), (310.0, "silent"), (3650.0, "stopped")],
    )
    def test_a_run_on_another_host(self, tmp_path, silence, state):
        write_progress(tmp_path, 0, 0, {0: [-1.0], 10: [-1.0]}, WRITER | {"time": 988.0})
        [run] = read_sweep(tmp_path, now=991.0 + silence).runs
        assert (run.state, run.silence) == (state, silence)

    def test_a_call_on_another_host_waits_while_its_runs_show_signs(self, tmp_path):
        write_call(tmp_path, [0, 1], WRITER | {"time": NOW - 200})
        assert read_sweep(tmp_path).counts == {"waiting": 2}
        write_call(tmp_path, [0, 1], WRITER)
        write_progress(tmp_path, 0, 0, {0: [-1.0], 10: [-1.0]}, WRITER | {"time": 988.0})
        assert read_sweep(tmp_path).counts == {"running": 1, "waiting": 1}
        assert read_sweep(tmp_path, now=2000.0).counts == {"silent": 1}

    def test_runs_in_a_queue(self, tmp_path):
        write_progress(tmp_path, 0, 0, {0: [-1.0]}, WRITER)
        queue = ((EXPERIMENT, {"run0": (0, True), "run1": (1, False)}),)
        assert read_sweep(tmp_path, queue, now=3000.0).counts == {"running": 1, "waiting": 1}

    def test_runs_that_wait_in_a_queue_and_nothing_else(self, tmp_path):
        queue = ((EXPERIMENT, {"run1": (4, False)}),)
        [run] = read_sweep(tmp_path, queue).runs
        assert (run.index, run.setting, run.run_number, run.state) == (4, 1, 1, "waiting")

    def test_a_stopped_run_that_is_requeued_waits(self, tmp_path):
        write_progress(tmp_path, 0, 0, {0: [-1.0]}, more=[{"timestep": 5, "time": 995.0, "stopped": "stopped"}])
        assert read_sweep(tmp_path, ((EXPERIMENT, {"run0": (0, False)}),)).counts == {"waiting": 1}

    def test_a_run_that_is_trained_again_is_running(self, tmp_path):
        write_result(tmp_path, 0, 0, key="run0")
        write_progress(tmp_path, 0, 0, {0: [-1.0]})
        assert read_sweep(tmp_path).counts == {"running": 1}

    def test_what_a_kill_left_beside_a_result_does_not_count(self, tmp_path):
        write_result(tmp_path, 0, 0, key="run0")
        write_progress(tmp_path, 0, 0, {0: [-1.0]}, HERE | {"process": dead_process()})
        assert read_sweep(tmp_path).counts == {"completed": 1}

    def test_results_of_other_grids_are_left_out_and_said_to_be(self, tmp_path):
        write_result(tmp_path, 0, 0, experiment={"parameters": PARAMETERS | {"critic_lr": [0.5]}})
        write_progress(tmp_path, 0, 0, {0: [-1.0]})
        sweep = read_sweep(tmp_path)
        assert sweep.counts == {"running": 1}
        assert "1 results of other grids or protocols are not shown" in sweep.notes[0]

    def test_nothing_yet(self, tmp_path):
        assert LiveReader(tmp_path / "none").read() is None
        assert LiveReader(tmp_path).read() is None

    def test_damaged_files_are_passed_over(self, folder):
        before = read_sweep(folder).counts
        for name in ("progress/x.jsonl", "progress/y.call", "failures/z.json", "result.json"):
            (folder / name).write_text("{\n")
        (folder / "failures/odd.json").write_text('{"index": [], "reason": 1}')
        assert read_sweep(folder).counts == before

    def test_an_unchanged_file_is_read_once(self, folder, monkeypatch):
        reads = []
        for name in ("read_progress", "read_finished"):
            original = getattr(live_reader, name)
            monkeypatch.setattr(
                live_reader, name, lambda *each, original=original: (reads.append(each[0].name), original(*each))[1]
            )
        reader = LiveReader(folder)
        reader.read()
        assert len(reads) == 5
        write_progress(folder, 2, 0, {0: [-9.0], 10: [-7.0], 20: [-5.0]})
        assert {run.timestep for run in reader.read().runs if run.index == 2} == {20}
        assert reads[5:] == ["run2.jsonl"]

    def test_training_returns_where_there_is_no_evaluation(self, tmp_path):
        environment = EXPERIMENT["environment"] | {"eval_episodes": 0}
        lines = [
            {"timestep": 10, "time": 995.0, "window": {}, "train_episodes": 2, "train_return": -4.0},
            {"timestep": 20, "time": 996.0, "window": {}},
            {"timestep": 30, "time": 997.0, "window": {}, "train_episodes": 1, "train_return": -3.0},
        ]
        write_progress(tmp_path, 0, 0, {}, more=lines, experiment=EXPERIMENT | {"environment": environment})
        [run] = read_sweep(tmp_path).runs
        assert (run.curve.timesteps.tolist(), run.curve.returns.tolist()) == ([10, 30], [-4.0, -3.0])
