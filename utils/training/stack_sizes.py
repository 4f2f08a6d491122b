"""Division of runs into stacks that train together: how large, how many, in which order.

By speed: a step of a stack of R runs costs about FIXED_COST + R * work. FIXED_COST is the cost of the calls that
all runs share, lower for a compiled agent; work is the cost that a run adds, given by its hyperparameters. The size is
the R at which FIXED_COST is the fraction MAX_FIXED_SHARE of the cost, limited to MIN_RUNS and MAX_RUNS. Measured with
SAC, eager, in run-steps per second of processor time on one core (2.6 GHz AMD EPYC, shared), medians:

    units    batch  environment      R = 1     4      8     16     32     64    128
    64x64      32   Pendulum-v1        399  1135   1752   2634   3214   3374   3599
    64x64      32   HalfCheetah-v5     482  1257   1714   1892   2699   2657
    128x128    64   Pendulum-v1              627    743    828    809    763
    256x256   256   Pendulum-v1         78    96    101     97     97
    256x256   256   HalfCheetah-v5      78    83     86     86     87

The compiled engine computes one run after another, so a larger stack only shares the calls from Python: 60 us per step,
where a run of the first task takes 85 us (2026-11-27, AMD EPYC with AVX-512).

By memory: the replay buffers of the runs of all processes, whose size `Hyperparameters.replay_bytes` gives, take at
most REPLAY_SHARE of the memory that `utils.core.machine` finds beyond PROCESS_BYTES per process.

No bit of a result depends on the size of its stack, so the size may depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utils.experiment.experiment import Run

FIXED_COST = {"eager": 11.0, "compiled": 1.1}
"""Fixed cost of a stack's step by engine, fitted to the table, relative to a run's cost without products."""

MAX_FIXED_SHARE = 0.1
"""Fraction of a step that may be fixed cost: a larger stack would save less than this."""

MIN_RUNS, MAX_RUNS = 8, 32
"""Limits of a stack by speed: large networks gain up to 8 runs; the smallest gain only an eighth beyond 32."""

PROCESS_BYTES = 2**29
"""Memory of a process without a stack: mostly torch's code."""

REPLAY_SHARE = 0.75
"""Fraction of the remaining memory for replay buffers; the rest is for networks, curves and other programs."""


def stack_size_rule(sizes: tuple[int, int], timesteps: int, memory: int, engine: str) -> Callable[[Run], int]:
    """Return a function that gives the largest stack for a run, by speed and memory.

    sizes: dimensions of an observation and of an action.
    memory: bytes that one process may take.
    engine: "eager" or "compiled".
    """

    def largest_stack(run: Run) -> int:
        run_bytes = run.hyperparameters.replay_bytes(*sizes, timesteps)
        return min(max_runs_for_speed(run.hyperparameters, engine), max_runs_for_memory(run_bytes, memory))

    return largest_stack


def max_runs_for_speed(hyperparameters: Any, engine: str) -> int:
    """Return the number of runs beyond which a larger stack hardly makes a run cheaper."""
    return round(
        min(
            MAX_RUNS,
            max(MIN_RUNS, fixed_cost(hyperparameters, engine) * (1 / MAX_FIXED_SHARE - 1) / hyperparameters.step_cost),
        )
    )


def fixed_cost(hyperparameters: Any, engine: str) -> float:
    """Return the fixed cost of one step of a stack under the requested engine."""
    return FIXED_COST[engine if hyperparameters.compiles else "eager"]


def max_runs_for_memory(run_bytes: int, memory: int) -> int:
    """Return the number of runs whose replay fits in a process with `memory` bytes; at least 1.

    run_bytes: replay bytes of one run.
    """
    room = REPLAY_SHARE * (memory - PROCESS_BYTES)
    return max(1, int(room / run_bytes)) if run_bytes else MAX_RUNS


def split_into_stacks(
    runs: Sequence[Run],
    largest: Callable[[Run], int],
    jobs: int = 1,
    apart: Callable[[Run], Hashable] = lambda run: None,
) -> list[list[Run]]:
    """Divide runs into stacks of equal structure, the most expensive stack first.

    largest: returns the largest stack for a run.
    jobs: if there are enough runs, the number of stacks is a multiple of this, so that no process is idle at the end.
    apart: runs with different values do not share a stack.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.hyperparameters.structure(), apart(run)), []).append(run)
    parts = {kind: -(-len(group) // largest(group[0])) for kind, group in groups.items()}

    def cost(kind: tuple) -> float:
        """Return the cost of a group's largest stack; 0 if it cannot be divided further."""
        size = -(-len(groups[kind]) // parts[kind])
        return stack_cost(groups[kind][:size]) if size > 1 else 0.0

    while sum(parts.values()) % jobs and cost(dearest := max(parts, key=cost)):
        parts[dearest] += 1
    stacks = [stack for kind, group in groups.items() for stack in split_evenly(group, parts[kind])]
    return sorted(stacks, key=stack_cost, reverse=True)


def split_evenly(runs: Sequence[Run], parts: int) -> list[list[Run]]:
    """Split runs into consecutive parts whose lengths differ by at most 1."""
    edges = [-(-len(runs) * i // parts) for i in range(parts + 1)]
    return [list(runs[start:end]) for start, end in pairwise(edges)]


def stack_cost(stack: Sequence[Run]) -> float:
    """Return the cost of one eager step of a stack, in the unit of FIXED_COST; compiled, stacks have the same order."""
    return FIXED_COST["eager"] + len(stack) * float(stack[0].hyperparameters.step_cost)
