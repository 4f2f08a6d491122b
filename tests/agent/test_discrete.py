"""Actor-critics of discrete actions: exact gradients, a critic of all actions at once, known optima, stack bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

from agent import AGENTS, make_agent
from agent.actor_critic_hyperparameters import SACDiscreteHyperparameters
from agent.base import Batch, Spaces
from agent.networks.critic import DiscreteCritic
from agent.networks.network import MLP
from agent.policy.base import ActionBox
from tests.support.bandits import NUMBERED, greedy_actions, learn, nearest, quarter, two_arms
from tests.support.reference import doubles, normal32, plain_forward, random_params
from utils.core.transition import Step

NAMES = ["SACDiscrete", "GreedyACDiscrete", "VACDiscrete"]
R, B, OBS, N, HIDDEN = 3, 10, 5, 4, 20


def batch() -> Batch:
    """Transitions of R runs, their actions among 0 ... N - 1."""
    rows = normal32(R, B, 2 * OBS + 3, seed=1)
    rows[..., OBS] = torch.from_numpy(np.random.Generator(np.random.PCG64(2)).integers(0, N, (R, B))).float()
    rows[..., OBS + 2] = (rows[..., OBS + 2] > 0.5).float()
    return Batch(rows, OBS, 1)


def make_critic(count: int) -> DiscreteCritic:
    mlp = MLP(OBS, N, 2, HIDDEN)
    params = random_params(mlp, count * R, seed=3).view(count, R, -1)
    return DiscreteCritic(mlp, params, torch.full((R, 1), 1e-3), (0.9, 0.999))


def plain_values(critic: DiscreteCritic, c: int, run: int, obs: torch.Tensor, role: str = "critic") -> torch.Tensor:
    arrays = {k.split("/")[1]: v for k, v in critic.arrays(run).items() if k.startswith(f"{role}_{c}/")}
    return plain_forward(doubles(arrays), obs.double(), "relu")


@pytest.mark.parametrize("count", [1, 2])
def test_values_are_read_off_the_outputs(count):
    critic, said = make_critic(count), batch()
    asked = torch.tensor([2.0, 0.0, 3.0]).view(1, 1, 3, 1).expand(R, B, 3, 1)
    found, _ = critic.values(said.obs, asked)
    assert found.shape == (count, R, B, 3)
    for c in range(count):
        for run in range(R):
            expected = plain_values(critic, c, run, said.obs[run])[:, [2, 0, 3]].detach()
            # Three float32 layers: see the network's tests.
            np.testing.assert_allclose(found[c, run].double().numpy(), expected.numpy(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_fitting_descends_the_squared_error_of_the_actions_taken(count):
    """Adam's first mean is a tenth of the gradient, here autograd's in float64."""
    critic, said, target = make_critic(count), batch(), normal32(R, B, seed=4)
    before = [critic.arrays(run) for run in range(R)]
    loss = critic.fit(said, target)
    for run in range(R):
        total = 0.0
        for c in range(count):
            arrays = doubles({k.split("/")[1]: v for k, v in before[run].items() if k.startswith(f"critic_{c}/")})
            with torch.enable_grad():
                q = plain_forward(arrays, said.obs[run].double(), "relu")
                taken = q[torch.arange(B), said.action[run, :, 0].long()]
                plain = mse_loss(taken, target[run].double())
                grads = torch.autograd.grad(plain, list(arrays.values()))
            total += plain.item()
            found = critic.mlp.to_arrays(critic.optimizer.mean[c, run] / (1 - 0.9))
            for name, exact in zip(arrays, grads, strict=True):
                size = float(exact.abs().max()) + 1e-12
                assert np.abs(found[name] - exact.numpy()).max() < 1e-4 * size, name
        assert float(loss[run]) == pytest.approx(total, rel=1e-5)


def actor_gradient(
    name: str, **hyperparameters
) -> tuple[np.ndarray, torch.Tensor, tuple[dict[str, torch.Tensor], torch.Tensor]]:
    """The actor's gradient (P,) in run 1's first update, and that batch's log pi and Q (B, N) in float64."""
    model: Any = AGENTS[name].hyperparameters
    chosen = model(batch_size=B, hidden_dim=HIDDEN, critic_lr=1e-12, **hyperparameters)
    agent = make_agent(name, [chosen] * R, range(R), 0.9, Spaces(np.full(OBS, -1.0), np.full(OBS, 1.0), N))
    start = {k.removeprefix("actor/"): v for k, v in agent.learned_params(1).items() if k.startswith("actor/")}
    for t in range(B):
        draw = np.random.Generator(np.random.PCG64(t))
        obs, next_obs = draw.standard_normal((2, R, OBS)).astype(np.float32)
        reward, end = draw.standard_normal(R).astype(np.float32), np.zeros(R, np.float32)
        agent.observe(Step(obs, draw.integers(0, N, (R, 1)).astype(np.float32), reward, next_obs, end, end))
    agent.update()
    obs = agent.last_batch.obs[1]
    with torch.enable_grad():
        arrays = doubles(start)
        log_pi = torch.log_softmax(plain_forward(arrays, obs.double(), "relu"), -1)
    q = torch.stack([plain_values(agent.critic, c, 1, obs) for c in range(agent.num_critics)]).min(0).values.detach()
    mean = agent.actor.mlp.to_arrays(agent.actor.optimizer.mean[1] / (1 - 0.9))
    return np.concatenate([mean[name].ravel() for name in arrays]), log_pi, (arrays, q)


def assert_descends(found: np.ndarray, loss: torch.Tensor, arrays: dict[str, torch.Tensor]) -> None:
    """Float32 against float64 autograd, relative to the gradient's norm."""
    assert loss.requires_grad
    exact = np.concatenate([g.numpy().ravel() for g in torch.autograd.grad(loss, list(arrays.values()))])
    assert np.linalg.norm(exact) > 1e-3
    assert np.linalg.norm(found - exact) < 1e-5 * np.linalg.norm(exact)


def soft_loss(log_pi: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """mean_B sum_a pi (alpha log pi - Q), alpha 0.3."""
    with torch.enable_grad():
        return (log_pi.exp() * (0.3 * log_pi - q)).sum(-1).mean()


@pytest.mark.parametrize("double_q", [True, False])
def test_sacs_gradient_is_that_of_the_enumerated_soft_value(double_q):
    found, log_pi, (arrays, q) = actor_gradient("SACDiscrete", alpha=0.3, double_q=double_q)
    assert_descends(found, soft_loss(log_pi, q), arrays)


def test_vacs_gradient_is_that_of_the_enumerated_value_plus_entropy():
    found, log_pi, (arrays, q) = actor_gradient("VACDiscrete", alpha=0.3)
    assert_descends(found, soft_loss(log_pi, q), arrays)


@pytest.mark.parametrize(("rho", "kept"), [(0.1, 1), (0.5, 2), (0.6, 3)])
def test_greedy_acs_gradient_is_that_of_the_best_actions_log_probability(rho, kept):
    found, log_pi, (arrays, q) = actor_gradient("GreedyACDiscrete", rho=rho)
    with torch.enable_grad():
        loss = -log_pi.gather(-1, q.topk(kept, -1).indices).mean()
    assert_descends(found, loss, arrays)


@pytest.mark.parametrize("soft_q", [True, False])
def test_the_targets_expectation_is_exact(soft_q):
    """V(s') = sum_a pi (min Q' - alpha log pi), or without the entropy: the loss of the first update."""
    model: Any = AGENTS["SACDiscrete"].hyperparameters
    chosen = model(batch_size=1, hidden_dim=HIDDEN, soft_q=soft_q, alpha=0.3)
    agent = make_agent("SACDiscrete", [chosen], [0], 0.9, Spaces(np.full(OBS, -1.0), np.full(OBS, 1.0), N))
    before = {k: torch.from_numpy(v).double() for k, v in agent.learned_params(0).items()}
    obs, next_obs = np.random.Generator(np.random.PCG64(5)).standard_normal((2, 1, OBS)).astype(np.float32)
    end = np.zeros(1, np.float32)
    agent.observe(Step(obs, np.full((1, 1), 2.0, np.float32), np.ones(1, np.float32), next_obs, end, end))
    loss = float(agent.update()["critic_loss"][0])

    def out(role: str, x: np.ndarray) -> torch.Tensor:
        arrays = {k.split("/")[1]: v for k, v in before.items() if k.startswith(f"{role}/")}
        return plain_forward(arrays, torch.from_numpy(x).double(), "relu")[0]

    log_pi = torch.log_softmax(out("actor", next_obs), -1)
    next_q = torch.minimum(out("target_0", next_obs), out("target_1", next_obs))
    y = 1.0 + 0.9 * (log_pi.exp() * (next_q - 0.3 * soft_q * log_pi)).sum()
    expected = sum((out(f"critic_{c}", obs)[2] - y) ** 2 for c in (0, 1))
    assert loss == pytest.approx(float(expected), rel=1e-5)


OPTIONS: dict[str, Any] = {
    "SACDiscrete": {"alpha": 0.02, "critic_lr": 3e-3},
    "GreedyACDiscrete": {"critic_lr": 3e-3},
    "VACDiscrete": {"alpha": 0.02, "critic_lr": 3e-3},
}


@pytest.mark.parametrize("name", NAMES)
def test_identity(name):
    """The best of four actions in each of three runs and the middle of each quarter.

    With little entropy a policy settles on a neighbour of the best action before it has tried all four.
    """
    agent = learn(name, [nearest], 800, **OPTIONS[name] | ({"alpha": 0.4} if "alpha" in OPTIONS[name] else {}))
    middles = np.array([-0.6, -0.2, 0.2, 0.6], np.float32)
    (actions,) = greedy_actions(agent, middles)
    np.testing.assert_array_equal(actions, np.broadcast_to(quarter(middles), actions.shape))


@pytest.mark.parametrize("name", NAMES)
def test_two_arms(name):
    np.testing.assert_array_equal(greedy_actions(learn(name, [two_arms], 500, **OPTIONS[name])), 1.0)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_fraction_of_the_largest_entropy_that_is_out_of_reach_is_refused(fraction):
    with pytest.raises(ValueError, match="target_entropy_fraction"):
        SACDiscreteHyperparameters(target_entropy_fraction=fraction)


@pytest.mark.parametrize("fraction", [0.5, 0.98])
def test_a_tuned_temperature_brings_the_entropy_to_its_target(fraction):
    """Arm 1 pays 0.05 and the others nothing: at the initial alpha, 0.01, the entropy would be 0.1."""
    options: dict[str, Any] = {"automatic_entropy_tuning": True, "alpha_lr": 1e-2, "alpha": 0.01, "critic_lr": 3e-3}
    options |= {"target_entropy_fraction": fraction}
    agent = learn("SACDiscrete", [lambda obs, action: 0.05 * (action == 1)], 1200, **options)
    head, _ = agent.actor.forward(torch.zeros(3, 1, 1))
    log_prob = torch.log_softmax(head, -1)
    entropy = -(log_prob.exp() * log_prob).sum(-1)
    np.testing.assert_allclose(entropy.numpy(), fraction * np.log(4), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_a_box_is_refused(name):
    box = Spaces(np.full(1, -1.0), np.full(1, 1.0), ActionBox(torch.tensor([-1.0]), torch.tensor([1.0])))
    with pytest.raises(ValueError, match="Softmax allows: a number of discrete actions"):
        make_agent(name, [AGENTS[name].hyperparameters()], [0], 0.9, box)


def test_discrete_actions_are_refused_by_a_density():
    with pytest.raises(ValueError, match="found 4; SquashedGaussian allows: an action box"):
        make_agent("SAC", [AGENTS["SAC"].hyperparameters()], [0], 0.9, NUMBERED)
