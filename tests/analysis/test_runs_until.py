"""utils/select_best.py --until: fresh runs in groups, where the rule stops, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.support.fake_results import ENVIRONMENT, assert_refused, combine, fake_run, write_result
from tests.support.fake_slurm import FakeSlurm
from utils.analysis import growing_runs
from utils.analysis.combined_results import read_combined_results
from utils.analysis.setting_choice import choose_settings
from utils.analysis.stop_record import STOP_FILE, Stop, read_stop, write_stop
from utils.core.errors import BadInput
from utils.experiment.train_command import TrainCommand, Where
from utils.select_best import main as select_best
from utils.stats.looks import Looks, find_short_interval
from utils.wiring.build import read_experiment

PROTOCOL = ENVIRONMENT | {"gamma": 0.99}
PARAMETERS = {"policy_type": ["Beta"], "critic_lr": [0.1, 0.01]}
EXPERIMENT = {"environment": PROTOCOL, "parameters": PARAMETERS}
FIRST_FRESH = 3

FINALS = np.random.Generator(np.random.PCG64(0)).normal(0.0, 1.0, 40)
"""Performance of the runs by their numbers."""


class FakeTraining:
    """Training that writes invented results at once, and notes which runs it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.killed_after: int | None = None
        self.diverged: tuple[int, ...] = ()

    def __call__(self, command: TrainCommand, indices: Sequence[int], runs: range, where: Where) -> None:
        self.asked.append(sorted(indices))
        if where.cluster is not None:
            return
        experiment = read_experiment(command.env_json, command.agent_json, command.save_dir)
        for done, index in enumerate(sorted(indices)):
            if self.killed_after is not None and done == self.killed_after:
                raise SystemExit(75)
            run = experiment.run(index)
            final = float(FINALS[run.run])
            status = "diverged" if run.run in self.diverged else "completed"
            invented = fake_run(run.setting, run.run, [[-9.0], [final]], key=run.key, index=index, status=status)
            run.file.write(experiment.tree(run, invented), {})


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    fake = FakeTraining()
    monkeypatch.setattr(TrainCommand, "run", lambda *arguments: fake(*arguments))
    return fake


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Combine two settings of three runs, of which setting 1 is better."""
    for name in ("config/agent", "config/environment"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for number in range(FIRST_FRESH):
        for setting in range(2):
            returns = [[-9.0, -9.0], [setting + 0.1 * number] * 2]
            write_result(Path("sweep"), setting, number, experiment=EXPERIMENT, returns=returns)
    combine(Path("sweep"))
    return Path("sweep")


@pytest.fixture
def uncombined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Combining takes a second, and only one test is about it."""
    monkeypatch.setattr(growing_runs.GrowingRuns, "combine", lambda self: None)


def run(*options: Any) -> Result:
    return CliRunner().invoke(select_best, ["sweep", "--write", "best", *map(str, options)])


def record() -> Stop:
    found = read_stop(Path("results/best/Pendulum-v1_SAC_Beta"))
    assert found is not None
    return found


def expected_look(half_width: float, group: int, most: int, alpha: float = 0.05) -> int:
    """Return the look at which runs from the first fresh seed on stop."""
    looks = Looks(group, most)
    for look in range(1, looks.count + 1):
        found = find_short_interval(FINALS[FIRST_FRESH:][: look * group], looks, half_width, 1 - alpha)
        if found.reached:
            return look
    return looks.count


@pytest.mark.parametrize(("half_width", "alpha"), [(1.2, 0.05), (1.2, 0.5), (0.01, 0.05)])
def test_groups_are_added_in_order_until_the_rule_stops(
    sweep: Path, training: FakeTraining, uncombined: None, half_width: float, alpha: float
) -> None:
    result = run("--until", half_width, "--group", 5, "--most", 20, "--alpha", alpha)
    assert result.exit_code == 0, result.output
    look = expected_look(half_width, 5, 20, alpha)
    assert training.asked == [list(range(FIRST_FRESH + 5 * k, FIRST_FRESH + 5 * k + 5)) for k in range(look)]
    found = record()
    assert (found.looks, found.runs, found.first_run) == (look, 5 * look, FIRST_FRESH)
    assert (found.group, found.most, found.alpha, found.rule) == (5, 20, alpha, "half-width")
    assert found.reached == (half_width > 1)
    assert found.text in result.stdout
    assert (f"It does at look {look} of 4" if found.reached else "It does not after all 4 looks") in found.text
    assert json.loads(Path("config/agent/best.json").read_text())["parameters"]["critic_lr"] == [0.01]


def test_an_interrupted_command_goes_on_and_decides_the_same(
    sweep: Path, training: FakeTraining, uncombined: None
) -> None:
    """It is killed in its second group; runs that another command has added beyond it are not looked at."""
    options = ("--until", 1.2, "--group", 5, "--most", 20)
    training.killed_after = 3
    assert run(*options).exit_code == 75
    training.killed_after = None
    command = TrainCommand("config/environment/best.json", "config/agent/best.json", "best")
    command.run([30, 31], range(32), Where())
    training.asked.clear()
    assert run(*options).exit_code == 0
    assert training.asked[0] == [FIRST_FRESH + 3, FIRST_FRESH + 4]
    assert record().looks == expected_look(1.2, 5, 20)
    text = record().text
    training.asked.clear()
    assert run(*options).exit_code == 0
    assert (training.asked, record().text) == ([], text)


def test_failed_runs_count_as_the_worst(sweep: Path, training: FakeTraining, uncombined: None) -> None:
    training.diverged = (4, 6)
    run("--until", 1e-3, "--group", 5, "--most", 5)
    runs = FINALS[FIRST_FRESH : FIRST_FRESH + 5].copy()
    runs[[1, 3]] = np.delete(runs, [1, 3]).min()
    assert f"with 5 runs, 2 of them failed and counted as the worst: mean {runs.mean():.5g}" in record().text


def test_the_stop_is_in_captions_and_sidecars(sweep: Path, training: FakeTraining) -> None:
    run("--until", 1.2, "--group", 5, "--most", 20)
    directory = Path("results/best/Pendulum-v1_SAC_Beta")
    [choice] = choose_settings(read_combined_results([directory]), None, None)
    assert choice.describe(interval=False).endswith(record().text)
    drawn = f"{record().text} The interval drawn here is that of one look, and too short for several."
    assert choice.describe(interval=True).endswith(drawn)
    assert choice.sidecar_entry()["stop"] == record().model_dump()
    write_stop(directory, record().model_copy(update={"runs": 1}))
    [choice] = choose_settings(read_combined_results([directory]), None, None)
    assert choice.describe(interval=True).endswith("The runs here are not the ones that it stopped at.")
    (directory / STOP_FILE).write_text("{}")
    with pytest.raises(BadInput, match="key 'rule' is missing"):
        read_stop(directory)


def test_on_a_cluster_the_next_group_is_submitted(sweep: Path, training: FakeTraining) -> None:
    result = run("--until", 1.2, "--group", 5, "--most", 20, "--schedule", "fir.json")
    assert result.exit_code == 0, result.output
    assert training.asked == [[3, 4, 5, 6, 7]]
    assert "The runs for look 1 have been submitted. Run the same command again when they have ended." in result.stdout
    assert not Path("results").exists()


def test_schedule_gets_one_group_after_the_other(
    sweep: Path, tmp_path: Path, uncombined: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLURM is a fake one that keeps the calls; the results of a group are written between two commands."""
    slurm = FakeSlurm(tmp_path / "slurm")
    monkeypatch.setenv("PATH", slurm.path)
    Path("main.py").touch()
    Path("cluster.json").write_text('{"cpus_per_task": 2, "runs_per_task": 8}')
    options = ("--until", 1.2, "--group", 5, "--most", 20, "--schedule", "cluster.json")
    look = expected_look(1.2, 5, 20)
    for submitted in range(1, look + 1):
        result = run(*options)
        assert result.exit_code == 0, result.output
        assert f"The runs for look {submitted} have been submitted." in result.stdout
        assert len(slurm.calls("sbatch")) == submitted
        slurm.empty()
        group = range(FIRST_FRESH + 5 * submitted - 5, FIRST_FRESH + 5 * submitted)
        here = TrainCommand("config/environment/best.json", "config/agent/best.json", "best")
        FakeTraining()(here, list(group), group, Where())
    assert f"It does at look {look} of 4" in run(*options).stdout
    assert len(slurm.calls("sbatch")) == look


def test_the_command_of_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr("utils.experiment.train_command.run_script", said.append)
    command = TrainCommand("e.json", "a.json", "best")
    command.run([4, 3], range(3, 8), Where("2", "eager"))
    command.run([4, 3], range(3, 8), Where(cluster="fir.json"))
    assert [" ".join(words) for words in said] == [
        "main.py --env-json e.json --agent-json a.json --index 3-4 --save-dir best --jobs 2 --engine eager",
        "schedule.py --runs 3-7 --engine auto --yes fir.json main.py ./ e.json best a.json",
    ]


def test_runs_without_a_result_after_training(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainCommand, "run", lambda *arguments: None)
    assert_refused(run("--until", 1, "--group", 2, "--most", 4), "found no result of indices 3-4 after training")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until", "0"], "--until: found 0.0; allowed: a number above 0"),
        (["--until", "-1"], "--until: found -1.0"),
        (["--until", "nan"], "--until: found nan"),
        (["--until", "1", "--group", "1"], "--group: found 1; allowed: 2 or more"),
        (["--until", "1", "--group", "5", "--most", "4"], "--most: found 4; allowed: at least the group of 5"),
        (["--until", "1", "--group", "5", "--most", "12"], "--most: found 12; allowed: a multiple of the group of 5"),
        (["--until", "1", "--most", "10000000"], "--most: found 10000000; allowed: at most 1000000"),
        (["--until", "1", "--alpha", "0"], "--alpha: found 0.0; allowed: above 0 and below 1"),
        (["--until", "1", "--half-width", "1"], "--half-width: found with --until"),
        (["--until", "1", "--fresh", "3"], "--fresh: found with --until"),
        (["--until", "1", "--across"], "--until: found with --across"),
        (["--group", "5"], "--group: found without --until; allowed: with it"),
        (["--schedule", "fir.json"], "--schedule: found without --until"),
    ],
)
def test_bad_input(sweep: Path, options: list[str], said: str) -> None:
    assert_refused(run(*options), said)


def test_without_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(run("--until", 1), "sweep: not found; allowed: what `python simple_combine.py")
