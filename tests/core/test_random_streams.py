"""Streams are independent of each other, of other runs, and of how far ahead they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from utils.core import random_streams
from utils.core.random_streams import Draws, env_seed, make_generator


def test_a_stream_is_numpys_pcg64_at_its_spawn_key():
    sequence = np.random.SeedSequence(5, spawn_key=(random_streams.STREAMS["act"],))
    expected = np.random.Generator(np.random.PCG64(sequence)).standard_normal(4)
    np.testing.assert_array_equal(make_generator(5, "act").standard_normal(4), expected)


def test_streams_differ():
    seen = {make_generator(seed, name).random() for seed in range(3) for name in random_streams.STREAMS}
    assert len(seen) == 3 * len(random_streams.STREAMS)
    assert len({env_seed(0, "eval_env", t) for t in range(10)} | {env_seed(0, "env")}) == 11


def test_block_size_does_not_matter(monkeypatch):
    """Requests of 3 numbers are consecutive triples of the stream, whatever the block size."""
    expected = make_generator(7, "act").standard_normal((50, 3), np.float32)
    for block in (1, 8, 4096):
        monkeypatch.setattr(random_streams, "BLOCK", block)
        draws = Draws([7], "act")
        got = torch.stack([draws.normal(3)[0] for _ in range(50)])
        np.testing.assert_array_equal(got.numpy(), expected)


def test_other_runs_do_not_matter():
    alone, together = Draws([4], "replay"), Draws([9, 4, 2], "replay")
    for _ in range(3000):
        assert torch.equal(alone.uniform(2)[0], together.uniform(2)[1])


def test_dtypes_shapes_and_ranges():
    uniforms = Draws([0], "replay").uniform(1000)
    assert uniforms.dtype == torch.float64
    assert uniforms.shape == (1, 1000)
    assert 0.0 <= uniforms.min() < 0.01 < 0.99 < uniforms.max() < 1.0
    assert Draws([0], "act").normal(2, 3).dtype == torch.float32


def test_one_request_size_per_stream():
    draws = Draws([0], "act")
    draws.normal(3)
    with pytest.raises(ValueError, match="this stream serves"):
        draws.normal(4)


def test_no_global_randomness_is_used_or_set():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    Draws([0], "act").normal(3)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_state)  # noqa: NPY002
