"""schedule.py on a fake SLURM: questions, notes, limits, the submissions of others, and what it refuses."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import schedule
import utils.experiment.experiment
import utils.slurm.missing_runs
from tests.support.fake_slurm import shown_command
from tests.support.scheduled_project import GRID, SAVE_DIR
from utils.files.lock import Lock
from utils.slurm.commands import user_name
from utils.wiring import scheduling

ROOT = Path(__file__).resolve().parents[2]


def test_a_dry_run_plans_without_a_controller(project, slurm):
    slurm.break_down()
    result = project.call("--dry-run")
    assert result.exit_code == 0
    assert "note: SLURM does not answer (squeue failed with exit code 1" in result.stderr
    assert "3 tasks of 4 runs" in result.output


def test_a_colleagues_submission_is_found_by_its_record(project, slurm):
    """Tasks of `daemon`, whose name the submission has; and of the folder's owner, if the record is older."""
    project.submit()
    (folder,) = project.submissions
    record = folder / "submission.json"
    content = json.loads(record.read_text())
    assert content["user"] == user_name()
    record.write_text(json.dumps(content | {"user": "daemon"}))
    slurm.edit(r"^(?=\d)", "daemon@")
    result = project.submit()
    assert slurm.calls("squeue")[-1][0] == f"--user={','.join(sorted({'daemon', user_name()}))}"
    assert "12 queued or running, 0 to submit" in result.output
    assert "QQQQ" in project.call("--status").output
    record.write_text(json.dumps({name: content[name] for name in ("arrays", "cores", "seconds_per_run")}))
    assert "0 queued or running, 12 to submit" in project.call("--dry-run").output
    slurm.edit(r"^daemon@", "")
    assert "12 queued or running, 0 to submit" in project.call("--dry-run").output


def test_a_colleagues_jobs_do_not_count_against_the_limit(project, slurm):
    project.cluster(max_jobs=3)
    slurm.edit(r"\A", "daemon@N/A|RUNNING|None|another job\n")
    assert "of the tasks now" not in project.submit().output


def test_the_databases_limit_on_jobs_is_honoured_and_named(project, slurm):
    project.cluster(max_jobs=100, account="def-a")
    slurm.limit_jobs(f"def-a|{user_name()}||||2|\n")
    result = project.submit()
    assert "2 of the tasks now, as many as your limit on jobs allows (MaxSubmitJobs of def-a: 2, 0 of them taken)" in (
        result.output
    )
    assert project.lines() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_what_planning_points_out(project, slurm):
    project.files.write("agent.json", project.grid(GRID | {"cuda": [True]}))
    result = project.call("--dry-run")
    assert "note: no account: SLURM charges your default account" in result.stderr
    assert "'cuda' is true, but the cluster file requests no GPU" in result.stderr
    project.cluster(account="def-a", gpus_per_node="l40s:1")
    assert project.call("--dry-run").stderr == ""


def test_options_of_sbatch_are_in_every_script_and_in_the_commands_that_are_shown(project, slurm):
    project.cluster(max_jobs=3, options=["--constraint=old"])
    options = ["--sbatch=--constraint=a|b", "--sbatch", "--mail-type=END"]
    result = project.submit(*options, "--then", "combine")
    (folder,) = project.submissions
    for name in ("job.sh", "closing.sh"):
        lines = (folder / name).read_text().splitlines()
        asked = [line for line in lines if line.startswith("#SBATCH") and ("constraint" in line or "mail" in line)]
        assert asked == ["#SBATCH '--constraint=a|b'", "#SBATCH --mail-type=END"]
    shown = shown_command(result.output, "--then combine /")
    assert [word for word in shown if word.startswith("--sbatch")] == [
        "--sbatch=--constraint=a|b",
        "--sbatch=--mail-type=END",
    ]


def test_a_wrong_option_of_sbatch_is_an_error(project, slurm):
    result = project.call("--yes", "--sbatch=--array=0-9")
    assert result.exit_code == 2
    assert "--sbatch: key 'options'" in result.stderr
    assert not slurm.calls("sbatch")


@pytest.mark.parametrize(
    ("options", "submissions"), [(["--yes"], 2), (["--dry-run"], 0), (["--status"], 0), (["--watch"], 0)]
)
def test_output_that_nobody_reads_is_no_error_and_loses_nothing(project, slurm, options, submissions):
    """The reader closes the pipe before anything is printed: all sweeps are submitted all the same."""
    other = project.files.write("other.json", project.grid({"critic_lr": [5.0]}))
    files = [project.cluster_json, "main.py", str(project.folder), project.env_json, SAVE_DIR, project.agent_json]
    process = subprocess.Popen(
        [sys.executable, "schedule.py", "--runs", "4", *options, *files, other],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Broken pipe" not in errors
    assert len(project.submissions) == len(slurm.calls("sbatch")) == submissions


@pytest.mark.parametrize(("answer", "calls"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_it_asks(project, slurm, answer, calls):
    result = project.call(answer=answer)
    assert "Submit 3 tasks?" in result.output
    assert len(slurm.calls("sbatch")) == calls
    assert project.submissions == [] or calls


def test_two_calls_at_once_submit_once(project, slurm, monkeypatch):
    """A second call submits while the first waits for an answer; later, another process holds the lock."""

    def meanwhile(question: str, err: bool) -> bool:
        project.submit()
        return True

    monkeypatch.setattr(scheduling.click, "confirm", meanwhile)
    result = project.call()
    assert result.exit_code == 2
    assert "another call has submitted since this one planned" in result.stderr
    assert len(slurm.calls("sbatch")) == 1
    slurm.empty()
    lock = Lock(project.experiment.directory / "slurm" / ".lock")
    assert lock.acquire()
    result = project.call("--yes")
    lock.release()
    assert result.exit_code == 2
    assert "is submitting; repeat the command" in result.stderr
    assert "12 to submit" in project.submit().output


def test_a_dry_run_shows_the_script_and_writes_nothing(project, slurm):
    result = project.call("--dry-run")
    assert result.exit_code == 0
    assert "#SBATCH --time=3:00:00" in result.stdout
    (call,) = (shlex.split(line) for line in result.stdout.splitlines() if line.startswith("sbatch"))
    assert call[:2] == ["sbatch", "--parsable"]
    assert "--array=0-2" in call
    assert not slurm.calls("sbatch")
    assert not project.experiment.directory.exists()


def test_the_commands_shown_are_right(project, slurm):
    shown = shown_command(project.submit("--settings", "0-1", "--engine", "eager").output, "--status")
    assert shown[:6] == ["--runs", "4", "--settings", "0-1", "--engine", "eager"]
    result = CliRunner().invoke(schedule.main, shown)
    assert result.exit_code == 0, result.output
    assert "       1          0          0          0          4" in result.output


def test_watching_looks_again_until_nothing_is_on_its_way(project, slurm, monkeypatch):
    project.submit()
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            slurm.empty()

    monkeypatch.setattr(scheduling, "time", SimpleNamespace(sleep=pause))
    result = project.call("--watch")
    assert result.exit_code == 0
    assert pauses == [60.0, 60.0]
    assert [line.split()[-1] for line in result.output.splitlines() if line.startswith("       0 ")] == [
        "QQQQ", "QQQQ", "....",
    ]  # fmt: skip
    assert len(slurm.calls("squeue")) == 4


def test_accounts(project, slurm, monkeypatch):
    monkeypatch.setenv("SBATCH_ACCOUNT", "def-b")
    project.cluster(account="rrg-a")
    result = project.submit()
    assert "SBATCH_ACCOUNT=def-b is not used" in result.stderr
    assert "--account=rrg-a" in slurm.calls("sbatch")[0]
    assert "#SBATCH --account=rrg-a" in (project.submissions[0] / "job.sh").read_text()


def test_a_retired_cluster_is_taken_and_said_to_be_one(project, slurm):
    shutil.copy(ROOT / "clusters/cedar.json", project.cluster_json)
    result = project.submit()
    assert "note: cluster is retired and was replaced by fir" in result.stderr


def test_without_slurm_the_command_is_named_that_does_the_same_here(project, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent / "nowhere"))
    result = project.call("--yes")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: there is no SLURM here")
    words = shlex.split(result.stderr.splitlines()[1])
    assert words == [
        "python", "main.py", "--env-json", project.env_json, "--agent-json", project.agent_json,
        "--runs", "4", "--save-dir", SAVE_DIR, "--jobs", "auto",
    ]  # fmt: skip
    chosen = project.call("--runs", "10-11", "--settings", "0-1")
    assert "--index 30-31,33-34 --save-dir" in chosen.stderr
    assert project.call("--dry-run").exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--runs", "0"], ["0 runs"]),
        (["--runs", "5-1"], ["smaller number first"]),
        (["--runs", "x"], ["allowed"]),
        (["--settings", "3"], ["--settings: found 3", "0 to 2"]),
    ],
)
def test_numbers_that_are_none(project, slurm, options, words):
    result = project.call(*options)
    assert result.exit_code == 2
    assert all(word in result.output for word in words)


def test_a_time_of_auto_wants_a_pilot(project, slurm):
    project.cluster(time="auto")
    result = project.call("--yes")
    assert result.exit_code == 2
    assert "--pilot" in result.stderr


@pytest.mark.parametrize(("asked", "found"), [("auto", "compiled"), ("eager", "eager"), ("compiled", "compiled")])
def test_a_pilot_is_computed_as_the_runs_that_it_stands_for(project, monkeypatch, asked, found):
    """A pilot is so short that `auto` would not compile it by its own length."""
    monkeypatch.setattr("agent.engine.selection.MIN_COMPILED_TIMESTEPS", project.experiment.total_timesteps)
    request: Any = SimpleNamespace(engine=asked)
    assert scheduling.engine_for(request, project.experiment) == found


@pytest.mark.parametrize("name", ["cluster.json", "agent.json", "environment.json", "a; 'project'/main.py"])
def test_files_that_are_not_there_are_named(project, slurm, name):
    (project.files.folder / name).unlink()
    result = project.call()
    assert result.exit_code == 2
    assert name.rpartition("/")[2] in result.stderr


def test_a_directory_that_cannot_be_written_is_an_error(project, slurm):
    (project.folder / "results").write_text("a file")
    result = project.call("--yes")
    assert result.exit_code == 1
    assert "Not a directory" in result.stderr
    assert not slurm.calls("sbatch")


def test_a_hundred_thousand_runs_resolve_each_setting_once_and_list_each_directory_once(project, slurm, monkeypatch):
    project.finish(0)
    resolved, listed = [], []
    resolve, list_names = utils.experiment.experiment.resolve_setting, utils.slurm.missing_runs.list_file_names
    monkeypatch.setattr(
        utils.experiment.experiment, "resolve_setting", lambda *arguments: (resolved.append(1), resolve(*arguments))[1]
    )
    monkeypatch.setattr(
        utils.slurm.missing_runs, "list_file_names", lambda path: (listed.append(path.name), list_names(path))[1]
    )
    project.cluster(runs_per_task=1000)
    result = project.call("--runs", "33334", "--dry-run")
    assert "100,002 runs: 1 with results, 0 queued or running, 100,001 to submit" in result.output
    assert (len(resolved), len(slurm.calls("squeue"))) == (3, 1)
    assert listed == [project.experiment.name, "Pendulum-v1_SAC"]


def test_no_torch_is_imported():
    probe = (
        "import sys, schedule\n"
        "try: schedule.main(['--runs', '2', '--dry-run', 'clusters/fir.json', 'main.py', './', "
        "'config/environment/PendulumContinuous-v1.json', 'x', 'config/agent/SAC_classic_sweep.json'])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'gymnasium'} & sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr
