"""Base class of all hyperparameters, and those of the linear and random agents: types, ranges, defaults.

Neither this module nor `agent.actor_critic_hyperparameters` imports torch: login nodes read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

ActionUnit = Literal["unit", "environment"]
"""Units of a learner's actions; see `agent.action_units`."""
ACTION_UNITS_FIELD: Any = Field("unit", description="actions inside the learner: in [-1, 1], or the environment's own")


class Hyperparameters(BaseModel):
    """Hyperparameters of one agent; their values are one setting of a grid."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    structural: ClassVar[tuple[str, ...]] = ()
    """Names of the hyperparameters that the runs of a stack must share."""
    parameterization: ClassVar[tuple[str, ...]] = ()
    """Names of the hyperparameters that decide what learned parameters mean: a run begins only from such as agree."""
    compiles: ClassVar[bool] = False
    """Whether the agent has a compiled engine."""

    values_before: ClassVar[dict[str, Any]] = {}
    """Hyperparameters that did not always exist, each with the value under which all runs before it were made."""

    def structure(self) -> tuple:
        """Return the values of the structural hyperparameters."""
        return tuple(getattr(self, name) for name in self.structural)

    def without_effect(self) -> dict[str, str]:
        """Return the hyperparameters that change no bit of a run with this setting, each with the reason.

        Two settings that differ only in such hyperparameters are the same run, and are trained once.
        """
        return {}

    def recorded(self) -> dict[str, Any]:
        """Return the hyperparameters as results hold them: JSON values, defaults included.

        Left out are those of `values_before` that are as before and still so by default.
        """
        fields, same = type(self).model_fields, self._as_before()
        return {k: v for k, v in self.model_dump(mode="json").items() if k not in same or v != fields[k].default}

    def identity(self) -> dict[str, Any]:
        """Return what a run's key is computed from: JSON values, without those of `values_before` that are as before.

        So a run that could be made before keeps its key.
        """
        same = self._as_before()
        return {k: v for k, v in self.model_dump(mode="json").items() if k not in same}

    def _as_before(self) -> set[str]:
        return {name for name, value in self.values_before.items() if getattr(self, name) == value}

    @classmethod
    def from_record(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return all hyperparameters of a run whose result holds `params`."""
        return {**cls.values_before, **params}

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
        value = getattr(setting, name)
        if not name.startswith("__"):
            vars(self)[name] = value  # Found at once from now on: some are read at every step.
        return value


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
    action_units: ActionUnit = ACTION_UNITS_FIELD
    tilings: Count = Field(8, description="number of grids over the observations")
    tiles: Count = Field(8, description="tiles per dimension of each grid")

    structural: ClassVar[tuple[str, ...]] = ("tilings", "tiles", "action_units")
    parameterization: ClassVar[tuple[str, ...]] = structural
    values_before: ClassVar[dict[str, Any]] = {"action_units": "environment"}

    @model_validator(mode="after")
    def _check_clip_stddev(self) -> LinearACHyperparameters:
        """Refuse a bound on sigma that excludes every sigma."""
        check_clip_stddev(self.clip_stddev)
        return self


class LinearACSoftmaxHyperparameters(LinearACHyperparameters):
    """Hyperparameters of the linear softmax actor-critic; those of the Gaussian have no effect."""

    policy_type: Literal["Softmax"] = "Softmax"
    action_units: ActionUnit = Field("environment", description="accepted without effect: actions are discrete")

    def without_effect(self) -> dict[str, str]:
        """Add those of the Gaussian policy."""
        names = ("scaled", "clip_stddev", "action_units")
        return super().without_effect() | dict.fromkeys(names, "actions are discrete")


class RandomHyperparameters(Hyperparameters):
    """Hyperparameters of the random agent: none."""
