"""Tests of tile coding: shared tiles, their positions, observations outside the range, and hashing."""

from __future__ import annotations

import numpy as np
import pytest

from agent.linear.tile_coder import HASHED_SIZE, RawFeatures, TileCoder, tile_offsets


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(5))


def unit(tilings: int, tiles: int, dims: int = 1) -> TileCoder:
    """Return a tile coder over the unit cube."""
    return TileCoder(np.zeros(dims), np.ones(dims), tilings, tiles)


def shared_tilings(coder: TileCoder, a: list[float], b: list[float]) -> int:
    """Return the number of tilings in which both points are in the same tile."""
    indices = coder(np.array([a, b], np.float32)).indices
    return int((indices[0] == indices[1]).sum())


def test_offsets_by_hand():
    """Four tilings in two dimensions are displaced by (1, 3) quarters of a tile."""
    np.testing.assert_array_equal(tile_offsets(4, 2) * 4, [[0, 0], [1, 3], [2, 2], [3, 1]])


@pytest.mark.parametrize("tilings", [1, 2, 5, 8, 16])
def test_offsets_are_distinct(tilings):
    offsets = tile_offsets(tilings, 3)
    assert len(np.unique(offsets, axis=0)) == tilings
    assert ((offsets >= 0) & (offsets < 1)).all()


def test_tile_coordinates_by_hand():
    """With two tilings of four tiles, 0.3 is at tile 1.2, and at 1.7 of the tiling shifted by a half."""
    coder = unit(2, 4)
    np.testing.assert_array_equal(coder.tile_coordinates(np.array([[0.3], [0.45], [1.0]], np.float32))[..., 0],
                                  [[1, 1], [1, 2], [4, 4]])  # fmt: skip
    np.testing.assert_array_equal(coder(np.array([[0.3]], np.float32)).indices, [[1, 5 + 1]])


@pytest.mark.parametrize("dims", [1, 2])
def test_points_share_tilings_in_proportion_to_their_nearness(dims):
    """A point moved by d/8 of a tile along one dimension keeps its tile in 8 - d of 8 tilings, wherever it is."""
    coder = unit(8, 5, dims)
    tile = 1 / 5
    for start in rng().uniform(0, 0.7, 50):
        for d in range(9):
            moved = [start + d / 8 * tile] + [0.5] * (dims - 1)
            assert abs(shared_tilings(coder, [start] + [0.5] * (dims - 1), moved) - (8 - d)) <= (1 if d % 8 else 0)
        assert shared_tilings(coder, [start] + [0.5] * (dims - 1), [start + 1.001 * tile] + [0.5] * (dims - 1)) == 0


@pytest.mark.parametrize(("tilings", "tiles", "dims"), [(8, 8, 2), (7, 3, 3), (1, 1, 1), (8, 8, 17), (5, 4, 11)])
def test_each_point_activates_one_tile_of_each_tiling(tilings, tiles, dims):
    coder = unit(tilings, tiles, dims)
    indices, values = coder(rng().uniform(-0.5, 1.5, (200, dims)).astype(np.float32))
    assert indices.shape == values.shape == (200, tilings)
    assert (values == 1).all()
    per_tiling = coder.size // tilings
    np.testing.assert_array_equal(indices // per_tiling, np.tile(np.arange(tilings), (200, 1)))


def test_every_tile_of_the_direct_table_is_reached_once():
    coder = unit(2, 3, 2)
    assert (coder.hashed, coder.size) == (False, 2 * 4 * 4)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 60)] * 2), -1).reshape(-1, 2)
    coordinates, indices = coder.tile_coordinates(grid), coder(grid).indices
    for t in range(2):
        pairs = {(tuple(c), i) for c, i in zip(coordinates[:, t].tolist(), indices[:, t].tolist(), strict=True)}
        assert len(pairs) == len({c for c, _ in pairs}) == len({i for _, i in pairs})


def test_observations_outside_the_range_are_moved_to_its_edge():
    coder = TileCoder(np.array([-2.0, 1.0]), np.array([2.0, 3.0]), 8, 8)
    out = np.array([[-9, 0], [9, 9], [np.inf, -np.inf], [-2.1, 3.0]], np.float32)
    edge = np.array([[-2, 1], [2, 3], [2, 1], [-2, 3]], np.float32)
    np.testing.assert_array_equal(coder(out).indices, coder(edge).indices)
    assert coder(np.full((1, 2), np.nan, np.float32)).indices.max() < coder.size


@pytest.mark.parametrize("bound", [np.inf, 3.4e38])
def test_unbounded_dimensions_are_squashed(bound):
    """By x / (1 + |x|), 0 is the middle, 1 three quarters, 3 seven eighths, and infinity the edge."""
    coder = TileCoder(np.array([-bound, 0.0]), np.array([bound, 1.0]), 1, 8)
    x = np.array([[0, 0.5], [1, 0.5], [3, 0.5], [-3, 0.5], [np.inf, 0.5], [-np.inf, 0.5]], np.float32)
    np.testing.assert_array_equal(coder.tile_coordinates(x)[:, 0, 0], [4, 6, 7, 1, 7, 0])
    np.testing.assert_array_equal(coder.tile_coordinates(x)[:, 0, 1], [4] * 6)


def test_a_dimension_without_width():
    coder = TileCoder(np.array([1.0]), np.array([1.0]), 4, 8)
    np.testing.assert_array_equal(coder.tile_coordinates(np.array([[0.0], [5.0]]))[..., 0], np.zeros((2, 4)))


def test_the_hash_distributes_neighbouring_tiles():
    """20,000 tiles fill the 2^14 entries of a tiling as random ones would, within five standard deviations."""
    coder = unit(8, 8, 10)
    assert (coder.hashed, coder.size) == (True, HASHED_SIZE)
    obs = rng().uniform(0, 1, (20_000, 10))
    coordinates, indices, entries = coder.tile_coordinates(obs), coder(obs).indices, HASHED_SIZE // 8
    for t in range(8):
        distinct = len(np.unique(coordinates[:, t], axis=0))
        expected = entries * (1 - (1 - 1 / entries) ** distinct)
        deviation = np.sqrt(entries * np.exp(-distinct / entries))
        assert abs(len(np.unique(indices[:, t])) - expected) < 5 * deviation


@pytest.mark.parametrize("dims", [1, 3, 17])
def test_runs_are_independent(dims):
    coder = unit(8, 8, dims)
    obs = rng().standard_normal((16, dims)).astype(np.float32)
    together = coder(obs)
    for r in range(16):
        np.testing.assert_array_equal(coder(obs[r : r + 1]).indices[0], together.indices[r])


def test_raw_features_are_the_observation_and_a_bias():
    indices, values = RawFeatures(2)(np.array([[3.0, -1.0], [0.5, 2.0]], np.float32))
    np.testing.assert_array_equal(indices, [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(values, [[3.0, -1.0, 1.0], [0.5, 2.0, 1.0]])
