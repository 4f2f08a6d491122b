"""utils/plot_mse_data.py: the runs behind a figure, its caption, and refused input."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

from tests.support.fake_results import assert_refused, combine, write_result
from utils.analysis.combined_results import CombinedResults, read_combined_results
from utils.analysis.mean_curve import FigureOptions, MeanCurve, mean_curve
from utils.analysis.setting_choice import choose_settings
from utils.plot_mse_data import main
from utils.plot_utils import DPI, HEIGHT, OKABE_ITO, STYLE, WIDTH, add_title_and_legend, new_figure
from utils.plotting.curves import caption_paragraphs, draw_curves

ROOT = Path(__file__).resolve().parents[2]

BAD, GOOD, BETTER = [[-9.0, -9.0]] * 2, [[-9.0, -9.0], [-4.0, -2.0]], [[-9.0, -9.0], [-2.0, -0.0]]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Combine three settings of three runs. Setting 1 is the best without failures: one run of setting 2 diverged."""
    folder = tmp_path / "sweep"
    for number in range(3):
        write_result(folder, 0, number, returns=BAD)
        write_result(folder, 1, number, returns=[[-9.0, -9.0], [-6.0 + number, -2.0 + number]])
        write_result(folder, 2, number, returns=BETTER, status="diverged" if number == 2 else "completed")
    combine(folder)
    return folder


def plot(*arguments: Any) -> Result:
    """Run plot_mse_data.py with some arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def sidecar(out: Path) -> dict[str, Any]:
    """Return the sidecar of a figure."""
    return json.loads(out.with_suffix(".json").read_bytes())


def lines_of(*experiments: CombinedResults, setting: int | None = None) -> list[MeanCurve]:
    """Return the curves that a figure shows of some experiments."""
    return [mean_curve(choice, FigureOptions()) for choice in choose_settings(experiments, setting, None)]


def caption_of(path: Path, setting: int | None = None) -> str:
    """Return the caption of one experiment's figure."""
    return " ".join(caption_paragraphs(lines_of(*read_combined_results([path]), setting=setting), FigureOptions()))


class TestFiles:
    def test_figure_is_a_png_of_the_intended_size(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "new/figure.png"
        result = plot("--data", sweep, "--out", out)
        assert (result.exit_code, result.stdout) == (0, f"{out}\n")
        content = out.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert width == WIDTH * DPI
        assert HEIGHT * DPI < height < 1.5 * HEIGHT * DPI
        assert sorted(path.name for path in out.parent.iterdir()) == ["figure.json", "figure.png"]

    def test_sidecar_lists_the_runs_and_the_numbers(self, sweep: Path, tmp_path: Path) -> None:
        plot("--data", sweep, "--out", tmp_path / "figure.png")
        facts = sidecar(tmp_path / "figure.png")
        [experiment] = facts["experiments"]
        assert facts["interval"] == {"kind": "skewness-corrected Student interval of the mean", "confidence": 0.95}
        assert (experiment["data"], experiment["setting"], experiment["selected_among"]) == ("sweep/data.json", 1, 3)
        assert [run["key"] for run in experiment["runs"]] == [f"000001{number:06d}" for number in range(3)]
        assert [run["index"] for run in experiment["runs"]] == [1, 4, 7]
        assert experiment["timesteps"] == [0, 10]
        assert experiment["mean"] == [-9.0, -3.0]
        student = stats.t.ppf(0.975, 2) / 3**0.5  # The runs end with -4, -3 and -2.
        np.testing.assert_allclose(experiment["interval"]["low"], [-9.0, -3.0 - student])
        np.testing.assert_allclose(experiment["interval"]["high"], [-9.0, -3.0 + student])
        assert str(tmp_path) not in json.dumps(facts)

    @pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
    def test_the_same_data_give_the_same_bytes(self, sweep: Path, tmp_path: Path, ending: str) -> None:
        names = [tmp_path / f"{name}.{ending}" for name in "ab"]
        plot("--data", sweep / "data.json", "--out", names[0], "--out", names[1])
        assert names[0].read_bytes() == names[1].read_bytes()

    def test_defaults_without_torch(self, tmp_path: Path) -> None:
        """The command is run in the project's directory, by the script's path."""
        folder = tmp_path / "results/Pendulum-v1_SAC_SquashedGaussian"
        write_result(folder, 0, 0)
        combine(folder)
        script = ROOT / "utils/plot_mse_data.py"
        code = "import runpy, sys, atexit; sys.argv = sys.argv[1:]; sys.path.insert(0, sys.argv[0].rsplit('/', 1)[0])"
        code += (
            "; atexit.register(lambda: print('torch' in sys.modules)); runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        command = [sys.executable, "-I", "-c", code, str(script)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == ["plots/png/Pendulum-v1.png", "False"]
        assert {path.name for path in (tmp_path / "plots/png").iterdir()} == {"Pendulum-v1.png", "Pendulum-v1.json"}

    def test_an_environment_with_a_namespace_is_one_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_result(tmp_path / "sweep", 0, 0, experiment={"environment": {"env_name": "MinAtar/Breakout-v1"}})
        combine(tmp_path / "sweep")
        assert plot("--data", "sweep").stdout == "plots/png/MinAtar-Breakout-v1.png\n"


class TestSetting:
    def test_a_diverged_run_costs_a_setting_its_rank(self, sweep: Path) -> None:
        [experiment] = read_combined_results([sweep])
        assert experiment.best_setting() == 1

    def test_a_missing_run_costs_a_setting_its_rank(self, sweep: Path) -> None:
        write_result(sweep, 1, 2).unlink()
        combine(sweep)
        [experiment] = read_combined_results([sweep])
        assert experiment.best_setting() == 0

    def test_may_be_requested(self, sweep: Path, tmp_path: Path) -> None:
        plot("--data", sweep, "--out", tmp_path / "figure.png", "--setting", 2)
        [experiment] = sidecar(tmp_path / "figure.png")["experiments"]
        assert (experiment["setting"], experiment["selected_among"]) == (2, None)
        assert [run["excluded"] for run in experiment["runs"]] == [None, None, "diverged"]
        assert experiment["mean"] == [-9.0, -1.0]

    @pytest.mark.parametrize("setting", [-1, 3])
    def test_outside_the_grid(self, sweep: Path, setting: int) -> None:
        assert_refused(plot("--data", sweep, "--setting", setting), f"found {setting}", "0 to 2")

    def test_without_a_run(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        write_result(tmp_path, 2, 0, status="diverged")
        combine(tmp_path)
        assert_refused(plot("--data", tmp_path, "--setting", 1), "no run to average: 0 diverged, 1 missing")
        assert_refused(plot("--data", tmp_path, "--setting", 2), "no run to average: 1 diverged, 0 missing")


class TestCaption:
    def test_of_a_selected_setting(self, sweep: Path) -> None:
        text = caption_of(sweep)
        assert "95% skewness-corrected Student confidence interval of the mean over runs" in text
        assert "SAC, Beta, critic_lr 0.01, setting 1 (n = 3): 3 of 3 runs averaged; 0 diverged, 0 missing." in text
        assert "selected as the best of 3" in text
        assert "reported on the same seeds" in text
        assert "Settings with a run that cannot be averaged (1) rank below all others." in text
        assert "Warning: a kind of run that occurs once in 10 is missing from 73% of all sets of 3 runs" in text

    def test_of_a_requested_setting(self, sweep: Path) -> None:
        text = caption_of(sweep, 2)
        assert "(n = 2): 2 of 3 runs averaged; 1 diverged, 0 missing." in text
        assert "requested, not selected" in text
        assert "same seeds" not in text
        assert "dotted lines with a cross at the end" in text

    def test_of_one_run(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, experiment={"parameters": {"critic_lr": [0.1]}})
        combine(tmp_path)
        assert caption_of(tmp_path) == (
            "Line: one run. SAC, setting 0 (n = 1): 1 of 1 runs averaged; 0 diverged, 0 missing. "
            "No interval is drawn: it needs at least 2 runs."
        )

    @pytest.mark.parametrize("beyond", [None, 1.1e100, -1.7e308])
    def test_counts_missing_and_nonfinite_runs(self, tmp_path: Path, beyond: float | None) -> None:
        write_result(tmp_path, 0, 0, returns=GOOD)
        write_result(tmp_path, 0, 2, returns=[[-9.0, -9.0], [beyond, beyond]])
        write_result(tmp_path, 0, 3, returns=BETTER)
        combine(tmp_path)
        caption = caption_of(tmp_path)
        assert "2 of 4 runs averaged; 0 diverged, 1 missing, 1 with returns that are not finite or beyond" in caption
        [experiment] = read_combined_results([tmp_path])
        [shown] = lines_of(experiment, setting=0)
        assert shown.mean.returns.tolist() == [-9.0, -2.0]
        [excluded] = shown.excluded
        assert (excluded.timesteps.tolist(), excluded.returns.tolist()) == ([0], [-9.0])


class TestTrainingCurve:
    PROTOCOL: ClassVar[dict[str, Any]] = {"environment": {"eval_episodes": 0}, "parameters": {"critic_lr": [0.1]}}

    def test_is_step_weighted_over_complete_episodes(self, tmp_path: Path) -> None:
        changes: dict[str, Any] = {"experiment": self.PROTOCOL, "returns": [[], []]}
        write_result(tmp_path, 0, 0, **changes)
        write_result(
            tmp_path, 0, 1, **changes,
            train_episode_rewards=[-1.0, -3.0, -99.0], train_episode_steps=[15, 10, 15], last_episode_complete=False,
        )  # fmt: skip
        combine(tmp_path)
        plot("--data", tmp_path, "--out", tmp_path / "figure.png")
        facts = sidecar(tmp_path / "figure.png")
        [experiment] = facts["experiments"]
        assert facts["returns"] == "training, step-weighted"
        assert experiment["timesteps"] == list(range(1, 26))
        assert experiment["mean"] == [-5.0] * 10 + [-4.0] * 5 + [-5.0] * 5 + [-4.0] * 5
        assert "The mean ends where the first run ends." in caption_of(tmp_path)

    def test_without_a_complete_episode(self, tmp_path: Path) -> None:
        unfinished: dict[str, Any] = {
            "train_episode_rewards": [-9.0],
            "train_episode_steps": [40],
            "last_episode_complete": False,
        }
        write_result(tmp_path, 0, 0, experiment=self.PROTOCOL, returns=[[], []], **unfinished)
        combine(tmp_path)
        assert_refused(plot("--data", tmp_path), "1 without a complete episode")


class TestSeveral:
    def other(self, folder: Path, **experiment: Any) -> Path:
        """Combine another experiment's results."""
        for number in range(2):
            write_result(folder, 0, number, returns=GOOD, experiment=experiment)
        combine(folder)
        return folder

    def test_on_one_axis(self, sweep: Path, tmp_path: Path) -> None:
        other = self.other(tmp_path / "other", agent_name="GreedyAC")
        shown = lines_of(*read_combined_results([sweep, other]))
        axes = draw_curves(shown, {"title": "", "ylabel": ""}, []).axes[0]
        legend = axes.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == [
            "SAC, Beta, critic_lr 0.01, setting 1 (n = 3)",
            "GreedyAC, Beta, critic_lr 0.1, setting 0 (n = 2)",
        ]
        labelled = [line for line in axes.get_lines() if line.get_label() in {each.choice.label for each in shown}]
        assert [line.get_color() for line in labelled] == list(OKABE_ITO[:2])
        np.testing.assert_array_equal(labelled[1].get_ydata(), [-9.0, -3.0])
        assert len(axes.collections) == 2

    def test_equal_labels_are_made_distinct(self, sweep: Path, tmp_path: Path) -> None:
        other = self.other(tmp_path / "other")
        shown = choose_settings(read_combined_results([other, other]), 0, None)
        assert [each.label for each in shown] == ["SAC, Beta, critic_lr 0.1, setting 0 (n = 2), other"] * 2

    def test_different_returns_cannot_share_an_axis(self, sweep: Path, tmp_path: Path) -> None:
        other = self.other(tmp_path / "other", environment={"env_name": "Acrobot-v1"})
        assert_refused(plot("--data", sweep, "--data", other), "cannot share an axis", '"Pendulum-v1" and "Acrobot-v1"')

    def test_all_are_training_curves_if_one_has_no_evaluations(self, sweep: Path, tmp_path: Path) -> None:
        other = self.other(tmp_path / "other", environment={"eval_episodes": 0})
        assert [each.training for each in read_combined_results([sweep, other])] == [True, True]


class TestBadInput:
    def test_no_data(self, tmp_path: Path) -> None:
        assert_refused(plot("--data", tmp_path), "data.json: not found", "simple_combine.py")
        assert_refused(plot("--data", tmp_path / "absent/data.json"), "not found")
        assert_refused(plot("--data", tmp_path / ("x" * 300)), "cannot be read: File name too long")

    def test_runs_without_a_common_timestep(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, returns=GOOD)
        write_result(tmp_path, 0, 1, returns=GOOD, timesteps_at_eval=[7 + k for k in range(len(GOOD))])
        combine(tmp_path)
        assert_refused(plot("--data", tmp_path), "data.json: setting 0: found no timestep that all its runs have")

    def test_a_run_that_occurs_twice(self, sweep: Path) -> None:
        tree = json.loads((sweep / "data.json").read_bytes())
        tree["experiment_data"]["0"]["runs"] *= 2
        (sweep / "data.json").write_text(json.dumps(tree))
        assert_refused(plot("--data", sweep), "data.json: not a result: key 'experiment_data.0'", "occurs twice")

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"experiment": {}, "experiment_data": {}}'])
    def test_bad_data(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "data.json").write_text(text)
        assert_refused(plot("--data", tmp_path), "data.json: ")

    @pytest.mark.parametrize("confidence", ["0", "1", "95", "nan"])
    def test_confidence(self, sweep: Path, confidence: str) -> None:
        assert_refused(plot("--data", sweep, "--confidence", confidence), "--confidence", "above 0 and below 1")

    @pytest.mark.parametrize("name", ["figure", "figure.json", "figure.xyz"])
    def test_format(self, sweep: Path, tmp_path: Path, name: str) -> None:
        assert_refused(plot("--data", sweep, "--out", tmp_path / name), "--out", name, ".png")

    def test_a_sidecar_replaces_only_a_sidecar(self, sweep: Path, tmp_path: Path) -> None:
        before = (sweep / "data.json").read_bytes()
        assert_refused(plot("--data", sweep, "--out", sweep / "data.png"), "would replace", "data.json")
        assert (sweep / "data.json").read_bytes() == before
        assert [plot("--data", sweep, "--out", tmp_path / "a.png").exit_code for _ in range(2)] == [0, 0]

    def test_unwritable_path(self, sweep: Path) -> None:
        assert_refused(plot("--data", sweep, "--out", sweep / "data.json/figure.png"), "cannot be written")


def test_labels_are_plain_text_and_are_wrapped() -> None:
    figure, label = new_figure([]), "$x^$" + 100 * "y"
    axes = figure.subplots()
    with mpl.rc_context(STYLE):
        axes.plot([0, 1], [0, 1], label=label)
        add_title_and_legend(figure, axes, "$\\frac$")
        figure.savefig(io.BytesIO(), format="svg")
    legend = axes.get_legend()
    assert legend is not None
    [text] = legend.get_texts()
    assert text.get_text().replace("\n", "") == label
    assert legend.get_window_extent().x1 <= figure.bbox.x1
