"""Hyperparameters of how an actor-critic explores in training, and of how its networks see observations."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from agent.hyperparameters import Decay, Hyperparameters


class ExperienceHyperparameters(Hyperparameters):
    """Hyperparameters of exploration and observations; with the defaults there is nothing of either."""

    learning_starts: Annotated[int, Field(ge=0)] = Field(
        0, description="first steps, in which actions are uniform and nothing is learned"
    )
    normalize_observations: bool = Field(
        False, description="networks see observations minus their running mean, over their standard deviation"
    )
    exploration_correlation: Decay = Field(
        0.0, description="correlation of the noise of successive actions in training; 0: independent"
    )

    structural: ClassVar[tuple[str, ...]] = ("learning_starts", "normalize_observations")
    values_before: ClassVar[dict[str, Any]] = {
        "learning_starts": 0, "normalize_observations": False, "exploration_correlation": 0.0,
    }  # fmt: skip
