"""Diagnostics by value, in either engine, in any stack; what no update noted is left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from agent import AGENTS, make_agent
from agent.base import Spaces
from agent.diagnostics import Diagnostics, standard_deviation
from agent.engine.compiled import compile_agent
from agent.policy.base import ActionBox, Proposals
from agent.policy.gaussian import Gaussian
from tests.support.reference import needs_compiler
from utils.core.transition import Step

RUNS, OBS, BATCH = 3, 4, 8
BOX = ActionBox(torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]))

LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "tuned": ("SAC", {"automatic_entropy_tuning": True, "alpha_lr": 0.01, "alpha": 0.3}),
    "Beta": ("SAC", {"policy_type": "Beta"}),
    "mixture": ("SAC", {"policy_type": "GaussianMixture"}),
    "likelihood ratio": ("SAC", {"reparameterized": False, "num_samples": 3}),
    "GreedyAC": ("GreedyAC", {}),
    "VAC": ("VAC", {"policy_type": "Student"}),
    "SACDiscrete": ("SACDiscrete", {}),
    "GreedyACDiscrete": ("GreedyACDiscrete", {}),
    "VACDiscrete": ("VACDiscrete", {}),
}


def make(case: str, seeds: list[int], **more: Any) -> Any:
    name, options = LEARNERS[case]
    model: Any = AGENTS[name].hyperparameters
    spaces = Spaces(np.full(OBS, -3.0), np.full(OBS, 3.0), 3 if "Discrete" in name else BOX)
    setting = model(batch_size=BATCH, hidden_dim=16, **options, **more)
    return make_agent(name, [setting] * len(seeds), seeds, 0.9, spaces)


def live(agent: Any, seeds: list[int], steps: int) -> None:
    """Act, observe and learn on transitions that depend on each run's seed alone."""
    streams = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
    for _ in range(steps):
        obs, next_obs = (np.stack([s.standard_normal(OBS) for s in streams]).astype(np.float32) for _ in range(2))
        reward = np.array([s.standard_normal() for s in streams])
        never = np.zeros(len(seeds), np.float32)
        agent.observe(Step(obs, agent.act(obs), reward, next_obs, never, never))
        agent.update()


def collector(names: tuple[str, ...], runs: int = 2, critics: int = 2) -> Diagnostics:
    """Return diagnostics for a Gaussian in a box of one dimension, whose head is [location, log scale]."""
    box = ActionBox(torch.tensor([-1.0]), torch.tensor([1.0]))
    return Diagnostics(runs, names, Gaussian(box, torch.zeros(runs)), critics)


@pytest.mark.parametrize("together", [1, 2, 16])
def test_means_extremes_and_deviations_by_value(together):
    """Two updates with batches of two; the second run has other numbers, or the same."""
    found = collector(("critic_loss", "q", "td_error", "entropy", "critic_grad_norm", "scale", "saturated"))
    found.together = together
    for loss, q, by_q, log_prob, squares, scales, actions in (
        (10.0, [1.0, 3.0], [1.0, -3.0], [-1.0, -2.0], [9.0, 16.0], [1.0, 3.0], [0.5, 1.5]),
        (30.0, [5.0, 7.0], [-2.0, 0.0], [-3.0, 4.0], [0.0, 1.0], [2.0, 8.0], [-0.5, 0.9995]),
    ):
        values = torch.tensor([[q, q], [[0.0, 0.0]] * 2]).unsqueeze(3)  # (R, C, B, 1)
        errors = torch.tensor([[by_q, by_q]] * 2).unsqueeze(3)
        found.note(critic_loss=torch.tensor([loss, loss]), q=values, td_error=errors)
        found.note(critic_grad_norm=torch.tensor([squares] * 2))
        log_probs, weight = torch.tensor([log_prob] * 2).unsqueeze(2), 1.0
        head = torch.stack((torch.zeros(2), torch.tensor(scales).log()), 1).expand(2, 2, 2)
        action = torch.tensor([actions] * 2).view(2, 2, 1, 1)
        found.note_policy(head, Proposals(action, log_probs, weight, action))
        found.add()
    mean_error = (1.0 + 1.0) / 2  # The TD error y - Q is -B/2 times the gradient: (-1, 3), then (2, 0).
    expected = {
        "critic_loss": 20.0, "q": 4.0, "td_error": mean_error, "entropy": 0.5, "critic_grad_norm": 3.0,
        "scale": 3.5, "saturated": 0.5, "scale_min": 1.0, "scale_max": 8.0, "td_error_std": 3.0,
    }  # fmt: skip
    assert found.read(0) == pytest.approx(expected, rel=1e-6)
    assert found.read(0) == {}
    assert found.read(1) == pytest.approx(expected | {"q": 0.0}, rel=1e-6), "the other run's window went on"


def test_a_quantity_counts_the_updates_that_noted_it():
    found = collector(("q", "alpha"), runs=1)
    found.note(q=torch.tensor([1.0]), alpha=torch.tensor([7.0]))
    found.add()
    found.note(q=torch.tensor([2.0]))
    found.add()
    assert found.read(0) == {"q": 1.5, "alpha": 7.0}


def test_an_undeclared_quantity_is_refused():
    with pytest.raises(KeyError, match="found other; allowed: q"):
        collector(("q",)).note(other=torch.tensor([1.0]))


@pytest.mark.parametrize("case", LEARNERS)
def test_it_makes_no_difference_how_many_updates_are_reduced_together(case):
    """Nor does it when: a state that is saved, or a window that ends, reduces those that wait."""
    agents = [make(case, [0, 1]) for _ in range(3)]
    agents[0].diagnostics.together = 1
    for _ in range(3):
        for agent in agents:
            live(agent, [0, 1], 13)
        agents[1].state_dict()
    first, *others = [[agent.read_diagnostics(run) for run in range(2)] for agent in agents]
    assert others == [first, first]


def test_a_deviation_of_equal_numbers_is_0_and_of_nan_nan():
    assert standard_deviation(0.1, 0.1**2 * (1 - 1e-16)) == 0.0
    assert math.isnan(standard_deviation(math.nan, math.nan))


@pytest.mark.parametrize("case", LEARNERS)
def test_one_update_by_value(case):
    """The first update's quantities, computed again from the networks before it; gradients from Adam's moments."""
    agent = make(case, [0, 1])
    live(agent, [0, 1], BATCH - 1)
    networks = [agent.critic.params.clone(), agent.actor.params.clone()]
    seen: dict[str, Any] = {}
    update = agent.update_networks

    def watched(batch: Any, noise: Any) -> Any:
        seen.update(batch=batch, noise=noise, head=agent.actor.forward(batch.obs)[0].clone())
        seen["q"] = agent.critic.values(batch.obs, batch.action.unsqueeze(2))[0].squeeze(-1).clone()
        return update(batch, noise)

    agent.update_networks = watched
    live(agent, [0, 1], 1)
    assert not torch.equal(networks[0], agent.critic.params)
    assert not torch.equal(networks[1], agent.actor.params)
    found = [agent.read_diagnostics(run) for run in range(2)]
    for run, values in enumerate(found):
        q = seen["q"][:, run].double()  # (C, B)
        assert values["q"] == pytest.approx(float(q.mean()), rel=1e-5, abs=1e-6)
        # The critic's loss is the sum over critics of the mean squared error.
        square = values["critic_loss"] / len(q)
        assert values["td_error_std"] == pytest.approx(math.sqrt(square - values["td_error"] ** 2), rel=1e-4)
        for name, optimizer in (("critic", agent.critic.optimizer), ("actor", agent.actor.optimizer)):
            moment = optimizer.mean[..., run, :].double()  # (1 - beta1) times the gradient, after one step.
            norm = float(moment.norm()) / (1.0 - agent.common.betas[0])
            assert values[f"{name}_grad_norm"] == pytest.approx(norm, rel=1e-4)
        spread = agent.policy.spread(seen["head"])[run]
        name = agent.policy.spread_name
        assert values[name] == pytest.approx(float(spread.mean()), rel=1e-5)
        assert [values[f"{name}_min"], values[f"{name}_max"]] == pytest.approx(
            [float(spread.min()), float(spread.max())]
        )
    if case == "tuned":
        assert [values["alpha"] for values in found] == pytest.approx(agent.alpha.flatten().tolist())
    assert set(found[0]) == expected_names(agent)


def expected_names(agent: Any) -> set[str]:
    """Return the names that a window of an agent has."""
    return {"td_error_std", *agent.diagnostic_names()} | {f"{agent.policy.spread_name}_{end}" for end in ("min", "max")}


@pytest.mark.parametrize("case", ["tuned", "mixture", "SACDiscrete", "GreedyAC"])
def test_entropy_and_saturation_by_value(case):
    """From the policy's own proposals with the update's own noise, drawn again."""
    agent = make(case, [0])
    live(agent, [0], BATCH - 1)
    seen: dict[str, Any] = {}
    update = agent.update_networks

    def watched(batch: Any, noise: Any) -> Any:
        first = agent.actor if not hasattr(agent, "proposal") or agent.proposal is None else agent.proposal
        own = noise.split((1, *agent._draws_per_state()), 2)[1]
        draw = agent.policy.sample_pathwise if case == "mixture" else agent.policy.sample
        seen["proposals"] = draw(first.forward(batch.obs)[0], own)
        return update(batch, noise)

    agent.update_networks = watched
    live(agent, [0], 1)
    values, proposals = agent.read_diagnostics(0), seen["proposals"]
    weight = proposals.weight if isinstance(proposals.weight, torch.Tensor) else torch.tensor(proposals.weight)
    entropy = -(weight * proposals.log_prob).expand_as(proposals.log_prob).double().sum(2).mean()
    assert values["entropy"] == pytest.approx(float(entropy), rel=1e-5)
    if case != "SACDiscrete":
        outside = (proposals.action.abs() >= 1.0 - 2e-3).double().mean()
        assert values["saturated"] == pytest.approx(float(outside), abs=1e-6)


@pytest.mark.parametrize("case", LEARNERS)
def test_a_stack_has_the_bits_of_each_run_alone(case):
    together = make(case, [0, 1, 2])
    live(together, [0, 1, 2], 30)
    for run in range(RUNS):
        alone = make(case, [run])
        live(alone, [run], 30)
        assert alone.read_diagnostics(0) == together.read_diagnostics(run)


@needs_compiler
@pytest.mark.parametrize("case", ["tuned", pytest.param("GreedyAC", marks=pytest.mark.slow), "VACDiscrete"])
def test_the_compiled_engine_has_the_same_values(case):
    """To 1e-3 after 20 updates: the engines round differently, and learning amplifies it."""
    eager, compiled = make(case, [0, 1]), make(case, [0, 1])
    compile_agent(compiled)
    for agent in (eager, compiled):
        live(agent, [0, 1], BATCH + 20)
    for run in range(2):
        expected, found = eager.read_diagnostics(run), compiled.read_diagnostics(run)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


def test_linear_ac_by_value():
    """Where the state does not change, v(s') - v(s) is 0, and rewards alone determine the TD errors."""
    model: Any = AGENTS["linearAC"].hyperparameters
    setting = model(critic_lr=0.1, actor_lr=0.05, avg_reward_lr=0.2, decay=0.5)
    spaces = Spaces(np.full(1, -1.0), np.full(1, 1.0), ActionBox(-torch.ones(1), torch.ones(1)), tile_coding=False)
    agent = make_agent("linearAC", [setting], [0], 1.0, spaces)
    zero, obs = np.zeros(1, np.float32), np.zeros((1, 1), np.float32)
    deltas, averages, average = [], [], 0.0
    for step in range(130):
        reward = math.sin(step)
        agent.observe(Step(obs, agent.act(obs), np.array([reward]), obs, zero, zero))
        if step + 1 in (64, 128):  # The updates at which spread and norms are added.
            sigma = float(agent.policy.parameters(agent.weights[1:, 0] @ np.array([[0.0], [1.0]]))[1].mean())
            averages.append(("scale", sigma))
        agent.update()
        deltas.append(reward - average)
        average += 0.2 * deltas[-1]
        averages.append(("avg_reward", average))
    values = agent.read_diagnostics(0)
    expected = {name: np.mean([value for key, value in averages if key == name]) for name in ("avg_reward", "scale")}
    expected |= {"td_error": np.mean(deltas), "td_error_std": np.std(deltas)}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert set(values) - set(expected) == {"critic_trace_norm", "actor_trace_norm"}
    assert agent.read_diagnostics(0) == {}


@pytest.mark.parametrize("features", [64, 2**14])
def test_norms_of_dense_and_sparse_traces(features):
    from agent.linear.traces import make_traces

    traces = make_traces(2, 2, features)
    index = np.array([[0, 5], [features + 1, features + 7]])
    traces.accumulate(np.array([0.5, 0.5]), index, np.array([[[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0], [6.0, 8.0]]]))
    assert traces.norms().tolist() == [[5.0, 1.0], [2.0, 10.0]]
