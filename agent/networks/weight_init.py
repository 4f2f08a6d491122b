"""Weight initialization schemes: functions (rng, fan_in, fan_out, activation) -> weights (fan_in, fan_out) float64.

Biases always start at zero. `gain` is that of torch.nn.init.calculate_gain (relu sqrt 2, tanh 5/3). It is used for
every layer, the output layer included, as in the published GreedyAC code. That code computed "uniform" and "normal"
divided by fan_in but discarded the quotient, and drew "uniform" from [0, 1); here both are centred and divided.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

GAINS = {"relu": np.sqrt(2.0), "tanh": 5.0 / 3.0}
"""Gains by the name of the activation."""

Scheme = Callable[[np.random.Generator, int, int, str], np.ndarray]
"""A scheme's function."""


def xavier_uniform(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw from U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, equation 16)."""
    bound = GAINS[activation] * np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out))


def xavier_normal(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw from N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010, equation 12)."""
    return rng.normal(0.0, GAINS[activation] * np.sqrt(2.0 / (fan_in + fan_out)), (fan_in, fan_out))


def uniform(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw from U(-1, 1) / fan_in."""
    return rng.uniform(-1.0, 1.0, (fan_in, fan_out)) / fan_in


def normal(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw from N(0, 1) / fan_in."""
    return rng.normal(0.0, 1.0, (fan_in, fan_out)) / fan_in


def orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw orthonormal rows or columns, whichever are fewer (Saxe et al. 2014), with gain 1."""
    tall = rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r))
    return q if fan_in >= fan_out else q.T


def none(rng: np.random.Generator, fan_in: int, fan_out: int, activation: str) -> np.ndarray:
    """Draw from U(-1, 1) / sqrt(fan_in), the default of torch.nn.Linear."""
    return rng.uniform(-1.0, 1.0, (fan_in, fan_out)) / np.sqrt(fan_in)


WEIGHT_INITS: dict[str, Scheme] = {
    scheme.__name__: scheme for scheme in (xavier_uniform, xavier_normal, uniform, normal, orthogonal, none)
}
"""Schemes by the name that the hyperparameter `weight_init` gives them."""
