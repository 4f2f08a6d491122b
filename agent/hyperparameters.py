"""Base class of all hyperparameters, and those of the linear and random agents: types, ranges, defaults.

Neither this module nor `agent.actor_critic_hyperparameters` imports torch: login nodes read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]
"""A decay rate, in [0, 1)."""
Positive = Annotated[float, Field(gt=0.0)]
"""A number above 0."""
NonNegative = Annotated[float, Field(ge=0.0)]
"""A number of at least 0."""
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
"""A fraction, in (0, 1]."""
Count = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""


class Hyperparameters(BaseModel):
    """Hyperparameters of one agent; their values are one setting of a grid."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    structural: ClassVar[tuple[str, ...]] = ()
    """Names of the hyperparameters that the runs of a stack must share."""
    compiles: ClassVar[bool] = False
    """Whether the agent has a compiled engine."""

    def structure(self) -> tuple:
        """Return the values of the structural hyperparameters."""
        return tuple(getattr(self, name) for name in self.structural)

    def without_effect(self) -> dict[str, str]:
        """Return the hyperparameters that change no bit of a run with this setting, each with the reason.

        Two settings that differ only in such hyperparameters are the same run, and are trained once.
        """
        return {}

    @property
    def step_cost(self) -> float:
        """Cost that a run adds to one step of its stack, in units of what the cheapest run adds."""
        return 1.0

    def replay_bytes(self, obs_dim: int, action_dim: int, timesteps: int) -> int:
        """Return the bytes of memory that a run of `timesteps` steps fills with transitions.

        obs_dim, action_dim: numbers in an observation and in an action.
        """
        return 0


def check_same_structure(settings: Sequence[Hyperparameters]) -> None:
    """Raise ValueError if the settings differ in a structural hyperparameter, so that they cannot share a stack."""
    if len({setting.structure() for setting in settings}) != 1:
        raise ValueError("settings that differ structurally cannot share a stack")


class SharedHyperparameters:
    """The hyperparameters in which the runs of a stack agree; reading another one raises AttributeError."""

    def __init__(self, setting: Hyperparameters) -> None:
        """Take the values from any run's setting."""
        self._setting = setting

    def __getattr__(self, name: str) -> Any:
        """Return a structural hyperparameter, a class variable, or a property."""
        setting = self._setting
        if name in type(setting).model_fields and name not in setting.structural:
            raise AttributeError(
                f"{name} is not in {type(setting).__name__}.structural, so runs may differ in it; "
                "read it with _per_run, or add it to structural"
            )
        return getattr(setting, name)


def check_clip_stddev(clip_stddev: float) -> None:
    """Raise ValueError if the bound on sigma excludes every sigma: clip_stddev in (0, 1)."""
    if 0.0 < clip_stddev < 1.0:
        raise ValueError(f"clip_stddev is {clip_stddev}; allowed: at least 1, or <= 0 for no limit")


class LinearACHyperparameters(Hyperparameters):
    """Hyperparameters of the linear Gaussian actor-critic with eligibility traces."""

    decay: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.9, description="decay rate lambda of the eligibility traces"
    )
    critic_lr: NonNegative = Field(0.1, description="step size of the value; divided by the number of tilings")
    actor_lr: NonNegative = Field(0.01, description="step size of the policy; divided by the number of tilings")
    avg_reward_lr: NonNegative = Field(0.01, description="step size of the average reward; 0: discounting only")
    scaled: bool = Field(True, description="multiply the policy's gradient by the Gaussian's variance")
    clip_stddev: float = Field(1000.0, description="sigma is clamped to [1/clip, clip]; <= 0: unlimited")
    tilings: Count = Field(8, description="number of grids over the observations")
    tiles: Count = Field(8, description="tiles per dimension of each grid")

    structural: ClassVar[tuple[str, ...]] = ("tilings", "tiles")

    @model_validator(mode="after")
    def _check_clip_stddev(self) -> LinearACHyperparameters:
        """Refuse a bound on sigma that excludes every sigma."""
        check_clip_stddev(self.clip_stddev)
        return self


class LinearACSoftmaxHyperparameters(LinearACHyperparameters):
    """Hyperparameters of the linear softmax actor-critic; `scaled` and `clip_stddev` are accepted without effect."""

    policy_type: Literal["Softmax"] = "Softmax"

    def without_effect(self) -> dict[str, str]:
        """Add those of the Gaussian policy."""
        return super().without_effect() | dict.fromkeys(("scaled", "clip_stddev"), "actions are discrete")


class RandomHyperparameters(Hyperparameters):
    """Hyperparameters of the random agent: none."""
