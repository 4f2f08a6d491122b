"""What Stable-Baselines3's SAC gets of an agent's file."""

import json
from pathlib import Path

import pytest

from tests.benchmarking.train_sb3 import sac_arguments

AGENT = Path(__file__).resolve().parents[2] / "config" / "agent" / "SAC_half_cheetah.json"


def test_every_hyperparameter_of_the_shipped_file_is_handed_over() -> None:
    """The arguments are those of the file, and its step size is that of actor, critic and temperature."""
    assert sac_arguments(json.loads(AGENT.read_text()), 0.99) == {
        "learning_rate": 3e-4, "buffer_size": 1000000, "learning_starts": 10000, "batch_size": 256, "tau": 0.005,
        "gamma": 0.99, "train_freq": 1, "gradient_steps": 1, "ent_coef": "auto_1.0",
        "policy_kwargs": {"net_arch": [256, 256]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("policy_type", ["Beta"], r"differs in \['policy_type'\]"),
        ("alpha_lr", [1e-3], r"differs in \['alpha_lr'\]"),
        ("tau", [0.005, 0.01], r"several values: \['tau'\]"),
    ],
)
def test_what_this_sac_has_not_is_refused(name: str, values: list[object], message: str) -> None:
    """A policy, a step size of its own and a grid are refused, by name."""
    agent = json.loads(AGENT.read_text())
    agent["parameters"][name] = values
    with pytest.raises(ValueError, match=message):
        sac_arguments(agent, 0.99)
