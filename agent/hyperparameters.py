"""The hyperparameters of each agent: types, ranges, defaults. Imports no torch: login nodes read it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]


class SACHyperparameters(BaseModel):
    """Soft actor-critic. Runs that agree on `structural` hyperparameters can train in one stack."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    policy_type: Literal["SquashedGaussian", "Gaussian"] = "SquashedGaussian"
    critic_lr: Positive = Field(1e-3, description="critic's Adam step size")
    actor_lr_scale: NonNegative = Field(1.0, description="actor step size / critic step size")
    alpha: NonNegative = Field(0.2, description="entropy temperature; the initial one when tuned")
    automatic_entropy_tuning: bool = False
    alpha_lr: NonNegative = Field(0.0, description="the temperature's Adam step size, when tuned")
    tau: Annotated[float, Field(gt=0.0, le=1.0)] = Field(0.005, description="target averaging weight")
    target_update_interval: Count = Field(1, description="updates between target averagings")
    batch_size: Count = 32
    replay_capacity: Count = 100_000
    num_hidden: Count = Field(2, description="hidden layers of actor and critics")
    hidden_dim: Count = Field(64, description="units a hidden layer")
    activation: Literal["relu", "tanh"] = "relu"
    weight_init: Literal["xavier_uniform", "xavier_normal", "uniform", "normal", "orthogonal", "none"] = (
        "xavier_uniform"
    )
    clip_stddev: float = Field(1000.0, description="sigma in [1/clip, clip]; <= 0: unlimited")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="Adam's decay rates")
    reparameterized: bool = Field(True, description="pathwise actor gradient, else likelihood-ratio")
    num_samples: Count = Field(1, description="actions a state in the actor's loss")
    baseline_actions: Annotated[int, Field(ge=-1)] = Field(
        0, description="extra actions whose mean value is the likelihood-ratio baseline; <= 0: none"
    )
    soft_q: bool = Field(True, description="entropy in the critic's target")
    double_q: bool = Field(True, description="minimum of two critics, else one")
    cuda: bool = Field(False, description="train on a GPU")

    structural: ClassVar[tuple[str, ...]] = (
        "policy_type", "automatic_entropy_tuning", "target_update_interval", "batch_size",
        "replay_capacity", "num_hidden", "hidden_dim", "activation", "betas", "reparameterized",
        "num_samples", "baseline_actions", "soft_q", "double_q", "cuda",
    )  # fmt: skip

    @model_validator(mode="after")
    def _agree(self) -> SACHyperparameters:
        """Hyperparameters that contradict each other are refused."""
        if self.batch_size > self.replay_capacity:
            raise ValueError(
                f"batch_size {self.batch_size} exceeds replay_capacity {self.replay_capacity}; allowed: at most that"
            )
        if 0.0 < self.clip_stddev < 1.0:
            raise ValueError(f"clip_stddev is {self.clip_stddev}; allowed: at least 1, or <= 0 for no limit")
        if self.automatic_entropy_tuning and self.alpha_lr == 0.0:
            raise ValueError("alpha_lr is 0 with automatic_entropy_tuning; allowed: above 0")
        if self.automatic_entropy_tuning and self.alpha == 0.0:
            raise ValueError("alpha is 0 with automatic_entropy_tuning; allowed: above 0, as its logarithm is tuned")
        return self

    def structure(self) -> tuple:
        """What must be equal among the runs of a stack."""
        return tuple(getattr(self, name) for name in self.structural)
