"""Errors of the functions of agent/engine's headers are at most those that the headers state.

Functions of float64 are compared with mpmath, and those of float32 with those of float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
import torch

from tests.support.compiled_functions import DOUBLE, FLOAT, Functions, every_float, own_functions
from tests.support.minimax import fit
from tests.support.reference import needs_compiler, rng

pytestmark = needs_compiler

FLOAT_ULPS = {
    "exp": 1.02, "expm1": 1.3, "log": 0.93, "log1p": 1.1, "tanh": 1.23, "sin": 1.19, "cos": 1.21, "erf": 1.0,
    "erfinv": 2.0, "lgamma": 2.1, "digamma": 2.3, "log_ndtr": 3.8,
}  # fmt: skip
"""Greatest errors in units of the last place, as the headers state them: of all float32 arguments."""

DOUBLE_ULPS = {
    "exp": 0.85, "expm1": 1.2, "log": 0.85, "log1p": 0.9, "tanh": 2.3, "sin": 0.8, "cos": 0.8, "erf": 1.2,
    "erfinv": 2.1, "lgamma": 2.8, "digamma": 2.5,
}  # fmt: skip
"""As the headers state them: found with a million arguments, of digamma and erfinv half a million, and rounded up."""

GAMMA_GRAD_ERROR = 5e-6
"""Greatest relative error of standard_gamma_grad, as the header states it."""

Array = np.ndarray


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Functions:
    return own_functions(tmp_path_factory.mktemp("functions"))


def log_ndtr(x: Any) -> Any:
    return mpmath.log1p(-mpmath.erfc(x / mpmath.sqrt(2)) / 2) if x > 0 else mpmath.log(mpmath.ncdf(x))


EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "tanh": mpmath.tanh,
    "sin": mpmath.sin, "cos": mpmath.cos, "erf": mpmath.erf, "erfinv": mpmath.erfinv, "lgamma": mpmath.loggamma,
    "digamma": mpmath.digamma, "log_ndtr": log_ndtr,
}  # fmt: skip


def double_arguments(name: str, size: int) -> Array:
    """Return numbers of a function's domain: of any magnitude, around its hard places, and where it is used most."""
    draw = rng(DOUBLE.index(name))

    def within(low: float, high: float) -> Array:
        return draw.uniform(low, high, size)

    def sized(low: int, high: int) -> Array:
        """Return numbers of magnitudes 2^low to 2^high."""
        return np.ldexp(1.0 + draw.random(size), draw.integers(low, high, size))

    signs = draw.choice([-1.0, 1.0], size)
    roots = draw.choice([0.5, 1.0, 2.0], size) * np.sqrt(2.0) * within(0.98, 1.02)  # where log's reduction changes
    quarters = np.multiply(draw.integers(1, 636_619, size), np.pi / 2, dtype=np.float64)  # near zeros of sin or cos
    angles = [within(-7.0, 7.0), within(-1e6, 1e6), quarters, signs * sized(-60, 40)]
    parts: dict[str, list[Array]] = {
        "exp": [within(-708.3, 709.7), within(-2.0, 2.0), signs * sized(-60, 3)],
        "expm1": [within(-40.0, 709.7), within(-1.0, 1.0), signs * sized(-1022, 3), signs * sized(-60, 0)],
        "log": [sized(-1074, 1023), 1.0 + signs * sized(-52, -2), within(0.3, 3.0), roots],
        "log1p": [sized(-1022, 1023), -sized(-1022, -1), -1.0 + sized(-53, -1), signs * sized(-60, -1), roots - 1.0],
        "tanh": [within(-22.0, 22.0), within(-1.0, 1.0), signs * sized(-1021, -1)],
        "sin": angles,
        "cos": angles,
        "erf": [within(-6.0, 6.0), signs * sized(-1022, 1), within(0.5, 1.5)],
        "erfinv": [within(-1.0, 1.0), signs * (1.0 - sized(-53, -2)), signs * sized(-1022, -1), within(0.8, 0.9)],
        "lgamma": [sized(-126, 126), within(0.0, 10.0), 1.0 + signs * sized(-50, -2), 2.0 + signs * sized(-50, -1)],
        "digamma": [sized(-126, 126), within(0.0, 10.0), 1.4616321449683622 + signs * sized(-52, -2)],
    }
    return np.concatenate(parts[name])


def exact_ulps(name: str, x: Array, y: Array) -> Array:
    """Return the errors of results, in units of the last place of the exact ones."""
    with mpmath.workdps(40):
        exact = [EXACT[name](mpmath.mpf(float(one))) for one in x]
        units = np.spacing(np.abs([float(one) for one in exact]).astype(y.dtype)).tolist()
        return np.array([float(abs(b - a) / unit) for a, b, unit in zip(exact, y.tolist(), units, strict=True)])


@pytest.mark.parametrize("name", DOUBLE)
def test_errors_of_float64(functions, name):
    x = double_arguments(name, 80 if name == "erfinv" else 300)  # mpmath's erfinv takes a millisecond
    found = exact_ulps(name, x, functions(name, x))
    assert found.max() <= DOUBLE_ULPS[name], x[found.argmax()]
    assert found.max() > 0.4  # As in any sample: the measure works.


HARD = {
    "exp": [0.0], "expm1": [0.0, 0.3466, -0.3466, 17.1], "log": [1.0, 0.7071, 1.4142], "log1p": [0.0, -0.2929, 0.4142],
    "tanh": [0.0, 0.6, 0.61, 9.0], "sin": [0.0, 3.1415927, 6.2831855, 355.0, 103993.0], "cos": [1.5707964, 11.0],
    "erf": [0.0, 1.0, 3.9], "erfinv": [0.0, 0.9966, 0.99999], "lgamma": [1.0, 2.0, 2.5, 0.5],
    "digamma": [1.4616321, 1.0, 2.0], "log_ndtr": [0.0, -1.0, 1.0, 5.0, 11.4, -15.0],
}  # fmt: skip
"""Zeros of a function of float32 and places where its method changes."""


def float_arguments(name: str, count: int) -> Array:
    """Return any numbers, moderate ones, and those near a function's hard places."""
    draw = rng(FLOAT.index(name))
    sizes = [draw.choice([-1.0, 1.0], count) * 2.0 ** draw.uniform(*ends, count) for ends in ((-126, 127), (-12, 5))]
    near = [h + 2.0 ** draw.uniform(-24, -3, count) * draw.choice([-1.0, 1.0], count) for h in HARD[name]]
    return np.concatenate([*sizes, *near]).astype(np.float32)


def ulps(y: Array, exact: Array) -> Array:
    """Return errors in units of the last place of exact results, float64; 0 where these are no normal float32."""
    unit = np.ldexp(1.0, np.maximum(np.frexp(exact)[1], -125) - 24)
    counted = (np.abs(exact) >= 2.0**-126) & (np.abs(exact) < 2.0**128)
    with np.errstate(invalid="ignore"):
        return np.where(counted, np.abs(y.astype(float) - exact) / unit, 0.0)


@pytest.mark.parametrize("name", FLOAT)
def test_errors_of_float32(functions, name):
    """The errors of float64, 2^-27 of an ulp of float32, do not matter."""
    x = np.concatenate([every_float(8009), float_arguments(name, 20_000)])
    x = x[np.abs(x) <= 2.0**22] if name in ("sin", "cos") else x
    with np.errstate(invalid="ignore"):
        wide = x.astype(float)  # signalling NaNs among them
    exact = scipy.special.log_ndtr(wide) if name == "log_ndtr" else functions(name, wide)
    found = ulps(functions(name, x), exact)
    assert found.max() <= FLOAT_ULPS[name], x[found.argmax()]
    assert found.max() > 0.4
    np.testing.assert_array_equal(np.isnan(exact), np.isnan(functions(name, x)))


def test_log_ndtr_against_mpmath(functions):
    x = float_arguments("log_ndtr", 50)
    x = x[(x > -1e6) & (x < 13.0)]
    assert exact_ulps("log_ndtr", x, functions("log_ndtr", x)).max() <= FLOAT_ULPS["log_ndtr"]


def test_results_of_exp_below_the_normal_numbers(functions):
    """They are rounded once more."""
    x = np.linspace(-104.5, -87.0, 1001, dtype=np.float32)
    np.testing.assert_allclose(functions("exp", x), np.exp(x.astype(float)), rtol=0, atol=0.51 * 2.0**-149 + 2.0**-150)


def gamma_draws(count: int) -> tuple[Array, Array]:
    """Return shapes of at least 1 and gamma variates (count,), a third of them far in the tails."""
    draw = rng(1)
    shape = (1.0 + 10.0 ** draw.uniform(-3.0, 3.0, count)).astype(np.float32)
    tail = np.where(draw.random(count) < 0.3, 10.0 ** draw.uniform(-12.0, -1.0, count), draw.uniform(0, 0.5, count))
    below, above = scipy.special.gammaincinv(shape, tail), scipy.special.gammainccinv(shape, tail)
    return shape, np.where(draw.random(count) < 0.5, below, above).astype(np.float32)


def test_gamma_gradient_is_the_derivative_of_the_quantile(functions):
    shape, x = gamma_draws(3000)
    a, z, step = shape.astype(float), x.astype(float), 1e-4 * shape.astype(float)
    lower, upper = scipy.special.gammainc(a, z), scipy.special.gammaincc(a, z)

    def quantile(a: Array) -> Array:
        return np.where(lower < 0.5, scipy.special.gammaincinv(a, lower), scipy.special.gammainccinv(a, upper))

    once, twice = ((quantile(a + k * step) - quantile(a - k * step)) / (2 * k * step) for k in (1, 2))
    expected = (4 * once - twice) / 3  # Richardson's extrapolation
    np.testing.assert_allclose(functions("standard_gamma_grad", shape, x), expected, rtol=GAMMA_GRAD_ERROR)


def test_gamma_gradient_is_torchs(functions):
    """To 0.4%, the greatest error of torch's."""
    shape, x = gamma_draws(3000)
    expected = torch._standard_gamma_grad(torch.from_numpy(shape), torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(functions("standard_gamma_grad", shape, x), expected, rtol=4e-3)


def test_coefficients_are_those_of_a_minimax_fit():
    """For the polynomial of exp, in the header's words: 2^-28.2 of e^r."""
    half = float(mpmath.log(2)) / 2
    coefficients, log_error = fit(
        lambda r: (mpmath.expm1(r) - r) / r**2, -half, half, 4, scale=lambda r: r**2 / mpmath.exp(r)
    )
    assert -28.5 < log_error < -28.2
    in_header = [float.fromhex(c) for c in ("0x1.fffffcp-2", "0x1.55548cp-3", "0x1.555858p-5")]
    np.testing.assert_allclose(coefficients[:3], in_header, rtol=1e-4)
