"""The hyperparameters of every agent, and of the linear ones: types, ranges, defaults.

Neither this nor the actor-critics' file imports torch: login nodes read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Hyperparameters(BaseModel):
    """One agent's. Runs that agree on `structural` hyperparameters can train in one stack."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    structural: ClassVar[tuple[str, ...]] = ()
    compiles: ClassVar[bool] = False
    """Whether the agent has a compiled engine."""

    def structure(self) -> tuple:
        """What must be equal among the runs of a stack."""
        return tuple(getattr(self, name) for name in self.structural)

    @property
    def work(self) -> float:
        """What a run adds to the cost of a stack's step, in units of what the cheapest adds."""
        return 1.0

    def replay_bytes(self, obs_dim: int, action_dim: int, timesteps: int) -> int:
        """The memory that a run of so many timesteps fills with transitions."""
        return 0


def check_same_structure(settings: Sequence[Hyperparameters]) -> None:
    """Raises ValueError for settings that cannot share a stack."""
    if len({setting.structure() for setting in settings}) != 1:
        raise ValueError("settings that differ structurally cannot share a stack")


def check_clip(clip_stddev: float) -> None:
    """Raises ValueError for a bound on sigma that allows no sigma."""
    if 0.0 < clip_stddev < 1.0:
        raise ValueError(f"clip_stddev is {clip_stddev}; allowed: at least 1, or <= 0 for no limit")


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
