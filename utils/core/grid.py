"""Numbering of hyperparameter settings and of their runs.

With x settings, index i is run i div x of setting i mod x. Settings are ordered as in the published GreedyAC code: the
first key varies fastest. If both `batch_size` and `replay_capacity` occur, they are removed from their positions, and
the pairs with batch_size <= replay_capacity become one last digit, which varies slowest. Values that are drawn instead
of listed (utils/core/sampled.py) are drawn together: the n-th values of all such keys are one value of a digit that
varies more slowly than those of the lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from utils.core.errors import BadInput
from utils.core.indices import index_of, locate_index
from utils.core.sampled import SampledValues

Values = Sequence[Any] | Mapping[str, Any] | SampledValues
"""A hyperparameter's values: a list, or values to draw, also as the JSON object that describes them."""

Digit = list[dict[str, Any]]
"""The values of one digit of a setting's number; each assigns one or more hyperparameters."""

PAIR = ("batch_size", "replay_capacity")
"""Hyperparameters that are combined into one digit."""


class Grid:
    """The settings of a grid, numbered from 0."""

    def __init__(self, parameters: Mapping[str, Values], source: str = "grid") -> None:
        """Enumerate the settings.

        parameters: each hyperparameter's values, at least one.  source: name of the grid in messages.
        Raises BadInput if no batch size fits any replay capacity, or if values cannot be drawn.
        """
        listed, sampled = _separate_sampled(parameters, source)
        paired = all(key in listed for key in PAIR)
        singles = [key for key in listed if not (paired and key in PAIR)]
        self.digits: list[Digit] = [[{key: value} for value in listed[key]] for key in singles]
        if sampled:
            self.digits.append(_drawn_values(sampled, source))
        if paired:
            self.digits.append(_legal_pairs(listed, source))

    def __len__(self) -> int:
        """Return the number x of settings."""
        total = 1
        for digit in self.digits:
            total *= len(digit)
        return total

    def setting(self, number: int) -> dict[str, Any]:
        """Return the hyperparameters of a setting.  Raises IndexError if the number is not in [0, x)."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        chosen: dict[str, Any] = {}
        for digit in self.digits:
            number, position = divmod(number, len(digit))
            chosen |= digit[position]
        return chosen

    def variants(self, number: int, keys: Collection[str]) -> list[int]:
        """Return the settings that differ from a setting at most in `keys`, itself included, in order."""
        found, stride = [0], 1
        for digit in self.digits:
            position = number // stride % len(digit)
            positions = range(len(digit)) if all(key in keys for key in digit[position]) else [position]
            found = [other + each * stride for each in positions for other in found]
            stride *= len(digit)
        return sorted(found)

    def values(self, key: str) -> list[Any]:
        """Return the values that a hyperparameter takes in some setting, in the order of the settings; [] for none."""
        found: list[Any] = []
        for value in (each[key] for digit in self.digits for each in digit if key in each):
            if value not in found:
                found.append(value)
        return found

    @property
    def varied(self) -> list[str]:
        """The hyperparameters that are not the same in all settings."""
        return [key for digit in self.digits for key in digit[0] if any(each[key] != digit[0][key] for each in digit)]

    def describe_varied(self, number: int, without: Collection[str] = ()) -> str:
        """Return a setting's hyperparameters that vary in the grid, such as "critic_lr 0.001, alpha 0.1".

        without: hyperparameters to leave out.
        """
        chosen = self.setting(number)
        return ", ".join(f"{key} {value_text(chosen[key])}" for key in self.varied if key not in without)

    def locate(self, index: int) -> tuple[int, int]:
        """Return the setting and the run of an index >= 0."""
        return locate_index(index, len(self))

    def index(self, setting: int, run: int) -> int:
        """Return the index of a run of a setting."""
        return index_of(setting, run, len(self))


def value_text(value: Any) -> str:
    """Return a hyperparameter's value as JSON, but a string without quotes."""
    return value if isinstance(value, str) else orjson.dumps(value, default=repr).decode()


def _separate_sampled(
    parameters: Mapping[str, Values], source: str
) -> tuple[dict[str, Sequence[Any]], dict[str, SampledValues]]:
    """Return the hyperparameters whose values are listed, and those whose values are drawn.  Raises BadInput."""
    listed, sampled = dict[str, Sequence[Any]](), dict[str, SampledValues]()
    for key, values in parameters.items():
        try:
            if isinstance(values, SampledValues):
                sampled[key] = values
            elif isinstance(values, Mapping):
                sampled[key] = SampledValues.model_validate(values)
            else:
                listed[key] = values
        except ValidationError as error:
            raise BadInput(f"{source}: parameters: key '{key}': {error.errors()[0]['msg']}") from error
    return listed, sampled


def _drawn_values(sampled: Mapping[str, SampledValues], source: str) -> Digit:
    """Return the joint draws of hyperparameters.

    Raises BadInput if their numbers of values differ, or if two draws are equal, which would train runs twice.
    """
    counts = {key: each.n for key, each in sampled.items()}
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{n} of {key}" for key, n in counts.items())
        raise BadInput(f"{source}: parameters: found samples of different sizes, n = {text}; allowed: the same n")
    columns = [each.values(key) for key, each in sampled.items()]
    rows = list(zip(*columns, strict=True))
    if len(set(rows)) < len(rows):
        twice = next(row for place, row in enumerate(rows) if row in rows[:place])
        text = ", ".join(f"{key} {value_text(value)}" for key, value in zip(sampled, twice, strict=True))
        raise BadInput(f"{source}: parameters: {text} is drawn twice; allowed: a smaller n, another range or seed")
    return [dict(zip(sampled, row, strict=True)) for row in rows]


def _legal_pairs(parameters: Mapping[str, Sequence[Any]], source: str) -> Digit:
    """Return the pairs with batch_size <= replay_capacity; replay_capacity varies fastest.

    Raises BadInput if no pair is legal, or a value is not an integer.
    """
    for key in PAIR:
        for value in parameters[key]:
            if isinstance(value, bool) or not isinstance(value, int):
                raise BadInput(f"{source}: parameters: key '{key}': found {value!r}; input should be a valid integer")
    pairs = [
        {"batch_size": batch, "replay_capacity": replay}
        for batch in parameters["batch_size"]
        for replay in parameters["replay_capacity"]
        if batch <= replay
    ]
    if not pairs:
        raise BadInput(f"{source}: found no pair with batch_size <= replay_capacity; allowed: at least one")
    return pairs
