"""The two JSON files that define an experiment: their keys, types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from utils.core.errors import BadInput, suggestion
from utils.core.grid import PAIR
from utils.core.indices import MAX_INDEX
from utils.core.sampled import SampledValues
from utils.files.json_model import Model, validate
from utils.files.json_text import canonical_json, format_value, read_json

Count = Annotated[int, Field(ge=1)]

WINDOWS_BETWEEN_EVALUATIONS = 10
"""Number of windows of diagnostics between two evaluations, by default."""

DIAGNOSTICS_INTERVALS = (50, 5000)
"""Shortest and longest window of diagnostics by default, in timesteps."""

Recordable = Literal[
    "train_states", "train_rewards", "train_actions", "eval_states",
    "update_states", "update_actions", "update_rewards", "update_next_states", "policies",
]  # fmt: skip


class Rewards(BaseModel):
    """Rewards that replace the environment's own if overwrite_rewards is true."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    timestep: float | None = Field(default=None, description="at each step")
    goal: float | None = Field(default=None, description="on termination")


class EnvironmentConfig(BaseModel):
    """An environment protocol. Every key changes behaviour."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    env_name: Annotated[str, Field(min_length=1)]
    total_timesteps: Count
    steps_per_episode: Count
    eval_interval_timesteps: Count
    eval_episodes: Annotated[int, Field(ge=0)]
    gamma: Annotated[float, Field(ge=0.0, le=1.0)]
    overwrite_rewards: bool = False
    rewards: Rewards = Rewards()
    start_state: list[float] = Field([], description="empty: the environment's own start")
    continuous: bool | None = Field(None, description="action kind of an environment that has both kinds")
    max_episodes: int = Field(-1, description="training episodes at most; <= 0: no limit")
    env_kwargs: dict[str, Any] = Field({}, description="keyword arguments of the environment")
    eval_policy: Literal["mode", "sample"] = "mode"
    bootstrap_on_truncation: bool = True
    record: list[Recordable] = Field([], description="per-step arrays, and policies, to keep")
    use_tile_coding: bool | None = Field(None, description="tile-code observations; null: the agent's default")
    use_full_tile_coding: bool | None = Field(None, description="another name of use_tile_coding")
    allow_nondeterminism: bool = Field(False, description="train although the environment ignores its seed")
    diagnostics_interval_timesteps: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="timesteps that diagnostics are averaged over; null: a tenth of eval_interval_timesteps; 0: none",
    )

    @property
    def diagnostics_interval(self) -> int:
        """Timesteps that diagnostics are averaged over; 0: there are none.

        The default does not depend on the length of training, so that a longer run has the same windows.
        """
        if self.diagnostics_interval_timesteps is not None:
            return self.diagnostics_interval_timesteps
        shortest, longest = DIAGNOSTICS_INTERVALS
        return min(max(-(-self.eval_interval_timesteps // WINDOWS_BETWEEN_EVALUATIONS), shortest), longest)

    @property
    def tile_coding(self) -> bool | None:
        """Value of `use_tile_coding` or of its other name."""
        return self.use_full_tile_coding if self.use_tile_coding is None else self.use_tile_coding

    @model_serializer(mode="wrap")
    def _leave_out_new_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out keys added after results existed, if they have their defaults: keys of runs must not change."""
        values: dict[str, Any] = serialize(self)
        if not self.allow_nondeterminism:
            values.pop("allow_nondeterminism", None)
        if self.diagnostics_interval_timesteps is None:
            values.pop("diagnostics_interval_timesteps", None)
        return values

    @model_validator(mode="after")
    def _check_names_agree(self) -> EnvironmentConfig:
        """Check that two names of one option agree."""
        if None not in (self.use_tile_coding, self.use_full_tile_coding) and (
            self.use_tile_coding != self.use_full_tile_coding
        ):
            raise ValueError(
                f"use_tile_coding is {str(self.use_tile_coding).lower()} and use_full_tile_coding is "
                f"{str(self.use_full_tile_coding).lower()}; allowed: one of the two, or equal values"
            )
        return self

    @model_validator(mode="after")
    def _check_rewards(self) -> EnvironmentConfig:
        """Check that both rewards are given if they are overwritten."""
        if self.overwrite_rewards and None in (self.rewards.timestep, self.rewards.goal):
            raise ValueError("overwrite_rewards is true; rewards must then give both 'timestep' and 'goal'")
        return self


def _check_values(values: Any) -> Any:
    """Return a hyperparameter's values, a list or values to draw.  Raises ValueError, for pydantic."""
    if isinstance(values, dict):
        try:
            return validate(SampledValues, values, "sample")
        except BadInput as error:
            raise ValueError(str(error)) from error
    if not isinstance(values, list | SampledValues):
        raise ValueError('input should be a list, or {"sample": "log_uniform", "low": ..., "high": ..., "n": ...}')
    if values == []:
        raise ValueError("list should have at least 1 item")
    return values


class AgentConfig(BaseModel):
    """A grid of hyperparameters: each key lists the values to try, or says how they are drawn."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agent_name: str
    parameters: dict[str, Annotated[list[Any] | SampledValues, BeforeValidator(_check_values)]]
    start_from: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="result, or directory of results, from whose learned parameters runs begin; null: a new start"
    )

    @model_serializer(mode="wrap")
    def _leave_out_new_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was added after results existed, if it has its default."""
        values: dict[str, Any] = serialize(self)
        return {name: value for name, value in values.items() if name != "start_from" or value is not None}


def read_environment(path: str | Path) -> EnvironmentConfig:
    """Read an environment protocol from a file.  Raises BadInput if it is missing or invalid."""
    return validate(EnvironmentConfig, read_json(path), str(path))


def read_agent(path: str | Path, agents: Mapping[str, Any]) -> AgentConfig:
    """Read the hyperparameter grid of one of `agents` from a file.  Raises BadInput if it is missing or invalid."""
    return check_agent_config(read_json(path), str(path), agents)


def check_agent_config(data: Any, source: str, agents: Mapping[str, Any]) -> AgentConfig:
    """Return the hyperparameter grid that JSON values describe, for one of `agents`.  Raises BadInput if invalid."""
    config = validate(AgentConfig, data, source)
    if config.agent_name not in agents:
        hint = suggestion(config.agent_name, agents)
        raise BadInput(f"{source}: key 'agent_name': found '{config.agent_name}'; allowed: {', '.join(agents)}{hint}")
    return config


def recorded_agent_config(
    data: Any, agent_params: Mapping[str, Any], source: str, agents: Mapping[str, Any]
) -> AgentConfig:
    """Return the grid of a result, in which the result's own run is as it was made.  Raises BadInput if it is invalid.

    agent_params: the run's hyperparameters as the result holds them.  What the grid omits has the value that the run
    had, not today's default, and so has what the grid lists one value of, which today may be resolved differently.
    (A pair of batch and buffer sizes is a digit of the index, so that neither is added.)
    """
    config = check_agent_config(data, source, agents)
    complete = agents[config.agent_name].hyperparameters.from_record(agent_params)
    varied = {
        name for name, values in config.parameters.items() if isinstance(values, SampledValues) or len(values) > 1
    }
    fixed = {name: [value] for name, value in complete.items() if name not in varied | {*PAIR}}
    return config.model_copy(update={"parameters": config.parameters | fixed})


def check_distinct_values(config: AgentConfig, source: str) -> None:
    """Check that no hyperparameter lists a value twice, which would train runs against themselves.  Raises BadInput.

    Results of such grids, from before they were refused, can still be read.
    """
    for key, values in config.parameters.items():
        seen = set[bytes]()
        for value in () if isinstance(values, SampledValues) else values:
            name = canonical_json(_with_equal_numbers(value))
            if name in seen:
                raise BadInput(
                    f"{source}: parameters: key '{key}': found {format_value(value)} twice; allowed: each value once"
                )
            seen.add(name)


def _with_equal_numbers(value: Any) -> Any:
    """Return a JSON value in which 1 and 1.0 are the same."""
    if isinstance(value, list):
        return [_with_equal_numbers(each) for each in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < MAX_INDEX else value


def resolve_setting(setting: Mapping[str, Any], model: type[Model], source: str) -> Model:
    """Return one setting of a grid as the agent's model, defaults included.  Raises BadInput if it is invalid."""
    return validate(model, setting, f"{source}: parameters")
