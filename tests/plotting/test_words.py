"""The words of a figure: labels, title, caption, and warnings about its data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.fake_results import assert_refused, combine, write_result
from utils.analysis.combined_results import read_combined_results
from utils.analysis.setting_choice import choose_settings
from utils.plot_mse_data import main


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Combine three settings of three runs; setting 1 is the best."""
    for number in range(3):
        for setting, final in enumerate((-9.0, -3.0, -7.0)):
            write_result(tmp_path / "sweep", setting, number, returns=[[-9.0, -9.0], [final + number, final]])
    combine(tmp_path / "sweep")
    return tmp_path / "sweep"


def plot(*arguments: Any) -> Result:
    """Run plot_mse_data.py with some arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def sidecar(out: Path) -> dict[str, Any]:
    """Return the sidecar of a figure."""
    return json.loads(out.with_suffix(".json").read_bytes())


def text_of(path: Path) -> str:
    """Return the text of an .svg figure, whose letters are paths with the text in a comment."""
    return " ".join(re.findall(r"<!-- (.*?) -->", path.read_text()))


class TestWords:
    """--label, --title and --no-caption."""

    def test_labels_and_title(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "figure.svg"
        assert plot("--data", sweep, "--out", out, "--label", "ours", "--title", "A title").exit_code == 0
        text = text_of(out)
        assert "A title" in text
        assert "ours: SAC, Beta, critic_lr 0.01, setting 1 (n = 3): 3 of 3 runs averaged" in text
        assert "Pendulum-v1" not in text
        assert (sidecar(out)["title"], sidecar(out)["experiments"][0]["label"]) == ("A title", "ours")

    def test_a_label_for_each_line(self, sweep: Path, tmp_path: Path) -> None:
        names = ["--label", "a", "--label", "b", "--label", "c"]
        assert plot("--data", sweep, "--by", "critic_lr", *names, "--out", tmp_path / "f.png").exit_code == 0
        assert [each["label"] for each in sidecar(tmp_path / "f.png")["experiments"]] == ["a", "b", "c"]
        refused = plot("--data", sweep, "--label", "a", "--label", "b")
        assert_refused(refused, "--label: found 2; allowed: 1, one for each of: SAC, Beta, critic_lr 0.01, setting 1")
        assert_refused(plot("--data", sweep, "--label", ""), "--label: found ''")
        assert_refused(plot("--data", sweep, "--label", "a", "--kind", "sensitivity"), "--label: found with --kind")

    @pytest.mark.parametrize("kind", ["curves", "sensitivity", "distribution"])
    def test_without_a_caption(self, sweep: Path, tmp_path: Path, kind: str) -> None:
        with_caption, without = tmp_path / "with.svg", tmp_path / "without.svg"
        for path, options in ((with_caption, []), (without, ["--no-caption"])):
            done = plot("--data", sweep, "--kind", kind, "--out", path, "--title", "T", *options)
            assert done.exit_code == 0, done.output
        assert "0 missing" in text_of(with_caption)
        assert "0 missing" not in text_of(without)
        assert "caption" not in sidecar(with_caption)
        assert sidecar(without)["caption"] is False
        heights = [float(re.findall(r'height="([0-9.]+)pt"', path.read_text())[0]) for path in (with_caption, without)]
        assert heights[0] > heights[1] + 20

    def test_a_label_names_four_hyperparameters_and_the_caption_all(self, tmp_path: Path) -> None:
        grid = {key: [1.0, 2.0] for key in "abcdef"}
        write_result(tmp_path, 1, 0, experiment={"parameters": grid})
        combine(tmp_path)
        [choice] = choose_settings(read_combined_results([tmp_path]), 1, None)
        assert choice.label == "SAC, a 2.0, b 1.0, c 1.0, d 1.0, \N{HORIZONTAL ELLIPSIS}, setting 1 (n = 1)"
        assert choice.full_label == "SAC, a 2.0, b 1.0, c 1.0, d 1.0, e 1.0, f 1.0, setting 1 (n = 1)"


class TestWarnings:
    def test_results_that_are_not_combined(self, sweep: Path, tmp_path: Path) -> None:
        out = tmp_path / "figure.svg"
        assert plot("--data", sweep, "--out", out).stderr == ""
        assert "warnings" not in sidecar(out)
        for number in range(3):
            write_result(sweep, 0, 3 + number)
        warning = (
            "sweep/data.json lacks results of its directory (3 never combined); combine again: "
            f"python simple_combine.py {sweep}"
        )
        assert plot("--data", sweep, "--out", out, "--check").exit_code == 1
        done = plot("--data", sweep, "--out", out)
        assert (done.exit_code, done.stderr) == (0, f"warning: {warning}\n")
        assert "(3 never combined); combine again" in text_of(out)
        assert sidecar(out)["warnings"] == [warning]

    def test_versions_of_the_code(self, tmp_path: Path) -> None:
        for number in range(3):
            code = {"commit": None, "sources": "aaa" if number < 2 else "bbb"}
            write_result(tmp_path / "d", 0, number, provenance={"code": code, "versions": {"torch": "2.13.0"}})
        combine(tmp_path / "d")
        out = tmp_path / "figure.svg"
        done = plot("--data", tmp_path / "d", "--out", out)
        assert done.stderr == (
            "warning: d/data.json: the runs are of 2 versions of the code (2 of sources aaa, 1 of sources bbb); "
            "index 0 and index 6 differ in sources aaa and bbb\n"
        )
        assert "Warning: d/data.json: the runs are of 2 versions of the code" in text_of(out)
