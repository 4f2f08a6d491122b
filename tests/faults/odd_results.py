"""Hypothesis strategies for unusual or invalid combined results."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.faults.odd_configurations import HUGE, mutate_tree
from tests.support.fake_results import ENVIRONMENT, fake_run
from utils.core.grid import Grid

PARAMETERS: dict[str, list[Any]] = {"policy_type": ["Beta", "Gaussian"], "critic_lr": [0.1, 0.01], "tau": [0.5]}
"""Grid of four settings; `tau` has a single value."""


def make_combined_results(env_name: str = "Pendulum-v1") -> dict[str, Any]:
    """Return combined results of four settings with four runs each and three evaluations per run."""
    returns = [[-8.0, -6.0], [-4.0, -2.0], [-3.0, -1.0]]
    cells = {
        str(setting): {
            "agent_params": Grid(PARAMETERS).setting(setting),
            "runs": [fake_run(setting, number, [[r + number for r in e] for e in returns]) for number in range(4)],
        }
        for setting in range(4)
    }
    agent = {"agent_name": "SAC", "parameters": PARAMETERS}
    return {
        "experiment": {"environment": ENVIRONMENT | {"gamma": 0.9, "env_name": env_name}, "agent": agent},
        "experiment_data": cells,
    }


returns = st.floats(-9, 9) | st.sampled_from([None, -0.0, 0, 1e308, -1e308, 1e99, -1e99, 5e-324, 10**17, 2**63])
steps = st.integers(1, 20) | st.integers(1, 20) | st.sampled_from([0, -1, 2**53, *HUGE])


@st.composite
def odd_results(draw: st.DrawFn) -> dict[str, Any]:
    """Draw combined results in which a few runs have another length, another status or extreme values."""
    odd = copy.deepcopy(make_combined_results())
    for _ in range(draw(st.integers(0, 4))):
        cells = odd["experiment_data"]
        setting = draw(st.sampled_from([*cells, "all"]))
        runs = [run for name, cell in cells.items() if setting in (name, "all") for run in cell["runs"]]
        draw(st.sampled_from([_set_returns, _set_episodes, _set_diverged, _set_number, _set_grid, _remove_runs]))(
            draw, odd, runs
        )
    if draw(st.integers(0, 3)) == 3:
        mutate_tree(draw, odd)
    return odd


def _set_returns(draw: st.DrawFn, _odd: Any, runs: list[Any]) -> None:
    length, width = draw(st.integers(0, 4)), draw(st.integers(0, 2))
    times = sorted(draw(st.lists(steps, min_size=length, max_size=length))) if draw(st.booleans()) else [*range(length)]
    for run in runs[: draw(st.integers(1, 16))]:
        run["eval_episode_rewards"] = [[draw(returns) for _ in range(width)] for _ in range(length)]
        run["timesteps_at_eval"] = times


def _set_episodes(draw: st.DrawFn, odd: Any, runs: list[Any]) -> None:
    odd["experiment"]["environment"]["eval_episodes"] = 0
    for run in runs[: draw(st.integers(0, 16))]:
        length = draw(st.integers(0, 4))
        run["train_episode_rewards"] = [draw(returns) for _ in range(length)]
        run["train_episode_steps"] = [draw(steps) for _ in range(length)]


def _set_diverged(draw: st.DrawFn, _odd: Any, runs: list[Any]) -> None:
    for run in runs[: draw(st.integers(1, 16))]:
        run["status"] = "diverged"


def _set_number(draw: st.DrawFn, _odd: Any, runs: list[Any]) -> None:
    for run in runs[: draw(st.integers(1, 2))]:
        run[draw(st.sampled_from(["run_number", "index", "train_time", "eval_time", "key", "provenance"]))] = draw(
            returns | steps
        )


def _set_grid(draw: st.DrawFn, odd: Any, _runs: list[Any]) -> None:
    parameters = dict(odd["experiment"]["agent"]["parameters"])
    key = draw(st.sampled_from(["critic_lr", "tau", "policy_type"]))
    value = returns | st.sampled_from(["x" * 300, "\ud800", [[1, [2]]], {}, {"a": [None]}, True, "$x^$", "$\\frac$"])
    parameters[key] = draw(st.lists(value, max_size=3))
    odd["experiment"]["agent"]["parameters"] = parameters
    for cell in odd["experiment_data"].values():
        cell["agent_params"] |= {key: values[0] for key, values in parameters.items() if values}


def _remove_runs(draw: st.DrawFn, odd: Any, _runs: list[Any]) -> None:
    cells = odd["experiment_data"]
    if draw(st.booleans()):
        odd["experiment_data"] = {name: cells[name] for name in list(cells)[: draw(st.integers(0, 3))]}
    else:
        count = draw(st.integers(0, 3))
        odd["experiment_data"] = {name: cell | {"runs": cell["runs"][:count]} for name, cell in cells.items()}
