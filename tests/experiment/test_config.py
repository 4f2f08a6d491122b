"""Shipped configurations, templates and defaults agree with the models that validate them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from agent import AGENTS as ENTRIES
from agent.actor_critic_hyperparameters import ActorCriticHyperparameters
from env import ENVS
from utils.experiment.config import AgentConfig, EnvironmentConfig
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
AGENTS = sorted((ROOT / "config/agent").glob("*.json"))
ENVIRONMENTS = sorted((ROOT / "config/environment").glob("*.json"))
AGENT_TEMPLATE = (ROOT / "config/agent/TEMPLATE.md").read_text().split("\n## ")
ENVIRONMENT_TEMPLATE = (ROOT / "config/environment/TEMPLATE.md").read_text().split("\n## ")


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_shipped_environment_can_be_built_and_stepped(path, tmp_path):
    experiment = build.read_experiment(str(path), str(ROOT / "config/agent/Random.json"), str(tmp_path))
    env = build.build_env(experiment, 0)
    env.reset()
    low, high = env.action_bounds or (np.zeros(1), np.ones(1))
    for _ in range(3):
        obs, reward, _, _ = env.step((low + high) / 2)
    assert obs.ndim == 1
    assert isinstance(reward, float)


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_every_setting_of_every_shipped_agent_resolves(path, tmp_path):
    experiment = build.read_experiment(str(ENVIRONMENTS[0]), str(path), str(tmp_path))
    keys = {experiment.run(index).key for index in range(len(experiment.grid))}
    assert len(keys) == len(experiment.grid)


def table(text: str) -> dict[str, str]:
    """Return the default of each key in a template's tables; a later row replaces an earlier one."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def documented_for(agent_name: str) -> dict[str, str]:
    """Return the defaults of an agent's keys: from its own section and all whose titles list it after a colon.

    The section of every actor-critic lists none.
    """
    text, documented = (ROOT / "config/agent/TEMPLATE.md").read_text(), {}
    groups = {agent_name}
    if issubclass(ENTRIES[agent_name].hyperparameters, ActorCriticHyperparameters):
        groups.add("Every actor-critic")
    for section in text.split("\n## "):
        title = section.splitlines()[0]
        if groups & {title, *title.partition(": ")[2].split(", ")}:
            documented |= table(section)
    return documented


DOCUMENTED = [
    *((lambda name=name: documented_for(name), entry.hyperparameters) for name, entry in ENTRIES.items()),
    (lambda: table(AGENT_TEMPLATE[0]), AgentConfig),
    (lambda: table(ENVIRONMENT_TEMPLATE[0]), EnvironmentConfig),
]


@pytest.mark.parametrize(("documented", "model"), DOCUMENTED, ids=[*ENTRIES, "agent", "environment"])
def test_templates_document_every_key_and_its_default(documented, model):
    documented = documented()
    assert list(documented) == list(model.model_fields)
    for key, field in model.model_fields.items():
        if field.is_required():
            assert documented[key] == "required", key
        else:
            default = field.get_default(call_default_factory=True)
            default = default.model_dump(exclude_none=True) if hasattr(default, "model_dump") else default
            assert json.loads(documented[key].strip("`")) == json.loads(json.dumps(default)), key


def test_the_template_lists_every_environment_of_our_own_with_its_actions():
    rows = re.findall(r"^\| `([\w-]+)` \| ((?:continuous|discrete)[^|]*) \|", ENVIRONMENT_TEMPLATE[1], re.MULTILINE)
    assert rows == [(name, ", ".join(entry.kinds)) for name, entry in ENVS.items()]


@pytest.mark.parametrize("folder", ["agent", "environment"])
def test_templates_are_valid_configurations(folder, tmp_path):
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / f"config/{folder}/TEMPLATE.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        path = tmp_path / "template.json"
        path.write_text(block)
        files = {"agent": str(AGENTS[0]), "environment": str(ENVIRONMENTS[0])} | {folder: str(path)}
        experiment = build.read_experiment(files["environment"], files["agent"], str(tmp_path))
        build.build_env(experiment, 0)
        assert experiment.run(0).index == 0
