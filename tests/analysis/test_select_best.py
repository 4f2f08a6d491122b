"""utils/select_best.py: the best setting, how certain it is, and the commands that run it on fresh seeds."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.support.fake_results import ENVIRONMENT, assert_refused, combine, write_result
from utils.analysis.mean_curve import resampling_rng
from utils.core.indices import parse_indices
from utils.select_best import main as select_best
from utils.stats.intervals import mean_interval, skewed_quantiles
from utils.stats.selection import selected_mean
from utils.stats.settings import win_probability
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = ENVIRONMENT | {"gamma": 0.99}
PARAMETERS = {"tau": [0.01], "critic_lr": [0.1, 0.01, 0.001], "betas": [[0.9, 0.999]], "policy_type": ["Beta"]}
EXPERIMENT = {"environment": PROTOCOL, "parameters": PARAMETERS}


def returns(final: float) -> list[list[float]]:
    """Return the returns of two evaluations, of which the last one counts."""
    return [[-9.0, -9.0], [final, final]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create an empty project's directory and change to it."""
    for name in ("config/agent", "config/environment"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sweep(project: Path) -> Path:
    """Combine three settings of four runs: 1 is mostly better than 0; one run of 2 diverged."""
    folder = project / "sweep"
    for number in range(4):
        write_result(folder, 0, number, experiment=EXPERIMENT, returns=returns(-3.0 - number))
        write_result(folder, 1, number, experiment=EXPERIMENT, returns=returns(-2.0 - 2 * (number == 0)))
        status = "diverged" if number == 3 else "completed"
        write_result(folder, 2, number, experiment=EXPERIMENT, returns=returns(-1.0), status=status)
    combine(folder)
    return Path("sweep")


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(select_best, [str(argument) for argument in arguments])


def commands(result: Result) -> list[list[str]]:
    """Return the printed commands, in words."""
    return [shlex.split(line) for line in result.stdout.splitlines() if line.startswith("python ")]


class TestTable:
    def test_settings_with_failures_rank_last(self, sweep: Path) -> None:
        lines = run(sweep).stdout.splitlines()
        assert lines[0] == (
            "sweep/data.json: SAC on Pendulum-v1, 3 settings by mean return over the last half of evaluations"
        )
        low, high = mean_interval(np.array([-4.0, -2.0, -2.0, -2.0]))
        interval = f"{low:.5g} to {high:.5g}".split()
        wins = win_probability(np.array([[-3.0, -4.0, -5.0, -6.0], [-4.0, -2.0, -2.0, -2.0]]), resampling_rng())
        assert lines[2].split() == ["1", f"{wins[1]:.2f}", "-2.5", *interval, "4", "-", "critic_lr", "0.01"]
        assert lines[3].split()[:3] == ["0", f"{wins[0]:.2f}", "-4.5"]
        assert lines[4] == "1 more, with a total win probability of 0.00"

    def test_the_mean_on_other_seeds_and_the_warnings_follow(self, sweep: Path) -> None:
        lines = run(sweep).stdout.splitlines()
        mean, low, high = selected_mean(
            np.array([[-3.0, -4.0, -5.0, -6.0], [-4.0, -2.0, -2.0, -2.0]]), rng=resampling_rng()
        )
        assert f"the best setting's mean on other seeds: {mean:.5g}, 95% interval {low:.5g} to {high:.5g}" in lines
        [warning] = [line for line in lines if line.startswith("setting 1: Warning: ")]
        assert "3 of 4 runs have exactly the highest return" in warning

    def test_settings_with_equal_means_are_about_equally_likely(self, project: Path) -> None:
        """Setting 0 has {-4, 0}, setting 1 {-3, -1}; setting 2 is far below them. No mean exceeds its best run."""
        for number in range(2):
            write_result(project, 0, number, experiment=EXPERIMENT, returns=returns(-4.0 * number))
            write_result(project, 1, number, experiment=EXPERIMENT, returns=returns(-3.0 + 2 * number))
            write_result(project, 2, number, experiment=EXPERIMENT, returns=returns(-99.0))
        combine(project)
        rows = [line.split() for line in run(project).stdout.splitlines()[2:4]]
        assert [row[0] for row in rows] == ["0", "1"]
        wins = [float(row[1]) for row in rows]
        assert 0.5 < wins[0] < 0.6
        assert sum(wins) == pytest.approx(1.0, abs=0.011)

    def test_settings_that_are_the_same_runs_share_their_wins(self, project: Path) -> None:
        """As settings that differ only in hyperparameters without effect."""
        for number in range(2):
            for setting, final in enumerate((-1.0, -9.0, -1.0)):
                write_result(project, setting, number, experiment=EXPERIMENT, returns=returns(final - number))
        combine(project)
        lines = run(project).stdout.splitlines()
        assert [line.split()[:2] for line in lines[2:4]] == [["0", "0.50"], ["2", "0.50"]]
        assert "equal in every run, so that they share their wins: settings 0 and 2" in lines

    def test_by_area(self, project: Path) -> None:
        """Setting 0 starts well and ends badly."""
        for number in range(2):
            for setting, curve in enumerate(([0.0, -1.0, -4.0], [-9.0, -2.0, -2.0], [-9.0, -9.0, -9.0])):
                episodes = [[value, value] for value in curve]
                write_result(project, setting, number, experiment=EXPERIMENT, returns=episodes)
        combine(project)
        assert run(project).stdout.splitlines()[2].split()[:3] == ["1", "1.00", "-2"]
        by_area = run(project, "--measure", "area").stdout.splitlines()
        assert by_area[0].endswith("3 settings by mean return over evaluations")
        assert by_area[2].split()[:3] == ["0", "1.00", "-1.5"]

    def test_one_run_per_setting(self, project: Path) -> None:
        for setting in range(3):
            write_result(project, setting, 0, experiment=EXPERIMENT, returns=returns(setting))
        combine(project)
        lines = run(project).stdout.splitlines()
        assert [line.split() for line in lines[2:5]] == [
            ["2", "-", "2", "-", "1", "-", "critic_lr", "0.001"],
            ["1", "-", "1", "-", "1", "-", "critic_lr", "0.01"],
            ["0", "-", "0", "-", "1", "-", "critic_lr", "0.1"],
        ]
        assert lines[5] == "wins: unknown; at least 2 runs of each setting are needed"

    def test_every_setting_has_a_failure(self, project: Path) -> None:
        for setting in range(3):
            write_result(project, setting, setting, experiment=EXPERIMENT, returns=returns(-1.0))
        combine(project)
        result = run(project)
        assert result.stdout.splitlines()[2].split() == ["0", "-", "-1", "-", "1", "2", "missing", "critic_lr", "0.1"]
        assert "every setting has a failed run; the best has the fewest" in result.stdout

    def test_the_table_is_printed_even_if_the_protocol_is_no_longer_valid(self, project: Path) -> None:
        write_result(project, 0, 0, experiment={"environment": PROTOCOL | {"gama": 0.9}})
        combine(project)
        result = run(project)
        assert result.stdout.splitlines()[2].split()[0] == "0"
        assert_refused(result, "experiment.environment: unknown key 'gama'; did you mean 'gamma'?")

    def test_no_run_to_rank_by(self, project: Path) -> None:
        write_result(project, 1, 0, experiment=EXPERIMENT, status="diverged")
        combine(project)
        assert_refused(run(project), "no setting has a run to rank it by")

    def test_a_large_grid_lists_the_first(self, project: Path) -> None:
        grid = EXPERIMENT | {"parameters": {"critic_lr": list(np.arange(1, 101) / 100)}}
        for setting in range(100):
            write_result(project, setting, 0, name=f"{setting}.json", experiment=grid, returns=returns(setting))
        combine(project)
        lines = run(project).stdout.splitlines()
        assert [line.split()[0] for line in lines[2:22]] == [str(99 - k) for k in range(20)]
        assert lines[22] == "80 more"


class TestCommands:
    def test_fresh_seeds_follow_the_used_ones(self, sweep: Path) -> None:
        train, together, plot = commands(run(sweep))
        assert train == [
            "python", "main.py", "--env-json", "config/environment/sweep_best.json",
            "--agent-json", "config/agent/sweep_best.json", "--index", "4-33", "--save-dir", "sweep_best",
            "--jobs", "auto",
        ]  # fmt: skip
        results = "results/sweep_best/Pendulum-v1_SAC_Beta"
        assert together == ["python", "simple_combine.py", results]
        out = "plots/png/sweep_best.png"
        assert plot == ["python", "utils/plot_mse_data.py", "--data", results, "--out", out]

    def test_number_of_fresh_seeds(self, sweep: Path) -> None:
        assert commands(run(sweep, "--fresh", 1))[0][7] == "4"
        assert commands(run(sweep, "--fresh", 46))[0][7] == "4-49"

    def test_number_of_seeds_for_a_half_width(self, sweep: Path) -> None:
        """The runs -4, -2, -2, -2 have a deviation of 1; their skewness makes the lower side of 23 runs 0.5 long."""
        skewness = np.mean(np.array([-1.5, 0.5, 0.5, 0.5]) ** 3)
        longer = [skewed_quantiles(skewness, n, 0.95)[0] / np.sqrt(n) for n in (22, 23)]
        assert longer[1] <= 0.5 < longer[0]
        assert commands(run(sweep, "--half-width", 0.5))[0][7] == "4-26"

    def test_names_are_quoted(self, sweep: Path) -> None:
        train, *_ = commands(run(sweep, "--write", "my best; rm"))
        assert train[5] == "config/agent/my best; rm.json"
        assert Path(train[5]).exists()

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_the_engine_that_chose(self, project: Path, engine: str) -> None:
        write_result(project, 0, 0, experiment=EXPERIMENT, provenance={"engine": engine})
        combine(project)
        assert commands(run(project))[0][-2:] == ["--engine", engine]

    def test_no_engine_if_one_run_did_not_record_it(self, project: Path) -> None:
        write_result(project, 0, 0, experiment=EXPERIMENT, provenance={"engine": "eager"})
        write_result(project, 0, 1, experiment=EXPERIMENT, provenance={})
        combine(project)
        assert "--engine" not in commands(run(project))[0]


class TestWriting:
    def test_the_written_configuration_is_the_setting(self, sweep: Path) -> None:
        """main.py gives the fresh runs the keys that the sweep's own setting would have."""
        result = run(sweep, "--write", "chosen")
        assert "written: config/agent/chosen.json\nwritten: config/environment/chosen.json\n" in result.stdout
        train = commands(result)[0]
        fresh = build.read_experiment(train[3], train[5], train[9])
        sweep_agent = Path("sweep_agent.json")
        sweep_agent.write_text(json.dumps({"agent_name": "SAC", "parameters": PARAMETERS}))
        whole = build.read_experiment(train[3], str(sweep_agent), "whole")
        assert len(fresh.grid) == 1
        for index in parse_indices(train[7]):
            assert fresh.run(index).run == index
            assert fresh.run(index).key == whole.run(3 * index + 1).key
        assert fresh.directory == Path("results/chosen/Pendulum-v1_SAC_Beta")

    def test_format_of_the_configuration(self, sweep: Path) -> None:
        run(sweep, "--write", "chosen")
        assert Path("config/agent/chosen.json").read_text().splitlines() == [
            "{",
            '    "agent_name": "SAC",',
            '    "parameters": {',
            '        "tau": [0.01],',
            '        "critic_lr": [0.01],',
            '        "betas": [[0.9, 0.999]],',
            '        "policy_type": ["Beta"]',
            "    }",
            "}",
        ]

    def test_without_write_the_files_are_only_printed(self, sweep: Path) -> None:
        stdout = run(sweep).stdout
        assert list(Path("config/agent").iterdir()) == list(Path("config/environment").iterdir()) == []
        run(sweep, "--write", "sweep_best")
        for path in (Path("config/agent/sweep_best.json"), Path("config/environment/sweep_best.json")):
            assert f"--write sweep_best writes {path}:\n{path.read_text()}" in stdout

    def test_a_shipped_protocol_is_not_written_again(self, sweep: Path) -> None:
        Path("config/environment/a_broken.json").write_text("{")
        known = Path("config/environment/known.json")
        known.write_text(json.dumps(PROTOCOL | {"eval_policy": "mode"}))
        result = run(sweep, "--write", "chosen")
        assert commands(result)[0][3] == str(known)
        assert not Path("config/environment/chosen.json").exists()

    def test_writing_twice_is_harmless(self, sweep: Path) -> None:
        first, second = run(sweep, "--write", "chosen"), run(sweep, "--write", "chosen")
        assert (first.exit_code, second.exit_code) == (0, 0)
        assert commands(first) == commands(second)

    def test_another_configuration_is_not_replaced(self, sweep: Path) -> None:
        path = Path("config/agent/chosen.json")
        path.write_text("{}")
        assert_refused(run(sweep, "--write", "chosen"), str(path), "would replace", "another name")
        assert path.read_text() == "{}"
        assert not Path("config/environment/chosen.json").exists()

    def test_outside_the_project(self, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert_refused(run(tmp_path / sweep, "--write", "chosen"), "cannot be written", "the project's directory")

    def test_a_name_for_each_directory(self, sweep: Path) -> None:
        result = run(sweep, sweep, "--write", "a", "--write", "b")
        assert result.exit_code == 0
        assert Path("config/agent/a.json").read_text() == Path("config/agent/b.json").read_text()
        assert_refused(run(sweep, sweep, "--write", "a"), "found 1 names; allowed: one for each configuration, 2")


class TestAcross:
    """Setting 0 is the best in one environment and the worst in the other; setting 2 is the opposite."""

    FINAL: ClassVar[dict[str, tuple[float, ...]]] = {"A-v0": (1e9, 3.0, 2.0), "B-v0": (0.0, 8.0, 9.0)}

    @pytest.fixture
    def two(self, project: Path) -> list[Path]:
        folders = []
        for env_name, finals in self.FINAL.items():
            experiment = EXPERIMENT | {"environment": PROTOCOL | {"env_name": env_name}}
            folders.append(project / env_name)
            for setting, final in enumerate(finals):
                for number in range(3):
                    write_result(folders[-1], setting, number, experiment=experiment, returns=returns(final))
            combine(folders[-1])
        return folders

    def test_one_setting_for_all(self, two: list[Path]) -> None:
        """Of nine runs, those of the second beat three and those of the best six: all settings are equally good."""
        result = run("--across", *two, "--write", "both")
        lines = result.stdout.splitlines()
        assert lines[0] == "SAC: 3 settings by the fraction of all runs in an environment that their runs beat"
        assert [line.split() for line in lines[1:5]] == [
            ["setting", "wins", "mean", "A-v0", "B-v0", "hyperparameters"],
            ["0", "0.33", "0.333", "0.667", "0.000", "critic_lr", "0.1"],
            ["1", "0.33", "0.333", "0.333", "0.333", "critic_lr", "0.01"],
            ["2", "0.33", "0.333", "0.000", "0.667", "critic_lr", "0.001"],
        ]

    def test_with_another_agent(self, two: list[Path], project: Path) -> None:
        """All agents' runs in an environment are one pool."""
        for folder, finals in zip(two, ((4.0, 5.0, 6.0), (7.0, 7.0, 7.0)), strict=True):
            environment = PROTOCOL | {"env_name": folder.name}
            other = EXPERIMENT | {"agent_name": "VAC", "environment": environment}
            for setting, final in enumerate(finals):
                for number in range(3):
                    write_result(folder.with_suffix(".vac"), setting, number, experiment=other, returns=returns(final))
            combine(folder.with_suffix(".vac"))
        result = run("--across", *two, *(folder.with_suffix(".vac") for folder in two), "--write", "a", "--write", "b")
        rows = [line.split() for line in result.stdout.splitlines() if line.strip()[:1].isdigit()]
        # Of 18 runs in A-v0: SAC 15, 3, 0 and VAC 6, 9, 12 are beaten; in B-v0: SAC 0, 12, 15 and VAC 3 each.
        assert [(row[0], *row[2:5]) for row in rows] == [
            ("0", "0.417", "0.833", "0.000"),
            ("1", "0.417", "0.167", "0.667"),
            ("2", "0.417", "0.000", "0.833"),
            ("2", "0.417", "0.667", "0.167"),
        ]
        trained = [(words[5], words[3], words[9]) for words in commands(result) if words[1] == "main.py"]
        assert trained == [
            (f"config/agent/{name}.json", f"config/environment/{environment}.json", name)
            for name, environment in [("a", "a_A-v0"), ("a", "a_B-v0"), ("b", "a_A-v0"), ("b", "a_B-v0")]
        ]
        assert all(Path(path).exists() for words in trained for path in words[:2])

    def test_an_agent_twice_or_not_in_an_environment(self, two: list[Path], sweep: Path) -> None:
        assert_refused(run("--across", *two, sweep, sweep), "twice in one environment")
        lone = Path("lone")
        write_result(lone, 0, 0, experiment=EXPERIMENT | {"agent_name": "VAC"}, returns=returns(1.0))
        combine(lone)
        assert_refused(run("--across", *two, lone), "A-v0/data.json: found no results of this SAC grid", "lone")

    def test_different_numbers_of_runs(self, two: list[Path], sweep: Path) -> None:
        assert_refused(run("--across", *two, sweep), "found 3 and 4 runs per setting")

    def test_a_half_width_has_no_unit(self, two: list[Path]) -> None:
        assert_refused(run("--across", *two, "--half-width", 1), "--half-width: found with --across")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent"], "absent/data.json: not found|absent: "),
        (["sweep", "--write", "a/b"], "found 'a/b'"),
        (["sweep", "--write", ""], "found ''"),
        (["sweep", "--write", ".."], "found '..'"),
        (["sweep", "--half-width", "0"], "--half-width: found 0"),
        (["sweep", "--half-width", "nan"], "--half-width: found nan"),
        (["sweep", "--half-width", "1e-9"], "allowed: at most 1000000 seeds"),
    ],
)
def test_bad_input(sweep: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert_refused(result)
    assert re.search(said, result.stderr)
