"""Traces an agent's update, or its acting, of one run, as a graph of ATen operations, gradients included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from agent.actor_critic import ActorCritic
from agent.engine.source import Input
from agent.networks.network import Network

aten = torch.ops.aten


class Trace(NamedTuple):
    """A graph of ATen operations, its inputs in order, and what the function returned while it was traced."""

    graph: fx.Graph
    inputs: list[Input]
    outputs: list[Tensor]


Function = Callable[..., Sequence[Tensor]]
"""A function of a learner and of tensors."""


def adam_(
    params: list[Tensor], grads: list[Tensor], means: list[Tensor], squares: list[Tensor], _: list[Tensor],
    counts: list[Tensor], *, lr: float, beta1: float, beta2: float, eps: float, **_others: Any,
) -> None:  # fmt: skip
    """Write aten._fused_adam_ out; weight decay, amsgrad and maximize are not used here and not supported."""
    for param, grad, mean, square, count in zip(params, grads, means, squares, counts, strict=True):
        mean.copy_(mean + (1.0 - beta1) * (grad - mean))
        square.copy_(beta2 * square + (1.0 - beta2) * (grad * grad))
        root = torch.sqrt(1.0 - torch.pow(beta2, count.double()))
        size, floor = (lr * root / (1.0 - torch.pow(beta1, count.double()))).float(), (eps * root).float()
        param.copy_(param - size * (mean / (square.sqrt() + floor)))


DECOMPOSITIONS: dict[Any, Any] = {
    **get_decompositions(
        [
            aten._log_softmax, aten._log_softmax_backward_data, aten._softmax, aten._softmax_backward_data,
            aten.logsumexp,
        ]
    ),
    aten._fused_adam_.default: adam_,
}  # fmt: skip
"""Operations that are written out in simpler ones, by ATen operation."""


class Counter:
    """Stands for a number that changes from update to update: a traced function that reads it raises TypeError."""

    def _refuse(self, *_: Any) -> Any:
        raise TypeError("it reads the number of updates, which would never change again; set compiles to False")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __floordiv__ = __truediv__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __int__ = __float__ = __index__ = __hash__ = _refuse


def trace(function: Function, agents: Sequence[ActorCritic], arguments: Sequence[Tensor]) -> Trace:
    """Trace a function of an agent of one run.

    agents: alike, of one run and of two; the first is changed.  arguments: examples, of one run.
    Raises ValueError if a tensor was traced as a constant, whose numbers would never change again, and TypeError if
    the function reads the number of updates.
    """
    one, two = (named_tensors(agent.learner_parts()) for agent in agents)
    agents[0].updates = Counter()  # type: ignore[assignment]
    for network in networks(agents[0].learner_parts()):
        network.pads_rows = False

    outputs: list[Tensor] = []

    def traced(_: list[Tensor], *given: Tensor) -> tuple[Tensor, ...]:
        outputs.extend(function(agents[0], *given))
        return tuple(outputs)

    module = make_fx(traced, decomposition_table=DECOMPOSITIONS)(list(one.values()), *arguments)
    constants = [str(node.target) for node in module.graph.nodes if node.op == "get_attr"]
    if constants:
        raise ValueError(
            f"found tensors that are not an input of the graph: {constants}; "
            "an agent must return the attributes that hold its tensors from extra_parts or learner_parts"
        )
    module.graph.eliminate_dead_code()
    inputs = [
        Input(name, tuple(tensor.shape), tensor.dtype, _run_axis(tensor, two[name])) for name, tensor in one.items()
    ]
    for i, tensor in enumerate(arguments):
        inputs.append(Input(f"argument_{i}", tuple(tensor.shape), tensor.dtype, 0, is_argument=True))
    return Trace(module.graph, inputs, outputs)


def _run_axis(one: Tensor, two: Tensor) -> int | None:
    """Return the dimension in which the tensors of one run and of two differ; None if the runs share the tensor."""
    differing = [d for d, (a, b) in enumerate(zip(one.shape, two.shape, strict=True)) if a != b]
    assert len(differing) <= 1
    return differing[0] if differing else None


def parts(part: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every tensor and every network of a part of an agent once, with a name, in a fixed order."""
    seen: set[int] = set()
    waiting = [(name, part)]
    while waiting:
        name, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        inner: dict[Any, Any] = {}
        if isinstance(part, Tensor | Network):
            yield name, part
        elif isinstance(part, dict):
            inner = part
        elif isinstance(part, list | tuple):
            inner = dict(enumerate(part))
        elif type(part).__module__.startswith("agent."):
            inner = vars(part)
        waiting += [(f"{name}_{key}".strip("_").replace("__", "_"), value) for key, value in inner.items()]


def named_tensors(part: Any) -> dict[str, Tensor]:
    """Return each tensor of a part of an agent, except the views that networks make, by a name that C++ allows."""
    named: dict[str, Tensor] = {}
    for name, found in parts(part):
        if isinstance(found, Tensor):
            while name in named:
                name += "_"
            named[name] = found
    return named


def networks(part: Any) -> list[Network]:
    """Return the networks of a part of an agent."""
    return [found for _, found in parts(part) if isinstance(found, Network)]
