"""The bits of agent/engine/products.h, with each compiler and instruction set that this machine has."""

from __future__ import annotations

import ctypes
import functools
import itertools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.engine import build
from tests.support.reference import rng

Array = NDArray[np.float32]

HEADER = build.HERE / "products.h"
SETS = {"avx2": ("-mavx2", "-mfma"), "avx512f": ("-mavx2", "-mfma", "-mavx512f")}

HARNESS = """
#include "products.h"
#define EXPORT extern "C" __attribute__((visibility("default")))
EXPORT void run_product(const products::Product* p) { products::product(*p); }
"""

REFERENCE = Path(__file__).parents[1] / "support" / "products_reference.c"


class Matrix(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("row", ctypes.c_int64), ("column", ctypes.c_int64)]


class Product(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("rows", "inner", "columns")),
        *((name, Matrix) for name in "ab"),
        ("c", ctypes.c_void_p),
        ("c_row", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("bias", "gate")),
        ("gate_row", ctypes.c_int64),
        *((name, ctypes.c_bool) for name in ("relu", "skip_zeros")),
    ]


def matrix(x: Array) -> Matrix:
    """A matrix as C++ sees it. numpy gives any stride to a dimension of 1: the other one decides the layout."""
    row, column = (stride // 4 for stride in x.strides)
    return Matrix(x.ctypes.data, row, column)


@dataclass(frozen=True)
class Library:
    """A compiled harness, or the reference."""

    library: ctypes.CDLL

    def product(
        self, a: Array, b: Array, bias: Array | None = None, gate: Array | None = None,
        relu: bool = False, skip_zeros: bool = False, out: Array | None = None,
    ) -> Array:  # fmt: skip
        """Return finish(bias + a (I, K) @ b (K, J)), (I, J)."""
        c = np.full((a.shape[0], b.shape[1]), np.nan, np.float32) if out is None else out
        at = [None if x is None else x.ctypes.data for x in (bias, gate)]
        gate_row = 0 if gate is None else gate.strides[0] // 4
        sizes, c_row = (*a.shape, b.shape[1]), c.strides[0] // 4
        call = Product(*sizes, matrix(a), matrix(b), c.ctypes.data, c_row, *at, gate_row, relu, skip_zeros)
        self.library.run_product(ctypes.byref(call))
        return c


def normal(*shape: int, seed: int) -> Array:
    return rng(seed).standard_normal(shape, np.float32)


def view(x: Array, extra: int = 3) -> Array:
    """The same matrix with rows that are `extra` longer, and an unaligned start."""
    wide = np.full((x.shape[0], x.shape[1] + extra), np.nan, np.float32)
    wide[:, 1 : x.shape[1] + 1] = x
    return wide[:, 1 : x.shape[1] + 1]


def bits(x: Array) -> NDArray[np.uint32]:
    """Bits of numbers; all NaNs are the same."""
    return np.where(np.isnan(x), np.float32(np.nan), x).view(np.uint32)


def assert_same_bits(x: Array, y: Array, message: str = "") -> None:
    np.testing.assert_array_equal(bits(x), bits(y), message)


def compiled(place: Path, name: str, source: str, compiler: str, *flags: str) -> Library:
    path, library = place / name, place / f"{name}.so"
    path.write_text(source)
    command = [compiler, *flags, "-ffp-contract=off", "-fPIC", "-shared", f"-I{HEADER.parent}", str(path)]
    subprocess.run([*command, "-o", str(library), "-lm"], check=True, capture_output=True)
    return Library(ctypes.CDLL(str(library)))


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Library:
    if not shutil.which("gcc"):
        pytest.skip("no gcc here")
    place = tmp_path_factory.mktemp("reference")
    return compiled(place, "reference.c", REFERENCE.read_text(), "gcc", "-O1", "-std=c99")


@functools.cache
def processor_has(feature: str) -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and feature in cpuinfo.read_text().split()


@pytest.fixture(scope="module", params=list(itertools.product(("g++", "clang++"), SETS)), ids="-".join)
def built(request, tmp_path_factory) -> Library:
    compiler, instructions = request.param
    path = shutil.which(compiler) or (shutil.which("clang++-14") if compiler == "clang++" else None)
    if path is None or not all(map(processor_has, ("fma", instructions))):
        pytest.skip(f"no {compiler}, or a processor without {instructions}")
    place = tmp_path_factory.mktemp("products")
    return compiled(place, "harness.cpp", HARNESS, path, "-O3", "-std=c++17", *SETS[instructions])


def same_as_reference(built: Library, reference: Library) -> Callable[..., None]:
    def check(*args, **options) -> None:
        message = f"{[x.shape for x in args]} {[x.strides for x in args]} {list(options)}"
        assert_same_bits(built.product(*args, **options), reference.product(*args, **options), message)

    return check


ROWS, INNER, COLUMNS = (1, 2, 5, 7, 13, 32), (1, 2, 7, 15, 16, 17, 64, 100), (1, 2, 3, 6, 7, 10, 12, 16, 17, 30, 64, 70)
LARGE = [(256, 256, 256), (960, 64, 64), (33, 1025, 67), (5, 2000, 3), (3, 4, 1000), (1030, 70, 1)]


def test_forward(built, reference):
    check = same_as_reference(built, reference)
    for seed, (rows, inner, columns) in enumerate([*itertools.product(ROWS, INNER, COLUMNS), *LARGE]):
        x, w, bias = (normal(*s, seed=seed) for s in ((rows, inner), (inner, columns), (columns,)))
        check(x, w)
        check(x, w, bias=bias)
        check(view(x, 5), view(w), bias=bias, relu=True)


def test_input_gradient(built, reference):
    check = same_as_reference(built, reference)
    for seed, (rows, inner, columns) in enumerate([*itertools.product(ROWS, INNER, COLUMNS), *LARGE]):
        g, w, gate = (normal(*s, seed=seed) for s in ((rows, inner), (columns, inner), (rows, columns)))
        g[rng(seed).random(rows) < 0.5] = 0.0
        check(g, w.T)
        check(view(g, 4), view(w, 2).T, gate=view(np.maximum(gate, 0.0)), skip_zeros=True)


def test_weight_gradient(built, reference):
    check = same_as_reference(built, reference)
    for seed, (rows, inner, columns) in enumerate([*itertools.product(ROWS, INNER, COLUMNS), *LARGE]):
        x, g = normal(inner, rows, seed=seed), normal(inner, columns, seed=seed + 1)
        check(x.T, g)
        check(view(x, 4).T, view(g, 7))


def test_nothing_else_is_written(built, reference):
    for seed, (rows, inner, columns) in enumerate(itertools.product((1, 7), (4, 40), COLUMNS)):
        a, b = normal(rows, inner, seed=seed), normal(inner, columns, seed=seed + 1)
        for left in (a, np.asfortranarray(a)):
            whole = np.full((rows, columns + 9), 7.0, np.float32)
            out = built.product(left, b, out=whole[:, 4 : 4 + columns])
            assert_same_bits(out, reference.product(left, b))
            assert (whole[:, :4] == 7.0).all()
            assert (whole[:, 4 + columns :] == 7.0).all()


def test_a_stride_may_be_zero(built, reference):
    check = same_as_reference(built, reference)
    one, many = np.ones((1, 1), np.float32), normal(20, 20, seed=0)
    check(np.broadcast_to(one, (20, 20)), many)
    check(np.broadcast_to(many[:, :1], (20, 20)), many)
    check(many, np.broadcast_to(many[:1], (20, 20)))
    check(many, np.broadcast_to(many[:, :1], (20, 20)))


def test_a_row_depends_on_no_other(built):
    for inner, columns in ((64, 64), (64, 1), (23, 256), (300, 40)):
        a, b = normal(67, inner, seed=inner), normal(inner, columns, seed=columns)
        whole = built.product(a, b)
        for rows in (slice(0, 1), slice(3, 35), slice(66, 67)):
            assert_same_bits(built.product(a[rows], b), whole[rows])


def test_not_a_number_and_infinity_pass_through(built, reference):
    check = same_as_reference(built, reference)
    for seed, columns in enumerate((1, 5, 16, 40)):
        a, b = normal(12, 35, seed=seed), normal(35, columns, seed=seed + 1)
        a[1, 3], a[2, 34], a[4, 0], b[8, -1] = np.nan, np.inf, -np.inf, 0.0
        a[5, 8] = np.inf  # times 0: NaN
        gate, bias = normal(12, columns, seed=seed + 2), normal(columns, seed=seed + 3)
        gate[3] = np.nan
        check(a, b, bias=bias, relu=True)
        check(a, b, gate=gate)
        check(np.asfortranarray(a), b)
        out = built.product(a, b, relu=True)
        assert np.isnan(out[[1, 1, 5], [0, -1, -1]]).all()
        assert np.isin(out[4], [0.0, np.inf]).all()


def test_zero_rows_are_zero_whatever_the_weights(built):
    g, w = normal(9, 20, seed=0), normal(20, 33, seed=1)
    g[::2], w[3, 4] = -0.0, np.inf
    for columns in (33, 5):
        out = built.product(g, w[:, :columns].copy(), skip_zeros=True)
        assert (bits(out[::2]) == 0).all()
        assert np.isinf(out[1::2, 4]).all()


def test_sums_are_exact_where_float32_is(built):
    a, b = (rng(seed).integers(-8, 9, shape).astype(np.float32) for seed, shape in enumerate([(40, 70), (70, 50)]))
    for columns in (1, 6, 50):
        np.testing.assert_array_equal(built.product(a, b[:, :columns].copy()), a @ b[:, :columns])


def test_order_of_a_sum(built):
    """Adding 1 to 2^24 changes nothing, so that the result counts the ones that come after the large terms cancel."""
    a = np.ones((1, 32), np.float32)
    a[0, 0], a[0, 20] = 2.0**24, -(2.0**24)
    b = np.ones((32, 7), np.float32)
    assert (built.product(a, b) == 11.0).all()  # in sequence: terms 21 to 31
    assert (built.product(a, b[:, :6].copy()) == 29.0).all()  # in sixteen parts: only term 16 follows 2^24 in its part


def test_a_term_is_rounded_once(built):
    tiny = np.float32(2.0**-12)
    a = np.array([[1.0, 1.0 + tiny]], np.float32)
    b = np.repeat(np.array([[-1.0], [1.0 + tiny]], np.float32), 7, 1)
    assert (built.product(a, b) == np.float32(2.0**-11 + 2.0**-24)).all()
