"""Compiles an actor-critic's update into one graph, and its acting into another.

Each is traced, gradients included, into ATen operations, from which torch's Inductor generates C++. The inputs of a
graph are the learner's tensors, which an update changes in place, then replay rows or observations, and noise. So
nothing that differs between two runs of a stack, or between two stacks of one shape, is compiled into it. To keep a
run's bits independent of the other runs, Inductor's heuristics of size are off, and `agent.engine.tracing` writes out
everything else that it would order by shape.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch._inductor
from torch import Tensor
from torch._guards import TracingContext, tracing
from torch._inductor.exc import CppCompileError, InductorError, InvalidCxxCompiler
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from agent.actor_critic import ActorCritic
from agent.base import Batch
from agent.engine.products import SHIMS, CannotCompile, load_machine_code, take_in_what_follows
from agent.engine.tracing import SPELLED_OUT
from agent.networks.network import CACHE_LINE, Network
from utils.core.random_streams import Draws

OPTIONS: dict[str, Any] = {
    "cpp_wrapper": True,
    "cpp.enable_tiling_heuristics": False,
    "cpp.threads": 1,
    "size_asserts": False,
    "compile_threads": 1,
    "aot_inductor.custom_ops_to_c_shims": SHIMS,
}
"""Options of Inductor."""

AGREEING = 0.95
"""Fraction of each tensor's elements for which compiled code must agree with the traced function."""

GOLDEN = 0.6180339887
"""Number whose multiples, modulo 1, are spread evenly over [0, 1)."""


def compiled_update(agent: ActorCritic) -> Callable[[Batch, Tensor], tuple[Tensor, ...]]:
    """Return `agent.update_networks` as compiled code, which changes this agent's tensors.  Raises CannotCompile."""

    def update_networks(learner: ActorCritic, rows: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        return learner.update_networks(agent.replay.make_batch(rows), noise)

    code = compiled(update_networks, agent, update_inputs(agent))
    return lambda batch, noise: code(batch.rows, noise)


def compiled_acting(agent: ActorCritic) -> Callable[[Tensor, Tensor], Tensor]:
    """Return `agent.draw_actions`, in one state of each run, as compiled code.

    The code returns each action CACHE_LINE times, because a single number would be rounded differently from several at
    once.  Raises CannotCompile.
    """

    def draw_actions(learner: ActorCritic, obs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        return (learner.draw_actions(in_lines(obs), in_lines(noise)),)

    code = compiled(draw_actions, agent, acting_inputs(agent))
    return lambda obs, noise: code(obs, noise)[0]


def compiled(
    function: Callable[[ActorCritic, Tensor, Tensor], tuple[Tensor, ...]],
    agent: ActorCritic,
    inputs: tuple[Tensor, Tensor],
) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
    """Compile a function of the agent's tensors and of two inputs. Returns code that works on the agent's own tensors.

    inputs: examples, of the shapes that the code will be called with.  Raises CannotCompile.
    """
    double = copy.copy(agent)
    vars(double).update(copy.deepcopy(agent.learner_parts()))
    state, traced = list(tensors(agent.learner_parts())), list(tensors(double.learner_parts()))
    outputs: list[Tensor] = []

    def on_double(_: list[Tensor], seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        outputs.extend(function(double, seen, noise))
        return tuple(outputs)

    graph = make_fx(on_double, decomposition_table=SPELLED_OUT)(traced, *inputs)
    code = compiled_graph(flat(graph), [*state, *inputs])
    trial = [tensor.clone() for tensor in state]
    check_agreement([*trial, *code(*trial, *inputs)], [*traced, *outputs])
    return lambda seen, noise: code(*state, seen, noise)


def compiled_graph(graph: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Return machine code for a graph, from Inductor's cache if it is there.  Raises CannotCompile."""
    load_machine_code()
    try:
        # Inductor uses its cache only in such a context.
        with tracing(TracingContext(FakeTensorMode(shape_env=ShapeEnv()))):
            return torch._inductor.compile(graph, inputs, options=OPTIONS)
    except OSError as error:
        raise CannotCompile(f"cannot store compiled kernels: {error}") from error
    except InductorError as error:
        if isinstance(error.inner_exception, InvalidCxxCompiler):
            raise CannotCompile("has no C++ compiler; install g++, or set $CXX to another one") from error
        if isinstance(error.inner_exception, CppCompileError):
            raise CannotCompile("has a C++ compiler that fails on torch's code") from error
        raise


def check_agreement(found: list[Tensor], expected: list[Tensor]) -> None:
    """Check that compiled code agrees with the traced function except for rounding.  Raises CannotCompile.

    found, expected: tensors that each has changed or returned.  Some releases of torch compile an update wrongly. Not
    all elements need to agree, because a step along a gradient that is zero except for rounding may have either sign.
    """
    for ours, theirs in zip(found, expected, strict=True):
        near = torch.isclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()), equal_nan=True)
        if float(near.float().mean()) < AGREEING:
            raise CannotCompile(
                f"compiles an update into code that computes something else (torch {torch.__version__})"
            )


def update_inputs(agent: ActorCritic) -> tuple[Tensor, Tensor]:
    """Return example replay rows and noise of an update; the agent's own random streams do not advance."""
    rows = spread(agent.runs, agent.common.batch_size, agent.replay.row_length)
    return rows, agent.draw_update_noise(Draws(agent.random_seeds, "update"))


def acting_inputs(agent: ActorCritic) -> tuple[Tensor, Tensor]:
    """Return example observations and noise of acting; the agent's own random streams do not advance."""
    return spread(agent.runs, 1, agent.replay.obs_dim), agent.draw_acting_noise(Draws(agent.random_seeds, "act"))


def in_lines(x: Tensor) -> Tensor:
    """Expand x (R, 1, ...) to (R, CACHE_LINE, ...), equal in each row."""
    return x.expand(-1, CACHE_LINE, *x.shape[2:])


def spread(*shape: int) -> Tensor:
    """Return numbers in [0, 1) of which no two are near each other."""
    return (torch.arange(math.prod(shape)) * GOLDEN % 1.0).view(shape)


def tensors(part: Any) -> Iterator[Tensor]:
    """Yield each tensor of a part of an agent once, in a fixed order, except the views that networks make."""
    seen: set[int] = set()
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, Network):
            continue
        seen.add(id(part))
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif type(part).__module__.startswith("agent."):
            waiting.extend(vars(part).values())


def flat(graph: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """Return the graph with plain arguments, without leftovers of tracing, and with operations merged into products.

    Raises ValueError if a tensor was traced as a constant, whose numbers would never change again.
    """
    constants = [str(node.target) for node in graph.graph.nodes if node.op == "get_attr"]
    if constants:
        raise ValueError(
            f"found tensors that are not an input of the graph: {constants}; "
            "an agent must return the attributes that hold its tensors from extra_parts or learner_parts"
        )
    graph.graph.set_codegen(torch.fx.graph.CodeGen())
    graph.graph.eliminate_dead_code()
    take_in_what_follows(graph.graph)
    for node in graph.graph.nodes:
        node.meta.pop("val", None)
    graph.recompile()
    return graph
