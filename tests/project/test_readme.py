"""What README.md and docs/ state is what the code does: indices, options, tables of comparisons, limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.documentation import DOCUMENTATION, ROOT, code_blocks
from utils.core.grid import Grid
from utils.display.video import MAX_VIDEO_FRAMES
from utils.stats.curves import final_performance


def test_the_index_table() -> None:
    (block,) = (b for b in code_blocks("json") if "linearAC" in b and "avg_reward_lr" in b)
    grid = Grid(json.loads(block)["parameters"])
    assert len(grid) == 36
    row = r"^\| (\d+) \| (\d+) \| (\d+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$"
    rows = re.findall(row, DOCUMENTATION, re.MULTILINE)
    assert len(rows) == 7
    for index, setting, run, *values in rows:
        assert grid.locate(int(index)) == (int(setting), int(run))
        chosen = grid.setting(int(setting))
        names = ("decay", "critic_lr", "actor_lr", "avg_reward_lr")
        assert [chosen[name] for name in names] == [float(value) for value in values]


@pytest.mark.parametrize("script", ["main.py", "schedule.py"])
def test_every_option_is_documented(script: str) -> None:
    command = [sys.executable, script, "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--help"}
    assert options
    assert options <= set(re.findall(r"--[a-z][a-z-]+", DOCUMENTATION))


@pytest.mark.parametrize("path", sorted((ROOT / "plots").glob("*.md")), ids=lambda path: path.stem)
def test_tables_of_comparisons_are_documented(path: Path) -> None:
    """Exactly as written there; the means are those of the figures' sidecars."""
    table = path.read_text().split("\n\n")[0]
    assert table in DOCUMENTATION
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    for column, environment in enumerate(header[1:], 1):
        (file,) = (ROOT / "plots/png").glob(f"{path.stem}_{environment}_*.json")
        experiments = json.loads(file.read_bytes())["experiments"]
        means = [
            np.mean(each["performance"])
            if "performance" in each
            else final_performance(np.array(each["mean"]), np.array(each["timesteps"]))
            for each in experiments
        ]
        assert [row[column].split()[0] for row in rows] == [f"{mean:.4g}" for mean in means]


def test_the_limit_on_a_videos_length_is_documented() -> None:
    assert re.search(rf"\b{MAX_VIDEO_FRAMES}\b frames", DOCUMENTATION.replace(",", ""))
