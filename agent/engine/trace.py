"""Traces an agent's update, or its acting, of one run, as a graph of ATen operations, gradients included."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch._decomp import get_decompositions
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.weak import WeakTensorKeyDictionary

from agent.actor_critic import ActorCritic
from agent.engine.functions import Function
from agent.engine.parts import named_tensors, networks
from agent.engine.source import Input

aten = torch.ops.aten


class Trace(NamedTuple):
    """A graph of ATen operations, its inputs in order, and what the function returned while it was traced."""

    graph: fx.Graph
    inputs: list[Input]
    outputs: list[Tensor]


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


class TensorSpec(NamedTuple):
    """What the translation needs of a tensor in a graph."""

    shape: torch.Size
    dtype: torch.dtype


class Recorder(TorchDispatchMode):
    """Records, while it is entered, every ATen operation that torch executes, as a node of `graph`."""

    def __init__(self, inputs: Mapping[str, Tensor]) -> None:
        """Begin a graph with named inputs."""
        super().__init__()
        self.graph = fx.Graph()
        self._nodes = WeakTensorKeyDictionary()
        for name, tensor in inputs.items():
            self._bind(tensor, self.graph.placeholder(name))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spare the first operation the import of torch's compiler, which takes more than a second."""
        return False

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Execute and record an operation.  Raises ValueError for a tensor that is neither an input nor computed."""
        kwargs = kwargs or {}
        with self:  # Records the simpler operations instead, if the operation consists of such.
            simpler = DECOMPOSITIONS.get(operation, operation.decompose)(*args, **kwargs)
        if simpler is not NotImplemented:
            return simpler
        arguments = tree_map_only(Tensor, self.node_of, (tuple(args), kwargs))
        result = operation(*args, **kwargs)
        self._bind(result, self.graph.call_function(operation, *arguments))
        return result

    def node_of(self, tensor: Tensor) -> fx.Node:
        """Return the node that computes a tensor.  Raises ValueError if there is none."""
        node = self._nodes.get(tensor)
        if node is None:
            raise ValueError(
                f"found a tensor {tuple(tensor.shape)} that is not an input of the graph; "
                "an agent must return the attributes that hold its tensors from extra_parts or learner_parts"
            )
        return node

    def _bind(self, result: Any, node: fx.Node) -> None:
        """State that a node computes a tensor, or a tuple of tensors."""
        if isinstance(result, Tensor):
            node.meta["val"] = TensorSpec(result.shape, result.dtype)
            self._nodes[result] = node
        elif isinstance(result, tuple | list):
            for i, one in enumerate(result):
                self._bind(one, self.graph.call_function(operator.getitem, (node, i)))


def trace(function: Function, agents: Sequence[ActorCritic], arguments: Sequence[Tensor]) -> Trace:
    """Trace a function of an agent of one run.

    agents: alike, of one run and of two; the first is changed.  arguments: examples, of one run.
    Raises ValueError if the function uses a tensor that is no input, whose numbers would never change again, and
    TypeError if it reads the number of updates.
    """
    one, two = (named_tensors(agent.learner_parts()) for agent in agents)
    agents[0].updates = Counter()  # type: ignore[assignment]
    agents[0].diagnostics.together = 1
    for network in networks(agents[0].learner_parts()):
        network.pads_rows = False
    given = {f"argument_{i}": tensor.clone() for i, tensor in enumerate(arguments)}
    with Recorder(one | given) as recorder:
        outputs = list(function(agents[0], *given.values()))
    recorder.graph.output([recorder.node_of(output) for output in outputs])
    recorder.graph.eliminate_dead_code()
    inputs = [
        Input(name, tuple(tensor.shape), tensor.dtype, _run_axis(tensor, two[name])) for name, tensor in one.items()
    ]
    inputs += [Input(name, tuple(tensor.shape), tensor.dtype, 0, is_argument=True) for name, tensor in given.items()]
    return Trace(recorder.graph, inputs, outputs)


def _run_axis(one: Tensor, two: Tensor) -> int | None:
    """Return the dimension in which the tensors of one run and of two differ; None if the runs share the tensor."""
    differing = [d for d, (a, b) in enumerate(zip(one.shape, two.shape, strict=True)) if a != b]
    assert len(differing) <= 1
    return differing[0] if differing else None
