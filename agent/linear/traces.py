"""Accumulating eligibility traces of linear functions, R runs wide, over a shared set of features.

H linear functions ("heads") of F features have weights (H, R, F) and as many traces. Two ways of keeping
them: all F numbers, which is fast for small F; or only those that are not zero, which for large F
saves nearly all of the work. Both drop what has decayed below NEGLIGIBLE: it would end as subnormal
numbers, which are slow, or fill the memory in an episode without end.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

DENSE_LIMIT = 2**13
"""Features up to which all traces are kept; measured."""

NEGLIGIBLE = 1e-18
"""A trace that is smaller in every head changes no weight worth the name."""

SWEEP = 64
"""Steps between searches for negligible traces."""


class Traces(Protocol):
    """e of every head; flat (R, K) are places r F + feature, without repeats."""

    def add(self, decay: np.ndarray, flat: np.ndarray, grad: np.ndarray) -> None:
        """e <- decay e + grad.  decay (R,), grad (H, R, K) at the places `flat`."""

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        """weights (H, R F) += step (H, R) e."""

    def clear(self, runs: np.ndarray) -> None:
        """e <- 0 in the chosen runs, (R,) bool."""

    def dense(self) -> np.ndarray:
        """All of e, (H, R, F), as a copy."""

    def state_dict(self) -> dict[str, Any]:
        """The traces, copied."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""


def negligible(e: np.ndarray) -> np.ndarray:
    """Which columns of e (H, ...) change no weight worth the name, (...) bool."""
    return np.abs(e).max(0) < NEGLIGIBLE


def make_traces(heads: int, runs: int, features: int) -> Traces:
    """Zero traces, kept in the faster way."""
    return (DenseTraces if features <= DENSE_LIMIT else SparseTraces)(heads, runs, features)


class DenseTraces:
    """All of e."""

    def __init__(self, heads: int, runs: int, features: int) -> None:
        self._e, self._product = np.zeros((2, heads, runs, features))
        self._flat = self._e.reshape(-1)
        self._first = np.arange(heads)[:, None, None] * (runs * features)
        self._additions = 0

    def add(self, decay: np.ndarray, flat: np.ndarray, grad: np.ndarray) -> None:
        self._additions += 1
        if self._additions % SWEEP == 0:
            self._e[:, negligible(self._e)] = 0.0
        self._e *= decay[:, None]
        self._flat[self._first + flat] += grad

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        np.multiply(self._e, step[:, :, None], out=self._product)
        weights += self._product.reshape(weights.shape)

    def clear(self, runs: np.ndarray) -> None:
        self._e[:, runs] = 0.0

    def dense(self) -> np.ndarray:
        return self._e.copy()

    def state_dict(self) -> dict[str, Any]:
        return {"e": self._e.copy(), "additions": self._additions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._e[:], self._additions = state["e"], state["additions"]


class SparseTraces:
    """Those of e that matter: the first `_count` columns of arrays that grow as they must."""

    def __init__(self, heads: int, runs: int, features: int) -> None:
        self._shape = (heads, runs, features)
        self._column = np.full(runs * features, -1, np.int32)
        self._count = self._additions = 0
        self._place, self._run = np.zeros((2, 256), np.int64)
        self._e = np.zeros((heads, 256))

    def add(self, decay: np.ndarray, flat: np.ndarray, grad: np.ndarray) -> None:
        self._additions += 1
        if self._additions % SWEEP == 0:
            self._keep(~negligible(self._e[:, : self._count]))
        places = flat.ravel()
        columns = self._column[places]
        if columns.min() < 0:
            self._append(places[columns < 0])
            columns = self._column[places]
        self._e[:, : self._count] *= decay[self._run[: self._count]]
        self._e[:, columns] += grad.reshape(len(grad), -1)

    def _append(self, places: np.ndarray) -> None:
        """Give each new place a column of zeros."""
        first, self._count = self._count, self._count + len(places)
        while self._count > len(self._place):
            self._place, self._run = (np.concatenate((a, np.zeros_like(a))) for a in (self._place, self._run))
            self._e = np.concatenate((self._e, np.zeros_like(self._e)), 1)
        self._column[places] = np.arange(first, self._count)
        self._place[first : self._count] = places
        self._run[first : self._count] = places // self._shape[2]
        self._e[:, first : self._count] = 0.0

    def _keep(self, kept: np.ndarray) -> None:
        """Drop the columns where kept (count,) is false."""
        old, columns = self._place[: self._count], np.flatnonzero(kept)
        self._column[old] = -1
        self._count = len(columns)
        for array in (self._place, self._run):
            array[: self._count] = array[columns]
        self._e[:, : self._count] = self._e[:, columns]
        self._column[self._place[: self._count]] = np.arange(self._count)

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        n = self._count
        weights[:, self._place[:n]] += step[:, self._run[:n]] * self._e[:, :n]

    def clear(self, runs: np.ndarray) -> None:
        self._keep(~runs[self._run[: self._count]])

    def dense(self) -> np.ndarray:
        heads, runs, features = self._shape
        e = np.zeros((heads, runs * features))
        e[:, self._place[: self._count]] = self._e[:, : self._count]
        return e.reshape(self._shape)

    def state_dict(self) -> dict[str, Any]:
        """Each run's columns: the features (n,) and traces (H, n) of those that matter."""
        return {"columns": [self._columns(run) for run in range(self._shape[1])], "additions": self._additions}

    def _columns(self, run: int) -> dict[str, np.ndarray]:
        own = np.flatnonzero(self._run[: self._count] == run)
        return {"feature": self._place[own] - run * self._shape[2], "e": self._e[:, own]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._keep(np.zeros(self._count, bool))
        columns = state["columns"]
        self._append(np.concatenate([own["feature"] + r * self._shape[2] for r, own in enumerate(columns)]))
        self._e[:, : self._count] = np.concatenate([own["e"] for own in columns], 1)
        self._additions = state["additions"]
