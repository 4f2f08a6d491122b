"""Shipped configurations, templates and defaults agree with the models that check them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import main
from agent.hyperparameters import SACHyperparameters
from utils.config import EnvironmentConfig

ROOT = Path(__file__).resolve().parents[2]
AGENTS = sorted((ROOT / "config/agent").glob("*.json"))
ENVIRONMENTS = sorted((ROOT / "config/environment").glob("*.json"))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_shipped_environment_can_be_built_and_stepped(path, tmp_path):
    experiment = main.read_experiment(str(path), str(AGENTS[0]), str(tmp_path))
    env = main.build_env(experiment, 0)
    env.reset()
    low, high = env.action_bounds
    for _ in range(3):
        obs, reward, _, _ = env.step((low + high) / 2)
    assert obs.ndim == 1
    assert isinstance(reward, float)


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_every_setting_of_every_shipped_agent_resolves(path, tmp_path):
    experiment = main.read_experiment(str(ENVIRONMENTS[0]), str(path), str(tmp_path))
    keys = {experiment.run(index).key for index in range(len(experiment.grid))}
    assert len(keys) == len(experiment.grid)


def table(path: Path) -> dict[str, str]:
    """Rows of a template's table: key -> default."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", path.read_text(), re.MULTILINE)
    return {key: default.strip() for key, default in rows}


@pytest.mark.parametrize(
    ("folder", "model"), [("agent", SACHyperparameters), ("environment", EnvironmentConfig)], ids=str
)
def test_templates_document_every_key_and_its_default(folder, model):
    documented = table(ROOT / f"config/{folder}/TEMPLATE.md")
    assert list(documented) == list(model.model_fields)
    for key, field in model.model_fields.items():
        if field.is_required():
            assert documented[key] == "required", key
        else:
            default = field.get_default(call_default_factory=True)
            default = default.model_dump(exclude_none=True) if hasattr(default, "model_dump") else default
            assert json.loads(documented[key].strip("`")) == json.loads(json.dumps(default)), key


@pytest.mark.parametrize("folder", ["agent", "environment"])
def test_templates_are_valid_configurations(folder, tmp_path):
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / f"config/{folder}/TEMPLATE.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        path = tmp_path / "template.json"
        path.write_text(block)
        files = {"agent": str(AGENTS[0]), "environment": str(ENVIRONMENTS[0])} | {folder: str(path)}
        experiment = main.read_experiment(files["environment"], files["agent"], str(tmp_path))
        main.build_env(experiment, 0)
        assert experiment.run(0).index == 0
