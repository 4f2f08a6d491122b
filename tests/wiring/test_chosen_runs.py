"""The runs that --index chooses: what is refused, what --list prints, and what the log says of them."""

from __future__ import annotations

import os

import pytest

from tests.support.sweep import SHORT, Sweep
from utils.files.lock import Lock
from utils.wiring import build


@pytest.fixture
def sweep(files, tmp_path):
    return Sweep(files, tmp_path / "out")


def test_a_value_twice_is_refused(sweep):
    sweep.agent = {"critic_lr": [0.1, 0.01, 0.1]}
    done = sweep.run()
    assert done.exit_code == 2
    assert done.stderr.endswith("agent.json: parameters: key 'critic_lr': found 0.1 twice; allowed: each value once\n")


@pytest.mark.parametrize(("values", "twice"), [([1, 1.0], "1.0"), ([[0.9, 1], [0.9, 1.0]], "[0.9,1.0]")])
def test_equal_numbers_are_the_same_value(sweep, values, twice):
    sweep.agent = {"alpha": values}
    assert f"key 'alpha': found {twice} twice" in sweep.run().stderr


def test_true_is_not_one(sweep):
    sweep.agent = {"soft_q": [True, 1]}
    assert "twice" not in sweep.run("--index", "0").stderr


def test_the_list_of_runs(sweep):
    sweep.agent = {"critic_lr": [0.1, 0.01], "alpha": [0.2, 0.3], "tau": [0.5]}
    done = sweep.run("--index", "1,3,5", "--list")
    assert done.exit_code == 0
    assert done.stdout == (
        "index  setting  seed  alpha\n"
        "    1        1     0    0.2\n"
        "    3        3     0    0.3\n"
        "    5        1     1    0.2\n"
    )
    assert not sweep.save_dir.exists()
    assert sweep.run("--index", "2", "--list").stdout == "index  setting  seed\n    2        2     0\n"


def test_an_index_beyond_the_settings_is_explained(sweep, caplog):
    sweep.agent = {"critic_lr": [0.1, 0.01]}
    explained = "the grid has 2 settings, 0 to 1: index 5 is run 2, with seed 2, of setting 1"
    with caplog.at_level("INFO"):
        assert sweep.run("--index", "1").exit_code == 0
        assert "the grid has" not in caplog.text
        assert sweep.run("--index", "0,5").exit_code == 0
    assert explained in caplog.text


def test_the_log_names_setting_and_seed_and_does_not_average_over_settings(sweep, caplog):
    sweep.agent = {"critic_lr": [0.1, 0.01]}
    with caplog.at_level("INFO"):
        assert sweep.run("--runs", "2", "--stack", "4").exit_code == 0
    assert "index 3: run 1 (seed 1) of setting 1: critic_lr 0.01" in caplog.messages
    returns = {index: sweep.read(path)["eval_episode_rewards"][-1][0] for index, path in sweep.results().items()}
    means = {setting: (returns[setting] + returns[2 + setting]) / 2 for setting in (0, 1)}
    worst, best = sorted(means, key=lambda setting: means[setting])
    names = ["setting 0: critic_lr 0.1", "setting 1: critic_lr 0.01"]
    assert (
        f"indices 0-3: step 20: evaluation returns of 2 settings: from {means[worst]:.1f} ({names[worst]}) to "
        f"{means[best]:.1f} ({names[best]})"
    ) in caplog.messages


def test_runs_of_another_process_are_not_called_done(sweep, caplog):
    experiment = build.read_experiment(sweep.files.environment(**SHORT), sweep.files.agent(), str(sweep.save_dir))
    lock = Lock(experiment.directory / "checkpoints" / f"{experiment.run(1).key}.lock")
    os.makedirs(lock.path.parent)
    assert lock.acquire()
    with caplog.at_level("INFO"):
        assert sweep.run("--index", "0-2").exit_code == 0
    lock.release()
    assert "index 1: skipped, process" in caplog.text
    assert caplog.messages[-1].startswith("2 of 3 runs done, 1 left to another process, ")
