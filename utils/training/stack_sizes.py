"""From runs to stacks of runs that train together: how large, how many, in which order.

By speed: a step of a stack of R runs costs about FIXED + R * work, FIXED being the calls that all runs
share, fewer where they are compiled, and work what a run adds, which its hyperparameters tell. The size
is the R at which FIXED is WASTE of the cost, but within FEWEST and MOST. Measured, SAC, eager, run-steps
per second of processor time on one core (2.6 GHz AMD EPYC, shared), medians:

    units    batch  environment      R = 1     4      8     16     32     64    128
    64x64      32   Pendulum-v1        399  1135   1752   2634   3214   3374   3599
    64x64      32   HalfCheetah-v5     482  1257   1714   1892   2699   2657
    128x128    64   Pendulum-v1              627    743    828    809    763
    256x256   256   Pendulum-v1         78    96    101     97     97
    256x256   256   HalfCheetah-v5      78    83     86     86     87

and compiled, in another hour, the same first task: 3534, 6667 (R = 4), 7937, 8621, 7143, 7752 (R = 64).

By memory: the replay that the runs of all processes will fill, of which `Hyperparameters.replay_bytes`
tells a run's, takes at most REPLAY_SHARE of what `utils.core.machine` finds beyond PROCESS_BYTES a process.

No bit of a result depends on any of this, so it may depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utils.experiment.experiment import Run

FIXED = {"eager": 11.0, "compiled": 2.6}
"""By engine, in units of what a run without products adds, 0.18 ms in the table; fitted to it."""

WASTE = 0.1
"""The part of a step that may be FIXED: no larger stack is made to save less."""

FEWEST, MOST = 8, 32
"""Large networks gain up to 8 runs; the smallest gain an eighth beyond 32, which idle cores would soon cost."""

PROCESS_BYTES = 2**29
"""Of a process with nothing to train: mostly torch's code."""

REPLAY_SHARE = 0.75
"""Of the memory that is left; the rest is for networks, curves, and whatever else runs here."""


def suitable_size(sizes: tuple[int, int], timesteps: int, memory: int, engine: str) -> Callable[[Run], int]:
    """The most runs in a stack with a given one, by speed and memory.

    sizes: numbers in an observation and in an action.  memory: bytes that one process may take.  engine: "eager" or
    "compiled".
    """

    def suitable(run: Run) -> int:
        run_bytes = run.hyperparameters.replay_bytes(*sizes, timesteps)
        return min(largest_for_speed(run.hyperparameters, engine), largest_for_memory(run_bytes, memory))

    return suitable


def largest_for_speed(hyperparameters: Any, engine: str) -> int:
    """Runs like this beyond which a stack makes them hardly cheaper."""
    return round(min(MOST, max(FEWEST, fixed(hyperparameters, engine) * (1 / WASTE - 1) / hyperparameters.step_cost)))


def fixed(hyperparameters: Any, engine: str) -> float:
    """What the runs of a stack share, by the engine that such runs are computed by if that one is asked for."""
    return FIXED[engine if hyperparameters.compiles else "eager"]


def largest_for_memory(run_bytes: int, memory: int) -> int:
    """Runs with so many bytes of replay each that a process of so many bytes can hold; at least 1."""
    room = REPLAY_SHARE * (memory - PROCESS_BYTES)
    return max(1, int(room / run_bytes)) if run_bytes else MOST


def split(
    runs: Sequence[Run],
    largest: Callable[[Run], int],
    jobs: int = 1,
    apart: Callable[[Run], Hashable] = lambda run: None,
) -> list[list[Run]]:
    """The runs in stacks that agree structurally, the most expensive first.

    largest: the most runs in a stack with the given one.  jobs: the number of stacks is a multiple
    of this, where there are runs enough, so that no process idles while another has two stacks to go.
    apart: runs for which it differs share no stack.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.hyperparameters.structure(), apart(run)), []).append(run)
    parts = {kind: -(-len(group) // largest(group[0])) for kind, group in groups.items()}

    def cost(kind: tuple) -> float:
        """Of the largest stack of a group; nothing if it cannot be divided further."""
        size = -(-len(groups[kind]) // parts[kind])
        return stack_cost(groups[kind][:size]) if size > 1 else 0.0

    while sum(parts.values()) % jobs and cost(dearest := max(parts, key=cost)):
        parts[dearest] += 1
    stacks = [stack for kind, group in groups.items() for stack in evenly(group, parts[kind])]
    return sorted(stacks, key=stack_cost, reverse=True)


def evenly(runs: Sequence[Run], parts: int) -> list[list[Run]]:
    """So many neighbouring pieces, whose lengths differ by at most 1."""
    edges = [-(-len(runs) * i // parts) for i in range(parts + 1)]
    return [list(runs[start:end]) for start, end in pairwise(edges)]


def stack_cost(stack: Sequence[Run]) -> float:
    """Of one eager step, in the units of FIXED; compiled, stacks have the same order."""
    return FIXED["eager"] + len(stack) * float(stack[0].hyperparameters.step_cost)
