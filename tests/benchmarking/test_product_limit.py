"""utils/benchmarking/product_limit.py: our own products are those of torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.engine.build import CannotCompile, find_compiler
from tests.support.reference import rng
from utils.benchmarking import product_limit
from utils.benchmarking.timing import BenchmarkTask, make_loop


def has_compiler() -> bool:
    try:
        return bool(find_compiler())
    except CannotCompile:
        return False


def normal(random: np.random.Generator, *shape: int) -> torch.Tensor:
    return torch.from_numpy(random.standard_normal(shape, np.float32))


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="needs a C++ compiler")


@needs_compiler
def test_own_products_are_those_of_torch() -> None:
    """Two runs; products with one slot per run, and with two."""
    random = rng(0)
    shapes = [((2, 32, 4), (2, 4, 64)), ((4, 32, 64), (4, 64, 3)), ((4, 16, 32), (4, 32, 17))]
    operands = [(normal(random, *a), normal(random, *b)) for a, b in shapes]
    multiply, results = product_limit.make_own_products(operands, runs=2)
    multiply()
    for (a, b), found in zip(operands, results, strict=True):
        torch.testing.assert_close(found, torch.bmm(a, b), rtol=1e-4, atol=1e-4)


@needs_compiler
def test_both_implementations_are_timed() -> None:
    loop = make_loop(BenchmarkTask("SAC", "Pendulum-v1", 16, 8), 2)
    calls = product_limit.make_limit_calls(loop)
    assert [*calls] == ["BLAS", "own"]
    assert {call.run_steps for call in calls.values()} == {2}


def test_without_a_compiler_the_limit_is_that_of_the_blas(monkeypatch) -> None:
    def load_library(source: str) -> None:
        raise CannotCompile("has no C++ compiler")

    monkeypatch.setattr(product_limit, "load_library", load_library)
    loop = make_loop(BenchmarkTask("SAC", "Pendulum-v1", 16, 8), 1)
    assert [*product_limit.make_limit_calls(loop)] == ["BLAS"]


def test_an_update_without_products_has_no_limit() -> None:
    assert product_limit.make_limit_calls(make_loop(BenchmarkTask("linearAC", "Pendulum-v1", 16, 8), 1)) == {}
