"""Features for linear agents, R runs wide: tile coding, or the observation as it is.

Tile coding (Sutton & Barto 2018, section 9.5.4): `tilings` grids, each `tiles` tiles to a dimension's
range, lie over the observation space. Grid t is shifted by ((2 i + 1) t mod tilings) / tilings of a
tile along dimension i, the displacement vector (1, 3, 5, ...) of Parks & Miller (1991), so the shifts
do not lie on a diagonal. A shifted grid needs one tile more than `tiles` to cover the range.

A dimension's range is the observation space's. Where a bound is infinite, or so large that it bounds
nothing, x is squashed to x / (1 + |x|), in (-1, 1), and that is tiled. What lies outside a range counts
as lying on its edge. There is no bias unit: the tiles of one grid add up to one.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

DIRECT_LIMIT = 2**20
"""Tiles up to which each has a weight of its own; beyond it they share, by hash, a table."""

HASHED_SIZE = 2**17
"""Weights of the shared table, about: as many for each tiling as divide it."""

UNBOUNDED = 1e6
"""A bound of this size or more is taken as none; some environments write the largest float for infinity."""

FARTHEST = 1e9
"""Beyond this a squashed observation counts as lying on the edge, and an infinite one too."""


class Active(NamedTuple):
    """The features that are not zero: place (R, K) int64 without repeats in a row, value (R, K)."""

    place: np.ndarray
    value: np.ndarray


class Features(Protocol):
    """A map from observations to feature vectors x of `size` numbers, `active` of them not zero."""

    size: int
    active: int
    step_divisor: int
    """What step sizes are divided by."""

    def __call__(self, obs: np.ndarray) -> Active:
        """obs (R, O) -> features; those of a run depend on its own observation only."""


class TileCoder:
    """`tilings` features of value 1, one in each tiling."""

    def __init__(self, low: np.ndarray, high: np.ndarray, tilings: int, tiles: int) -> None:
        """low, high: (O,) bounds of the observations, which may be infinite."""
        # Constants are rows (1, ...): numpy is quickest where the shapes of both operands are the same.
        low, high = np.array(low, np.float64, ndmin=2), np.array(high, np.float64, ndmin=2)
        dims = low.shape[1]
        self.active = self.step_divisor = tilings
        bounded = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED)
        self._squashed = np.flatnonzero(~bounded)
        self._low, self._high = np.where(bounded, low, -FARTHEST), np.where(bounded, high, FARTHEST)
        origin = np.where(bounded, low, -1.0)
        width = np.where(bounded, high - low, 2.0)
        self._tiles_per_unit = tiles / np.where(width > 0, width, np.inf)
        self._shift = tile_offsets(tilings, dims) - origin * self._tiles_per_unit
        side = tiles + 1
        self.hashed = tilings * side**dims > DIRECT_LIMIT
        self._per_tiling = HASHED_SIZE // tilings if self.hashed else side**dims
        self.size = tilings * self._per_tiling
        self._first, self._ones = np.arange(tilings)[None, :] * self._per_tiling, np.ones((1, tilings))
        if not self.hashed:
            self._strides = side ** np.arange(dims, dtype=np.int64)

    def __call__(self, obs: np.ndarray) -> Active:
        """obs (R, O) -> one tile of each tiling, in the tilings' order."""
        cells = self.cells(obs)
        within = self._hash(cells) if self.hashed else cells.dot(self._strides)
        place = within + self._first
        return Active(place, self._ones.repeat(len(obs), axis=0))

    def cells(self, obs: np.ndarray) -> np.ndarray:
        """obs (R, O) -> the tile's place along each dimension, (R, tilings, O) int64 in [0, tiles]."""
        x = np.fmax(np.fmin(obs.astype(np.float64), self._high), self._low)
        if self._squashed.size:
            far = x[:, self._squashed]
            x[:, self._squashed] = far / (1.0 + np.abs(far))
        return ((x * self._tiles_per_unit)[:, None, :] + self._shift).astype(np.int64)

    def _hash(self, cells: np.ndarray) -> np.ndarray:
        """cells (R, tilings, O) -> place in the tiling's part of the table, (R, tilings).

        Multilinear hashing modulo 2^64 with an odd multiplier for each dimension, then one
        xor-shift and multiplication, so that the high bits depend on every dimension.
        """
        mixed = (cells.astype(np.uint64) * multipliers(cells.shape[-1])).sum(-1)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * GOLDEN
        return ((mixed >> np.uint64(32)) % np.uint64(self._per_tiling)).astype(np.int64)


class RawFeatures:
    """The observation itself and a bias unit of value 1."""

    step_divisor = 1

    def __init__(self, obs_dim: int) -> None:
        self.size = self.active = obs_dim + 1

    def __call__(self, obs: np.ndarray) -> Active:
        """obs (R, O) -> all O + 1 features."""
        runs = len(obs)
        place = np.broadcast_to(np.arange(self.size), (runs, self.size))
        return Active(place, np.concatenate((obs, np.ones((runs, 1))), 1))


def tile_offsets(tilings: int, dims: int) -> np.ndarray:
    """The shift of each tiling along each dimension, (tilings, dims), as a part of a tile, in [0, 1)."""
    displacement = 2 * np.arange(dims) + 1
    return (np.arange(tilings)[:, None] * displacement % tilings) / tilings


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, made odd (Knuth, The Art of Computer Programming, 6.4)."""


def multipliers(dims: int) -> np.ndarray:
    """An odd 64-bit multiplier for each dimension: powers of GOLDEN modulo 2^64."""
    return np.multiply.accumulate(np.full(dims, GOLDEN))
