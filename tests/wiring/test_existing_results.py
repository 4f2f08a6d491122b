"""Results that runs already have: of another code, of a grid with other policies, of an equal setting."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

import main
from tests.support.fake_results import combine
from tests.support.sweep import SHORT, Sweep
from utils.results.run_diff import first_run_difference, read_comparable


@pytest.fixture
def sweep(files, tmp_path):
    return Sweep(files, tmp_path / "out")


class TestAnotherCode:
    """Run 0 was trained with other sources; main.py refuses to count it as done."""

    @pytest.fixture
    def mixed(self, sweep):
        assert sweep.run("--index", "0-1").exit_code == 0
        path = sweep.results()[0]
        code = sweep.read(path)["provenance"]["code"]
        assert re.fullmatch("[0-9a-f]{12}", code["sources"])
        sweep.change_provenance(path, code=code | {"sources": "0123456789ab"})
        return sweep

    def test_it_is_refused(self, mixed):
        today = mixed.read(mixed.results()[1])["provenance"]["code"]["sources"]
        done = mixed.run("--index", "0-2")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert done.stderr == (
            f"error: {mixed.results()[0]}: its code differs from today's: sources 0123456789ab and {today}; so it is "
            "with 1 of 2 existing results: --index 0; allowed: --force, which trains them again; --save-dir with "
            "another directory; or --accept-mixed, which keeps them as they are\n"
        )
        assert sorted(mixed.results()) == [0, 1]

    def test_it_is_accepted_on_request(self, mixed, caplog):
        before = mixed.results()[0].read_bytes()
        with caplog.at_level("INFO"):
            assert mixed.run("--index", "0-2", "--accept-mixed").exit_code == 0
        assert "results of several versions are mixed" in caplog.text
        assert sorted(mixed.results()) == [0, 1, 2]
        assert mixed.results()[0].read_bytes() == before
        [folder] = mixed.save_dir.iterdir()
        assert "the runs are of 2 versions of the code (" in combine(folder).stderr

    def test_force_trains_it_again(self, mixed):
        assert mixed.run("--index", "0", "--force").exit_code == 0
        assert mixed.run("--index", "0-1").exit_code == 0

    def test_other_runs_are_trained_and_the_log_says_so(self, mixed, caplog):
        """What schedule.py does: its tasks have only the missing indices."""
        with caplog.at_level("INFO"):
            assert mixed.run("--index", "2").exit_code == 0
        assert (
            "1 of the 2 results read are of another version of the code than the runs to train: sources" in caplog.text
        )

    @pytest.mark.parametrize("package", ["torch", "gymnasium"])
    def test_versions_of_packages_count(self, sweep, package):
        sweep.run()
        path = sweep.results()[0]
        versions = sweep.read(path)["provenance"]["versions"]
        sweep.change_provenance(path, versions=versions | {package: "0.1"})
        done = sweep.run()
        assert done.exit_code == 2
        assert f"its code differs from today's: {package} 0.1 and {versions[package]}" in done.stderr

    def test_another_rollout_hash_is_refused(self, sweep):
        sweep.run()
        path = sweep.results()[0]
        trace = sweep.read(path)["provenance"]["rollout_trace"]
        trace["sums"][0] = [[2.0 * total, size] for total, size in trace["sums"][0]]
        sweep.change_provenance(path, rollout_hash="2:beef", rollout_trace=trace)
        done = sweep.run()
        assert done.exit_code == 2
        assert "the result and today: their environments behave differently: another task (" in done.stderr
        assert "; rollout_hash 2:beef and 2:" in done.stderr

    def test_a_rollout_hash_of_another_form_is_only_warned_of(self, sweep, caplog):
        sweep.run()
        sweep.change_provenance(sweep.results()[0], rollout_hash="beef")
        assert sweep.run().exit_code == 0
        assert "its rollout_hash beef cannot be compared with today's, 2:" in caplog.text

    def test_old_results_and_other_packages_are_not_complained_of(self, sweep, caplog):
        sweep.run()
        path = sweep.results()[0]
        versions = sweep.read(path)["provenance"]["versions"]
        sweep.change_provenance(path, versions=versions | {"orjson": "0.1"})
        assert sweep.run().exit_code == 0
        old = {"commit": "old", "dirty": False}
        sweep.change_provenance(path, code=old, versions=versions | {"torch": "0.1"}, rollout_hash=None)
        with caplog.at_level("INFO"):
            assert sweep.run().exit_code == 0
        assert not any(record.levelname == "WARNING" for record in caplog.records)

    def test_a_requeued_task_only_warns_of_its_own_results(self, mixed, monkeypatch, caplog):
        """On another kind of node its environment may behave differently; the rest of its runs are still trained."""
        task = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}
        for name, value in task.items():
            monkeypatch.setenv(name, value)
        mixed.change_provenance(mixed.results()[0], slurm=task | {"SLURM_ARRAY_TASK_ID": "2"})
        assert mixed.run("--index", "0-2").exit_code == 2
        mixed.change_provenance(mixed.results()[0], slurm=task)
        assert mixed.run("--index", "0-2").exit_code == 0
        assert sorted(mixed.results()) == [0, 1, 2]

    def test_archived_results_are_compared_too(self, mixed):
        [folder] = mixed.save_dir.iterdir()
        assert combine(folder, archive=True).exit_code == 0
        assert mixed.run("--index", "0-1").exit_code == 2
        assert mixed.run("--index", "1").exit_code == 0


class TestGrowingGrid:
    """The directory's name has the policy if the grid has one only."""

    def test_a_second_policy_finds_the_runs_of_the_first(self, sweep, caplog):
        sweep.agent = {"policy_type": ["Beta"]}
        assert sweep.run("--runs", "2").exit_code == 0
        first = sweep.results()
        assert {path.parent.name for path in first.values()} == {"Pendulum-v1_SAC_Beta"}
        contents = {path: path.read_bytes() for path in first.values()}
        sweep.agent = {"policy_type": ["Gaussian", "Beta"]}
        with caplog.at_level("INFO"):
            assert sweep.run("--runs", "2").exit_code == 0
        assert [path for path, content in contents.items() if path.read_bytes() != content] == []
        folder = sweep.save_dir / "Pendulum-v1_SAC"
        assert f"index 1: not trained, its result is copied from {first[0]}" in caplog.text
        assert "2 of 2 runs done" in caplog.text
        done = combine(folder)
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "nothing is missing")
        tree = json.loads((folder / "data.json").read_bytes())
        copied = tree["experiment_data"]["1"]["runs"]
        assert [(run["index"], run["run_number"]) for run in copied] == [(1, 0), (3, 1)]
        assert copied[0]["provenance"]["copied_from"] == f"Pendulum-v1_SAC_Beta/{first[0].name}"
        assert first_run_difference(read_comparable(first[0]), read_comparable(folder / first[0].name)) is None

    def test_a_grid_that_shrinks_finds_them_as_well(self, sweep, caplog):
        sweep.agent = {"policy_type": ["Gaussian", "Beta"]}
        assert sweep.run("--runs", "1").exit_code == 0
        sweep.agent = {"policy_type": ["Beta"]}
        with caplog.at_level("INFO"):
            assert sweep.run("--runs", "1").exit_code == 0
        assert "training" not in caplog.text.split("copied from")[1]
        folder = sweep.save_dir / "Pendulum-v1_SAC_Beta"
        assert combine(folder).stdout.splitlines()[-1] == "nothing is missing"

    def test_any_other_key_may_grow(self, sweep, caplog):
        sweep.agent = {"critic_lr": [0.1], "tau": [0.1]}
        assert sweep.run().exit_code == 0
        sweep.agent = {"critic_lr": [0.2, 0.1], "tau": [0.3, 0.1], "alpha": [0.2]}
        with caplog.at_level("INFO"):
            assert sweep.run("--index", "3").exit_code == 0
        assert "index 3: skipped" in caplog.text

    def test_archived_results_are_found_too(self, sweep, caplog):
        sweep.agent = {"policy_type": ["Beta"]}
        assert sweep.run().exit_code == 0
        assert combine(sweep.save_dir / "Pendulum-v1_SAC_Beta", archive=True).exit_code == 0
        sweep.agent = {"policy_type": ["Gaussian", "Beta"]}
        assert sweep.run("--index", "1").exit_code == 0
        [path] = sweep.results().values()
        assert path.parent.name == "Pendulum-v1_SAC"
        assert path.with_suffix(".npz").exists()

    def test_a_result_of_another_code_is_not_copied(self, sweep):
        sweep.agent = {"policy_type": ["Beta"]}
        assert sweep.run().exit_code == 0
        sweep.change_provenance(sweep.results()[0], rollout_hash="2:beef")
        sweep.agent = {"policy_type": ["Gaussian", "Beta"]}
        assert sweep.run("--index", "1").exit_code == 2
        assert not (sweep.save_dir / "Pendulum-v1_SAC").exists()


class TestConditionalGrid:
    @pytest.fixture
    def conditional(self, sweep):
        sweep.agent = {"automatic_entropy_tuning": [True, False], "alpha_lr": [0.0003, 0.003], "alpha": [0.1]}
        return sweep

    def test_equal_runs_are_trained_once(self, conditional, caplog):
        with caplog.at_level("INFO"):
            assert conditional.run("--runs", "2").exit_code == 0
        because = "without effect: alpha_lr (automatic_entropy_tuning is false)"
        assert f"index 3: not trained, the same run as index 1: {because}" in caplog.text
        assert "6 of 6 runs done" in caplog.text
        found = conditional.results()
        assert sorted(found) == list(range(8))
        run = conditional.read(found[7])
        assert (run["run_number"], run["key"]) == (1, found[7].stem.rpartition("_")[2])
        assert run["provenance"]["copied_from"] == f"{found[5].parent.name}/{found[5].name}"
        contents = [read_comparable(found[index]) for index in (5, 7)]
        params = [content.pop("agent_params") for content in contents]
        assert [each["alpha_lr"] for each in params] == [0.0003, 0.003]
        for content in contents:
            del content["key"], content["learned_params"], content["diagnostics"]
        assert first_run_difference(*contents) is None
        [folder] = conditional.save_dir.iterdir()
        assert combine(folder).stdout.splitlines()[-1] == "nothing is missing"

    def test_a_copy_can_be_verified(self, conditional):
        assert conditional.run("--runs", "1").exit_code == 0
        done = CliRunner().invoke(main.main, ["--verify", str(conditional.results()[3])])
        assert (done.exit_code, done.stdout.splitlines()[-1].rpartition(" ")[2]) == (0, "identical")

    def test_an_equal_run_of_an_earlier_call_is_found(self, conditional, caplog):
        assert conditional.run("--index", "1").exit_code == 0
        with caplog.at_level("INFO"):
            assert conditional.run("--index", "3").exit_code == 0
        assert f"index 3: not trained, its result is copied from {conditional.results()[1]}" in caplog.text

    def test_without_copies_only_results_of_this_call_count(self, conditional):
        """Run 3 equals run 1, which is not among those of the second call; the last call has both, as after a stop."""
        assert conditional.run("--index", "1").exit_code == 0
        assert conditional.run("--index", "3", "--no-copy").exit_code == 0
        [trained] = [conditional.read(path) for index, path in conditional.results().items() if index == 3]
        assert "copied_from" not in trained["provenance"]
        conditional.results()[3].unlink()
        assert conditional.run("--index", "1,3", "--no-copy").exit_code == 0
        assert "copied_from" in conditional.read(conditional.results()[3])["provenance"]

    def test_force_replaces_the_copy_too(self, conditional):
        assert conditional.run("--index", "1,3").exit_code == 0
        before = {index: path.read_bytes() for index, path in conditional.results().items()}
        assert conditional.run("--index", "1,3", "--force").exit_code == 0
        after = {index: path.read_bytes() for index, path in conditional.results().items()}
        assert all(before[index] != after[index] for index in (1, 3))  # The times differ.
        runs = [conditional.read(path) for _, path in sorted(conditional.results().items())]
        assert runs[0]["provenance"]["end_time"] == runs[1]["provenance"]["end_time"]

    def test_an_equal_run_alone_is_trained(self, conditional):
        assert conditional.run("--index", "3").exit_code == 0
        assert "copied_from" not in conditional.read(conditional.results()[3])["provenance"]

    def test_an_invalid_combination_is_named(self, sweep):
        sweep.agent = {"automatic_entropy_tuning": [True, False], "alpha_lr": [0.0, 0.003]}
        done = sweep.run("--runs", "2", "--strict")
        assert done.exit_code == 2
        assert done.stderr.endswith(
            "alpha_lr is 0 with automatic_entropy_tuning; allowed: above 0 (setting 0: automatic_entropy_tuning true, "
            "alpha_lr 0.0); of the chosen indices, 0,4 cannot be trained: the others are --index 1-3,5-7\n"
        )
        assert sweep.run("--index", "1-3").exit_code == 0
        assert sorted(sweep.results()) == [1, 2, 3]


def test_results_of_another_protocol_are_told_at_training(sweep, caplog):
    assert sweep.run("--index", "0-1").exit_code == 0
    sweep.protocol = SHORT | {"total_timesteps": 30}
    with caplog.at_level("INFO"):
        assert sweep.run("--index", "0").exit_code == 0
    [folder] = sweep.save_dir.iterdir()
    assert (
        f"{folder}: 2 of the 2 results read are of another protocol (key 'total_timesteps': found 20 and 30 here); "
        "simple_combine.py needs --env-json to choose one of them; --save-dir keeps protocols apart"
    ) in caplog.messages
