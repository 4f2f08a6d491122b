"""The kinds of figures of utils/plot_mse_data.py: their content by value, and refused input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

from tests.support.fake_results import assert_refused, combine, write_result
from utils.analysis.combined_results import Curve, read_combined_results, smooth_curve
from utils.analysis.mean_curve import dot_levels
from utils.plot_mse_data import main
from utils.plotting.figures import KINDS
from utils.plotting.grid_caption import experiment_names
from utils.plotting.heat_map import heat_map

GRID = {"critic_lr": [0.1, 0.01], "tau": [0.5, 0.05], "policy_type": ["Beta"]}
"""Settings 0 to 3: critic_lr varies fastest."""


def plot(*arguments: Any) -> Result:
    """Run plot_mse_data.py with some arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def facts(*arguments: Any, out: Path) -> dict[str, Any]:
    """Draw a figure and return its sidecar."""
    result = plot(*arguments, "--out", out)
    assert result.exit_code == 0, result.output
    return json.loads(out.with_suffix(".json").read_bytes())


def write_sweep(folder: Path, performance: dict[tuple[int, int], float], **experiment: Any) -> Path:
    """Combine results with one evaluation each.  performance: by setting and run."""
    for (setting, number), value in performance.items():
        write_result(folder, setting, number, returns=[[value, value]], experiment={"parameters": GRID} | experiment)
    combine(folder)
    return folder


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Combine two runs of four settings with means -1, -2, -3 and, as run 1 is missing, none."""
    returns = {(setting, number): -1.0 - setting + 0.5 - number for setting in range(3) for number in range(2)}
    return write_sweep(tmp_path / "sweep", returns | {(3, 0): 9.0})


class TestSensitivity:
    def test_shows_both_ways(self, sweep: Path, tmp_path: Path) -> None:
        [experiment] = facts("--data", sweep, "--kind", "sensitivity", out=tmp_path / "a.svg")["experiments"]
        found = experiment["sensitivity"]
        assert list(found) == ["critic_lr", "tau"]
        assert found["critic_lr"]["values"] == [0.1, 0.01]
        assert (found["critic_lr"]["best"]["settings"], found["critic_lr"]["best"]["mean"]) == ([0, 1], [-1.0, -2.0])
        half = stats.t.ppf(0.975, 1) * 0.5  # Student's; two runs, 0.5 above and below the mean.
        expected = [[-1 - half, -1 + half], [-2 - half, -2 + half]]
        np.testing.assert_allclose(found["critic_lr"]["best"]["interval"], expected)
        assert found["tau"]["slice"]["settings"] == [0, 2]
        assert [len(each["runs"]) for each in experiment["settings"]] == [2, 2, 2, 2]
        assert experiment["settings"][3]["runs"][1]["excluded"] == "missing"

    def test_one_hyperparameter(self, sweep: Path, tmp_path: Path) -> None:
        [experiment] = facts("--data", sweep, "--kind", "sensitivity", "--key", "tau", out=tmp_path / "a.svg")[
            "experiments"
        ]
        assert list(experiment["sensitivity"]) == ["tau"]

    def test_two_experiments_of_one_agent_have_distinct_names(self, sweep: Path, tmp_path: Path) -> None:
        other = write_sweep(tmp_path / "other", {(0, 0): -1.0, (1, 0): -2.0})
        called = experiment_names(read_combined_results([sweep, other]))
        assert list(called.values()) == ["SAC, sweep", "SAC, other"]
        found = facts("--data", sweep, "--data", other, "--kind", "sensitivity", out=tmp_path / "a.svg")
        assert [each["data"] for each in found["experiments"]] == ["sweep/data.json", "other/data.json"]

    def test_a_hyperparameter_that_does_not_vary_is_refused(self, sweep: Path, tmp_path: Path) -> None:
        assert_refused(plot("--data", sweep, "--kind", "sensitivity", "--key", "policy_type"), "critic_lr, tau")
        write_result(tmp_path / "one", 0, 0, experiment={"parameters": {"tau": [0.1]}})
        combine(tmp_path / "one")
        assert_refused(plot("--data", tmp_path / "one", "--kind", "sensitivity"), "its grid has one setting")

    def test_without_a_run(self, sweep: Path) -> None:
        tree = json.loads((sweep / "data.json").read_bytes()) | {"experiment_data": {}}
        (sweep / "data.json").write_text(json.dumps(tree))
        for kind in KINDS:
            assert_refused(
                plot("--data", sweep, "--kind", kind), "no run" if kind != "profile" else "no run to average"
            )


class TestHeatMap:
    def test_cells_are_the_best_settings_with_their_values(self, sweep: Path) -> None:
        [experiment] = read_combined_results([sweep])
        found = heat_map(experiment, ("critic_lr", "tau"))
        assert found.values == ([0.01, 0.1], [0.05, 0.5])
        np.testing.assert_array_equal(found.settings, [[3, 1], [2, 0]])
        np.testing.assert_array_equal(found.means, [[np.nan, -2.0], [-3.0, -1.0]])

    def test_a_pair_that_the_grid_lacks_is_empty(self, tmp_path: Path) -> None:
        grid = {"batch_size": [1, 8], "replay_capacity": [4, 9]}
        write_result(tmp_path, 2, 0, returns=[[-5.0]], experiment={"parameters": grid})
        combine(tmp_path)
        [experiment] = read_combined_results([tmp_path])
        np.testing.assert_array_equal(
            heat_map(experiment, ("batch_size", "replay_capacity")).settings, [[0, 1], [-1, 2]]
        )
        assert plot("--data", tmp_path, "--kind", "heat-map", "--out", tmp_path / "a.svg").exit_code == 0

    def test_needs_two_hyperparameters_of_one_experiment(self, sweep: Path) -> None:
        one = plot("--data", sweep, "--kind", "heat-map", "--key", "tau")
        assert_refused(one, "found 0 pairs", "critic_lr, tau")
        assert_refused(plot("--data", sweep, "--data", sweep, "--kind", "heat-map"), "found 2 experiments")


class TestDistribution:
    def test_shows_each_run(self, sweep: Path, tmp_path: Path) -> None:
        found = facts("--data", sweep, "--kind", "distribution", "--by", "critic_lr", out=tmp_path / "a.svg")
        assert [each["performance"] for each in found["experiments"]] == [[-0.5, -1.5], [-1.5, -2.5]]
        assert [each["selected_among"] for each in found["experiments"]] == [2, 2]

    def test_dots_of_one_bin_are_stacked(self) -> None:
        np.testing.assert_allclose(dot_levels(np.array([0.0, 0.0, 0.0, 1.0])), [0, 1 / 6, 2 / 6, 0])
        np.testing.assert_allclose(dot_levels(np.full(11, 3.0)), np.arange(11) / 10)


class TestProfile:
    def environments(self, tmp_path: Path, runs: int = 2) -> list[Path]:
        """Combine results of SAC and VAC in two environments; VAC is worse in both."""
        folders = []
        for name, order in (("Pendulum-v1", 1.0), ("Acrobot-v1", 100.0)):
            for agent, base in (("SAC", 2.0), ("VAC", 0.0)):
                values = {(0, number): order * (base + number * 0.5) for number in range(runs)}
                folder = tmp_path / f"{name}{agent}"
                change = {"parameters": {"tau": [0.1]}, "environment": {"env_name": name}, "agent_name": agent}
                folders.append(write_sweep(folder, values, **change))
        return folders

    def test_scores_are_ranks_in_each_environment(self, tmp_path: Path) -> None:
        data = [argument for folder in self.environments(tmp_path) for argument in ("--data", folder)]
        found = facts(*data, "--kind", "profile", out=tmp_path / "a.svg")
        assert [each["scores"] for each in found["experiments"]] == [[0.5, 0.75]] * 2 + [[0.0, 0.25]] * 2
        sac, vac = found["profiles"]
        assert (sac["name"], sac["iqm"], vac["iqm"]) == ("SAC", 0.625, 0.125)
        share = dict(zip(found["thresholds"], sac["share"], strict=True))
        assert [share[threshold] for threshold in (0.0, 0.5, 0.75)] == [1.0, 0.5, 0.0]

    def test_each_agent_must_be_in_each_environment_once(self, tmp_path: Path) -> None:
        folders = self.environments(tmp_path)
        command = [argument for folder in folders[:3] for argument in ("--data", folder)]
        assert_refused(plot(*command, "--kind", "profile"), "VAC", "once each of Pendulum-v1, Acrobot-v1")
        assert_refused(plot(*command[:4], "--kind", "profile"), "found 1 environment")


class TestCurves:
    def test_by_a_hyperparameter(self, sweep: Path, tmp_path: Path) -> None:
        found = facts("--data", sweep, "--by", "tau", out=tmp_path / "a.svg")
        assert [each["setting"] for each in found["experiments"]] == [0, 2]
        assert [each["mean"] for each in found["experiments"]] == [[-1.0], [-3.0]]
        assert_refused(plot("--data", sweep, "--by", "taw"), "--by: found 'taw'", "did you mean 'tau'")

    def test_smoothing(self, tmp_path: Path) -> None:
        curve = smooth_curve(Curve(np.array([0, 10, 20, 30]), np.array([1.0, 3.0, 8.0, 4.0])), 20)
        np.testing.assert_allclose(curve.returns, [1.0, 2.0, 5.5, 6.0])
        write_result(tmp_path, 0, 0, returns=[[1.0], [3.0]])
        combine(tmp_path)
        found = facts("--data", tmp_path, "--smooth", 20, out=tmp_path / "plots/a.svg")
        assert (found["smoothed_over_timesteps"], found["experiments"][0]["mean"]) == (20, [1.0, 2.0])

    def test_a_tolerance_band_needs_46_runs(self, tmp_path: Path) -> None:
        for number in range(46):
            write_result(tmp_path, 0, number, name=f"{number}.json", returns=[[float(number)]])
        combine(tmp_path)
        found = facts("--data", tmp_path, "--band", "tolerance", "--setting", 0, out=tmp_path / "plots/a.svg")
        assert found["interval"] == {"kind": "tolerance, distribution-free", "confidence": 0.95, "coverage": 0.9}
        assert found["experiments"][0]["interval"] == {"low": [0.0], "high": [45.0]}
        (tmp_path / "45.json").unlink()
        combine(tmp_path)
        refused = plot("--data", tmp_path, "--band", "tolerance", "--setting", 0)
        assert_refused(refused, "--band", "found 45 runs", "needs at least 46")

    def test_no_band(self, sweep: Path, tmp_path: Path) -> None:
        found = facts("--data", sweep, "--band", "none", out=tmp_path / "a.svg")
        assert (found["interval"], found["experiments"][0]["interval"]) == (None, None)


class TestCheck:
    def check(self, sweep: Path, *arguments: Any) -> tuple[int, str]:
        """Return exit code and output of --check."""
        result = plot("--data", sweep, "--check", *arguments)
        return result.exit_code, result.stdout

    def test_passes_until_the_data_change(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "a.svg"
        plot("--data", sweep, "--out", out)
        before = out.read_bytes()
        assert self.check(sweep, "--out", out) == (0, f"{out}: up to date\n")
        write_result(sweep, 2, 1, returns=[[-2.75, -2.75]], experiment={"parameters": GRID})
        combine(sweep)
        code, answer = self.check(sweep, "--out", out)
        assert code == 1
        assert "stale: it does not show the present data: key 'experiments'" in answer
        assert out.read_bytes() == before

    def test_passes_if_a_run_was_only_executed_again(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "a.svg"
        plot("--data", sweep, "--out", out)
        returns = [[-0.5, -0.5]]
        write_result(sweep, 0, 0, returns=returns, train_time=99.0, experiment={"parameters": GRID})
        combine(sweep)
        assert self.check(sweep, "--out", out)[0] == 0

    def test_fails_for_other_options_and_a_changed_or_missing_file(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "a.svg"
        plot("--data", sweep, "--out", out)
        assert "'smoothed_over_timesteps': found null and 20" in self.check(sweep, "--out", out, "--smooth", 20)[1]
        assert f"there is no file {tmp_path / 'a.png'}" in self.check(sweep, "--out", tmp_path / "a.png")[1]
        out.write_text("<svg/>")
        code, answer = self.check(sweep, "--out", out)
        assert (code, answer) == (1, f"{out}: stale: the file is not the one described in a.json\n")

    def test_formats_that_show_the_same_share_a_sidecar(self, sweep: Path, tmp_path: Path) -> None:
        files = [argument for ending in ("png", "svg") for argument in ("--out", tmp_path / f"a.{ending}")]
        plot("--data", sweep, *files)
        assert self.check(sweep, *files)[0] == 0
        plot("--data", sweep, "--band", "none", "--out", tmp_path / "a.png")
        assert list(json.loads((tmp_path / "a.json").read_bytes())["figure"]) == ["a.png"]
        assert self.check(sweep, *files)[0] == 1


class TestOptions:
    @pytest.mark.parametrize(
        ("kind", "option", "value"),
        [("curves", "key", "tau"), ("sensitivity", "by", "tau"), ("heat-map", "setting", 1), ("profile", "smooth", 5)],
    )
    def test_options_without_effect_are_refused(self, sweep: Path, kind: str, option: str, value: Any) -> None:
        allowed = [name for name in KINDS if {"key": "keys"}.get(option, option) in KINDS[name].options]
        refused = plot("--data", sweep, "--kind", kind, f"--{option}", value)
        assert_refused(refused, f"--{option}: found with --kind {kind}; allowed with: {', '.join(allowed)}")

    def test_out_of_range(self, sweep: Path) -> None:
        for odd in (0, 2**53):
            assert_refused(plot("--data", sweep, "--smooth", odd), f"--smooth: found {odd}", "1 to 9007199254740991")
        assert_refused(plot("--data", sweep, "--by", "tau", "--setting", 0), "one of the two")

    def test_default_name(self, sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert plot("--data", sweep, "--kind", "heat-map").stdout == "plots/png/Pendulum-v1_heat-map.png\n"
