"""From an agent's functions to machine code: they are traced for one run, translated, compiled and checked."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from agent.actor_critic import ActorCritic
from agent.engine.build import CannotCompile, load_library
from agent.engine.code import Code, Source
from agent.engine.functions import FUNCTIONS, alike, example_arguments
from agent.engine.parts import named_tensors
from agent.engine.source import write_source
from agent.engine.trace import trace
from agent.engine.translate import NotTranslatable

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

TOLERANCE = 1e-3
"""Difference, relative to a tensor's largest number, that rounding may cause.

A loss or a temperature's gradient is a difference of nearly equal sums, and may have lost four of its seven digits.
"""

AGREEING = 0.95
"""Fraction of each tensor's elements for which compiled code must agree with the traced function."""


def produce_code(agent: ActorCritic) -> tuple[dict[str, Source], ctypes.CDLL]:
    """Return the sources of an agent's functions and the library compiled from them.  Raises CannotCompile."""
    examples = example_arguments(alike(agent, 1))
    sources: dict[str, Source] = {}
    starts: dict[str, list[Tensor]] = {}
    results: dict[str, list[Tensor]] = {}
    two = alike(agent, 2)
    for name, function in FUNCTIONS.items():
        one = alike(agent, 1)
        starts[name] = [tensor.clone() for tensor in named_tensors(one.learner_parts()).values()]
        try:
            traced = trace(function, (one, two), examples[name])
            sources[name] = write_source(name, traced.graph, traced.inputs)
        except (NotTranslatable, ValueError, TypeError) as error:
            raise CannotCompile(f"{type(agent).__name__} cannot be compiled: {error}") from error
        results[name] = [*named_tensors(one.learner_parts()).values(), *traced.outputs]
    library = load_library(HEADERS.format("\n".join(source.text for source in sources.values())))
    for name, source in sources.items():
        trial = Code(library[name], source, starts[name], 1)
        check_agreement([*starts[name], *trial(*examples[name])], results[name])
    return sources, library


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
            raise CannotCompile("the machine has a C++ compiler that makes code which computes something else")
