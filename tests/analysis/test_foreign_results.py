"""Figures, statistics and comparisons of protocols work across programs, and say what does not compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.fake_results import ENVIRONMENT, assert_refused, combine, write_result
from tests.support.sb3_files import write_runs
from utils import compare_protocols, plot_mse_data, report, select_best
from utils.analysis.combined_results import find_return_difference, group_by_returns, read_combined_results


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    for number in range(3):
        write_result(tmp_path / "ours", 0, number, experiment={"parameters": {"critic_lr": [0.1]}})
    assert combine(tmp_path / "ours").exit_code == 0
    return tmp_path / "ours"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    assert combine(write_runs(tmp_path / "theirs", 3), sb3="SB3-SAC").exit_code == 0
    return tmp_path / "theirs"


def test_one_figure(ours, theirs, tmp_path):
    figure = tmp_path / "figure.png"
    done = CliRunner().invoke(plot_mse_data.main, ["--data", str(ours), "--data", str(theirs), "--out", str(figure)])
    assert done.exit_code == 0, done.output
    assert "theirs/data.json: results of Stable-Baselines3, which did not record seeds, hyperparameters" in done.stderr
    first, second = json.loads(figure.with_suffix(".json").read_bytes())["experiments"]
    assert (first["agent_name"], second["agent_name"]) == ("SAC", "SB3-SAC")
    assert second["timesteps"] == [10, 20, 30]
    assert second["mean"] == [-7.875, -4.875, -1.875]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("distribution", ""), ("sensitivity", "its grid has one setting"), ("diagnostics", "found no diagnostics")],
)
def test_other_kinds(kind, words, ours, theirs, tmp_path):
    """A kind that one of them has no values for is refused as for any results."""
    arguments = ["--data", str(theirs), "--data", str(ours), "--kind", kind, "--out", str(tmp_path / "figure.png")]
    done = CliRunner().invoke(plot_mse_data.main, arguments)
    if words:
        assert_refused(done, words)
    assert done.exit_code == (2 if words else 0), done.output


def test_statistics(ours, theirs, tmp_path):
    done = CliRunner().invoke(report.main, [str(ours), str(theirs), "--out", str(tmp_path / "report.html")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.html").read_text()
    assert "no command of this program reproduces them" in page
    assert "Superiority" in page


def test_protocols(ours, theirs):
    done = CliRunner().invoke(compare_protocols.main, [str(ours), str(theirs)])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[1].startswith(f"{theirs}: SB3-SAC, 3 runs, results of Stable-Baselines3, which did not record seeds")
    assert {
        "environment.total_timesteps: 40 and 30",
        "environment.rewards.goal: nothing and unknown",
        'environment.eval_policy: "mode" and unknown',
        "environment.continuous: nothing and unknown",
    } <= set(lines)
    assert not [line for line in lines if line.startswith("environment.foreign")]
    assert not [line for line in lines if line.startswith("environment.steps_per_episode")]  # 10 in both.


def test_two_foreign_ones_do_not_list_what_both_lack(theirs, tmp_path):
    combine(write_runs(tmp_path / "others", 2, shift=1.0), sb3="SB3-TD3")
    done = CliRunner().invoke(compare_protocols.main, [str(theirs), str(tmp_path / "others")])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "the same protocol")


def test_no_setting_to_select(theirs):
    assert_refused(CliRunner().invoke(select_best.main, [str(theirs)]), "results of Stable-Baselines3")


def test_what_is_known_must_agree():
    foreign = {"env_name": "Pendulum-v1", "foreign": {"program": "x"}, "steps_per_episode": 200, "rewards": None}
    assert find_return_difference(ENVIRONMENT | {"steps_per_episode": 200}, foreign) is None
    assert find_return_difference(ENVIRONMENT, foreign) == "key 'steps_per_episode': found 10 and 200"
    assert find_return_difference(foreign | {"env_name": "Acrobot-v1"}, foreign) is not None


def test_unknown_values_join_no_groups_that_differ(ours, theirs, tmp_path):
    """One group has ours and theirs; a third with another start shares no axis with ours."""
    write_result(tmp_path / "third", 0, 0, experiment={"environment": {"start_state": [1.0]}})
    combine(tmp_path / "third")
    experiments = read_combined_results([theirs, ours, tmp_path / "third"])
    groups = [[each.path.parent.name for each in group] for group in group_by_returns(experiments)]
    assert groups == [["theirs", "ours"], ["third"]]
