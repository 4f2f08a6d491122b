"""The hyperparameters of the actor-critics with networks: types, ranges, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from agent.hyperparameters import Count, Decay, Fraction, Hyperparameters, NonNegative, Positive, check_clip
from agent.policy import POLICIES
from agent.replay.layout import transition_bytes

BOX_POLICIES = tuple(name for name, entry in POLICIES.items() if not entry.discrete)

if TYPE_CHECKING:
    PolicyType = str
else:
    PolicyType = Literal[*BOX_POLICIES]

PRODUCTS_A_UNIT = 2**19
"""Multiplications, in one forward pass of a batch, that cost an update as much as the calls a run adds of itself."""


class ActorCriticHyperparameters(Hyperparameters):
    """What every agent with networks and replay has."""

    compiles = True
    critic_lr: Positive = Field(1e-3, description="critic's Adam step size")
    actor_lr_scale: NonNegative = Field(1.0, description="actor step size / critic step size")
    tau: Fraction = Field(0.005, description="target averaging weight")
    target_update_interval: Count = Field(1, description="updates between target averagings")
    batch_size: Count = 32
    replay_capacity: Count = 100_000
    num_hidden: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="hidden layers of each network")
    hidden_dim: Annotated[int, Field(ge=1, le=2**20)] = Field(64, description="units a hidden layer")
    activation: Literal["relu", "tanh"] = "relu"
    weight_init: Literal["xavier_uniform", "xavier_normal", "uniform", "normal", "orthogonal", "none"] = (
        "xavier_uniform"
    )
    clip_stddev: float = Field(1000.0, description="sigma in [1/clip, clip]; <= 0: unlimited")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="Adam's decay rates")
    cuda: bool = Field(False, description="train on a GPU")

    structural: ClassVar[tuple[str, ...]] = (
        "policy_type", "target_update_interval", "batch_size", "replay_capacity", "num_hidden", "hidden_dim",
        "activation", "betas", "cuda",
    )  # fmt: skip

    @model_validator(mode="after")
    def _possible(self) -> ActorCriticHyperparameters:
        """What no network, buffer or density can be is refused."""
        if self.batch_size > self.replay_capacity:
            raise ValueError(
                f"batch_size {self.batch_size} exceeds replay_capacity {self.replay_capacity}; allowed: at most that"
            )
        check_clip(self.clip_stddev)
        return self

    @property
    def work(self) -> float:
        """One unit, and the products of hidden layers; measured with SAC."""
        return 1.0 + self.batch_size * self.num_hidden * self.hidden_dim**2 / PRODUCTS_A_UNIT

    def replay_bytes(self, obs_dim: int, action_dim: int, timesteps: int) -> int:
        """Rows of the replay buffer, of which the system gives only those that are written."""
        return min(self.replay_capacity, timesteps) * transition_bytes(self.replay_capacity, obs_dim, action_dim)


class BoxHyperparameters(ActorCriticHyperparameters):
    """Of an actor-critic whose actions lie in a box: the density and its shape."""

    policy_type: PolicyType = "SquashedGaussian"
    entropic_index: Annotated[float, Field(lt=3.0)] = Field(
        1.5, description="QGaussian's q: above 1 heavy tails, 1 the Gaussian, below 1 a compact support"
    )
    num_components: Count = Field(2, description="GaussianMixture's components")

    structural: ClassVar[tuple[str, ...]] = (
        *ActorCriticHyperparameters.structural, "entropic_index", "num_components",
    )  # fmt: skip

    @field_validator("policy_type", mode="before")
    @classmethod
    def _of_a_box(cls, policy_type: object) -> object:
        """A policy over discrete actions is refused with the reason."""
        if policy_type == "Softmax":
            raise ValueError(
                "Softmax is over discrete actions, which SACDiscrete, GreedyACDiscrete and VACDiscrete take"
            )
        return policy_type


class DiscreteHyperparameters(ActorCriticHyperparameters):
    """Of an actor-critic whose actions are discrete. `clip_stddev`, a Gaussian's, is taken and has no part."""

    policy_type: Literal["Softmax"] = "Softmax"

    @field_validator("policy_type", mode="before")
    @classmethod
    def _of_numbers(cls, policy_type: object) -> object:
        """A density over a box is refused with the reason."""
        if policy_type in BOX_POLICIES:
            raise ValueError(
                f"{policy_type} is a density over a box, which SAC, GreedyAC and VAC take; allowed: Softmax"
            )
        return policy_type


class EntropyHyperparameters(ActorCriticHyperparameters):
    """Of an actor-critic that regularises with entropy."""

    alpha: NonNegative = Field(0.2, description="entropy temperature; SAC: the initial one when tuned")


class SoftHyperparameters(EntropyHyperparameters):
    """What SAC has whatever the actions."""

    automatic_entropy_tuning: bool = Field(
        False, description="tune the temperature towards an entropy of -A; of 0.98 log n for n discrete actions"
    )
    alpha_lr: NonNegative = Field(0.0, description="the temperature's Adam step size, when tuned")
    soft_q: bool = Field(True, description="entropy in the critic's target")
    double_q: bool = Field(True, description="minimum of two critics, else one")

    @model_validator(mode="after")
    def _tunable(self) -> SoftHyperparameters:
        """A tuned temperature needs a step size and a logarithm."""
        if self.automatic_entropy_tuning and self.alpha_lr == 0.0:
            raise ValueError("alpha_lr is 0 with automatic_entropy_tuning; allowed: above 0")
        if self.automatic_entropy_tuning and self.alpha == 0.0:
            raise ValueError("alpha is 0 with automatic_entropy_tuning; allowed: above 0, as its logarithm is tuned")
        return self


SOFT = ("automatic_entropy_tuning", "soft_q", "double_q")
"""SAC's structural hyperparameters whatever the actions."""


class SACHyperparameters(SoftHyperparameters, BoxHyperparameters):
    """Soft actor-critic."""

    reparameterized: bool = Field(
        True,
        validate_default=True,
        description="pathwise actor gradient, else likelihood-ratio; false where a policy has no pathwise one",
    )
    num_samples: Count = Field(1, description="actions a state in the actor's loss")
    baseline_actions: Annotated[int, Field(ge=-1)] = Field(
        0, description="extra actions whose mean value is the likelihood-ratio baseline; <= 0: none"
    )

    structural: ClassVar[tuple[str, ...]] = (
        *BoxHyperparameters.structural, *SOFT, "reparameterized", "num_samples", "baseline_actions",
    )  # fmt: skip

    @field_validator("reparameterized", mode="after")
    @classmethod
    def _resolve(cls, asked: bool, info: ValidationInfo) -> bool:
        """What runs: false for a policy without a pathwise gradient, whatever was asked."""
        policy = POLICIES.get(info.data.get("policy_type", ""))
        return asked and policy is not None and policy.pathwise


class SACDiscreteHyperparameters(SoftHyperparameters, DiscreteHyperparameters):
    """Soft actor-critic with every action enumerated."""

    reparameterized: ClassVar[bool] = False
    num_samples: ClassVar[int] = 1
    baseline_actions: ClassVar[int] = 0

    structural: ClassVar[tuple[str, ...]] = (*DiscreteHyperparameters.structural, *SOFT)


class GreedyACHyperparameters(EntropyHyperparameters, BoxHyperparameters):
    """Greedy actor-critic."""

    policy_type: PolicyType = "Gaussian"
    n_rho: tuple[Count, Fraction] = Field((30, 0.1), description="proposals a state, and the fraction kept")

    structural: ClassVar[tuple[str, ...]] = (*BoxHyperparameters.structural, "n_rho")

    @property
    def proposals(self) -> int:
        """Draws a state from the proposal policy."""
        return self.n_rho[0]

    @property
    def rho(self) -> float:
        """The fraction of them kept."""
        return self.n_rho[1]


class GreedyACDiscreteHyperparameters(DiscreteHyperparameters):
    """Greedy actor-critic with every action proposed: there is no proposal policy and no temperature."""

    rho: Fraction = Field(0.1, description="the fraction of the actions kept; at least one is")

    proposals: ClassVar[int] = 1
    alpha: ClassVar[float] = 0.0

    structural: ClassVar[tuple[str, ...]] = (*DiscreteHyperparameters.structural, "rho")


class VACHyperparameters(EntropyHyperparameters, BoxHyperparameters):
    """Vanilla actor-critic."""

    policy_type: PolicyType = "Gaussian"
    num_samples: Count = Field(30, description="actions a state in the baseline")
    reparameterized: Literal[False] = Field(False, description="its gradient is the likelihood-ratio one")

    structural: ClassVar[tuple[str, ...]] = (*BoxHyperparameters.structural, "num_samples")


class VACDiscreteHyperparameters(EntropyHyperparameters, DiscreteHyperparameters):
    """Vanilla actor-critic with every action enumerated. `num_samples` is taken and has no part."""

    num_samples: Count = Field(30, description="no action is drawn")
