"""schedule.py from the command line, on a fake SLURM that only keeps a queue."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import schedule
from tests.support import fake_results
from tests.support.fake_slurm import shown_command
from tests.support.scheduled_project import GRID
from utils.experiment.config import read_agent
from utils.files.archive import read_file
from utils.wiring.build import read_experiment

ROOT = Path(__file__).resolve().parents[2]


def test_a_sweep_is_submitted_as_one_array(project, slurm):
    result = project.submit()
    assert "12 runs: 0 with results, 0 queued or running, 12 to submit" in result.output
    assert "3 tasks of 4 runs" in result.output
    assert project.lines() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    (folder,) = project.submissions
    name = f"Pendulum-v1_SAC_SquashedGaussian.{folder.name}.0"
    output = str(folder).replace("%", "%%") + "/logs/0_%a.log"
    assert slurm.calls("sbatch") == [
        ["--parsable", f"--job-name={name}", "--array=0-2", f"--chdir={folder}", f"--output={output}",
         str(folder / "job.sh"), "tasks.0.txt"],
    ]  # fmt: skip
    assert json.loads((folder / "submission.json").read_text())["arrays"] == [{"name": name, "tasks": 3, "job": 101}]


def test_tasks_call_main_py_with_copies_of_the_files(project, slurm):
    project.submit("--engine", "compiled")
    (folder,) = project.submissions
    (line,) = (line for line in (folder / "job.sh").read_text().splitlines() if "exec python" in line)
    words = shlex.split(line.strip().removeprefix("exec "))
    assert words == [
        "python", "main.py", f"--env-json={folder}/environment.json", f"--agent-json={folder}/agent.json",
        f"--save-dir={project.experiment.directory.parent}", "--jobs=2", "--stack=auto", "--engine=compiled",
        "--index=$indices",
    ]  # fmt: skip
    copy = read_experiment(
        str(folder / "environment.json"), str(folder / "agent.json"), str(project.experiment.directory.parent)
    )
    keys = [line.split() for line in (folder / "keys.0.txt").read_text().splitlines()]
    assert keys == [[copy.run(index).key for index in task] for task in project.lines()]
    assert [copy.run(i).file for i in range(12)] == [project.experiment.run(i).file for i in range(12)]
    assert copy.run(0).file.json == project.experiment.directory / f"Pendulum-v1_SAC_{keys[0][0]}.json"
    assert not list(project.files.folder.rglob("hurt"))


def test_a_second_call_submits_nothing(project, slurm):
    project.submit()
    slurm.edit(r"^0\|PENDING", "0|RUNNING")
    result = project.submit()
    assert "12 queued or running, 0 to submit" in result.output
    assert len(slurm.calls("sbatch")) == 1
    assert len(slurm.calls("squeue")) == 2


def test_what_has_a_result_and_what_is_queued_is_left_alone(project, slurm):
    project.submit()
    project.finish(0, 5)
    slurm.edit(r"^[12]\|.*\n", "")
    result = project.submit()
    assert "12 runs: 2 with results, 3 queued or running, 7 to submit" in result.output
    assert project.lines() == [[4, 6, 7, 8], [9, 10, 11]]


def test_a_grown_grid_submits_its_new_cells_only(project, slurm):
    """A new first setting changes every index; queued tasks keep their copies of the files."""
    project.submit()
    project.finish(0)
    slurm.edit(r"^2\|.*\n", "")
    project.files.write("agent.json", project.grid({"critic_lr": [1.0, *GRID["critic_lr"]]}))
    result = project.submit()
    assert "16 runs: 1 with results, 7 queued or running, 8 to submit" in result.output
    # The new setting is 0. Old indices 8 to 11 are now run 2 of setting 3 and run 3 of settings 1, 2 and 3.
    assert sorted(index for task in project.lines() for index in task) == sorted([0, 4, 8, 12, 11, 13, 14, 15])
    assert read_agent(project.submissions[0] / "agent.json", {"SAC": None}).parameters == GRID


def test_which_settings_and_runs(project, slurm):
    project.submit("--settings", "0,2", "--runs", "10-11")
    assert project.lines() == [[30, 32, 33, 35]]


def test_settings_that_are_not_allowed_are_left_out(project, slurm):
    project.agent_json = project.files.write("agent.json", project.grid({"policy_type": ["Beta", "Softmax"]}))
    refused = project.call("--strict", "--runs", "2", "--yes")
    assert refused.exit_code == 2
    assert "Softmax" in refused.stderr
    assert project.submissions == []
    done = project.submit("--runs", "2")
    assert "note: left out, not allowed: settings 1 of " in done.stderr
    assert project.lines() == [[0, 2]]
    assert project.call("--settings", "1", "--yes").exit_code == 2


def test_several_sweeps_in_one_call_have_no_run_twice(project, slurm):
    other = project.files.write("other.json", project.grid({"critic_lr": [0.01, 5.0]}))
    result = project.submit(agents=(project.agent_json, other))
    assert "8 runs: 0 with results, 4 queued or running, 4 to submit" in result.output
    keys = [
        key for folder in project.submissions for path in folder.glob("keys.*.txt") for key in path.read_text().split()
    ]
    assert len(keys) == len(set(keys)) == 16


def test_forced_runs_are_put_aside_and_submitted_again_unless_they_are_queued(project, slurm):
    project.submit()
    slurm.edit(r"^[12]\|.*\n", "")
    project.finish(0, 4, 5)
    result = project.submit("--force")
    assert "12 runs: 1 with results, 3 queued or running, 8 to submit" in result.output
    assert project.lines() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    set_aside = {path.name for path in (project.submissions[-1] / "replaced").iterdir()}
    assert set_aside == {project.experiment.run(index).file.json.name for index in (4, 5)}
    assert not project.experiment.run(4).file.json.exists()


def test_forced_runs_that_are_archived_leave_the_archive(project, slurm):
    """Otherwise their tasks would find the results and train nothing."""
    directory = project.experiment.directory
    for index in (0, 1, 5):
        run = project.experiment.run(index)
        fake_results.write_result(directory, run.setting, run.run, name=run.file.json.name, key=run.key)
    assert fake_results.combine(directory, archive=True).exit_code == 0
    assert not project.experiment.run(0).file.json.exists()
    contents = {index: read_file(project.experiment.run(index).file.json) for index in (0, 1, 5)}
    result = project.submit("--force", "--runs", "1")
    assert "3 runs: 0 with results, 0 queued or running, 3 to submit" in result.output
    assert project.lines() == [[0, 1, 2]]
    replaced = project.submissions[-1] / "replaced"
    names = {index: project.experiment.run(index).file.json.name for index in contents}
    assert {path.name: path.read_bytes() for path in replaced.iterdir()} == {
        names[0]: contents[0],
        names[1]: contents[1],
    }
    assert [project.experiment.run(index).file.exists() for index in (0, 1, 2, 5)] == [False, False, False, True]
    assert read_file(project.experiment.run(5).file.json) == contents[5]


def test_arrays_are_no_larger_than_slurm_takes(project, slurm):
    slurm.allow_arrays_of(2)
    project.cluster(throttle=1)
    project.submit()
    calls = slurm.calls("sbatch")
    assert [[word for word in call if word.startswith("--array")] for call in calls] == [
        ["--array=0-1%1"],
        ["--array=0-0%1"],
    ]
    assert [call[-1] for call in calls] == ["tasks.0.txt", "tasks.1.txt"]
    assert project.lines() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert "12 queued or running, 0 to submit" in project.submit().output


def test_what_exceeds_the_limit_on_jobs_is_left_for_the_command_that_is_shown(project, slurm):
    project.cluster(max_jobs=4)
    slurm.edit(r"\A", "N/A|RUNNING|None|another job\nN/A|PENDING|None|and another\n")
    result = project.submit("--force")
    assert "2 of the tasks now" in result.output
    assert "your limit on jobs leaves no room for 1 task;" in result.output
    assert "2 queued" not in project.submit().output
    assert len(slurm.calls("sbatch")) == 1
    slurm.edit(r"^.*another\n", "")
    later = CliRunner().invoke(schedule.main, ["--yes", *shown_command(result.output, "--runs 4 /")])
    assert later.exit_code == 0, later.output
    assert [task for number in (0, 1) for task in project.lines(number)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_what_slurm_took_is_not_submitted_again_even_if_its_answer_was_lost(project, slurm):
    slurm.allow_arrays_of(1)
    slurm.refuse_after(1)
    result = project.call("--yes")
    assert result.exit_code == 1
    assert "Socket timed out" in result.stderr
    assert "1 of 3 arrays were submitted" in result.stderr
    (folder,) = project.submissions
    assert [array["job"] for array in json.loads((folder / "submission.json").read_text())["arrays"]] == [
        101,
        None,
        None,
    ]
    (slurm.folder / "refuses").unlink()
    with open(slurm.folder / "queue", "a") as queue:
        queue.write(f"0|PENDING|Priority|Pendulum-v1_SAC_SquashedGaussian.{folder.name}.1\n")
    assert "8 queued or running, 4 to submit" in project.submit().output
    assert project.lines() == [[8, 9, 10, 11]]


def test_a_closing_job_waits_for_all_arrays_of_its_submission(project, slurm):
    slurm.allow_arrays_of(2)
    result = project.submit("--then", "combine,report")
    (folder,) = project.submissions
    name = f"Pendulum-v1_SAC_SquashedGaussian.{folder.name}.closing"
    assert slurm.calls("sbatch")[-1] == [
        "--parsable", f"--job-name={name}", "--dependency=afterany:101:102", f"--chdir={folder}",
        f"--output={str(folder).replace('%', '%%')}/logs/closing.log", str(folder / "closing.sh"),
    ]  # fmt: skip
    record = json.loads((folder / "submission.json").read_text())
    assert record["closing"] == {"name": name, "steps": ["combine", "report"], "job": 103}
    assert [array["job"] for array in record["arrays"]] == [101, 102]
    assert f"submitted as 101, 102, closing job 103: {folder}" in result.output
    commands = [line for line in (folder / "closing.sh").read_text().splitlines() if line.startswith("step python")]
    assert [shlex.split(command)[2:] for command in commands] == [
        ["simple_combine.py", f"--agent-json={folder}/agent.json", f"--env-json={folder}/environment.json", "--",
         str(project.experiment.directory)],
        ["utils/report.py", "--", str(project.experiment.directory)],
    ]  # fmt: skip
    status = project.call("--status").output
    assert "closing job 103 (combine, report): waits until all tasks have ended" in status
    again = project.submit("--then", "combine,report")
    assert "nothing is submitted that it could wait for" in again.stderr
    assert len(slurm.calls("sbatch")) == 3


def test_a_dry_run_shows_the_closing_job(project, slurm):
    output = project.call("--dry-run", "--then", "combine").output
    (line,) = (line for line in output.splitlines() if line.startswith("sbatch") and "afterany" in line)
    assert "--dependency=afterany:ARRAY0" in line
    assert "step python simple_combine.py" in output
    assert "utils/report.py" not in output
    assert not slurm.calls("sbatch")


def test_a_closing_job_takes_a_place_of_the_limit_on_jobs(project, slurm):
    project.cluster(max_jobs=3)
    result = project.submit("--then", "combine")
    assert "your limit on jobs leaves no room for 1 task;" in result.output
    assert "--then" in shown_command(result.output, "--runs 4 --then combine /")
    assert len((slurm.folder / "queue").read_text().splitlines()) == 3


def test_a_closing_job_that_slurm_refuses_is_reported(project, slurm):
    slurm.refuse_after(1)
    result = project.call("--yes", "--then", "combine")
    assert result.exit_code == 1
    assert "all arrays were submitted, but not the closing job" in result.stderr
    assert "closing job (combine): was not submitted" in project.call("--status").output


@pytest.mark.parametrize("steps", ["report", "report,combine", "combine,plot", ""])
def test_wrong_steps_of_a_closing_job(project, slurm, steps):
    result = project.call("--dry-run", "--then", steps)
    assert result.exit_code == 2
    assert f"found '{steps}'; allowed: combine or combine,report" in result.stderr


def test_a_queue_that_cannot_be_seen_stops_everything(project, slurm):
    slurm.break_down()
    result = project.call("--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: squeue failed with exit code 1")
    assert not slurm.calls("sbatch")
