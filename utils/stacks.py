"""From runs to stacks of runs that train together: how large, how many, in which order.

A step of a stack of R runs costs about FIXED + R * work: FIXED is the calls that all runs share, and
work what a run adds, which its hyperparameters tell. So the smallest stack that wastes at most
WASTE of its time on FIXED is the right size for a small network, and MOST for the very smallest; and
networks whose products alone keep a core busy gain from a few runs, but no more. Measured, SAC,
run-steps per second of processor time on one core (2.6 GHz AMD EPYC, shared), medians:

    units    batch  environment      R = 1     4      8     16     32     64    128
    64x64      32   Pendulum-v1        399  1135   1752   2634   3214   3374   3599
    64x64      32   HalfCheetah-v5     482  1257   1714   1892   2699   2657
    128x128    64   Pendulum-v1              627    743    828    809    763
    256x256   256   Pendulum-v1         78    96    101     97     97
    256x256   256   HalfCheetah-v5      78    83     86     86     87

No bit of a result depends on any of this, so it may depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utils.bundle import Run

FIXED = 11.0
"""In units of what a run of the smallest network adds; fitted to the table."""

WASTE = 0.1

FEWEST, MOST = 8, 32
"""Between these every network is at, or near, its best."""

PROCESS_BYTES = 2**29
"""Of a process with nothing to train: mostly torch's code."""

REPLAY_SHARE = 0.75
"""Of the memory that is left; the rest is for networks, curves, and whatever else runs here."""


def suitable_size(sizes: tuple[int, int], timesteps: int, memory: int) -> Callable[[Run], int]:
    """The most runs in a stack with a given one, by speed and memory.

    sizes: numbers in an observation and in an action.  memory: bytes that one process may take.
    """

    def suitable(run: Run) -> int:
        run_bytes = run.hyperparameters.replay_bytes(*sizes, timesteps)
        return min(largest_for_speed(run.hyperparameters.work), largest_for_memory(run_bytes, memory))

    return suitable


def largest_for_speed(work: float) -> int:
    """Runs of so much work each beyond which a stack makes them hardly cheaper."""
    return round(min(MOST, max(FEWEST, FIXED * (1 / WASTE - 1) / work)))


def largest_for_memory(run_bytes: int, memory: int) -> int:
    """Runs with so many bytes of replay each that a process of so many bytes can hold; at least 1."""
    room = REPLAY_SHARE * (memory - PROCESS_BYTES)
    return max(1, int(room / run_bytes)) if run_bytes else MOST


def split(runs: Sequence[Run], largest: Callable[[Run], int], jobs: int = 1) -> list[list[Run]]:
    """The runs in stacks that agree structurally, the most expensive first.

    largest: the most runs in a stack with the given one.  jobs: the number of stacks is a multiple
    of this, where there are runs enough, so that no process idles while another has two stacks to go.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.hyperparameters.structure(), []).append(run)
    parts = {structure: -(-len(group) // largest(group[0])) for structure, group in groups.items()}

    def cost(structure: tuple) -> float:
        """Of the largest stack of a group; nothing if it cannot be divided further."""
        size = -(-len(groups[structure]) // parts[structure])
        return stack_cost(groups[structure][:size]) if size > 1 else 0.0

    while sum(parts.values()) % jobs and cost(dearest := max(parts, key=cost)):
        parts[dearest] += 1
    stacks = [stack for structure, group in groups.items() for stack in evenly(group, parts[structure])]
    return sorted(stacks, key=stack_cost, reverse=True)


def evenly(runs: Sequence[Run], parts: int) -> list[list[Run]]:
    """So many neighbouring pieces, whose lengths differ by at most 1."""
    edges = [-(-len(runs) * i // parts) for i in range(parts + 1)]
    return [list(runs[start:end]) for start, end in pairwise(edges)]


def stack_cost(stack: Sequence[Run]) -> float:
    """Of one step, in units of what a run of the smallest network adds."""
    return FIXED + len(stack) * float(stack[0].hyperparameters.work)
