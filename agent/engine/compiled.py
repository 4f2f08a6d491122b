"""The compiled engine of an actor-critic: its functions, traced for one run, as machine code for R runs in turn.

The code does everything that a run needs before it turns to the next run. So a run's bits cannot depend on the other
runs, and one compilation serves every number of runs. It works on the agent's own tensors, which an update changes in
place; whatever differs between two runs or two settings is a tensor, and is not compiled into the code.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent.actor_critic import ActorCritic
from agent.engine.build import CannotCompile, load_library
from agent.engine.source import Source, write_source
from agent.engine.trace import Trace, named_tensors, trace
from agent.engine.translate import NotTranslatable
from utils.core.random_streams import Draws

HEADERS = """\
#include "loops.h"
#include "products.h"
#include "special_double.h"
#include "special_float.h"

namespace portable {{
{}
}}  // namespace portable
"""
"""What surrounds the functions of a source file."""

ALIGNMENT = 64
"""Bytes of a cache line, at whose start scratch memory begins."""

TOLERANCE = 1e-3
"""Difference, relative to a tensor's largest number, that rounding may cause.

A loss or a temperature's gradient is a difference of nearly equal sums, and may have lost four of its seven digits.
"""

AGREEING = 0.95
"""Fraction of each tensor's elements for which compiled code must agree with the traced function."""

GOLDEN = 0.6180339887
"""Number whose multiples, modulo 1, are spread evenly over [0, 1)."""


def update_networks(learner: ActorCritic, rows: Tensor, noise: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.update_networks`.  rows: whole replay rows."""
    return learner.update_networks(learner.replay.make_batch(rows), noise)


def draw_actions(learner: ActorCritic, obs: Tensor, noise: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.draw_actions`."""
    return (learner.draw_actions(obs, noise),)


def greedy_actions(learner: ActorCritic, obs: Tensor) -> Sequence[Tensor]:
    """See `ActorCritic.greedy_actions`."""
    return (learner.greedy_actions(obs),)


def update_targets(learner: ActorCritic) -> Sequence[Tensor]:
    """See `ActorCritic.update_targets`."""
    learner.update_targets()
    return ()


class Code:
    """Machine code of one function of an agent, bound to the agent's tensors."""

    def __init__(self, function: Any, source: Source, state: Sequence[Tensor], runs: int) -> None:
        """Bind a function of a library.

        source: of the function.  state: the agent's tensors, in the order of the trace; they must stay in place.
        """
        self._function, self._runs = function, ctypes.c_int64(runs)
        self._state = list(state)
        self.outputs = [
            torch.zeros((runs, *shape[1:]), dtype=dtype)
            for shape, dtype in zip(source.outputs, source.output_dtypes, strict=True)
        ]
        memory = torch.empty(source.scratch_bytes + ALIGNMENT, dtype=torch.uint8)
        self._memory = memory
        self._scratch = ctypes.c_void_p(-(-memory.data_ptr() // ALIGNMENT) * ALIGNMENT)
        count = source.argument_count
        self._first = len(self._state)
        pointers = [*(t.data_ptr() for t in self._state), *[0] * count, *(t.data_ptr() for t in self.outputs)]
        self._pointers = (ctypes.c_void_p * len(pointers))(*pointers)
        self._distances = (ctypes.c_int64 * (len(self._state) + count))()

    def __call__(self, *arguments: Tensor) -> list[Tensor]:
        """Run the code for all runs. Returns its outputs, which the next call overwrites.

        arguments: (R, ...), each run's part in row-major order.
        """
        for i, argument in enumerate(arguments, self._first):
            self._pointers[i] = argument.data_ptr()
            self._distances[i] = argument.stride(0)
        self._function(self._runs, self._pointers, self._distances, self._scratch)
        return self.outputs


def compile_agent(agent: ActorCritic) -> None:
    """Make an agent use compiled code for its update, for acting and for the targets.  Raises CannotCompile."""
    functions = example_calls(agent)
    traces: dict[str, Trace] = {}
    sources: dict[str, Source] = {}
    starts: dict[str, list[Tensor]] = {}
    results: dict[str, list[Tensor]] = {}
    two = alike(agent, 2)
    for name, (function, arguments) in functions.items():
        one = alike(agent, 1)
        starts[name] = [tensor.clone() for tensor in named_tensors(one.learner_parts()).values()]
        try:
            traces[name] = trace(function, (one, two), arguments)
            sources[name] = write_source(name, traces[name].graph, traces[name].inputs)
        except (NotTranslatable, ValueError, TypeError) as error:
            raise CannotCompile(f"runs a program that cannot compile {type(agent).__name__}: {error}") from error
        results[name] = [*named_tensors(one.learner_parts()).values(), *traces[name].outputs]
    library = load_library(HEADERS.format("\n".join(source.text for source in sources.values())))
    state = list(named_tensors(agent.learner_parts()).values())
    codes = {}
    for name, source in sources.items():
        trial = Code(library[name], source, starts[name], 1)
        check_agreement([*starts[name], *trial(*functions[name][1])], results[name])
        codes[name] = Code(library[name], source, state, agent.runs)
    agent.set_functions(*callables(agent, codes))


class Acting:
    """Machine code that chooses actions, on arrays: conversions would take longer than the code."""

    def __init__(self, code: Code, runs: int, obs_dim: int) -> None:
        """Bind the code's first argument to an array of its own."""
        self._code = code
        self._states = torch.empty(runs, 1, obs_dim)
        self._obs, self._actions = self._states.numpy()[:, 0], code.outputs[0].numpy()[:, 0]

    def __call__(self, obs: np.ndarray, *noise: Tensor) -> np.ndarray:
        """Return actions (R, A) in obs (R, O).  noise: of one draw in each state, if the code draws."""
        np.copyto(self._obs, obs)
        self._code(self._states, *noise)
        return self._actions.copy()


def callables(agent: ActorCritic, codes: dict[str, Code]) -> Sequence[Callable[..., Any]]:
    """Return the codes in the form of `Functions`."""
    update = codes["update_networks"]
    draw, greedy = (
        Acting(codes[name], agent.runs, agent.replay.obs_dim) for name in ("draw_actions", "greedy_actions")
    )
    return lambda batch, noise: update(batch.rows, noise), draw, greedy, codes["update_targets"]


def example_calls(agent: ActorCritic) -> dict[str, tuple[Any, tuple[Tensor, ...]]]:
    """Return the functions to compile, each with examples of its arguments for one run."""
    seeds = agent.random_seeds[:1]
    rows = spread(1, agent.common.batch_size, agent.replay.row_length)
    obs = spread(1, 1, agent.replay.obs_dim)
    return {
        "update_networks": (update_networks, (rows, alike(agent, 1).draw_update_noise(Draws(seeds, "update")))),
        "draw_actions": (draw_actions, (obs, alike(agent, 1).draw_acting_noise(Draws(seeds, "act")))),
        "greedy_actions": (greedy_actions, (obs,)),
        "update_targets": (update_targets, ()),
    }


def alike(agent: ActorCritic, runs: int) -> ActorCritic:
    """Return a new agent of the same structure for a number of runs, all with the first run's setting and seed."""
    settings, seeds = list(agent.settings[:1]), list(agent.random_seeds[:1])
    return type(agent)(settings * runs, seeds * runs, agent.gamma, agent.spaces)


def check_agreement(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Check that compiled code agrees with the traced function except for rounding.  Raises CannotCompile.

    found, expected: tensors that each has changed or returned.  A compiler may be broken. Not all elements need to
    agree, because a step along a gradient that is zero except for rounding may have either sign.
    """
    for ours, theirs in zip(found, expected, strict=True):
        if not theirs.numel():
            continue
        ours, theirs = ours.reshape(-1).double(), theirs.reshape(-1).double()
        finite = theirs[theirs.isfinite()].abs()
        scale = float(finite.max()) if len(finite) else 0.0
        near = torch.isclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True)
        if float(near.float().mean()) < AGREEING:
            raise CannotCompile("has a C++ compiler that makes code which computes something else")


def spread(*shape: int) -> Tensor:
    """Return numbers in [0, 1) of which no two are near each other."""
    return (torch.arange(math.prod(shape)) * GOLDEN % 1.0).view(shape)
