"""The commands that main.py names at its end: for which paths, with which options, and that they run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import main
from tests.support.sweep import SHORT, Sweep

ROOT = Path(__file__).resolve().parents[2]


def commands_after(lines: str) -> list[str]:
    """Return the commands for the curve and the policy that a log has."""
    return re.findall(r" to (?:draw the learning curve|watch the policy of index \d+): (.*)", lines)


@pytest.fixture
def sweep(files, tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    caplog.set_level("INFO")
    return Sweep(files, tmp_path / "it's a $HOME; x")


def messages(caplog) -> list[str]:
    """Return the last two lines of the log, after a blank, and clear it."""
    lines = [f" {record.getMessage()}" for record in caplog.records][-2:]
    caplog.clear()
    return lines


def test_the_last_lines_name_the_commands_of_all_runs_once(sweep, caplog):
    sweep.agent = {"alpha": [0.1, 0.2]}
    assert sweep.run("--runs", "2").exit_code == 0
    assert "to draw the" not in "".join(record.getMessage() for record in caplog.records[:-2])
    directory = str(sweep.save_dir / "Pendulum-v1_SAC_SquashedGaussian")
    result = str(sweep.results()[0])
    expected = [
        f" to draw the learning curve: python simple_combine.py {shlex.quote(directory)} && "
        f"python utils/plot_mse_data.py --data {shlex.quote(directory)}",
        f" to watch the policy of index 0: python utils/watch.py {shlex.quote(result)}",
    ]
    assert messages(caplog) == expected
    assert sweep.run("--runs", "2").exit_code == 0, "all runs are skipped"
    assert messages(caplog) == expected


def test_the_commands_run_in_a_shell_from_any_directory(files, tmp_path):
    here = tmp_path / "some where"
    here.mkdir()
    options = ["--env-json", files.environment(**SHORT), "--agent-json", files.agent(), "--save-dir", "my $sweep"]
    python = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SLURM_JOB_ID")}
    environment["PATH"] = f"{python}{os.pathsep}{os.environ['PATH']}"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=here, env=environment, capture_output=True, text=True, check=True)

    curve, policy = commands_after(run("python", str(ROOT / "main.py"), *options).stderr)
    run("bash", "-c", curve)
    assert (here / "plots/png/Pendulum-v1.png").exists()
    shown = run("bash", "-c", f"{policy} --no-video --episodes 1").stdout
    [path] = here.glob("results/my $sweep/*/Pendulum*.json")
    [[expected]] = Sweep.read(path)["eval_episode_rewards"][-1:]
    assert shown == f"episode 0: return {expected:.3f}, 50 steps\n"


def test_options_choose_where_a_directory_has_several_experiments(sweep, caplog):
    """First only the environment's file changes, then the grid too."""
    sweep.run()
    messages(caplog)
    sweep.protocol = SHORT | {"total_timesteps": 40}
    sweep.run()
    env_json, agent_json = (str(sweep.files.folder / f"{name}.json") for name in ("environment", "agent"))
    directory = str(sweep.save_dir / "Pendulum-v1_SAC_SquashedGaussian")
    combine = ["python", "simple_combine.py", "--env-json", env_json, directory]
    assert messages(caplog)[0].startswith(f" to draw the learning curve: {shlex.join(combine)} && ")
    sweep.agent = {"alpha": [0.1, 0.2]}
    sweep.run()
    combine[2:2] = ["--agent-json", agent_json]
    command = messages(caplog)[0].partition(": ")[2]
    assert command.startswith(f"{shlex.join(combine)} && ")
    subprocess.run(["bash", "-c", command.partition(" && ")[0]], cwd=ROOT, check=True, capture_output=True)
    experiment = json.loads((Path(directory) / "data.json").read_bytes())["experiment"]
    assert experiment["agent"]["parameters"]["alpha"] == [0.1, 0.2]
    assert experiment["environment"]["total_timesteps"] == 40


def test_longer_runs_next_to_shorter_ones_have_no_command_for_the_curve(sweep, caplog):
    """Their protocol is in no file."""
    assert sweep.run("--keep-checkpoint").exit_code == 0
    messages(caplog)
    assert sweep.run("--extend", "30").exit_code == 0
    lines = messages(caplog)
    assert "to draw" not in "".join(lines)
    assert lines[1].startswith(" to watch the policy of index 0: ")


def test_the_first_complete_run_is_watched(sweep, caplog):
    sweep.run("--runs", "2")
    path = sweep.results()[0]
    path.write_text(path.read_text().replace('"completed"', '"diverged"'))
    caplog.clear()
    assert sweep.run("--runs", "2").exit_code == 0
    expected = shlex.quote(str(sweep.results()[1]))
    assert messages(caplog)[1] == f" to watch the policy of index 1: python utils/watch.py {expected}"


def test_a_slurm_task_names_no_commands(sweep, caplog, monkeypatch):
    """It has only a part of the sweep."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert sweep.run().exit_code == 0
    assert "to draw" not in caplog.text


def test_a_call_that_fails_names_no_commands(files, tmp_path, caplog):
    caplog.set_level("INFO")
    arguments = ["--env-json", files.environment(env_name="Nowhere-v0"), "--agent-json", files.agent()]
    assert CliRunner().invoke(main.main, [*arguments, "--save-dir", str(tmp_path / "out")]).exit_code == 2
    assert "to draw" not in caplog.text
