"""An actor-critic's update as one compiled graph, and its acting as another.

Each is traced as it stands, gradients included, into ATen operations, and torch's Inductor makes C++ of them.
A graph's inputs are the learner's tensors, which an update changes in place, what was seen and the noise; so nothing
that differs between two runs of a stack, or between two stacks of a shape, is compiled into it. To keep a run's bits
independent of the runs beside it, Inductor chooses its loops by no heuristic of size, and `agent.engine.tracing` spells
out whatever else it would order by shape.
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
from agent.networks.network import LINE, Network
from utils.core.random_streams import Draws

OPTIONS: dict[str, Any] = {
    "cpp_wrapper": True,
    "cpp.enable_tiling_heuristics": False,
    "cpp.threads": 1,
    "size_asserts": False,
    "compile_threads": 1,
    "aot_inductor.custom_ops_to_c_shims": SHIMS,
}


AGREEING = 0.95
"""Share of each tensor that compiled code must give or change as the traced function does."""

GOLDEN = 0.6180339887
"""Its multiples are spread evenly over [0, 1), modulo 1."""


def compiled_update(agent: ActorCritic) -> Callable[[Batch, Tensor], tuple[Tensor, ...]]:
    """`agent.learn` as compiled code, which changes this agent's tensors.  Raises CannotCompile."""

    def learn(learner: ActorCritic, rows: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        return learner.learn(agent.replay.split(rows), noise)

    code = compiled(learn, agent, update_inputs(agent))
    return lambda batch, noise: code(batch.rows, noise)


def compiled_acting(agent: ActorCritic) -> Callable[[Tensor, Tensor], Tensor]:
    """`agent.explore` in one state of each run as compiled code, which gives whole lines of actions, all alike.

    A number that is alone would be computed otherwise than one beside other runs'.  Raises CannotCompile.
    """

    def explore(learner: ActorCritic, obs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        return (learner.explore(in_lines(obs), in_lines(noise)),)

    code = compiled(explore, agent, acting_inputs(agent))
    return lambda obs, noise: code(obs, noise)[0]


def compiled(
    function: Callable[[ActorCritic, Tensor, Tensor], tuple[Tensor, ...]],
    agent: ActorCritic,
    inputs: tuple[Tensor, Tensor],
) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
    """A function of the agent's tensors, and of inputs like those given, as compiled code on these very tensors.

    Raises CannotCompile.
    """
    double = copy.copy(agent)
    vars(double).update(copy.deepcopy(agent.learner()))
    state, traced = list(tensors(agent.learner())), list(tensors(double.learner()))
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
    """Machine code for a graph, from the cache if it is there.  Raises CannotCompile."""
    load_machine_code()
    try:
        # Inductor looks into its cache only where it finds such a context.
        with tracing(TracingContext(FakeTensorMode(shape_env=ShapeEnv()))):
            return torch._inductor.compile(graph, inputs, options=OPTIONS)
    except OSError as error:
        raise CannotCompile(f"has no place for compiled kernels: {error}") from error
    except InductorError as error:
        if isinstance(error.inner_exception, InvalidCxxCompiler):
            raise CannotCompile("has no C++ compiler; $CXX may name one, g++ is looked for") from error
        if isinstance(error.inner_exception, CppCompileError):
            raise CannotCompile("has a C++ compiler that fails on what torch hands it") from error
        raise


def check_agreement(found: list[Tensor], expected: list[Tensor]) -> None:
    """Raises CannotCompile unless compiled code comes where the traced function came, but for rounding.

    found, expected: what either gives and has changed.  A step along a gradient that is zero but for rounding may go
    either way. Some of torch's releases compile an update wrongly.
    """
    for ours, theirs in zip(found, expected, strict=True):
        near = torch.isclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()), equal_nan=True)
        if float(near.float().mean()) < AGREEING:
            raise CannotCompile(f"compiles an update that is another one (torch {torch.__version__})")


def update_inputs(agent: ActorCritic) -> tuple[Tensor, Tensor]:
    """Replay rows and noise as an update is handed them; the agent's own streams stay where they are."""
    rows = spread(agent.runs, agent.common.batch_size, agent.replay.row)
    return rows, agent.noise(Draws(agent.random_seeds, "update"))


def acting_inputs(agent: ActorCritic) -> tuple[Tensor, Tensor]:
    """Observations and noise as acting is handed them; the agent's own streams stay where they are."""
    return spread(agent.runs, 1, agent.replay.obs_dim), agent.acting_noise(Draws(agent.random_seeds, "act"))


def in_lines(x: Tensor) -> Tensor:
    """x (R, 1, ...) as (R, LINE, ...), the same in each row."""
    return x.expand(-1, LINE, *x.shape[2:])


def spread(*shape: int) -> Tensor:
    """Numbers in [0, 1), no two of them near."""
    return (torch.arange(math.prod(shape)) * GOLDEN % 1.0).view(shape)


def tensors(part: Any) -> Iterator[Tensor]:
    """Each tensor that a part of an agent holds, once, in a fixed order; views that its networks make are left out."""
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
    """The graph with plain arguments, no leftovers of tracing, and products that do what follows them.

    Raises ValueError if a tensor was traced as a constant: what it holds would never change again.
    """
    constants = [str(node.target) for node in graph.graph.nodes if node.op == "get_attr"]
    if constants:
        raise ValueError(f"tensors that are no input of the graph: {constants}")
    graph.graph.set_codegen(torch.fx.graph.CodeGen())
    graph.graph.eliminate_dead_code()
    take_in_what_follows(graph.graph)
    for node in graph.graph.nodes:
        node.meta.pop("val", None)
    graph.recompile()
    return graph
