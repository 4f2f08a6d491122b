"""The functions of agent/engine/*.h: their errors against mpmath, their edges, and their bits in every build."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from agent.engine.build import AVX2, AVX512, FLAGS, HERE, instruction_flags
from tests.support.reference import needs_compiler, rng

NAMES = (
    "exp", "expm1", "log", "log1p", "tanh", "erf", "log_ndtr", "sin", "cos", "erfinv", "lgamma", "digamma",
)  # fmt: skip

LOOP = """
extern "C" __attribute__((visibility("default"))) void {name}_{type}(const {type}* x, {type}* y, int64_t n)
{{
    INDEPENDENT
    for (int64_t i = 0; i < n; i++) y[i] = {name}(x[i]);
}}
"""

TYPES: dict[str, Any] = {"float": np.float32, "double": np.float64}

Functions = Callable[[str, np.ndarray], np.ndarray]


@functools.cache
def build(folder: Path, compiler: str, flags: tuple[str, ...]) -> Functions:
    """Return a function that computes a named function of each number, compiled in some way."""
    loops = "".join(LOOP.format(name=name, type=c_type) for name in NAMES for c_type in TYPES)
    includes = '#include "special_functions.h"\n#include "loops.h"\n'
    source, library = folder / "functions.cpp", folder / f"{Path(compiler).name}{len(flags)}.so"
    source.write_text(f"{includes}namespace portable {{\n{loops}}}\n")
    subprocess.run([compiler, *FLAGS, *flags, f"-I{HERE}", str(source), "-o", str(library)], check=True)
    code = ctypes.CDLL(str(library))

    def compute(name: str, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x)
        y = np.empty_like(x)
        c_type = "float" if x.dtype == np.float32 else "double"
        getattr(code, f"{name}_{c_type}")(
            ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_int64(len(x))
        )
        return y

    return compute


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture
def functions(folder: Path) -> Functions:
    return build(folder, shutil.which("g++") or "c++", instruction_flags())


def log_ndtr(x: Any) -> Any:
    half = mpmath.erfc(abs(x) / mpmath.sqrt(2)) / 2
    return mpmath.log(half) if x < 0 else mpmath.log1p(-half)


EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "tanh": mpmath.tanh,
    "erf": mpmath.erf, "log_ndtr": log_ndtr, "sin": mpmath.sin, "cos": mpmath.cos, "erfinv": mpmath.erfinv,
    "lgamma": mpmath.loggamma, "digamma": mpmath.digamma,
}  # fmt: skip

ERRORS = {
    "exp": (1.0, 1.01), "expm1": (1.5, 1.6), "log": (1.0, 1.0), "log1p": (1.0, 1.0), "tanh": (2.5, 2.4),
    "erf": (2.5, 1.5), "log_ndtr": (6.0, 5.0), "sin": (0.51, 1.5), "cos": (0.51, 1.5), "erfinv": (0.51, 12.0),
}  # fmt: skip
"""Greatest errors in units of the last place, (float, double), as the headers state them."""

ABSOLUTE = {"lgamma": 2e-14, "digamma": 4e-15}
"""Greatest errors of double results below 20, as the headers state them: near a zero, an ulp is no measure."""


def arguments(name: str, size: int) -> np.ndarray:
    """Return numbers of a function's domain: near 0, near its hard places, and over its whole range."""
    draw = rng(NAMES.index(name))
    signs = draw.choice([-1.0, 1.0], size)
    tiny, normal = 10.0 ** draw.uniform(-20, 0, size), draw.standard_normal(size)
    positive = np.concatenate([10.0 ** draw.uniform(-30, 30, size), draw.uniform(0.0, 20.0, size)])
    return {
        "exp": np.concatenate([draw.uniform(-80.0, 80.0, size), normal]),
        "log": np.concatenate([positive, 1.0 + 1e-4 * normal]),
        "log1p": np.concatenate([positive, -draw.uniform(0.0, 1.0, size), 1e-3 * normal]),
        "log_ndtr": np.concatenate([3.0 * normal, draw.uniform(-40.0, 8.0, size)]),
        "erfinv": np.concatenate([draw.uniform(-1.0, 1.0, size), signs * (1.0 - tiny), signs * tiny]),
        "lgamma": positive,
        "digamma": positive,
        "sin": np.concatenate([7.0 * signs * tiny, draw.uniform(-1e6, 1e6, size)]),
        "cos": np.concatenate([7.0 * signs * tiny, draw.uniform(-1e6, 1e6, size)]),
    }.get(name, np.concatenate([10.0 * signs * tiny, 3.0 * normal]))


def errors(name: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of results that are normal numbers: absolute, and in units of the last place."""
    with mpmath.workdps(40):
        exact = [EXACT[name](mpmath.mpf(float(one))) for one in x]
        apart = np.array([float(abs(mpmath.mpf(float(b)) - a)) for a, b in zip(exact, y, strict=True)])
        size = np.abs(np.array([float(a) for a in exact]))
    limits = np.finfo(y.dtype)
    normal = (size >= limits.tiny) & (size <= limits.max)
    return np.where(normal & (size < 20), apart, 0.0), np.where(normal, apart / np.spacing(size.astype(y.dtype)), 0.0)


@needs_compiler
@pytest.mark.parametrize("c_type", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_errors_are_those_that_the_headers_state(functions, name, c_type):
    x = arguments(name, 400).astype(TYPES[c_type])
    if name == "erfinv":
        x = x[np.abs(x) < 1]
    absolute, ulps = errors(name, x, functions(name, x))
    if name in ERRORS:
        assert ulps.max() <= ERRORS[name][c_type == "double"], x[ulps.argmax()]
    elif c_type == "double":
        assert absolute.max() <= ABSOLUTE[name], x[absolute.argmax()]
    else:
        assert ulps.max() <= 0.51  # Rounded from double.


INF, NAN = np.inf, np.nan

EDGES = {
    "exp": [(0.0, 1.0), (-INF, 0.0), (INF, INF), (1e4, INF), (-1e4, 0.0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (-INF, -1.0), (INF, INF), (1e4, INF)],
    "log": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (40.0, 1.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0)],
    "log_ndtr": [(50.0, 0.0)],
    "erfinv": [(0.0, 0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN)],
    "lgamma": [(INF, INF), (-1.5, NAN)],
    "digamma": [(INF, INF), (-1.5, NAN)],
    "sin": [(0.0, 0.0), (INF, NAN)],
    "cos": [(0.0, 1.0), (-INF, NAN)],
}


@needs_compiler
@pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_edges(functions, name, dtype):
    x, expected = np.array([*EDGES[name], (NAN, NAN)], dtype).T
    found = functions(name, x)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


@needs_compiler
def test_a_small_number_has_the_log_of_its_exponent(functions):
    """Subnormal arguments are scaled first."""
    x = np.array([2.0**-140, 2.0**-149], np.float32)
    np.testing.assert_allclose(functions("log", x), np.log(x.astype(float)), rtol=1e-7)


BUILDS = [("g++", AVX2), ("g++", (*AVX2, "-O1")), ("clang++", AVX2), ("clang++", AVX512)]


@needs_compiler
@pytest.mark.parametrize(("compiler", "flags"), BUILDS, ids=lambda value: value if isinstance(value, str) else "")
def test_bits_are_those_of_every_build(functions, folder, compiler, flags):
    """Of numbers of every exponent, and of a lone number as of many."""
    path = shutil.which(compiler) or shutil.which(f"{compiler}-14")
    if path is None or (set(AVX512) <= set(flags) and instruction_flags() != AVX512):
        pytest.skip(f"no {compiler} here, or no AVX-512")
    other = build(folder, path, flags)
    for dtype in TYPES.values():
        sample = rng(0).integers(0, 2 ** (8 * np.dtype(dtype).itemsize), 20_001, np.uint64)
        x = sample.astype(f"u{np.dtype(dtype).itemsize}").view(dtype)
        for name in NAMES:
            given = np.clip(x, -1e6, 1e6) if name in ("sin", "cos") else x
            y = functions(name, given)
            np.testing.assert_array_equal(other(name, given), y, err_msg=name)
            np.testing.assert_array_equal(functions(name, given[7:8]), y[7:8], err_msg=name)
