"""schedule.py from the command line, on a fake SLURM that only keeps a queue."""

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
from click.testing import CliRunner, Result

import schedule
import utils.experiment.experiment
import utils.slurm.missing_runs
from tests.support import fake_results
from tests.support.fake_slurm import FakeSlurm, shown_command
from utils.core.indices import parse_indices
from utils.experiment.config import read_agent
from utils.files.archive import read_file
from utils.files.lock import Lock
from utils.slurm.commands import user_name
from utils.wiring import scheduling
from utils.wiring.build import read_experiment

ROOT = Path(__file__).resolve().parents[2]

GRID = {"critic_lr": [0.1, 0.01, 0.001]}

CLUSTER: dict[str, Any] = {"cpus_per_task": 2, "runs_per_task": 4}

SAVE_DIR = 'it\'s; $(touch hurt) "50%"'


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", fake.path)
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    return fake


class Project:
    """A directory whose name needs quoting, with main.py and the files of a sweep of 3 settings."""

    def __init__(self, files) -> None:
        self.folder = files.folder / "a; 'project'"
        self.folder.mkdir()
        (self.folder / "main.py").touch()
        self.files = files
        self.env_json, self.agent_json = files.environment(), files.write("agent.json", self.grid(GRID))
        self.cluster_json = self.cluster()

    @staticmethod
    def grid(parameters: dict[str, list[Any]]) -> dict[str, Any]:
        return {"agent_name": "SAC", "parameters": parameters}

    def cluster(self, **changes: Any) -> str:
        """Write the cluster's file and return its path."""
        return self.files.write("cluster.json", CLUSTER | changes)

    def call(self, *options: str, agents: tuple[str, ...] = (), answer: str | None = None) -> Result:
        """Call schedule.py, for 4 runs of each setting unless the options give --runs."""
        runs = [] if "--runs" in options else ["--runs", "4"]
        files = [
            self.cluster_json,
            "main.py",
            str(self.folder),
            self.env_json,
            SAVE_DIR,
            *(agents or [self.agent_json]),
        ]
        return CliRunner().invoke(schedule.main, [*runs, *options, *files], input=answer)

    def submit(self, *options: str, **arguments: Any) -> Result:
        """Call schedule.py with --yes; it must succeed."""
        result = self.call("--yes", *options, **arguments)
        assert result.exit_code == 0, result.output
        return result

    @property
    def experiment(self):
        return read_experiment(self.env_json, self.agent_json, str(self.folder / "results" / SAVE_DIR))

    @property
    def submissions(self) -> list[Path]:
        """Folders of the submissions, the earliest first."""
        found = self.experiment.directory.glob("slurm/*/submission.json")
        return sorted((path.parent for path in found), key=lambda path: (path / "submission.json").stat().st_mtime_ns)

    def lines(self, submission: int = -1) -> list[list[int]]:
        """Return the indices of each task of a submission."""
        paths = sorted(self.submissions[submission].glob("tasks.*.txt"))
        return [parse_indices(line) for path in paths for line in path.read_text().splitlines()]

    def finish(self, *indices: int) -> None:
        """Write results of the runs."""
        for index in indices:
            path = self.experiment.run(index).file.json
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")


@pytest.fixture
def project(files) -> Project:
    return Project(files)


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


def test_a_queue_that_cannot_be_seen_stops_everything(project, slurm):
    slurm.break_down()
    result = project.call("--yes")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: squeue failed with exit code 1")
    assert not slurm.calls("sbatch")


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
    slurm.limit_jobs(f"def-a|{user_name()}||2\n")
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


def test_a_hundred_thousand_runs_resolve_each_setting_once_and_list_the_directory_once(project, slurm, monkeypatch):
    project.finish(0)
    resolved, listed = [], []
    resolve, list_names = utils.experiment.experiment.resolve_setting, utils.slurm.missing_runs.list_file_names
    monkeypatch.setattr(
        utils.experiment.experiment, "resolve_setting", lambda *arguments: (resolved.append(1), resolve(*arguments))[1]
    )
    monkeypatch.setattr(
        utils.slurm.missing_runs, "list_file_names", lambda directory: (listed.append(1), list_names(directory))[1]
    )
    project.cluster(runs_per_task=1000)
    result = project.call("--runs", "33334", "--dry-run")
    assert "100,002 runs: 1 with results, 0 queued or running, 100,001 to submit" in result.output
    assert (len(resolved), len(listed), len(slurm.calls("squeue"))) == (3, 1, 1)


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
