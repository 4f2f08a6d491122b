"""GreedyAC and VAC: exact gradients by enumeration, known optima, stack bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from agent import AGENTS, losses, make_agent
from tests.support.bandits import SPACES, STATES, greedy_actions, identity, learn, one_peak, two_peaks
from utils.core.transition import Step

LOGITS = torch.tensor([0.3, -0.8, 0.5], dtype=torch.float64)
VALUES = torch.tensor([1.0, -2.0, 0.7], dtype=torch.float64)
ALPHA = torch.tensor([[[0.7]]], dtype=torch.float64)


def categorical() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that carry a gradient, and their log probabilities (3,)."""
    logits = LOGITS.clone().requires_grad_()
    return logits, torch.log_softmax(logits, 0)


def exact_grad(value_weight: float) -> torch.Tensor:
    """Gradient by the logits of -(value_weight E[Q] + alpha H), all sums in full."""
    with torch.enable_grad():
        logits, log_pi = categorical()
        loss = -(log_pi.exp() * (value_weight * VALUES - ALPHA[0, 0, 0] * log_pi)).sum()
        return torch.autograd.grad(loss, logits)[0]


def expected_grad(draws: int, by_log_prob) -> torch.Tensor:
    """Expectation of a score-function gradient over every outcome of so many draws."""
    with torch.enable_grad():
        logits, log_pi = categorical()
        total = torch.zeros(())
        for outcome in itertools.product(range(3), repeat=draws):
            drawn = torch.tensor(outcome)
            scored = log_pi[drawn]
            weights = by_log_prob(drawn, scored.detach().view(1, 1, -1))
            probability = scored.detach().sum().exp()
            total = total + probability * (weights.view(-1) * scored[: weights.shape[-1]]).sum()
        return torch.autograd.grad(total, logits)[0]


@pytest.mark.parametrize("draws", [2, 3, 4])
def test_the_proposals_entropy_gradient_is_the_entropys(draws):
    """With the part for the kept draws taken out, the expectation is -alpha grad H exactly (float64)."""

    def entropy_part(drawn, log_prob):
        best = torch.zeros(1, 1, 1, dtype=torch.int64)
        return losses.proposal_grad(log_prob, best, ALPHA) - losses.proposal_grad(log_prob, best, 0 * ALPHA)

    torch.testing.assert_close(expected_grad(draws, entropy_part), exact_grad(0.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("baseline_draws", [1, 2])
def test_vacs_gradient_is_that_of_value_plus_entropy(baseline_draws):
    def vac(drawn, log_prob):
        value, baseline = VALUES[drawn[:1]].view(1, 1, 1), VALUES[drawn[1:]].mean().view(1, 1, 1)
        return losses.likelihood_ratio_grad(value, log_prob[..., :1], 1.0, ALPHA, baseline)

    torch.testing.assert_close(expected_grad(1 + baseline_draws, vac), exact_grad(1.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("k", "rho", "kept"), [(30, 0.1, 3), (10, 0.25, 3), (3, 0.1, 1), (5, 1.0, 5), (70, 0.1, 7)])
def test_the_best_are_kept(k, rho, kept):
    """ceil(rho K) of them, and 0.1 * 70 = 7.000000000000001 is 7."""
    rng = np.random.Generator(np.random.PCG64(k))
    q = torch.from_numpy(rng.permutation(2 * k).reshape(1, 2, k).astype(np.float32))
    best = losses.keep_best(q, rho)
    assert best.shape == (1, 2, kept)
    for b in range(2):
        expected = np.sort(q[0, b].numpy())[-kept:]
        np.testing.assert_array_equal(np.sort(q[0, b][best[0, b]].numpy()), expected)


def test_kept_latents_and_their_gradient():
    latent = torch.arange(12.0).view(1, 2, 3, 2)
    best = torch.tensor([[[2], [0]]])
    kept = losses.kept_latents(latent, best)
    assert kept.tolist() == [[[[4.0, 5.0]], [[6.0, 7.0]]]]
    assert losses.cross_entropy_grad(kept).tolist() == [[[-0.5], [-0.5]]]
    by_log_prob = losses.proposal_grad(torch.zeros(1, 2, 3), best, torch.zeros(1, 1, 1))
    assert by_log_prob.tolist() == [[[0.0, 0.0, -0.5], [-0.5, 0.0, 0.0]]]


AGENTS_AND_OPTIONS: list[Any] = [
    ("SAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "SquashedGaussian"}),
    ("SAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "Gaussian", "reparameterized": False, "num_samples": 8}),
    ("GreedyAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "Gaussian"}),
    pytest.param(
        "GreedyAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "SquashedGaussian"}, marks=pytest.mark.slow
    ),
    ("VAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "Gaussian"}),
    pytest.param("VAC", {"alpha": 0.02, "critic_lr": 3e-3, "policy_type": "SquashedGaussian"}, marks=pytest.mark.slow),
]
FOR_TWO_PEAKS: dict[str, Any] = {"alpha": 0.0, "actor_lr_scale": 0.3}
"""Hyperparameters of a Gaussian for two peaks. With a reward for entropy, one as wide as the box grows on beyond it,
where all its draws are clipped, and ends at a bound.
"""

IDS = ["SAC", "SAC-score", "GreedyAC", "GreedyAC-squashed", "VAC", "VAC-squashed"]


@pytest.mark.parametrize(("name", "options"), AGENTS_AND_OPTIONS, ids=IDS)
def test_the_best_actions_are_learned(name, options):
    """Within 0.15 of the best action, a tenth of the range, in each of three runs and nine states.

    The best action is the observation, a peak, or the higher of two peaks, for a policy that starts in the middle.
    """
    problems = {identity: STATES, one_peak: 0.5, two_peaks: 0.6}
    changes: dict[Any, Any] = {two_peaks: FOR_TWO_PEAKS} if options["policy_type"] == "Gaussian" else {}
    if "reparameterized" in options:
        del problems[two_peaks]  # It takes a baseline; see below.
    learned = greedy_actions(learn(name, [*problems], 1000, changes, **options))
    for (problem, best), actions in zip(problems.items(), learned, strict=True):
        assert np.abs(actions - best).max() < 0.15, problem.__name__


@pytest.mark.parametrize(
    "options", [{}, {"reparameterized": False, "num_samples": 8, "baseline_actions": 8}], ids=["pathwise", "score"]
)
def test_sac_finds_the_higher_of_two_peaks_by_an_unbounded_density(options):
    options = {"critic_lr": 3e-3, "policy_type": "Gaussian"} | FOR_TWO_PEAKS | options
    (actions,) = greedy_actions(learn("SAC", [two_peaks], 1000, **options))
    assert np.abs(actions - 0.6).max() < 0.15


def log_stds(alpha: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """log sigma of actor and proposal in three runs of GreedyAC on the one-peak problem."""
    options: dict[str, Any] = {"alpha": alpha, "critic_lr": 3e-3, "policy_type": "SquashedGaussian"}
    agent = learn("GreedyAC", [one_peak], steps, **options)
    actor, proposal = (net.forward(torch.zeros(3, 1, 1))[0][:, 0, 1].numpy() for net in (agent.actor, agent.proposal))
    return actor, proposal


def test_the_proposal_stays_broader_than_the_actor():
    """At alpha = 1, where entropy balances the pull of draws that all lie near the peak."""
    actor, proposal = log_stds(1.0, 600)
    assert (proposal > actor + 0.5).all()


def test_without_entropy_actor_and_proposal_move_as_one():
    """After ten updates; the actor's pass holds twice the rows, so float32 rounds it otherwise."""
    actor, proposal = log_stds(0.0, 41)
    np.testing.assert_allclose(actor, proposal, rtol=0, atol=1e-4)
    assert (np.abs(actor) > 1e-3).all()


def live(name: str, members: list[int], hidden: int, batch: int) -> list[dict[str, np.ndarray]]:
    """What each member has learned after 25 updates on transitions of its own."""
    model: Any = AGENTS[name].hyperparameters
    lrs, alphas = [1e-3, 1e-2, 3e-3], [0.0, 0.1, 1.0, 0.3]
    settings = [model(hidden_dim=hidden, batch_size=batch, critic_lr=lrs[i % 3], alpha=alphas[i % 4]) for i in members]
    agent = make_agent(name, settings, members, 0.9, SPACES)
    streams = [np.random.Generator(np.random.PCG64(i)) for i in members]
    for _ in range(batch + 25):
        obs, next_obs, reward = np.stack([s.standard_normal((3, 1)).astype(np.float32) for s in streams], 1)
        over = np.zeros(len(members), np.float32)
        agent.observe(Step(obs, agent.act(obs), reward[:, 0], next_obs, over, over))
        agent.update()
    return [agent.learned_params(slot) for slot in range(len(members))]


@pytest.mark.parametrize(("hidden", "batch"), [(64, 32), (30, 10)])
@pytest.mark.parametrize("name", ["GreedyAC", "VAC"])
def test_a_stack_keeps_every_bit(name, hidden, batch):
    (alone,) = live(name, [4], hidden, batch)
    for members in ([7, 4], [1, 2, 3, 4, 5, 6, 0], [9, 8, 7, 6, 5, 3, 2, 1, 0, 11, 12, 13, 14, 15, 16, 4]):
        together = live(name, members, hidden, batch)[members.index(4)]
        assert together.keys() == alone.keys()
        for key, array in alone.items():
            np.testing.assert_array_equal(together[key], array, err_msg=key)
