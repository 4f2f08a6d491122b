"""Splitting a stack's state into its runs', and joining those of other runs, by value."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from agent import AGENTS, AgentEntry, make_agent
from agent.actor_critic_hyperparameters import VACHyperparameters
from agent.base import BaseAgent, Spaces
from agent.linear.traces import SparseTraces
from agent.networks.optimizer import Adam
from agent.policy.base import ActionBox
from agent.random_agent import Random
from agent.run_state import StatePart, check_run_axes, collect_run_axes, join_runs, split_runs
from agent.vac import VAC
from utils.core.random_streams import Draws
from utils.core.run_axes import RunAxes
from utils.core.transition import Step

AXES: RunAxes = {
    "critic": {"params": 1, "optimizer": Adam.run_axes},
    "alpha": 0,
    "weights": 1,
    "avg_reward": 0,
    "act": Draws.run_axes,
    "updates": "shared",
}

STATE: dict[str, Any] = {
    "critic": {"params": torch.arange(12.0).view(2, 3, 2), "optimizer": {"mean": torch.ones(2, 3, 2), "count": 7}},
    "alpha": torch.arange(3.0).view(3, 1, 1),
    "weights": np.arange(12.0).reshape(2, 3, 2),
    "avg_reward": np.arange(3.0),
    "act": {"generators": ["a", "b", "c"], "block": np.arange(6).reshape(3, 2), "next": 1, "request": ("normal", (2,))},
    "updates": 5,
}
"""State of three runs."""

BOX = ActionBox(torch.tensor([-1.0]), torch.tensor([1.0]))


def test_a_run_has_its_own_part():
    _, run, _ = split_runs(STATE, AXES, 3)
    assert run["critic"]["params"].tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert run["critic"]["optimizer"]["count"] == 7
    assert run["alpha"].tolist() == [[1.0]]
    assert run["weights"].tolist() == [[2.0, 3.0], [8.0, 9.0]]
    assert run["act"] == {"generators": "b", "block": pytest.approx([2, 3]), "next": 1, "request": ("normal", (2,))}
    assert run["avg_reward"] == 1.0


def test_split_runs_are_joined_in_any_order():
    runs = split_runs(STATE, AXES, 3)
    same, turned = join_runs(runs, AXES), join_runs([runs[2], runs[0]], AXES)
    assert torch.equal(same["critic"]["params"], STATE["critic"]["params"])
    assert torch.equal(turned["critic"]["params"], STATE["critic"]["params"][:, [2, 0]])
    assert torch.equal(turned["alpha"], STATE["alpha"][[2, 0]])
    np.testing.assert_array_equal(same["weights"], STATE["weights"])
    np.testing.assert_array_equal(turned["avg_reward"], [2.0, 0.0])
    assert turned["act"]["generators"] == ["c", "a"]
    np.testing.assert_array_equal(turned["act"]["block"], [[4, 5], [0, 1]])
    assert turned["updates"] == 5


def test_a_block_that_was_not_drawn_yet_is_none_in_every_run():
    draws = Draws([1, 2], "act")
    runs = split_runs(draws.state_dict(), Draws.run_axes, 2)
    assert [run["block"] for run in runs] == [None, None]
    assert join_runs(runs, Draws.run_axes) == draws.state_dict()


def test_runs_at_different_timesteps_are_refused():
    first, second, _ = split_runs(STATE, AXES, 3)
    with pytest.raises(ValueError, match="updates differ"):
        join_runs([first, second | {"updates": 6}], AXES)


def test_sparse_traces_move_to_other_slots():
    decay, weight_index = np.full(3, 0.5), np.array([[0, 4], [11, 12], [25, 29]])
    traces, other = SparseTraces(2, 3, 10), SparseTraces(2, 2, 10)
    traces.accumulate(decay, weight_index, np.arange(12.0).reshape(2, 3, 2) + 1)
    runs = split_runs(traces.state_dict(), traces.run_axes, 3)
    other.load_state_dict(join_runs([runs[2], runs[1]], traces.run_axes))
    np.testing.assert_array_equal(other.to_dense(), traces.to_dense()[:, [2, 1]])


# Every agent -----------------------------------------------------------------------------------------


def make(name: str, runs: int) -> Any:
    """Return a small agent of some runs, with more than one network where it can have one."""
    model = AGENTS[name].hyperparameters
    options = {"batch_size": 4, "hidden_dim": 16, "automatic_entropy_tuning": True, "alpha_lr": 1e-2}
    setting = model(**{key: value for key, value in options.items() if key in model.model_fields})
    action = 3 if name.endswith(("Discrete", "softmax")) else BOX
    return make_agent(name, [setting] * runs, range(runs), 0.9, Spaces(np.full(2, -3.0), np.full(2, 3.0), action))


def train(agent: BaseAgent, runs: list[int], first: int, steps: int) -> list[np.ndarray]:
    """Train on transitions of the given runs. Returns the actions."""
    actions = []
    for t in range(first, first + steps):
        draws = [np.random.Generator(np.random.PCG64([run, t])) for run in runs]
        obs, next_obs = np.stack([g.standard_normal((2, 2)).astype(np.float32) for g in draws], 1)
        reward = np.stack([g.standard_normal((), np.float32) for g in draws])
        zero = np.zeros(len(runs), np.float32)
        actions.append(agent.act(obs))
        agent.observe(Step(obs, actions[-1], reward, next_obs, zero, zero))
        agent.update()
    return actions


@pytest.mark.parametrize("name", AGENTS)
def test_every_agents_runs_resume_in_other_slots(name):
    """A copy of two of three runs, in another order, acts and learns on like the original."""
    original, other = make(name, 3), make(name, 2)
    train(original, [0, 1, 2], 0, 12)
    states = copy.deepcopy(original.run_states())
    other.load_run_states([states[2], states[0]])
    expected, found = train(original, [0, 1, 2], 12, 8), train(other, [2, 0], 12, 8)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(b, a[[2, 0]])
    for slot, run in enumerate((2, 0)):
        expected_params, params = original.learned_params(run), other.learned_params(slot)
        assert params.keys() == expected_params.keys()
        for key, array in params.items():
            np.testing.assert_array_equal(array, expected_params[key], err_msg=key)


# What is not declared --------------------------------------------------------------------------------


class Novelty:
    """A part with a state of which one entry is not declared."""

    run_axes: ClassVar[RunAxes] = {"bonus": 0}

    def __init__(self, runs: int) -> None:
        self.state = {"bonus": torch.zeros(runs), "visits": torch.zeros(runs)}

    def state_dict(self) -> dict[str, Any]:
        return self.state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = state


class Undeclared:
    """A part with a state and no declaration."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class Curious(VAC):
    """An agent with an additional part."""

    def extra_parts(self) -> dict[str, StatePart]:
        self.__dict__.setdefault("novelty", Novelty(self.runs))
        return {"novelty": self.novelty}


class Counting(Random):
    """An agent whose own entry is not declared."""

    def live_state(self) -> dict[str, Any]:
        return super().live_state() | {"steps": 3}


def make_entry(monkeypatch: pytest.MonkeyPatch, agent_class: type[BaseAgent]) -> Any:
    """Return an agent of a class of this module, made by its name."""
    monkeypatch.setattr(f"agent.vac.{agent_class.__name__}", agent_class, raising=False)
    entry = AgentEntry("agent.vac", agent_class.__name__, VACHyperparameters, {})
    monkeypatch.setitem(AGENTS, "mine", entry)
    return make_agent("mine", [VACHyperparameters()], [0], 0.9, Spaces(np.full(2, -3.0), np.full(2, 3.0), BOX))


@pytest.mark.parametrize(
    ("agent_class", "message"),
    [
        (Curious, r"Curious\.novelty: found 'visits' in its state but not in its run_axes; declare there"),
        (Counting, r"Counting: found 'steps' in its state but not in its run_axes; declare there"),
    ],
)
def test_an_agent_with_an_entry_that_is_not_declared_is_not_made(agent_class, message, monkeypatch):
    with pytest.raises(TypeError, match=message):
        make_entry(monkeypatch, agent_class)


def test_an_agent_with_a_part_that_declares_nothing_is_not_made(monkeypatch):
    monkeypatch.setattr(Curious, "extra_parts", lambda self: {"novelty": Undeclared()})
    with pytest.raises(TypeError, match=r"Undeclared, the agent's part 'novelty', has a state but no run_axes"):
        make_entry(monkeypatch, Curious)


def test_an_additional_part_is_saved_restored_and_compiled(monkeypatch):
    monkeypatch.setattr(Novelty, "run_axes", {"bonus": 0, "visits": 0})
    agent = make_entry(monkeypatch, Curious)
    agent.novelty.state["visits"] += 4.0
    (run,) = agent.run_states()
    assert run["novelty"]["visits"].item() == 4.0
    agent.load_run_states([run | {"novelty": {"bonus": torch.tensor(1.0), "visits": torch.tensor(9.0)}}])
    assert agent.novelty.state["visits"].tolist() == [9.0]
    assert agent.learner_parts()["novelty"] is agent.novelty


def test_the_declaration_of_parts_by_hand():
    adam = Adam(torch.zeros(2, 16), torch.ones(2, 1), (0.9, 0.999))
    axes = collect_run_axes({"adam": adam})
    assert axes == {"adam": {"mean": -2, "square": -2, "count": "shared"}}
    check_run_axes({"adam": adam.state_dict()}, axes, "agent")
