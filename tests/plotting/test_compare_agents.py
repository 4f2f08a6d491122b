"""utils/compare_agents.py: training, figures and the table, and refused input."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Files
from tests.support.fake_results import combine, write_result
from tests.support.sharing import shared_folder
from utils.analysis.combined_results import read_combined_results
from utils.analysis.comparison_table import comparison_table
from utils.analysis.mean_curve import setting_interval
from utils.analysis.setting_choice import SettingChoice, choose_settings

ROOT = Path(__file__).resolve().parents[2]

ONE_SETTING = {"policy_type": ["Beta"], "critic_lr": [0.1]}


def write_project(folder: Path) -> Path:
    """Write a comparison of an agent that learns and one that does not, in one environment, with two runs each."""
    folder.mkdir(exist_ok=True)
    files = Files(folder)
    short = {"total_timesteps": 60, "steps_per_episode": 30, "eval_interval_timesteps": 30, "eval_episodes": 1}
    files.write("short.json", json.loads(Path(files.environment()).read_text()) | short)
    files.write("linear.json", {"agent_name": "linearAC", "parameters": {}})
    files.write("random.json", {"agent_name": "Random", "parameters": {}})
    comparison = {"agents": ["linear.json", "random.json"], "environments": ["short.json"], "runs": 2}
    files.write("pair.json", comparison | {"kinds": ["curves", "distribution"]})
    return folder


def write_compared_project(folder: Path) -> None:
    """Write the comparison and run it."""
    done = compare(write_project(folder), "pair.json")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A comparison that has not been run."""
    return write_project(tmp_path)


@pytest.fixture
def compared_project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of the comparison after it has been run."""
    shared = shared_folder(tmp_path_factory, "compared_project", write_compared_project)
    return shutil.copytree(shared, tmp_path / "project")


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run compare_agents.py in a directory."""
    command = [sys.executable, str(ROOT / "utils/compare_agents.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def stamps_in(folder: Path) -> dict[Path, int]:
    """Return the modification time of each result."""
    results = (folder / "results").rglob("*_*_*.json")
    return {path: path.stat().st_mtime_ns for path in results}


def test_trains_draws_and_writes_the_table(compared_project: Path) -> None:
    project = compared_project
    experiments = read_combined_results(sorted((project / "results/comparison/pair").glob("short_*/*")))
    assert [each.performance.shape for each in experiments] == [(1, 2), (1, 2)]
    text = (project / "plots/pair.md").read_text()
    for each in experiments:
        interval = setting_interval(each, 0, 0.95)
        assert interval is not None
        low, high = interval
        assert f"| {each.performance.mean():.4g} ({low:.4g} to {high:.4g}) |" in text
    for kind in ("curves", "distribution"):
        sidecar = json.loads((project / f"plots/png/pair_short_{kind}.json").read_bytes())
        assert [len(each["runs"]) for each in sidecar["experiments"]] == [2, 2]

    stamps = stamps_in(project)
    again = compare(project, "pair.json")
    assert again.returncode == 0, again.stderr
    assert stamps_in(project) == stamps


def test_runs_are_added_until_agents_are_decided(project: Path) -> None:
    """Both looks are at two runs of each agent more; a repeated command trains nothing and writes the same table."""
    content = json.loads((project / "pair.json").read_text()) | {"runs": 4, "kinds": ["curves"], "until": {"group": 2}}
    (project / "pair.json").write_text(json.dumps(content))
    done = compare(project, "pair.json")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"--index (\S+)", done.stdout) == ["0-1", "0-1", "2-3", "2-3"]
    text = (project / "plots/pair.md").read_text()
    assert re.search(r"^\| short \| linearAC \| Random \| \S+ \| open \| 2 \| 4 \|$", text, re.MULTILINE), text
    assert "95% at all 2 looks together" in text
    sidecar = json.loads((project / "plots/png/pair_short_curves.json").read_bytes())
    assert [each["stop"]["runs"] for each in sidecar["experiments"]] == [4, 4]
    again = compare(project, "pair.json")
    assert "main.py" not in again.stdout
    assert (project / "plots/pair.md").read_text() == text


def test_what_does_not_go_with_until(project: Path) -> None:
    refused = compare(project, "pair.json", "--schedule", "fir.json")
    assert (refused.returncode, refused.stderr) == (
        2, "error: --schedule: found with pair.json, which has no key 'until'; allowed: with it\n",
    )  # fmt: skip
    content = json.loads((project / "pair.json").read_text()) | {"until": {"group": 2}}
    (project / "pair.json").write_text(json.dumps(content))
    (project / "linear.json").write_text('{"agent_name": "linear", "parameters": {}}')
    refused = compare(project, "pair.json")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: linear.json: key 'agent_name': found 'linear'; allowed: ")
    (project / "linear.json").write_text('{"agent_name": "linearAC", "parameters": {"actor_lr_scale": [1.0, 2.0]}}')
    refused = compare(project, "pair.json")
    assert refused.stderr.startswith("error: linear.json: found 2 settings with 'until'; allowed: one for each agent")
    assert refused.stderr.count("\n") == 1


def test_exits_with_the_code_of_a_failed_command(project: Path) -> None:
    (project / "linear.json").write_text('{"agent_name": "linearAC", "parameters": {"nope": [1]}}')
    done = compare(project, "pair.json")
    assert done.returncode == 2
    assert "unknown key 'nope'" in done.stderr
    assert "Traceback" not in done.stderr


def test_results_of_another_experiment_are_refused(compared_project: Path) -> None:
    """The agent's file has changed since the comparison was started."""
    project = compared_project
    changed = {"agent_name": "SAC", "parameters": {"hidden_dim": [8], "batch_size": [4], "replay_capacity": [100]}}
    (project / "linear.json").write_text(json.dumps(changed))
    done = compare(project, "pair.json")
    assert done.returncode == 2
    assert "found 2 experiments; allowed: one" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"agents": [], "environments": ["e.json"], "runs": 1}, "key 'agents'"),
        ({"agents": ["a.json"], "environments": ["e.json"]}, "key 'runs' is missing"),
        ({"agents": ["a.json"], "environments": ["e.json"], "runs": 1, "kind": "curves"}, "unknown key 'kind'"),
        ({"agents": ["a.json", "b/a.json"], "environments": ["e.json"], "runs": 1}, "key 'agents': found 'a' twice"),
    ],
)
def test_invalid_comparisons(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    (tmp_path / "odd.json").write_text(json.dumps(content))
    done = compare(tmp_path, "odd.json")
    assert done.returncode == 2
    assert done.stderr.startswith("error: odd.json: ")
    assert words in done.stderr


def choices_in(directory: Path, by: str | None) -> list[SettingChoice]:
    """Return the settings compared in a combined directory."""
    return choose_settings(read_combined_results([directory]), None, by)


def test_the_table_counts_runs_that_are_not_averaged(tmp_path: Path) -> None:
    """Performance is the mean of the last two of four evaluations: -3 in two runs; one diverged, one is missing."""
    grid = {"parameters": ONE_SETTING}
    for number, status in ((0, "completed"), (1, "diverged"), (3, "completed")):
        returns = [[-9.0], [-9.0], [-4.0], [-2.0]]
        write_result(tmp_path, 0, number, experiment=grid, returns=returns, status=status)
    combine(tmp_path)
    header, _, row, *_ = comparison_table({"somewhere": choices_in(tmp_path, None)}, 4).splitlines()
    assert header == "|  | somewhere |"
    assert row == "| SAC, Beta | -3, 1 diverged, 1 missing |"


def test_by_a_hyperparameter(tmp_path: Path) -> None:
    grid = {"parameters": {"policy_type": ["Beta", "Gaussian"], "critic_lr": [0.1]}}
    for number in range(2):
        write_result(tmp_path, 0, number, experiment=grid, returns=[[-1.0]])
        write_result(tmp_path, 1, number, experiment=grid, returns=[[-2.0]])
    combine(tmp_path)
    text = comparison_table({"somewhere": choices_in(tmp_path, "policy_type")}, 2)
    assert "| SAC, Beta | -1 (-1 to -1) |\n| SAC, Gaussian | -2 (-2 to -2) |\n" in text
