"""Minimax polynomials whose coefficients are float32 numbers, by linear programming on Chebyshev nodes.

Source of the coefficients in agent/engine/arithmetic.h and special_functions.h. For example, the polynomial of exp is
`fit(lambda r: (mpmath.expm1(r) - r) / r**2, -0.347, 0.347, 4, scale=lambda r: r**2 / mpmath.exp(r))`.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
from mpmath import mpf
from scipy.optimize import linprog

Function = Callable[[mpf], mpf]

NODES_PER_COEFFICIENT = 20
"""Number of Chebyshev nodes on which the error is evaluated, for each coefficient."""

DIGITS = 40
"""Decimal digits in which the function is evaluated."""


def nodes(low: float, high: float, count: int) -> list[mpf]:
    """Return Chebyshev nodes of an interval, without its ends, in increasing order."""
    middle, half = (mpf(high) + low) / 2, (mpf(high) - low) / 2
    return [middle - half * mpmath.cos(mpmath.pi * (i + 0.5) / count) for i in range(count)]


def minimax(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return coefficients (N,) that minimize the greatest |values - columns @ coefficients|.

    columns: (M, N).  values: (M,).  Linear programming improves a least-squares fit, whose errors it takes as units.
    """
    start = np.linalg.lstsq(columns, values, rcond=None)[0]
    errors = values - columns @ start
    unit = np.abs(errors).max()
    bound = -np.ones((len(values), 1))
    constraints = np.block([[columns, bound], [-columns, bound]])
    cost = np.append(np.zeros(len(start)), 1.0)
    found = linprog(cost, constraints, np.append(errors, -errors) / unit, bounds=(None, None), method="highs")
    return start + unit * found.x[:-1]


def fit(
    f: Function, low: float, high: float, degree: int, scale: Function = lambda x: mpf(1)
) -> tuple[list[float], float]:
    """Return coefficients c[0], c[1], ... of a polynomial close to f, and log2 of max |scale (f - polynomial)|.

    The coefficients are rounded to float32 one after another, each time with a fit of the remaining ones.
    """
    with mpmath.workdps(DIGITS):
        x = nodes(low, high, NODES_PER_COEFFICIENT * (degree + 1))
        rest, scales = [f(one) for one in x], [scale(one) for one in x]
        unit, rounded = max(abs(low), abs(high)), list[float]()
        weight = np.array([float(one) for one in scales])
        units = np.array([float(one / unit) for one in x])
        for power in range(degree + 1):
            columns = weight[:, None] * units[:, None] ** np.arange(power, degree + 1)
            values = np.array([float(s * y) for s, y in zip(scales, rest, strict=True)])
            rounded.append(float(np.float32(minimax(columns, values)[0] / unit**power)))
            rest = [y - mpf(rounded[-1]) * a**power for a, y in zip(x, rest, strict=True)]
        return rounded, float(mpmath.log(max(abs(s * y) for s, y in zip(scales, rest, strict=True)), 2))
