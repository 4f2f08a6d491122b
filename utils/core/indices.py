"""Indices of runs, and lists of them as written on the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from utils.core.errors import BadInput

MAX_INDICES = 1_000_000
"""Maximum number of indices in one call; more is assumed to be a typing error."""

MAX_INDEX = 2**53 - 1
"""Largest integer that every JSON reader represents exactly."""

INDEX_LIST = re.compile(r"[0-9]+(-[0-9]+)?( *, *[0-9]+(-[0-9]+)?)*")
"""Pattern of a list of indices and ranges. Blanks are allowed next to commas only: "1 2" is not index 12."""


def index_of(setting: int, run: int, settings: int) -> int:
    """Return the index of a run of a setting, in a grid with `settings` settings."""
    return run * settings + setting


def locate_index(index: int, settings: int) -> tuple[int, int]:
    """Return the setting and the run of an index, in a grid with `settings` settings."""
    run, setting = divmod(index, settings)
    return setting, run


def parse_indices(text: str, option: str = "--index") -> list[int]:
    """Return the indices in a list such as "0-9,36", sorted and without repetition.

    option: its name in messages.  Raises BadInput if the text is not such a list, or is too long.
    """
    if not INDEX_LIST.fullmatch(text.strip()):
        hint = ", with commas between them" if " " in text.strip() else ""
        raise BadInput(
            f"{option}: found '{text}'; allowed: integers from 0, ranges and lists of them, like 0-9,36{hint}"
        )
    indices: set[int] = set()
    for part in text.replace(" ", "").split(","):
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
    """Return indices as text such as "0-9,36", which `parse_indices` accepts.

    indices: sorted and without repetition.
    """
    starts = [i for i in range(len(indices)) if i == 0 or indices[i] != indices[i - 1] + 1]
    pieces = [indices[start:end] for start, end in zip(starts, [*starts[1:], len(indices)], strict=True)]
    return ",".join(str(piece[0]) if len(piece) == 1 else f"{piece[0]}-{piece[-1]}" for piece in pieces)
