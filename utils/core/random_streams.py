"""Named random streams, the only source of randomness; there is no global seed.

A run's stream is numpy's PCG64 seeded by SeedSequence(random_seed, spawn_key=(stream id,)), so streams are independent
of each other and of everything else in the process. Evaluation at a timestep uses a part of its streams numbered by
that timestep, so its draws depend neither on earlier evaluations nor on the lengths of other runs' episodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from utils.core.run_axes import RunAxes

if TYPE_CHECKING:
    from torch import Tensor

STREAMS = {
    "init": 0, "act": 1, "update": 2, "replay": 3, "env": 4, "eval_env": 5, "eval_act": 6, "probe": 7, "warm_up": 8,
}  # fmt: skip
"""Names and ids of the streams of a run. `env.episodes.probe` and `rollout` use "probe", before there is a run."""

SMALL_SEEDS = 2**31 - 1
"""Modulus of the seeds for environments that refuse 64 bits: what is left is a signed C int, and not negative."""

BLOCK = 4096
"""Approximate count of numbers drawn ahead from each stream: a call per step and run would cost more than the draw."""


def seed_sequence(random_seed: int, stream: str, *part: int) -> np.random.SeedSequence:
    """Return the seed of one stream of one run, or of a numbered part of it.  Raises KeyError for an unknown stream."""
    return np.random.SeedSequence(random_seed, spawn_key=(STREAMS[stream], *part))


def make_generator(random_seed: int, stream: str, *part: int) -> np.random.Generator:
    """Return the generator of one stream of one run, or of a numbered part of it."""
    return np.random.Generator(np.random.PCG64(seed_sequence(random_seed, stream, *part)))


def env_seed(random_seed: int, stream: str, *part: int) -> int:
    """Return the seed for an environment's `reset(seed=...)`, an integer in [0, 2^64)."""
    return int(seed_sequence(random_seed, stream, *part).generate_state(1, np.uint64)[0])


def episode_seed(seed: int, episode: int) -> int:
    """Return the seed of a later episode of an environment whose first one had `seed`, an integer in [0, 2^64)."""
    return int(np.random.SeedSequence(seed, spawn_key=(episode,)).generate_state(1, np.uint64)[0])


def small_seed(seed: int) -> int:
    """Return the seed for an environment that refuses 64 bits, an integer in [0, 2^31 - 1)."""
    return seed % SMALL_SEEDS


class Draws:
    """The same stream of each of R runs, drawn as (R, ...) tensors.

    Numbers are drawn ahead in blocks of whole requests. A run's numbers depend on its seed and on the requests, never
    on the other runs of the stack. All requests to one object must have the same size, so that numbers are used in the
    order in which the stream produced them.
    """

    def __init__(self, random_seeds: Sequence[int], stream: str, *part: int) -> None:
        """Create the generators.  random_seeds: one per run.  part: as for `make_generator`."""
        from torch import from_numpy  # Imported here: seeds are also needed without torch.

        self._as_tensor = from_numpy
        self._generators = [make_generator(seed, stream, *part) for seed in random_seeds]
        self._block: np.ndarray | None = None
        self._request: tuple[str, tuple[int, ...]] | None = None
        self._next = 0

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normals (R, *shape), float32.  Raises ValueError if the request differs from the first one."""
        return self._draw("normal", shape)

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), (R, *shape), float64.  Raises ValueError as `normal`."""
        return self._draw("uniform", shape)

    def _draw(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        """Return the next request of every run from the block, drawing a new block if it is used up."""
        if self._request is None:
            self._request = (kind, shape)
        if self._request != (kind, shape):
            raise ValueError(f"this stream serves {self._request}, not {(kind, shape)}")
        if self._block is None or self._next == self._block.shape[1]:
            self._block, self._next = self._draw_block(kind, shape), 0
        self._next += 1
        return self._as_tensor(self._block[:, self._next - 1])

    run_axes: ClassVar[RunAxes] = {"generators": "list", "block": 0, "next": "shared", "request": "shared"}

    def state_dict(self) -> dict[str, Any]:
        """Return the position of each stream and the numbers drawn ahead."""
        return {
            "generators": [g.bit_generator.state for g in self._generators],
            "block": None if self._block is None else self._block.copy(),
            "next": self._next,
            "request": self._request,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        for g, generator_state in zip(self._generators, state["generators"], strict=True):
            g.bit_generator.state = generator_state
        self._block = None if state["block"] is None else state["block"].copy()
        self._next, self._request = state["next"], state["request"]

    def _draw_block(self, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        """Draw the next requests of every run, (R, requests, *shape)."""
        requests = max(1, BLOCK // int(np.prod(shape)))
        size = (requests, *shape)
        if kind == "normal":
            return np.stack([g.standard_normal(size, np.float32) for g in self._generators])
        return np.stack([g.random(size) for g in self._generators])
