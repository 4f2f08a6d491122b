"""Small stacks, trained in the test's own process by the code that main.py runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agent import AGENTS
from utils.experiment.config import AgentConfig, EnvironmentConfig
from utils.experiment.experiment import Experiment
from utils.training.loop import Loop
from utils.training.run_record import RunRecord
from utils.wiring import build


def make_experiment(
    environment: dict[str, Any], parameters: dict[str, Any], save_dir: Path, agent_name: str = "SAC"
) -> Experiment:
    """Return an experiment from plain dictionaries."""
    config = EnvironmentConfig.model_validate(environment)
    agent = AgentConfig(agent_name=agent_name, parameters=parameters)
    return Experiment(
        config, agent, AGENTS[agent_name].hyperparameters, ("environment.json", "agent.json"), str(save_dir)
    )


def train(experiment: Experiment, indices: list[int]) -> list[RunRecord]:
    """Train the indices in one stack and return their records in the given order."""
    return Loop(build.build_stack(experiment, [experiment.run(i) for i in indices])).run()


def assert_same_bits(a: RunRecord, b: RunRecord) -> None:
    """Check that all curves, arrays and diagnostics of two runs are equal to the bit, except for times."""
    curves_a, curves_b = a.curves(), b.curves()
    for name in curves_a.keys() - {"train_time", "eval_time"}:
        assert curves_a[name] == curves_b[name], name
    assert a.status == b.status
    pairs = ((a.learned_params, b.learned_params), (a.arrays, b.arrays), (a.diagnostic_arrays(), b.diagnostic_arrays()))
    for arrays_a, arrays_b in pairs:
        assert arrays_a.keys() == arrays_b.keys()
        for name in arrays_a:
            np.testing.assert_array_equal(arrays_a[name], arrays_b[name], err_msg=name)
