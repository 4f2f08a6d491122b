"""Lists of indices as the command line writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from utils.core.errors import BadInput

MAX_INDICES = 1_000_000
"""More than this in one call is a slip of the keyboard."""


MAX_INDEX = 2**53 - 1
"""The largest integer that every reader of JSON takes as it is."""


INDICES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def index_of(setting: int, run: int, settings: int) -> int:
    """Return the index of a run of a setting, in a grid with `settings` settings."""
    return run * settings + setting


def locate_index(index: int, settings: int) -> tuple[int, int]:
    """Return the setting and the run that an index names, in a grid with `settings` settings."""
    run, setting = divmod(index, settings)
    return setting, run


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
        if wanted[-1] > MAX_INDEX:
            raise BadInput(f"{option}: found {wanted[-1]}; allowed: at most {MAX_INDEX}")
        if len(wanted) > MAX_INDICES:
            raise BadInput(f"{option}: found {len(wanted)} indices; allowed: at most {MAX_INDICES} in one call")
        indices.update(wanted)
    return sorted(indices)


def format_indices(indices: Sequence[int]) -> str:
    """[0, ..., 9, 36] -> "0-9,36", what `parse_indices` takes; for sorted indices without repeats."""
    starts = [i for i in range(len(indices)) if i == 0 or indices[i] != indices[i - 1] + 1]
    pieces = [indices[start:end] for start, end in zip(starts, [*starts[1:], len(indices)], strict=True)]
    return ",".join(str(piece[0]) if len(piece) == 1 else f"{piece[0]}-{piece[-1]}" for piece in pieces)
