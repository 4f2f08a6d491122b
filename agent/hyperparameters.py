"""The hyperparameters of each agent: types, ranges, defaults. Imports no torch: login nodes read it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]

PolicyType = Literal[
    "SquashedGaussian", "Gaussian", "Beta", "Kumaraswamy", "TruncatedGaussian", "Student", "Laplace", "QGaussian",
    "GaussianMixture",
]  # fmt: skip

NOT_PATHWISE = ("GaussianMixture",)
"""Policies whose draws have no pathwise gradient: `pathwise` is False in their classes."""


class Hyperparameters(BaseModel):
    """One agent's. Runs that agree on `structural` hyperparameters can train in one stack."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    structural: ClassVar[tuple[str, ...]] = ()

    def structure(self) -> tuple:
        """What must be equal among the runs of a stack."""
        return tuple(getattr(self, name) for name in self.structural)


def check_clip(clip_stddev: float) -> None:
    """Raises ValueError for a bound on sigma that allows no sigma."""
    if 0.0 < clip_stddev < 1.0:
        raise ValueError(f"clip_stddev is {clip_stddev}; allowed: at least 1, or <= 0 for no limit")


class ActorCriticHyperparameters(Hyperparameters):
    """What every agent with networks and replay has."""

    policy_type: PolicyType = "SquashedGaussian"
    entropic_index: Annotated[float, Field(lt=3.0)] = Field(
        1.5, description="QGaussian's q: above 1 heavy tails, 1 the Gaussian, below 1 a compact support"
    )
    num_components: Count = Field(2, description="GaussianMixture's components")
    critic_lr: Positive = Field(1e-3, description="critic's Adam step size")
    actor_lr_scale: NonNegative = Field(1.0, description="actor step size / critic step size")
    alpha: NonNegative = Field(0.2, description="entropy temperature; SAC: the initial one when tuned")
    tau: Fraction = Field(0.005, description="target averaging weight")
    target_update_interval: Count = Field(1, description="updates between target averagings")
    batch_size: Count = 32
    replay_capacity: Count = 100_000
    num_hidden: Count = Field(2, description="hidden layers of each network")
    hidden_dim: Count = Field(64, description="units a hidden layer")
    activation: Literal["relu", "tanh"] = "relu"
    weight_init: Literal["xavier_uniform", "xavier_normal", "uniform", "normal", "orthogonal", "none"] = (
        "xavier_uniform"
    )
    clip_stddev: float = Field(1000.0, description="sigma in [1/clip, clip]; <= 0: unlimited")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="Adam's decay rates")
    cuda: bool = Field(False, description="train on a GPU")

    structural: ClassVar[tuple[str, ...]] = (
        "policy_type", "entropic_index", "num_components", "target_update_interval", "batch_size",
        "replay_capacity", "num_hidden", "hidden_dim", "activation", "betas", "cuda",
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


class SACHyperparameters(ActorCriticHyperparameters):
    """Soft actor-critic."""

    automatic_entropy_tuning: bool = Field(False, description="tune the temperature towards an entropy of -A")
    alpha_lr: NonNegative = Field(0.0, description="the temperature's Adam step size, when tuned")
    reparameterized: bool = Field(
        True,
        validate_default=True,
        description="pathwise actor gradient, else likelihood-ratio; false where a policy has no pathwise one",
    )
    num_samples: Count = Field(1, description="actions a state in the actor's loss")
    baseline_actions: Annotated[int, Field(ge=-1)] = Field(
        0, description="extra actions whose mean value is the likelihood-ratio baseline; <= 0: none"
    )
    soft_q: bool = Field(True, description="entropy in the critic's target")
    double_q: bool = Field(True, description="minimum of two critics, else one")

    structural: ClassVar[tuple[str, ...]] = (
        *ActorCriticHyperparameters.structural, "automatic_entropy_tuning", "reparameterized", "num_samples",
        "baseline_actions", "soft_q", "double_q",
    )  # fmt: skip

    @field_validator("reparameterized", mode="after")
    @classmethod
    def _resolve(cls, asked: bool, info: ValidationInfo) -> bool:
        """What runs: false for a policy without a pathwise gradient, whatever was asked."""
        return asked and info.data.get("policy_type") not in NOT_PATHWISE

    @model_validator(mode="after")
    def _tunable(self) -> SACHyperparameters:
        """A tuned temperature needs a step size and a logarithm."""
        if self.automatic_entropy_tuning and self.alpha_lr == 0.0:
            raise ValueError("alpha_lr is 0 with automatic_entropy_tuning; allowed: above 0")
        if self.automatic_entropy_tuning and self.alpha == 0.0:
            raise ValueError("alpha is 0 with automatic_entropy_tuning; allowed: above 0, as its logarithm is tuned")
        return self


class GreedyACHyperparameters(ActorCriticHyperparameters):
    """Greedy actor-critic."""

    policy_type: PolicyType = "Gaussian"
    n_rho: tuple[Count, Fraction] = Field((30, 0.1), description="proposals a state, and the fraction kept")

    structural: ClassVar[tuple[str, ...]] = (*ActorCriticHyperparameters.structural, "n_rho")


class VACHyperparameters(ActorCriticHyperparameters):
    """Vanilla actor-critic."""

    policy_type: PolicyType = "Gaussian"
    num_samples: Count = Field(30, description="actions a state in the baseline")
    reparameterized: Literal[False] = Field(False, description="its gradient is the likelihood-ratio one")

    structural: ClassVar[tuple[str, ...]] = (*ActorCriticHyperparameters.structural, "num_samples")


class LinearACHyperparameters(Hyperparameters):
    """Linear actor-critic with eligibility traces, Gaussian."""

    decay: Annotated[float, Field(ge=0.0, le=1.0)] = Field(0.9, description="the traces' decay rate, lambda")
    critic_lr: NonNegative = Field(0.1, description="the value's step size, divided by the number of tilings")
    actor_lr: NonNegative = Field(0.01, description="the policy's step size, divided by the number of tilings")
    avg_reward_lr: NonNegative = Field(0.01, description="the average reward's step size; 0: discounted only")
    scaled: bool = Field(True, description="multiply a Gaussian's gradient by its variance")
    clip_stddev: float = Field(1000.0, description="sigma in [1/clip, clip]; <= 0: unlimited")
    tilings: Count = Field(8, description="grids laid over the observations")
    tiles: Count = Field(8, description="tiles a dimension in each grid")

    structural: ClassVar[tuple[str, ...]] = ("tilings", "tiles")

    @model_validator(mode="after")
    def _agree(self) -> LinearACHyperparameters:
        """Hyperparameters that contradict each other are refused."""
        check_clip(self.clip_stddev)
        return self


class LinearACSoftmaxHyperparameters(LinearACHyperparameters):
    """The same with discrete actions. `scaled` and `clip_stddev`, a Gaussian's, are taken and have no part."""

    policy_type: Literal["Softmax"] = "Softmax"


class RandomHyperparameters(Hyperparameters):
    """None."""
