"""Time of the matrix products of an update alone, which limits the speed of training.

The limit is that of the faster of two implementations: torch's BLAS (`torch.bmm`), which multiplies the matrices of all
runs at once, and the compiled engine's own products (agent/engine/products.h), run after run. Operands are random and
contiguous; the products have no bias, no activation, and no rows of zeros that could be skipped.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import suppress
from unittest import mock

import torch
from torch import Tensor

from agent.engine.build import CannotCompile, load_library
from utils.benchmarking.timing import TimedCall
from utils.training.loop import Loop

Operands = Sequence[tuple[Tensor, Tensor]]
"""Pairs of batches of matrices, (N, I, J) and (N, J, K)."""

SOURCE = """\
#include "products.h"

// at: a, b and c of each product.  sizes: rows, inner and columns of each product.
extern "C" __attribute__((visibility("default"))) void multiply(int64_t count, float* const* at, const int64_t* sizes)
{
    for (; count; count--, at += 3, sizes += 3) {
        const int64_t rows = sizes[0], inner = sizes[1], columns = sizes[2];
        products::product(
            {rows, inner, columns, {at[0], inner, 1}, {at[1], columns, 1}, at[2], columns, nullptr, nullptr, 0, false,
             false});
    }
}
"""
"""C++ code that computes many products."""


def make_limit_calls(loop: Loop) -> dict[str, TimedCall]:
    """Return the calls that compute an update's matrix products, by implementation; none if it has no products."""
    operands = product_operands(loop)
    if not operands:
        return {}
    calls: dict[str, Callable[[], object]] = {"BLAS": lambda: [torch.bmm(a, b) for a, b in operands]}
    with suppress(CannotCompile):
        calls["own"] = make_own_products(operands, loop.runs)[0]
    return {name: TimedCall(call, loop.runs) for name, call in calls.items()}


def product_operands(loop: Loop) -> list[tuple[Tensor, Tensor]]:
    """Return random operands with the shapes of every matrix product in one eager update.

    The shapes are recorded during an update.
    """
    shapes: list[tuple[torch.Size, torch.Size]] = []

    def record_shapes(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*operands: Tensor) -> Tensor:
            shapes.append((operands[-2].shape, operands[-1].shape))
            return product(*operands)

        return call

    with (
        mock.patch.object(torch, "bmm", record_shapes(torch.bmm)),
        mock.patch.object(torch, "baddbmm", record_shapes(torch.baddbmm)),
    ):
        loop.stack.agent.update()
    return [(torch.rand(a), torch.rand(b)) for a, b in shapes]


def make_own_products(operands: Operands, runs: int) -> tuple[Callable[[], object], list[Tensor]]:
    """Return a function that computes all products, run after run, and the tensors (N, I, K) that it fills.

    runs: of N slots, each run has N / runs, in order.  Raises CannotCompile.
    """
    multiply = load_library(SOURCE).multiply
    results = [torch.empty(len(a), a.shape[1], b.shape[2]) for a, b in operands]
    slots = sorted(
        (n * runs // len(a), i, n) for i, (a, _) in enumerate(operands) for n in range(len(a))
    )  # by run, then in the order of the update
    places, sizes = [], []
    for _, i, n in slots:
        a, b = operands[i]
        places += [matrices[n].data_ptr() for matrices in (a, b, results[i])]
        sizes += [*a.shape[1:], b.shape[2]]
    arguments = (
        ctypes.c_int64(len(slots)), (ctypes.c_void_p * len(places))(*places), (ctypes.c_int64 * len(sizes))(*sizes)
    )  # fmt: skip

    def call(_kept: object = (operands, results)) -> None:  # The code has only their addresses.
        multiply(*arguments)

    return call, results
