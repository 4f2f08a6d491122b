"""Accumulating eligibility traces of linear functions, R runs wide, over a shared set of features.

H linear functions ("heads") of F features have weights (H, R, F) and as many traces. They are stored in one of two
ways: all F numbers, which is fast for small F; or only the nonzero ones, which for large F
saves nearly all of the work. Both drop traces that have decayed below NEGLIGIBLE: these would end as subnormal
numbers, which are slow, or fill the memory in an endless episode.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np

from utils.core.run_axes import RunAxes

DENSE_LIMIT = 2**13
"""Maximum number of features for which all traces are stored; measured."""

NEGLIGIBLE = 1e-18
"""Size below which a trace, if it is so small in every head, is dropped."""

DROP_INTERVAL = 64
"""Steps between searches for negligible traces."""


class Traces(Protocol):
    """The traces e of every head. weight_index (R, K) holds indices r F + feature, without repeats."""

    additions: int
    """Number of calls of `accumulate`."""

    def accumulate(self, decay: np.ndarray, weight_index: np.ndarray, grad: np.ndarray) -> None:
        """Set e <- decay e + grad.  decay: (R,).  grad: (H, R, K), at `weight_index`."""

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        """Add step e to the weights.  weights: (H, R F).  step: (H, R)."""

    def clear(self, runs: np.ndarray) -> None:
        """Set e <- 0 in the chosen runs, (R,) bool."""

    def norms(self) -> np.ndarray:
        """Return the Euclidean norm of each head's traces in each run, (H, R)."""

    def to_dense(self) -> np.ndarray:
        """Return a copy of e, (H, R, F)."""

    @property
    def run_axes(self) -> RunAxes:
        """Where the runs are in each entry of `state_dict`; see `utils.core.run_axes`."""

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the traces."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load traces from `state_dict`."""


def is_negligible(e: np.ndarray) -> np.ndarray:
    """Return which columns of e (H, ...) are below NEGLIGIBLE in every head, (...) bool."""
    return np.abs(e).max(0) < NEGLIGIBLE


def make_traces(heads: int, runs: int, features: int) -> Traces:
    """Return traces of zeros, stored in the faster way."""
    return (DenseTraces if features <= DENSE_LIMIT else SparseTraces)(heads, runs, features)


class DenseTraces:
    """Traces of all features."""

    def __init__(self, heads: int, runs: int, features: int) -> None:
        """Allocate zero traces, a buffer for their product with the step, and a flat view.  heads: H."""
        self._e, self._product = np.zeros((2, heads, runs, features))
        self._flat = self._e.reshape(-1)
        self._head_offset = np.arange(heads)[:, None, None] * (runs * features)
        self.additions = 0

    def accumulate(self, decay: np.ndarray, weight_index: np.ndarray, grad: np.ndarray) -> None:
        """See `Traces.accumulate`."""
        self.additions += 1
        if self.additions % DROP_INTERVAL == 0:
            self._e[:, is_negligible(self._e)] = 0.0
        self._e *= decay[:, None]
        self._flat[self._head_offset + weight_index] += grad

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        """See `Traces.apply`."""
        np.multiply(self._e, step[:, :, None], out=self._product)
        weights += self._product.reshape(weights.shape)

    def clear(self, runs: np.ndarray) -> None:
        """See `Traces.clear`."""
        self._e[:, runs] = 0.0

    def norms(self) -> np.ndarray:
        """See `Traces.norms`."""
        return np.sqrt(np.multiply(self._e, self._e, out=self._product).sum(2))

    def to_dense(self) -> np.ndarray:
        """See `Traces.to_dense`."""
        return self._e.copy()

    run_axes: ClassVar[RunAxes] = {"e": 1, "additions": "shared"}

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the traces (H, R, F) and the number of additions."""
        return {"e": self._e.copy(), "additions": self.additions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Traces.load_state_dict`."""
        self._e[:], self.additions = state["e"], state["additions"]


class SparseTraces:
    """Traces of the features that are not negligible: the first `_count` columns of arrays that grow on demand."""

    def __init__(self, heads: int, runs: int, features: int) -> None:
        """Map every weight to no column (-1) and allocate 256 unused columns.  heads: H."""
        self._shape = (heads, runs, features)
        self._column = np.full(runs * features, -1, np.int32)
        self._count = self.additions = 0
        self._weight_index, self._run = np.zeros((2, 256), np.int64)
        self._e = np.zeros((heads, 256))

    def accumulate(self, decay: np.ndarray, weight_index: np.ndarray, grad: np.ndarray) -> None:
        """See `Traces.accumulate`."""
        self.additions += 1
        if self.additions % DROP_INTERVAL == 0:
            self._keep_columns(~is_negligible(self._e[:, : self._count]))
        indices = weight_index.ravel()
        columns = self._column[indices]
        if columns.min() < 0:
            self._append_columns(indices[columns < 0])
            columns = self._column[indices]
        self._e[:, : self._count] *= decay[self._run[: self._count]]
        self._e[:, columns] += grad.reshape(len(grad), -1)

    def _append_columns(self, indices: np.ndarray) -> None:
        """Give each new weight index a column of zeros."""
        first, self._count = self._count, self._count + len(indices)
        while self._count > len(self._weight_index):
            self._weight_index, self._run = (
                np.concatenate((a, np.zeros_like(a))) for a in (self._weight_index, self._run)
            )
            self._e = np.concatenate((self._e, np.zeros_like(self._e)), 1)
        self._column[indices] = np.arange(first, self._count)
        self._weight_index[first : self._count] = indices
        self._run[first : self._count] = indices // self._shape[2]
        self._e[:, first : self._count] = 0.0

    def _keep_columns(self, kept: np.ndarray) -> None:
        """Drop the columns where kept (count,) is false."""
        old, columns = self._weight_index[: self._count], np.flatnonzero(kept)
        self._column[old] = -1
        self._count = len(columns)
        for array in (self._weight_index, self._run):
            array[: self._count] = array[columns]
        self._e[:, : self._count] = self._e[:, columns]
        self._column[self._weight_index[: self._count]] = np.arange(self._count)

    def apply(self, weights: np.ndarray, step: np.ndarray) -> None:
        """See `Traces.apply`."""
        n = self._count
        weights[:, self._weight_index[:n]] += step[:, self._run[:n]] * self._e[:, :n]

    def clear(self, runs: np.ndarray) -> None:
        """See `Traces.clear`."""
        self._keep_columns(~runs[self._run[: self._count]])

    def norms(self) -> np.ndarray:
        """See `Traces.norms`."""
        own, runs = self._run[: self._count], self._shape[1]
        return np.sqrt([np.bincount(own, row[: self._count] ** 2, minlength=runs) for row in self._e])

    def to_dense(self) -> np.ndarray:
        """See `Traces.to_dense`."""
        heads, runs, features = self._shape
        e = np.zeros((heads, runs * features))
        e[:, self._weight_index[: self._count]] = self._e[:, : self._count]
        return e.reshape(self._shape)

    run_axes: ClassVar[RunAxes] = {"columns": "list", "additions": "shared"}

    def state_dict(self) -> dict[str, Any]:
        """Return each run's columns, that is features (n,) and traces (H, n), and the number of additions."""
        return {"columns": [self._run_columns(run) for run in range(self._shape[1])], "additions": self.additions}

    def _run_columns(self, run: int) -> dict[str, np.ndarray]:
        own = np.flatnonzero(self._run[: self._count] == run)
        return {"feature": self._weight_index[own] - run * self._shape[2], "e": self._e[:, own]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Traces.load_state_dict`."""
        self._keep_columns(np.zeros(self._count, bool))
        columns = state["columns"]
        self._append_columns(np.concatenate([own["feature"] + r * self._shape[2] for r, own in enumerate(columns)]))
        self._e[:, : self._count] = np.concatenate([own["e"] for own in columns], 1)
        self.additions = state["additions"]
