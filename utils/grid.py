"""Index arithmetic: which hyperparameter setting, and which run, an index names.

With x settings, index i is run i div x of setting i mod x. The order of settings is the published
GreedyAC code's: the first key varies fastest; `batch_size` and `replay_capacity`, where both occur,
leave their places and the pairs with batch <= replay become one last, slowest digit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from utils.errors import BadInput

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
        """(setting, run) of an index >= 0."""
        run, setting = divmod(index, len(self))
        return setting, run


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


MOST_INDICES = 1_000_000
"""More than this in one call is a slip of the keyboard."""

LARGEST_INDEX = 2**53 - 1
"""The largest integer that every reader of JSON takes as it is."""

INDICES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def parse_indices(text: str, option: str = "--index") -> list[int]:
    """ "0-9,36" -> [0, ..., 9, 36], sorted, without repeats.  option: whose value it is.  Raises BadInput."""
    compact = text.replace(" ", "")
    if not INDICES.fullmatch(compact):
        raise BadInput(f"{option}: found '{text}'; allowed: integers from 0, ranges and lists of them, like 0-9,36")
    indices: set[int] = set()
    for part in compact.split(","):
        first, _, last = part.partition("-")
        if last and int(last) < int(first):
            raise BadInput(f"{option}: found the range '{part}'; allowed: the smaller number first")
        wanted = range(int(first), int(last or first) + 1)
        if wanted[-1] > LARGEST_INDEX:
            raise BadInput(f"{option}: found {wanted[-1]}; allowed: at most {LARGEST_INDEX}")
        if len(wanted) > MOST_INDICES:
            raise BadInput(f"{option}: found {len(wanted)} indices; allowed: at most {MOST_INDICES} in one call")
        indices.update(wanted)
    return sorted(indices)


def format_indices(indices: Sequence[int]) -> str:
    """[0, ..., 9, 36] -> "0-9,36", what `parse_indices` takes; for sorted indices without repeats."""
    starts = [i for i in range(len(indices)) if i == 0 or indices[i] != indices[i - 1] + 1]
    pieces = [indices[start:end] for start, end in zip(starts, [*starts[1:], len(indices)], strict=True)]
    return ",".join(str(piece[0]) if len(piece) == 1 else f"{piece[0]}-{piece[-1]}" for piece in pieces)
