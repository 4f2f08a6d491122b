"""Values of hyperparameters that are drawn instead of listed: random search (Bergstra and Bengio 2012, JMLR 13)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from utils.core.indices import MAX_INDEX

DIGITS = 4
"""Significant digits of a drawn real number. Functions of other machines differ in later digits only."""

LARGEST_SAMPLE = 100_000
"""Largest number of draws of a grid."""

Whole = Annotated[int, Field(ge=-MAX_INDEX, le=MAX_INDEX)]


class SampledValues(BaseModel):
    """A distribution of a hyperparameter, and how many values are drawn from it.

    sample: distribution; "integer" and "log_integer" give integers, of which `high` is one.
    n: number of values.  seed: another one gives other values.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    sample: Literal["uniform", "log_uniform", "integer", "log_integer"]
    low: float
    high: float
    n: Annotated[int, Field(ge=1, le=LARGEST_SAMPLE)]
    seed: Annotated[int, Field(ge=0, le=MAX_INDEX)] = 0

    @model_validator(mode="after")
    def _check_bounds(self) -> SampledValues:
        """Check that the bounds are in order, positive for a logarithm, and integers for integers."""
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; allowed: low < high")
        if self._is_logarithmic and self.low <= 0:
            raise ValueError(f"low is {self.low:g}; allowed for {self.sample}: above 0")
        if self._is_integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; allowed for {self.sample}: integers")
        if max(abs(self.low), abs(self.high)) > MAX_INDEX:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; allowed: magnitudes up to {MAX_INDEX}")
        return self

    @property
    def _is_logarithmic(self) -> bool:
        return self.sample.startswith("log")

    @property
    def _is_integer(self) -> bool:
        return self.sample.endswith("integer")

    def values(self, name: str) -> list[float]:
        """Return the n values of the hyperparameter with this name.

        They depend on seed and name alone: more values begin with the same ones, and another hyperparameter changes
        none.
        """
        seed = np.random.SeedSequence(self.seed, spawn_key=tuple(name.encode()))
        raw = np.random.PCG64(seed).random_raw(self.n)  # Generators may change between releases of numpy; this may not.
        return [self._value(int(each >> 11) * 2.0**-53) for each in raw]

    def _value(self, u: float) -> float:
        """Return the quantile at u, in [0, 1)."""
        low, high = self.low, self.high + self._is_integer
        if self._is_logarithmic:
            value = math.exp(math.log(low) + (math.log(high) - math.log(low)) * u)
        else:
            value = low + (high - low) * u
        rounded = math.floor(value) if self._is_integer else float(f"{value:.{DIGITS}g}")
        bounds = (int(self.low), int(self.high)) if self._is_integer else (self.low, self.high)
        return min(max(rounded, bounds[0]), bounds[1])

    def describe(self) -> str:
        """Return a text such as "20 values drawn log_uniform from 1e-05 to 0.1 (seed 0)"."""
        return f"{self.n} values drawn {self.sample} from {self.low:g} to {self.high:g} (seed {self.seed})"
