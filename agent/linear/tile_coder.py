"""Features for linear agents, R runs wide: tile coding, or the observation itself.

Tile coding (Sutton & Barto 2018, section 9.5.4): `tilings` grids, each with `tiles` tiles along a dimension's
range, cover the observation space. Grid t is shifted by ((2 i + 1) t mod tilings) / tilings of a
tile along dimension i, the displacement vector (1, 3, 5, ...) of Parks & Miller (1991), so the shifts
do not lie on a diagonal. A shifted grid needs one tile more than `tiles` to cover the range.

A dimension's range is the observation space's. Where a bound is infinite, or so large that it bounds
nothing, x is squashed to x / (1 + |x|), in (-1, 1), and that is tiled. Observations outside a range are moved
to its edge. There is no bias unit: the features of one grid sum to one.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

DIRECT_LIMIT = 2**20
"""Maximum number of tiles that each have a weight of their own; more tiles share a table by hashing."""

HASHED_SIZE = 2**17
"""Approximate number of weights in the shared table: the largest multiple of the number of tilings up to it."""

UNBOUNDED = 1e6
"""Bounds of this size or more count as infinite; some environments write the largest float for infinity."""

MAX_SQUASHED_OBS = 1e9
"""Limit of an observation before squashing; larger ones, and infinite ones, are on the edge."""

GOLDEN_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, made odd (Knuth, The Art of Computer Programming, 6.4)."""


class ActiveFeatures(NamedTuple):
    """The nonzero features: indices (R, K) int64, distinct within a row, and values (R, K)."""

    indices: np.ndarray
    values: np.ndarray


class Features(Protocol):
    """A map from observations to feature vectors of length `size`, of which `num_active` entries are nonzero."""

    size: int
    num_active: int
    step_divisor: int
    """Divisor of the step sizes."""

    def __call__(self, obs: np.ndarray) -> ActiveFeatures:
        """Map obs (R, O) to features; those of a run depend only on its own observation."""


class TileCoder:
    """Tile coding: `tilings` features of value 1, one in each tiling."""

    def __init__(self, low: np.ndarray, high: np.ndarray, tilings: int, tiles: int) -> None:
        """Find the dimensions to squash, then the scale and shift of each tiling, then the size of the table.

        low, high: (O,) bounds of the observations, possibly infinite.  tilings, tiles: see the module.
        """
        # Constants are rows (1, ...): numpy is fastest where the shapes of both operands are the same.
        low, high = np.array(low, np.float64, ndmin=2), np.array(high, np.float64, ndmin=2)
        dims = low.shape[1]
        self.num_active = self.step_divisor = tilings
        bounded = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED)
        self._squashed = np.flatnonzero(~bounded)
        self._low = np.where(bounded, low, -MAX_SQUASHED_OBS)
        self._high = np.where(bounded, high, MAX_SQUASHED_OBS)
        origin = np.where(bounded, low, -1.0)
        width = np.where(bounded, high - low, 2.0)
        self._tiles_per_unit = tiles / np.where(width > 0, width, np.inf)
        self._shift = tile_offsets(tilings, dims) - origin * self._tiles_per_unit
        side = tiles + 1
        self.hashed = tilings * side**dims > DIRECT_LIMIT
        self._per_tiling = HASHED_SIZE // tilings if self.hashed else side**dims
        self.size = tilings * self._per_tiling
        self._tiling_offset, self._ones = np.arange(tilings)[None, :] * self._per_tiling, np.ones((1, tilings))
        if not self.hashed:
            self._strides = side ** np.arange(dims, dtype=np.int64)

    def __call__(self, obs: np.ndarray) -> ActiveFeatures:
        """Map obs (R, O) to one tile of each tiling, in the order of the tilings."""
        coordinates = self.tile_coordinates(obs)
        within = self._hash(coordinates) if self.hashed else coordinates.dot(self._strides)
        indices = within + self._tiling_offset
        return ActiveFeatures(indices, self._ones.repeat(len(obs), axis=0))

    def tile_coordinates(self, obs: np.ndarray) -> np.ndarray:
        """Return the tile's coordinate along each dimension, (R, tilings, O) int64 in [0, tiles].  obs: (R, O)."""
        x = np.fmax(np.fmin(obs.astype(np.float64), self._high), self._low)
        if self._squashed.size:
            unbounded = x[:, self._squashed]
            x[:, self._squashed] = unbounded / (1.0 + np.abs(unbounded))
        return ((x * self._tiles_per_unit)[:, None, :] + self._shift).astype(np.int64)

    def _hash(self, coordinates: np.ndarray) -> np.ndarray:
        """Hash coordinates (R, tilings, O) to indices in each tiling's part of the table, (R, tilings).

        Multilinear hashing modulo 2^64 with an odd multiplier for each dimension, then one
        xor-shift and multiplication, so that the high bits depend on every dimension.
        """
        mixed = (coordinates.astype(np.uint64) * hash_multipliers(coordinates.shape[-1])).sum(-1)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * GOLDEN_MULTIPLIER
        return ((mixed >> np.uint64(32)) % np.uint64(self._per_tiling)).astype(np.int64)


class RawFeatures:
    """The observation itself and a bias unit of value 1."""

    step_divisor = 1

    def __init__(self, obs_dim: int) -> None:
        """Set the number of features, O + 1, all of them active.  obs_dim: O."""
        self.size = self.num_active = obs_dim + 1

    def __call__(self, obs: np.ndarray) -> ActiveFeatures:
        """Map obs (R, O) to all O + 1 features."""
        runs = len(obs)
        indices = np.broadcast_to(np.arange(self.size), (runs, self.size))
        return ActiveFeatures(indices, np.concatenate((obs, np.ones((runs, 1))), 1))


def tile_offsets(tilings: int, dims: int) -> np.ndarray:
    """Return the shift of each tiling along each dimension, (tilings, dims), as a fraction of a tile in [0, 1)."""
    displacement = 2 * np.arange(dims) + 1
    return (np.arange(tilings)[:, None] * displacement % tilings) / tilings


def hash_multipliers(dims: int) -> np.ndarray:
    """Return an odd 64-bit multiplier for each dimension: powers of GOLDEN_MULTIPLIER modulo 2^64."""
    return np.multiply.accumulate(np.full(dims, GOLDEN_MULTIPLIER))
