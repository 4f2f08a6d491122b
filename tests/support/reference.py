"""Reference implementations of the agents' computations: one network, one run, float64, loops and autograd."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.base import Spaces
from agent.networks.network import MLP
from agent.policy.base import ActionBox
from agent.sac import SAC
from utils.core.transition import Step

Arrays = dict[str, Tensor]

UNIT = 2.0**-24
"""Half the distance from 1 to the next float32: the relative error of one rounding."""

COMPILER = os.environ.get("CXX", "g++")

needs_compiler = pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"no C++ compiler here: {COMPILER}")


def rng(*seed: int) -> np.random.Generator:
    """Return a generator that only tests use."""
    return np.random.default_rng(seed)


def normal32(*shape: int, seed: int) -> Tensor:
    """Return standard normals, float32."""
    return torch.from_numpy(rng(seed).standard_normal(shape, np.float32))


def used_mask(mlp: MLP) -> Tensor:
    """Return a mask (P,), True where a flat parameter belongs to the network and False where it is padding."""
    flat = torch.zeros(mlp.num_params)
    for layer in mlp.layers:
        weight, bias = mlp.layer_views(flat.unsqueeze(0), layer)
        weight[0, : layer.in_dim, : layer.out_dim] = 1.0
        bias[0, 0, : layer.out_dim] = 1.0
        if layer.norm_offset is not None:
            for view in mlp.norm_views(flat.unsqueeze(0), layer):
                view[0, 0, : layer.out_dim] = 1.0
    return flat > 0


def random_params(mlp: MLP, n: int, seed: int) -> Tensor:
    """Return parameters (n, P) with random weights and biases and zero padding; activations stay of order 1."""
    flat = normal32(n, mlp.num_params, seed=seed) * used_mask(mlp)
    for layer in mlp.layers:
        mlp.layer_views(flat, layer)[0].mul_(1.0 / math.sqrt(layer.in_dim))
    return flat


def doubles(arrays: dict[str, np.ndarray]) -> Arrays:
    """Return named arrays as float64 leaves of an autograd graph."""
    return {name: torch.from_numpy(array.astype(np.float64)).requires_grad_() for name, array in arrays.items()}


def plain_forward(arrays: Arrays, x: Tensor, activation: str) -> Tensor:
    """Return the network's output (..., O) at x (..., I), with parameters weight_0, bias_0, ...

    With norm_gain_0, norm_bias_0, ..., pre-activations are normalized by torch's own function.
    """
    for i in range(sum(name.startswith("weight_") for name in arrays)):
        if i:
            if f"norm_gain_{i - 1}" in arrays:
                gain, bias = arrays[f"norm_gain_{i - 1}"], arrays[f"norm_bias_{i - 1}"]
                x = torch.nn.functional.layer_norm(x, gain.shape, gain, bias, 1e-5)
            x = torch.tanh(x) if activation == "tanh" else torch.clamp(x, min=0.0)
        x = x @ arrays[f"weight_{i}"] + arrays[f"bias_{i}"]
    return x


class PlainAdam:
    """Adam exactly as in Kingma & Ba 2015, algorithm 1."""

    def __init__(self, params: Sequence[Tensor], lr: float, betas: tuple[float, float]) -> None:
        self.params, self.lr, self.betas, self.t = params, lr, betas, 0
        self.m = [torch.zeros_like(p) for p in params]
        self.v = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor]) -> None:
        self.t += 1
        b1, b2 = self.betas
        for i, (p, g) in enumerate(zip(self.params, grads, strict=True)):
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g * g
            m_hat, v_hat = self.m[i] / (1 - b1**self.t), self.v[i] / (1 - b2**self.t)
            p -= self.lr * m_hat / (v_hat.sqrt() + 1e-8)


class PlainPolicy:
    """Gaussian or squashed Gaussian, in the naive form that is accurate enough in float64."""

    def __init__(self, kind: str, low: Sequence[float], high: Sequence[float], clip: float) -> None:
        low_, high_ = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
        self.low, self.high = low_, high_
        self.squashed, self.scale, self.centre = kind == "SquashedGaussian", (high_ - low_) / 2, (high_ + low_) / 2
        self.log_clip = math.log(clip) if clip > 0 else math.inf

    def normal(self, head: Tensor) -> torch.distributions.Normal:
        """Return the latents' distribution, batch shape (B, 1, A).  head: (B, 2 A)."""
        location, log_std = head.unsqueeze(1).chunk(2, -1)
        if not self.squashed:
            location = self.centre + self.scale * torch.tanh(location)
        return torch.distributions.Normal(location, log_std.clamp(-self.log_clip, self.log_clip).exp())

    def action(self, latent: Tensor) -> Tensor:
        """Return the action that the environment executes and the critic evaluates."""
        if self.squashed:
            return self.centre + self.scale * torch.tanh(latent)
        return latent.clamp(self.low, self.high)

    def latent_log_prob(self, head: Tensor, latent: Tensor) -> Tensor:
        """Return the log density (B, K) of the actions that latents (B, K, A) map to."""
        log_prob = self.normal(head).log_prob(latent)
        if self.squashed:
            log_prob = log_prob - torch.log(self.scale * (1.0 - torch.tanh(latent) ** 2))
        return log_prob.sum(-1)

    def draw_latent(self, head: Tensor, noise: Tensor) -> Tensor:
        normal = self.normal(head)
        return normal.mean + normal.stddev * noise


class PlainSAC:
    """One soft actor-critic from the papers' equations, with gradients by autograd."""

    def __init__(self, setting: SACHyperparameters, params: dict[str, np.ndarray], box: ActionBox) -> None:
        """Copy the parameters.  params: named as by `learned_params`.  box: bounds of the environment's actions."""
        self.setting, self.updates = setting, 0
        self.low, self.high = box.low.double(), box.high.double()
        low, high = self.low, self.high
        if setting.action_units == "unit":
            low, high = -torch.ones_like(low), torch.ones_like(high)
        self.policy = PlainPolicy(setting.policy_type, low.tolist(), high.tolist(), setting.clip_stddev)
        count = 2 if setting.double_q else 1
        self.actor = doubles(entries_under("actor/", params))
        self.critics = [doubles(entries_under(f"critic_{c}/", params)) for c in range(count)]
        self.targets = [doubles(entries_under(f"target_{c}/", params)) for c in range(count)]
        self.log_alpha = torch.tensor(math.log(setting.alpha), dtype=torch.float64)
        self.target_entropy = -len(box.low) if setting.target_entropy is None else setting.target_entropy
        lr, betas = setting.critic_lr, setting.betas
        self.critic_adam = PlainAdam([p for critic in self.critics for p in critic.values()], lr, betas)
        self.actor_adam = PlainAdam(list(self.actor.values()), lr * setting.actor_lr_scale, betas)
        self.alpha_adam = PlainAdam([self.log_alpha], setting.alpha_lr, betas)

    def value(self, critics: list[Arrays], obs: Tensor, action: Tensor) -> Tensor:
        """Return the minimum of the critics' values (B, K) of actions (B, K, A) in obs (B, O)."""
        x = torch.cat((obs.unsqueeze(1).expand(-1, action.shape[1], -1), action), -1)
        q = [plain_forward(critic, x, self.setting.activation).squeeze(-1) for critic in critics]
        return torch.stack(q).amin(0)

    @torch.enable_grad()
    def update(self, batch: dict[str, Tensor], noise: Tensor, gamma: float) -> dict[str, float]:
        """Update critics, actor and targets once. Returns the losses.

        batch: float64 (B, ...), actions in the environment's units.  noise: (B, 1 + num_samples + baseline_actions, A).
        """
        setting, k = self.setting, self.setting.num_samples
        if setting.action_units == "unit":
            batch = batch | {"action": 2.0 * (batch["action"] - self.low) / (self.high - self.low) - 1.0}
        alpha = self.log_alpha.exp()
        critic_loss = self.critic_loss(batch, noise[:, :1], gamma, alpha if setting.soft_q else 0.0)
        self.critic_adam.step(torch.autograd.grad(critic_loss, self.critic_adam.params))
        head = plain_forward(self.actor, batch["obs"], setting.activation)
        loss, surrogate, log_prob = self.actor_loss(batch, head, noise[:, 1 : 1 + k], noise[:, 1 + k :], alpha)
        self.actor_adam.step(torch.autograd.grad(surrogate, self.actor_adam.params))
        if setting.automatic_entropy_tuning:
            self.tune(log_prob.detach())
        self.updates += 1
        if self.updates % setting.target_update_interval == 0:
            self.average()
        return {"critic_loss": critic_loss.item(), "actor_loss": loss.item()}

    def critic_loss(self, batch: dict[str, Tensor], noise: Tensor, gamma: float, alpha: Tensor | float) -> Tensor:
        next_head = plain_forward(self.actor, batch["next_obs"], self.setting.activation)
        latent = self.policy.draw_latent(next_head, noise)
        next_q = self.value(self.targets, batch["next_obs"], self.policy.action(latent))
        soft = (next_q - alpha * self.policy.latent_log_prob(next_head, latent)).mean(1)
        target = (batch["reward"] + gamma * (1 - batch["terminated"]) * soft).detach()
        x = torch.cat((batch["obs"], batch["action"]), -1)
        q = [plain_forward(critic, x, self.setting.activation)[:, 0] for critic in self.critics]
        return torch.stack([((one - target) ** 2).mean() for one in q]).sum()

    def actor_loss(
        self, batch: dict[str, Tensor], head: Tensor, noise: Tensor, baseline_noise: Tensor, alpha: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss, a function whose gradient is the estimator's, and log pi (B, K)."""
        latent = self.policy.draw_latent(head, noise)
        if not self.setting.reparameterized:
            latent = latent.detach()
        log_prob = self.policy.latent_log_prob(head, latent)
        value = self.value(self.critics, batch["obs"], self.policy.action(latent))
        loss = (alpha * log_prob - value).mean()
        if self.setting.reparameterized:
            return loss, loss, log_prob
        baseline: Tensor | float = 0.0
        if baseline_noise.shape[1]:
            action = self.policy.action(self.policy.draw_latent(head, baseline_noise))
            baseline = self.value(self.critics, batch["obs"], action).mean(1, keepdim=True)
        advantage = (value - baseline - alpha * log_prob).detach()
        return loss, -(log_prob * advantage).mean(), log_prob

    def tune(self, log_prob: Tensor) -> None:
        log_alpha = self.log_alpha.clone().requires_grad_()
        loss = -(log_alpha * (log_prob + self.target_entropy)).mean()
        self.alpha_adam.step(torch.autograd.grad(loss, [log_alpha]))

    @torch.no_grad()
    def average(self) -> None:
        tau = self.setting.tau
        for target, critic in zip(self.targets, self.critics, strict=True):
            for name in target:
                target[name].copy_((1 - tau) * target[name] + tau * critic[name])

    def learned_params(self) -> dict[str, np.ndarray]:
        """Return the parameters, named as by the agent."""
        named = {f"actor/{name}": p for name, p in self.actor.items()}
        for role, networks in (("critic", self.critics), ("target", self.targets)):
            named |= {f"{role}_{c}/{name}": p for c, arrays in enumerate(networks) for name, p in arrays.items()}
        return {name: p.detach().numpy() for name, p in named.items()} | {"alpha": self.log_alpha.exp().numpy()[None]}


def entries_under(prefix: str, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the entries whose names start with the prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in params.items() if name.startswith(prefix)}


GAMMA = 0.9
LOW, HIGH = -1.0, 1.5
"""Bounds of every action dimension of the synthetic problem."""


def make_sac(settings: Sequence[SACHyperparameters], seeds: Sequence[int], obs_dim: int, action_dim: int) -> SAC:
    """Return a stack for the synthetic problem below."""
    return SAC(settings, seeds, GAMMA, make_spaces(obs_dim, action_dim))


def make_spaces(obs_dim: int, action_dim: int) -> Spaces:
    """Return spaces of unbounded observations and bounded actions."""
    bound = np.full(obs_dim, np.inf)
    return Spaces(-bound, bound, make_box(action_dim))


def make_box(action_dim: int) -> ActionBox:
    """Return a box from LOW to HIGH in every dimension."""
    return ActionBox(torch.full((action_dim,), LOW), torch.full((action_dim,), HIGH))


def transitions(seed: int, count: int, obs_dim: int) -> dict[str, np.ndarray]:
    """Return the environment's outputs at each of `count` steps of one run, independent of the actions, float32."""
    draw = rng(seed, 77)
    return {
        "obs": draw.standard_normal((count, obs_dim), np.float32),
        "reward": draw.standard_normal(count, np.float32),
        "next_obs": draw.standard_normal((count, obs_dim), np.float32),
        "terminated": (draw.random(count) < 0.2).astype(np.float32),
        "truncated": (draw.random(count) < 0.2).astype(np.float32),
    }


def train(agent: SAC, obs_dim: int, updates: int) -> list[dict[str, np.ndarray]]:
    """Act, observe and update for `updates` updates. Returns each step's actions and metrics (R, ...)."""
    steps = agent.common.batch_size - 1 + updates
    runs = [transitions(seed, steps, obs_dim) for seed in agent.random_seeds]
    outputs = {name: np.stack([run[name] for run in runs], 1) for name in runs[0]}
    history = []
    for t in range(steps):
        action = agent.act(outputs["obs"][t])
        agent.observe(Step(action=action, **{name: outputs[name][t] for name in outputs}))
        history.append({"action": action} | {name: value.numpy() for name, value in agent.update().items()})
    return history


def tensor_bytes(part: object) -> int:
    """Return the bytes of an object's tensors, each storage counted once."""
    storages = (value.untyped_storage() for value in vars(part).values() if isinstance(value, Tensor))
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
