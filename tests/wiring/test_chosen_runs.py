"""The runs that --index chooses: what is refused, what --list prints, and what the log says of them."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from main import main
from tests.support.sweep import SHORT, Sweep
from utils.core.sampled import SampledValues
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
    [summary] = [message for message in caplog.messages if " runs done" in message][-1:]
    assert summary.startswith("2 of 3 runs done, 1 left to another process, ")


def test_the_list_names_runs_that_are_the_same(sweep):
    sweep.agent = {"alpha_lr": [0.1, 0.2], "critic_lr": [0.1, 0.01], "automatic_entropy_tuning": [False]}
    assert sweep.run("--index", "1,4-6", "--list").stdout == (
        "index  setting  seed  alpha_lr  critic_lr  same as index\n"
        "    1        1     0       0.2        0.1              0\n"
        "    4        0     1       0.1        0.1               \n"
        "    5        1     1       0.2        0.1              4\n"
        "    6        2     1       0.1       0.01               \n"
    )


def test_changes_on_the_command_line_make_the_run_of_changed_files(sweep):
    sweep.agent = {"critic_lr": [0.1, 0.01]}
    assert sweep.run("--set", "critic_lr=0.01", "--set", "eval_episodes=2", "--set", "policy_type=Beta").exit_code == 0
    [result] = sweep.save_dir.glob("*/*.json")
    tree = json.loads(result.read_bytes())
    grid = tree["experiment"]["agent"]["parameters"]
    assert (grid["critic_lr"], grid["policy_type"]) == ([0.01], ["Beta"])
    assert tree["experiment"]["environment"]["eval_episodes"] == 2
    assert tree["experiment_data"]["0"]["agent_params"]["policy_type"] == "Beta"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("alpha", "--set: found 'alpha'; allowed: KEY=VALUE"),
        ("alhpa=1", "--set: found 'alhpa', which is neither a hyperparameter of SAC"),
        ("gamma=2", "with --set: key 'gamma': found 2; "),
        ("alpha=high", "key 'alpha': found \"high\"; "),
    ],
)
def test_changes_that_are_refused(sweep, change, message):
    done = sweep.run("--set", change)
    assert done.exit_code == 2
    assert message in done.stderr


def test_settings_that_are_not_allowed_are_left_out(sweep, caplog):
    sweep.agent = {"policy_type": ["Beta", "Softmax"]}
    done = sweep.run("--runs", "2", "--strict")
    assert done.exit_code == 2
    assert "of the chosen indices, 1,3 cannot be trained: the others are --index 0,2" in done.stderr
    with caplog.at_level("WARNING"):
        assert sweep.run("--runs", "2").exit_code == 0
    assert "left out, not allowed: --index 1,3: " in caplog.text
    assert len([*sweep.save_dir.glob("*/*.json")]) == 2
    assert sweep.run("--index", "1").exit_code == 2


def test_a_run_of_drawn_values(sweep):
    sweep.agent = {"critic_lr": {"sample": "log_uniform", "low": 1e-3, "high": 1e-1, "n": 4}}
    assert sweep.run("--index", "2").exit_code == 0
    [result] = sweep.save_dir.glob("*/*.json")
    rates = SampledValues.model_validate(sweep.agent["critic_lr"]).values("critic_lr")
    [(setting, cell)] = json.loads(result.read_bytes())["experiment_data"].items()
    assert (setting, cell["agent_params"]["critic_lr"]) == ("2", rates[2])
    assert CliRunner().invoke(main, ["--verify", str(result)]).exit_code == 0
