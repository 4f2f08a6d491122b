"""Index arithmetic: which hyperparameter setting, and which run, an index names.

With x settings, index i is run i div x of setting i mod x. The order of settings is the published
GreedyAC code's: the first key varies fastest; `batch_size` and `replay_capacity`, where both occur,
leave their places and the pairs with batch <= replay become one last, slowest digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from utils.core.errors import BadInput
from utils.core.indices import index_of, locate_index

Digit = list[dict[str, Any]]
"""The alternatives of one place of the index: each sets one or more hyperparameters."""

PAIR = ("batch_size", "replay_capacity")


class Grid:
    """All settings of a grid, by number."""

    def __init__(self, parameters: Mapping[str, Sequence[Any]], source: str = "grid") -> None:
        """parameters: each key's values, none empty.  Raises BadInput if no batch fits any replay buffer."""
        paired = all(key in parameters for key in PAIR)
        singles = [key for key in parameters if not (paired and key in PAIR)]
        self.digits: list[Digit] = [[{key: value} for value in parameters[key]] for key in singles]
        if paired:
            self.digits.append(_legal_pairs(parameters, source))

    def __len__(self) -> int:
        """The number x of settings."""
        total = 1
        for digit in self.digits:
            total *= len(digit)
        return total

    def setting(self, number: int) -> dict[str, Any]:
        """The hyperparameters of setting `number`, in [0, x).  Raises IndexError outside it."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        chosen: dict[str, Any] = {}
        for digit in self.digits:
            number, place = divmod(number, len(digit))
            chosen |= digit[place]
        return chosen

    def locate(self, index: int) -> tuple[int, int]:
        """Return the setting and the run that an index >= 0 names."""
        return locate_index(index, len(self))

    def index(self, setting: int, run: int) -> int:
        """Return the index of a run of a setting."""
        return index_of(setting, run, len(self))


def _legal_pairs(parameters: Mapping[str, Sequence[Any]], source: str) -> Digit:
    """Pairs with batch <= replay, batch in the outer loop."""
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
        raise BadInput(f"{source}: no batch_size is at most any replay_capacity; allowed: at least one such pair")
    return pairs
