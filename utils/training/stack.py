"""A stack: runs that train in lock-step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from utils.experiment.config import EnvironmentConfig


@dataclass
class Stack:
    """R runs that train in lock-step: a learner R wide, environments for training and for evaluation."""

    agent: Any
    envs: Any
    eval_envs: Any
    random_seeds: Sequence[int]
    config: EnvironmentConfig
