"""The functions of agent/engine's headers: their edges, and the same bits in every build and place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from agent.engine.rules_elementwise import FLOAT32_ONLY, FORMULAS, IN_PLACE
from agent.engine.source import Input, write_source
from agent.engine.translate import NotTranslatable
from tests.support.compiled_functions import (
    BASIC,
    BUILDS,
    FLOAT,
    NAMES,
    TYPES,
    Functions,
    bits,
    compile_functions,
    every_float,
    own_functions,
)
from tests.support.reference import needs_compiler, rng

pytestmark = needs_compiler

OF_ONE = [one for one in NAMES if one[1] != "standard_gamma_grad"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture
def functions(folder: Path) -> Functions:
    return own_functions(folder)


POINTS = [0.0, 0.5, 1.0, 1.25, 2.0, 6.0, 10.0, 15.0, 800.0, 1e10, np.inf]

EDGES = {
    "float": [*POINTS, 2.0**-149, 2.0**-127, 2.0**-126, 1 - 2.0**-24, 1 + 2.0**-23, 88.72, 88.73, 104.0, 3e38],
    "double": [*POINTS, 2.0**-1074, 2.0**-1023, 2.0**-1022, 1 - 2.0**-53, 1 + 2.0**-52, 709.782712893384,
               709.7827128933841, 745.1332191019411, 745.1332191019412, 2.55e305, 2.57e305, 1.7976931348623157e308],
}  # fmt: skip
"""Numbers at which a function may be zero, infinite or undefined, or changes its method."""


def both_signs(c_type: str) -> np.ndarray:
    return np.array([*EDGES[c_type], *(-x for x in EDGES[c_type]), np.nan], TYPES[c_type])


DEVIATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sin": lambda x: np.abs(x) > (2.0**22 if x.dtype == np.float32 else 2.0**40),
    "cos": lambda x: np.abs(x) > (2.0**22 if x.dtype == np.float32 else 2.0**40),
    "lgamma": lambda x: x < 0,
    "digamma": lambda x: x < 0,
}
"""Arguments of which a function is NaN, unlike torch's."""


@pytest.mark.parametrize(("c_type", "name"), OF_ONE)
def test_edges_are_those_of_torch(functions, c_type, name):
    """Signs of zeros, infinities and NaN included. torch 2.13's log1p of a subnormal number is 0, ours the number."""
    x = both_signs(c_type)
    torch_function = getattr(torch.special if name == "log_ndtr" else torch, name)
    found, expected = functions(name, x), torch_function(torch.from_numpy(x)).numpy()
    if name in DEVIATIONS:
        assert np.isnan(found[DEVIATIONS[name](x)]).all()
        expected = np.where(DEVIATIONS[name](x), np.nan, expected)
    limits = np.finfo(x.dtype)
    if name == "log1p":
        expected = np.where(np.abs(x) < limits.tiny, x, expected)
    np.testing.assert_allclose(found, expected, rtol=16 * limits.eps, atol=2 * limits.smallest_subnormal)
    np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


def test_edges_of_the_gamma_gradient(functions):
    shape = np.array([1.0, 2.0, 1.0, 3e7, 0.5, np.nan, 3.0, 1.0], np.float32)
    x = np.array([0.0, 1e-38, 1e-30, 3e7, 1.0, 1.0, np.nan, 90.0], np.float32)
    found = functions("standard_gamma_grad", shape, x)
    np.testing.assert_array_equal(np.isnan(found), [False] * 4 + [True] * 3 + [False])
    np.testing.assert_allclose(found[[0, 2, 3]], [0.0, 6.950034e-29, 1.0], rtol=1e-5)
    assert 3.0 < found[7] < 6.0  # Beyond any draw; the limit is about log x.


@pytest.mark.parametrize("c_type", TYPES)
def test_basic_functions_of_one_number(functions, c_type):
    """Roots are numpy's: torch 2.13 rounds a fifth of its square roots of float32 wrongly."""
    x = np.concatenate([both_signs(c_type), rng(4).standard_normal(100).astype(TYPES[c_type])])
    with np.errstate(invalid="ignore"):
        expected = {"absolute": np.abs(x), "square_root": np.sqrt(x)}
    expected |= {"sign": torch.sgn(torch.from_numpy(x)).numpy(), "relu": np.where(x < 0, 0, x)}
    for name, values in expected.items():
        np.testing.assert_array_equal(bits(functions(name, x)), bits(values), err_msg=name)


@pytest.mark.parametrize("c_type", TYPES)
@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_minimum_and_maximum(functions, c_type, name):
    """Of 0 and -0, torch's take the first or the second, depending on the place in the tensor; ours the first."""
    x = np.concatenate([both_signs(c_type), rng(4).standard_normal(50).astype(TYPES[c_type])])
    a, b = (np.ascontiguousarray(grid.ravel()) for grid in np.meshgrid(x, x))
    found = functions(name, a, b)
    np.testing.assert_array_equal(found, getattr(torch, name)(torch.from_numpy(a), torch.from_numpy(b)).numpy())
    np.testing.assert_array_equal(np.signbit(found[a == b]), np.signbit(a[a == b]))


@pytest.mark.parametrize("c_type", TYPES)
def test_lerp_reaches_both_ends(functions, c_type):
    a, b, w = (rng(5).uniform(-3.0, 3.0, (3, 200))).astype(TYPES[c_type])
    np.testing.assert_array_equal(functions("lerp", a, b, np.zeros_like(a)), a)
    np.testing.assert_array_equal(functions("lerp", a, b, np.ones_like(a)), b)
    exact = a.astype(np.longdouble) + w.astype(np.longdouble) * (b.astype(np.longdouble) - a)
    np.testing.assert_allclose(functions("lerp", a, b, w), exact, rtol=0, atol=40 * np.finfo(a.dtype).eps)


def test_whole_powers(functions):
    exponent = np.array([0.0, 1.0, 2.0, 3.0, 1000.0, 65535.0, 1e5])
    for base in (0.9, 0.999):
        exact = np.array([float(mpmath.mpf(base) ** int(n)) for n in exponent])
        found = functions("power", np.full_like(exponent, base), exponent)
        assert (np.abs(found - exact) <= (exponent + 1) * 2.0**-53 * exact + 2.0**-1074).all()


def sample(c_type: str, name: str, stride: int) -> tuple[np.ndarray, ...]:
    """Return arguments of every exponent, and float64 ones between -20 and 20; every stride-th float32."""
    if c_type == "double":
        count = 2**32 // stride
        everywhere = (np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)).view(np.float64)
        return (np.concatenate([everywhere, np.arange(-count, count) * (20 / count)]),)
    x = every_float(stride)
    return (x,) if name in FLOAT else (np.abs(x[np.arange(len(x)) * 7919 % len(x)]), x)


@pytest.mark.parametrize("other", BUILDS)
def test_bits_are_those_of_every_build(functions, folder, other):
    second = compile_functions(folder, *BUILDS[other])
    for c_type, name in NAMES:
        given = sample(c_type, name, 16381)
        np.testing.assert_array_equal(bits(second(name, *given)), bits(functions(name, *given)), err_msg=name)


@pytest.mark.parametrize("other", BUILDS)
def test_bits_are_those_of_every_build_where_subnormals_are_zero(functions, folder, other):
    """And those of the usual mode, where arguments and results are far from subnormal numbers."""
    second = compile_functions(folder, *BUILDS[other])
    for c_type, name in OF_ONE:
        (x,) = sample(c_type, name, 16381)
        found, usual = functions(name, x, flushed=True), functions(name, x)
        np.testing.assert_array_equal(bits(second(name, x, flushed=True)), bits(found), err_msg=name)
        smallest = np.finfo(x.dtype).tiny * 2.0**24
        far = (np.abs(x) > smallest) & ~(np.abs(usual) < smallest)
        np.testing.assert_array_equal(bits(found[far]), bits(usual[far]), err_msg=name)


DIGESTS = {
    "float": {
        "exp": "bf669d3b5948be83", "expm1": "a0e8cf5017df9c77", "log": "069badf5d267543d",
        "log1p": "116c17fca6e9111a", "tanh": "beedcf919e345029", "sin": "71b0f0bd7e395147",
        "cos": "f2992822d60a9a49", "erf": "b462ba8e0fc30ee4", "erfinv": "64631b62c1140771",
        "lgamma": "e4c117d371ced048", "digamma": "7fffa265e7f39b96", "log_ndtr": "f92b3e204a484e34",
        "standard_gamma_grad": "cefe7401ad3749e7",
    },
    "double": {
        "exp": "f21b9fc0c66012ae", "expm1": "3805a6c2a33debc0", "log": "5e5575c9e1f12c86",
        "log1p": "325d4b54a55e5bfd", "tanh": "b8e08fba2a2d1412", "sin": "bc57effd6f27a118",
        "cos": "d3b601cacca4791f", "erf": "9248b39ea8b80a5d", "erfinv": "f5e61f48dc0fded3",
        "lgamma": "df1abf64abe25433", "digamma": "97f242c1ba315b4e",
    },
}  # fmt: skip
"""First digits of SHA-256 of the results of every 4093rd float32, or of as many float64 numbers."""

CHANGED = "the arithmetic has changed: results of earlier runs cannot be reproduced; ARITHMETIC needs a new version"


@pytest.mark.parametrize(("c_type", "name"), NAMES)
def test_bits_are_those_of_any_machine(functions, c_type, name):
    found = bits(functions(name, *sample(c_type, name, 4093)))
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == DIGESTS[c_type][name], CHANGED


CHECKSUMS = {
    "exp": "7fffecbc795fa0b5", "expm1": "80001eca63aabf06", "log": "3fffd384bbce844a", "log1p": "800030f3e0bea34d",
    "tanh": "7fffe54a50fd07a4", "sin": "7fff9064348b7418", "cos": "7ffffe0b20868168", "erf": "800004b9721f1704",
    "erfinv": "8000346bccdf4476", "lgamma": "3ffff21ae7f7f6ca", "digamma": "3fffae91b8276197",
    "log_ndtr": "7ffffb2f3bfe435a",
}  # fmt: skip
"""Of the results of all arguments with which the greatest errors, as the headers state them, were found."""

POSITIVE = ("log", "lgamma", "digamma")
"""Functions that are NaN below 0."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOAT)
def test_bits_of_every_float32(functions, name):
    """Two to eleven seconds a function."""
    assert functions.checksum(name, 2**31 if name in POSITIVE else 2**32) == CHECKSUMS[name], CHANGED


@pytest.mark.parametrize("build", ["g++ AVX2", "g++ AVX-512"])
def test_bits_do_not_depend_on_the_place_in_an_array(folder, build):
    """In whole vectors, in the rest after them, and alone."""
    functions = compile_functions(folder, *BUILDS[build])
    for c_type, name in NAMES:
        given = [rng(3).choice(x, 70) for x in sample(c_type, name, 9999991)]
        whole = bits(functions(name, *given))
        for first, last in [(i, i + 1) for i in range(70)] + [(i, 70) for i in range(35)] + [(0, i) for i in range(35)]:
            part = bits(functions(name, *(x[first:last] for x in given)))
            np.testing.assert_array_equal(part, whole[first:last], err_msg=name)


@pytest.mark.parametrize("build", [name for name in BUILDS if "-O1" not in name])
def test_every_loop_becomes_vector_instructions(folder, build):
    assert compile_functions(folder, *BUILDS[build]).vectorized == set(NAMES)


FORMULA_NAMES = {
    (target, name)
    for formulas in (FORMULAS, IN_PLACE)
    for target, formula in formulas.items()
    for name in re.findall(r"(\w+)\(", formula)
}


def test_rules_use_functions_that_are_tested_here():
    tested = {*NAMES, *((c_type, name) for c_type in TYPES for name in BASIC), ("double", "power")}
    for target, name in FORMULA_NAMES:
        types = ["double"] if name == "power" else ["float"] if target in FLOAT32_ONLY else list(TYPES)
        assert all((c_type, name) in tested for c_type in types), name


def test_what_exists_in_float32_only_is_refused_in_float64():
    """A conversion to float32 would lose digits without notice."""
    x = torch.zeros(3, dtype=torch.float64)
    graph = make_fx(torch.special.log_ndtr, tracing_mode="fake")(x).graph
    with pytest.raises(NotTranslatable, match=r"no rule for aten\.special_log_ndtr\.default of torch\.float64"):
        write_source("f", graph, [Input("x", (3,), torch.float64, None)])
