"""Every command in the README runs, in its order, on a copy of the project with shortened protocols."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from agent.policy.base import ActionBox
from tests.support.fake_slurm import FakeSlurm
from tests.support.reference import normal32
from utils.core.grid import Grid
from utils.core.random_streams import Draws
from utils.display.video import MAX_VIDEO_FRAMES
from utils.experiment.experiment import Experiment
from utils.stats.curves import final_performance
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
SET_UP = re.compile(r"python3 -m venv \.venv && \. \.venv/bin/activate && pip install -r (requirements\S*\.txt) && ")
SCRIPTS = [
    "main.py", "schedule.py", "simple_combine.py", "utils/benchmark.py", "utils/compare_agents.py",
    "utils/compare_protocols.py",
    "utils/plot_mse_data.py", "utils/report.py", "utils/select_best.py", "utils/watch.py",
]  # fmt: skip
SHORT = {"total_timesteps": 300, "steps_per_episode": 100, "eval_interval_timesteps": 150}

FEWER = {"--runs 5": "--runs 2", "--index 5-34": "--index 2-3"}
"""Options of the worked example, and what they are here."""

BRIEFLY = " --agent SAC --stack 2 --engine eager --repeats 1 --seconds 0.01"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The project's files, its protocols cut to seconds."""
    folder = tmp_path_factory.mktemp("readme") / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", "venv", "__pycache__", ".*_cache", "results", "tests")
    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / "results").mkdir()
    shutil.rmtree(folder / "plots", ignore_errors=True)
    for path in (folder / "config/environment").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | SHORT))
    for path in (folder / "config/comparison").glob("*.json"):
        comparison = json.loads(path.read_text())
        first = {name: comparison[name][:1] for name in ("agents", "environments")}
        path.write_text(json.dumps(comparison | first | {"runs": 2}))
    # The environment of a cluster is this one; its tasks train in one process.
    (folder / "activate_environment.sh").write_text("")
    fir = folder / "clusters/fir.json"
    fir.write_text(json.dumps(json.loads(fir.read_text()) | {"cpus_per_task": 1}))
    return folder


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> FakeSlurm:
    """Whose tasks run at once."""
    fake = FakeSlurm(tmp_path_factory.mktemp("slurm"))
    fake.run_at_once()
    return fake


def shell(command: str, folder: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """The command as a reader would type it, with this interpreter first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def shorten_protocol(command: str, folder: Path) -> str:
    """Set-up left out; keys as they are under the shortened protocol; fewer runs; the benchmark cut to a moment."""
    command = SET_UP.sub("", command)
    for key in set(re.findall(r"_([0-9a-f]{12})\.json", command)):
        command = command.replace(key, main_job(folder).run(0).key)
    for option, fewer in FEWER.items():
        command = command.replace(option, fewer)
    return command + (BRIEFLY if "benchmark.py" in command else "")


def main_job(folder: Path) -> Experiment:
    """The experiment of the README's first command."""
    agent_json, env_json = (str(folder / file) for file in re.findall(r"config/\S+", COMMANDS[0]))
    return build.read_experiment(env_json, agent_json, "results")


def test_the_key_in_the_readme_is_the_main_jobs():
    assert set(re.findall(r"_([0-9a-f]{12})\.json", README)) == {main_job(ROOT).run(0).key}


def test_every_command(copy, slurm):
    """One test, as later commands use what earlier ones made."""
    assert SET_UP.match(COMMANDS[0])[1] == "requirements.txt"
    assert SET_UP.match(COMMANDS[1])[1] == "requirements-dev.txt"
    for command in COMMANDS:
        if "pytest" in command:
            continue  # This very suite; .ci/run runs the command as it stands.
        done = shell(shorten_protocol(command, copy), copy, slurm.path)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if "compare_runs" in command:
            assert done.stdout == "identical\n"
        if "--status" in command:
            assert "CCCCCCCCCC" in done.stdout, done.stdout
    assert (copy / "plots/png/Pendulum-v1.png").exists()
    assert (copy / "plots/png/first.png").exists()


def test_ci_runs_the_test_command():
    first = next(line for line in README.splitlines() if "requirements-dev.txt" in line)
    assert first == COMMANDS[1]
    assert first.endswith("&& python -m pytest")


def test_the_index_table():
    (block,) = (b for b in re.findall(r"```json\n(.*?)```", README, re.DOTALL) if "linearAC" in b)
    grid = Grid(json.loads(block)["parameters"])
    assert len(grid) == 36
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", README, re.MULTILINE)
    assert len(rows) == 7
    for index, setting, run, *values in rows:
        assert grid.locate(int(index)) == (int(setting), int(run))
        chosen = grid.setting(int(setting))
        names = ("decay", "critic_lr", "actor_lr", "avg_reward_lr")
        assert [chosen[name] for name in names] == [float(value) for value in values]


@pytest.mark.parametrize("script", SCRIPTS)
def test_help(script):
    done = shell(f"python {script} --help", ROOT)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_every_option_is_in_the_readme():
    documented = set(re.findall(r"--[a-z][a-z-]+", README))
    for script in ("main.py", "schedule.py"):
        options = set(re.findall(r"--[a-z][a-z-]+", shell(f"python {script} --help", ROOT).stdout)) - {"--help"}
        assert options <= documented


@pytest.mark.parametrize("bounds", [((-2.0, 2.0),), ((-1.0, 3.0), (0.25, 0.75))])
def test_the_added_policy_is_right(bounds):
    """The README's example of a policy: density, draws and pathwise gradient against scipy.stats.logistic."""
    scope: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0], scope)
    low, high = torch.tensor(bounds).T
    policy = scope["Logistic"](ActionBox(low, high), torch.tensor([1000.0]))
    head = normal32(1, 6, 2 * len(bounds), seed=1)
    noise = policy.latent_noise(Draws([2], "act"), 6, 500)
    (action, log_prob, _, _), vjp = policy.sample_with_vjp(head, noise)
    location, log_scale = head.double().numpy()[0].reshape(6, 2, -1).transpose(1, 0, 2)
    center, half = ((high + low) / 2).numpy(), ((high - low) / 2).numpy()
    law = stats.logistic((center + half * np.tanh(location))[:, None], np.exp(log_scale)[:, None])
    drawn = action[0].double().numpy()
    np.testing.assert_allclose(log_prob[0].numpy(), law.logpdf(drawn).sum(-1), rtol=1e-4, atol=1e-4)
    # 6 A Kolmogorov-Smirnov tests of fixed seed, 1e-8 each.
    assert (stats.kstest(law.cdf(drawn), "uniform", axis=1).pvalue > 1e-8).all()
    by_head = vjp(torch.ones_like(action), torch.zeros_like(log_prob))[0].numpy()
    expected = 500 * half * (1 - np.tanh(location) ** 2)
    np.testing.assert_allclose(by_head[:, : len(bounds)], expected, rtol=1e-4)


@pytest.mark.parametrize("path", sorted((ROOT / "plots").glob("*.md")), ids=lambda path: path.stem)
def test_tables_of_comparisons_stand_in_the_readme(path):
    """To the letter; the means are those of the figures' sidecars."""
    table = path.read_text().split("\n\n")[0]
    assert table in README
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    for column, environment in enumerate(header[1:], 1):
        (file,) = (ROOT / "plots/png").glob(f"{path.stem}_{environment}_*.json")
        experiments = json.loads(file.read_bytes())["experiments"]
        means = [
            np.mean(each["performance"]) if "performance" in each else final_performance(np.array(each["mean"]))
            for each in experiments
        ]
        assert [row[column].split()[0] for row in rows] == [f"{mean:.4g}" for mean in means]


def test_the_bound_of_a_video_is_the_readmes():
    assert f"the first {MAX_VIDEO_FRAMES} frames go to an `.mp4`" in README
