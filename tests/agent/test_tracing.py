"""What a traced update spells out, by value against ATen's own operations, and its order."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from agent.engine.compiled import compiled_graph, flat
from agent.engine.tracing import SPELLED_OUT, sum_of_halves
from agent.networks.optimizer import Adam
from agent.policy.functions import log1mexp
from tests.support.reference import UNIT, needs_compiler, normal32

aten = torch.ops.aten


def traced(function, *inputs):
    """The function as a graph of what it is spelled out as, and the names of the operations in it."""
    graph = make_fx(function, decomposition_table=SPELLED_OUT)(*inputs)
    return graph, {node.target for node in graph.graph.nodes if node.op == "call_function"}


@pytest.mark.parametrize(("size", "expected"), [(1, "a"), (2, "(a+b)"), (5, "(((a+c)+(b+d))+e)")])
def test_the_order_of_a_sum(size, expected):
    """Seen in numbers of which only that order has this rounded sum."""
    terms = dict(zip("abcde", normal32(5, seed=1) * 10.0 ** normal32(5, seed=2), strict=True))
    x = torch.stack(list(terms.values())[:size])
    assert sum_of_halves(x, 0).item() == eval(expected, terms).item()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(),
        lambda x: x.sum((1, 2)),
        lambda x: x.sum(-1, keepdim=True),
        lambda x: x.mean((0, 2)),
        lambda x: x.mean(),
        lambda x: torch.logsumexp(x, -1),
        lambda x: torch.log_softmax(x, -1),
        lambda x: torch.softmax(x, 1),
    ],
)
def test_sums_and_what_is_made_of_them(function):
    x = normal32(3, 10, 7, seed=3)
    graph, operations = traced(function, x)
    # Sums of up to 210 numbers of order 1, rounded in another order.
    torch.testing.assert_close(graph(x), function(x), rtol=1e-5, atol=210 * UNIT)
    assert not operations & {aten.sum.dim_IntList, aten.sum.default, aten.mean.dim, aten.logsumexp.default}


@pytest.mark.parametrize(("shape", "dim"), [((3, 10, 32), 1), ((3, 10, 64), 2)])
def test_sums_along_or_across_whole_lines_stay(shape, dim):
    _, operations = traced(lambda x: x.sum(dim), normal32(*shape, seed=4))
    assert aten.sum.dim_IntList in operations


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.9), (0.5, 0.0)])
def test_adam_written_out_is_adam(betas):
    """Ten steps; each rounds a few times, of numbers up to 4 and steps of 0.1."""
    params = normal32(2, 3, 48, seed=5)
    eager, written = (Adam(params.clone(), torch.tensor([[1e-3], [1e-2], [0.1]]), betas) for _ in range(2))

    def step(grad, *state):
        written.step(grad)

    state = (written.params, written.mean, written.square, written.count, written.step_size)
    before = [tensor.clone() for tensor in state]
    graph, operations = traced(step, params, *state)
    for tensor, old in zip(state, before, strict=True):
        tensor.copy_(old)
    assert aten._fused_adam_.default not in operations
    for i in range(10):
        grad = normal32(2, 3, 48, seed=6 + i)
        eager.step(grad)
        graph(grad, *state)
    torch.testing.assert_close(written.params, eager.params, rtol=0, atol=10 * 4 * 4 * UNIT)
    torch.testing.assert_close(written.mean, eager.mean, rtol=1e-5, atol=4 * UNIT)
    torch.testing.assert_close(written.square, eager.square, rtol=1e-5, atol=4 * UNIT)
    assert written.count == 10


@pytest.mark.parametrize(
    "function",
    [
        lambda x, at, src: x.scatter_add(-1, at, src),
        lambda x, at, src: x.clone().scatter_(-1, at, src),
        lambda x, at, src: x.clone().scatter_(2, at, 0.25),
    ],
)
def test_numbers_put_at_places(function):
    x, src = normal32(2, 3, 7, seed=7), normal32(2, 3, 3, seed=8)
    at = torch.tensor([[[6, 0, 3], [1, 2, 4], [5, 6, 0]]]).expand(2, -1, -1).contiguous()
    graph, operations = traced(function, x, at, src)
    assert torch.equal(graph(x, at, src), function(x, at, src))
    assert not operations & {aten.scatter_add.default, aten.scatter_.src, aten.scatter_.value}


TINY_TO_LARGE = torch.cat([sign * torch.logspace(-30, 1.9, 4000) for sign in (-1.0, 1.0)] + [torch.zeros(1)])


def test_an_exponential_less_one():
    """Within 3 roundings of the exact value, of which Kahan's way makes three, wherever that is a float32."""
    graph, operations = traced(lambda x: torch.expm1(x), TINY_TO_LARGE)
    assert aten.expm1.default not in operations
    torch.testing.assert_close(graph(TINY_TO_LARGE), torch.expm1(TINY_TO_LARGE.double()).float(), rtol=3 * UNIT, atol=0)


@needs_compiler
@pytest.mark.parametrize("function", [torch.expm1, lambda x: log1mexp(x.abs() + 1e-30)], ids=["expm1", "log1mexp"])
def test_compiled_functions_are_exact_near_zero(function):
    """The compiler's own e^x - 1 is 0 there."""
    graph, _ = traced(lambda x: (function(x),), TINY_TO_LARGE)
    (found,) = compiled_graph(flat(graph), [TINY_TO_LARGE])(TINY_TO_LARGE)
    torch.testing.assert_close(found, function(TINY_TO_LARGE.double()).float(), rtol=1e-6, atol=0)
