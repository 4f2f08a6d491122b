"""Tile coding: what the tiles share, where they lie, what lies outside, and hashing."""

from __future__ import annotations

import numpy as np
import pytest

from agent.linear.tile_coder import HASHED_SIZE, RawFeatures, TileCoder, tile_offsets


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(5))


def unit(tilings: int, tiles: int, dims: int = 1) -> TileCoder:
    """Over the unit cube."""
    return TileCoder(np.zeros(dims), np.ones(dims), tilings, tiles)


def shared(coder: TileCoder, a: list[float], b: list[float]) -> int:
    """Tilings in which both points lie in one tile."""
    place = coder(np.array([a, b], np.float32)).place
    return int((place[0] == place[1]).sum())


def test_offsets_by_hand():
    """Four tilings in two dimensions: displaced by (1, 3) quarters of a tile."""
    np.testing.assert_array_equal(tile_offsets(4, 2) * 4, [[0, 0], [1, 3], [2, 2], [3, 1]])


@pytest.mark.parametrize("tilings", [1, 2, 5, 8, 16])
def test_offsets_are_distinct(tilings):
    offsets = tile_offsets(tilings, 3)
    assert len(np.unique(offsets, axis=0)) == tilings
    assert ((offsets >= 0) & (offsets < 1)).all()


def test_cells_by_hand():
    """Two tilings of four tiles: 0.3 is 1.2 tiles in, and 1.7 of the tiles shifted by a half."""
    coder = unit(2, 4)
    np.testing.assert_array_equal(coder.cells(np.array([[0.3], [0.45], [1.0]], np.float32))[..., 0],
                                  [[1, 1], [1, 2], [4, 4]])  # fmt: skip
    np.testing.assert_array_equal(coder(np.array([[0.3]], np.float32)).place, [[1, 5 + 1]])


@pytest.mark.parametrize("dims", [1, 2])
def test_points_share_tilings_in_proportion_to_their_nearness(dims):
    """Moved by d/8 of a tile along one dimension, 8 - d of 8 tilings stay, wherever the point lies."""
    coder = unit(8, 5, dims)
    tile = 1 / 5
    for start in rng().uniform(0, 0.7, 50):
        for d in range(9):
            moved = [start + d / 8 * tile] + [0.5] * (dims - 1)
            assert abs(shared(coder, [start] + [0.5] * (dims - 1), moved) - (8 - d)) <= (1 if d % 8 else 0)
        assert shared(coder, [start] + [0.5] * (dims - 1), [start + 1.001 * tile] + [0.5] * (dims - 1)) == 0


@pytest.mark.parametrize(("tilings", "tiles", "dims"), [(8, 8, 2), (7, 3, 3), (1, 1, 1), (8, 8, 17), (5, 4, 11)])
def test_each_point_activates_one_tile_of_each_tiling(tilings, tiles, dims):
    coder = unit(tilings, tiles, dims)
    place, value = coder(rng().uniform(-0.5, 1.5, (200, dims)).astype(np.float32))
    assert place.shape == value.shape == (200, tilings)
    assert (value == 1).all()
    per_tiling = coder.size // tilings
    np.testing.assert_array_equal(place // per_tiling, np.tile(np.arange(tilings), (200, 1)))


def test_every_tile_of_the_direct_table_is_reached_once():
    coder = unit(2, 3, 2)
    assert (coder.hashed, coder.size) == (False, 2 * 4 * 4)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 60)] * 2), -1).reshape(-1, 2)
    cells, place = coder.cells(grid), coder(grid).place
    for t in range(2):
        pairs = {(tuple(cell), p) for cell, p in zip(cells[:, t].tolist(), place[:, t].tolist(), strict=True)}
        assert len(pairs) == len({cell for cell, _ in pairs}) == len({p for _, p in pairs})


def test_what_lies_outside_lies_on_the_edge():
    coder = TileCoder(np.array([-2.0, 1.0]), np.array([2.0, 3.0]), 8, 8)
    out = np.array([[-9, 0], [9, 9], [np.inf, -np.inf], [-2.1, 3.0]], np.float32)
    edge = np.array([[-2, 1], [2, 3], [2, 1], [-2, 3]], np.float32)
    np.testing.assert_array_equal(coder(out).place, coder(edge).place)
    assert coder(np.full((1, 2), np.nan, np.float32)).place.max() < coder.size


@pytest.mark.parametrize("bound", [np.inf, 3.4e38])
def test_unbounded_dimensions_are_squashed(bound):
    """x / (1 + |x|): 0 is the middle, 1 three quarters, 3 seven eighths, infinity the edge."""
    coder = TileCoder(np.array([-bound, 0.0]), np.array([bound, 1.0]), 1, 8)
    x = np.array([[0, 0.5], [1, 0.5], [3, 0.5], [-3, 0.5], [np.inf, 0.5], [-np.inf, 0.5]], np.float32)
    np.testing.assert_array_equal(coder.cells(x)[:, 0, 0], [4, 6, 7, 1, 7, 0])
    np.testing.assert_array_equal(coder.cells(x)[:, 0, 1], [4] * 6)


def test_a_dimension_without_width():
    coder = TileCoder(np.array([1.0]), np.array([1.0]), 4, 8)
    np.testing.assert_array_equal(coder.cells(np.array([[0.0], [5.0]]))[..., 0], np.zeros((2, 4)))


def test_the_hash_spreads_neighbouring_tiles():
    """20,000 tiles in 2^14 places a tiling: as full as chance would fill them, within five deviations."""
    coder = unit(8, 8, 10)
    assert (coder.hashed, coder.size) == (True, HASHED_SIZE)
    obs = rng().uniform(0, 1, (20_000, 10))
    cells, place, places = coder.cells(obs), coder(obs).place, HASHED_SIZE // 8
    for t in range(8):
        distinct = len(np.unique(cells[:, t], axis=0))
        expected = places * (1 - (1 - 1 / places) ** distinct)
        deviation = np.sqrt(places * np.exp(-distinct / places))
        assert abs(len(np.unique(place[:, t])) - expected) < 5 * deviation


@pytest.mark.parametrize("dims", [1, 3, 17])
def test_runs_are_independent(dims):
    coder = unit(8, 8, dims)
    obs = rng().standard_normal((16, dims)).astype(np.float32)
    together = coder(obs)
    for r in range(16):
        np.testing.assert_array_equal(coder(obs[r : r + 1]).place[0], together.place[r])


def test_raw_features_are_the_observation_and_a_bias():
    place, value = RawFeatures(2)(np.array([[3.0, -1.0], [0.5, 2.0]], np.float32))
    np.testing.assert_array_equal(place, [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(value, [[3.0, -1.0, 1.0], [0.5, 2.0, 1.0]])
