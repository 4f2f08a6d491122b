"""Named random streams. The only place where randomness comes from; no global seed exists.

A run's stream is numpy's PCG64 seeded by SeedSequence(random_seed, spawn_key=(stream id,)), so that
streams are independent of each other and of whatever else runs in the process. Evaluation at a
timestep uses the part of its streams that bears the timestep's number, so what it draws depends
neither on earlier evaluations nor on how long other runs' episodes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

STREAMS = {"init": 0, "act": 1, "update": 2, "replay": 3, "env": 4, "eval_env": 5, "eval_act": 6}

BLOCK = 4096
"""Numbers drawn ahead from each run's stream, about; one call a step and run would cost more than the draw."""


def seed_sequence(random_seed: int, stream: str, *part: int) -> np.random.SeedSequence:
    """The seed of one stream of one run, or of a numbered part of it.  Raises KeyError for an unknown stream."""
    return np.random.SeedSequence(random_seed, spawn_key=(STREAMS[stream], *part))


def make_generator(random_seed: int, stream: str, *part: int) -> np.random.Generator:
    """The generator of one stream of one run, or of a numbered part of it."""
    return np.random.Generator(np.random.PCG64(seed_sequence(random_seed, stream, *part)))


def env_seed(random_seed: int, stream: str, *part: int) -> int:
    """What an environment's own `reset(seed=...)` is given, an integer in [0, 2^64)."""
    return int(seed_sequence(random_seed, stream, *part).generate_state(1, np.uint64)[0])


class Draws:
    """One stream of each of R runs, handed out as (R, ...) tensors.

    Numbers are drawn ahead in blocks of whole requests. A run's numbers depend on its seed and on
    the requests made, never on the runs beside it. One object serves requests of one size only, so
    that the order in which a stream is consumed is the order in which it was drawn.
    """

    def __init__(self, random_seeds: Sequence[int], stream: str, *part: int) -> None:
        """random_seeds: one for each run.  part: as for `make_generator`."""
        from torch import from_numpy  # Here, as seeds are wanted where torch is not.

        self._as_tensor = from_numpy
        self._generators = [make_generator(seed, stream, *part) for seed in random_seeds]
        self._block: np.ndarray | None = None
        self._request: tuple[str, tuple[int, ...]] | None = None
        self._next = 0

    def normal(self, *shape: int) -> Tensor:
        """Standard normals (R, *shape), float32."""
        return self._take("normal", shape)

    def uniform(self, *shape: int) -> Tensor:
        """Uniforms in [0, 1), (R, *shape), float64."""
        return self._take("uniform", shape)

    def _take(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        if self._request is None:
            self._request = (kind, shape)
        if self._request != (kind, shape):
            raise ValueError(f"this stream serves {self._request}, not {(kind, shape)}")
        if self._block is None or self._next == self._block.shape[1]:
            self._block, self._next = self._draw_block(kind, shape), 0
        self._next += 1
        return self._as_tensor(self._block[:, self._next - 1])

    def state_dict(self) -> dict[str, Any]:
        """Where each stream stands, and what is drawn ahead of it."""
        return {
            "generators": [g.bit_generator.state for g in self._generators],
            "block": None if self._block is None else self._block.copy(),
            "next": self._next,
            "request": self._request,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        for g, where in zip(self._generators, state["generators"], strict=True):
            g.bit_generator.state = where
        self._block = None if state["block"] is None else state["block"].copy()
        self._next, self._request = state["next"], state["request"]

    def _draw_block(self, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        """The next requests of every run, (R, requests, *shape)."""
        requests = max(1, BLOCK // int(np.prod(shape)))
        size = (requests, *shape)
        if kind == "normal":
            return np.stack([g.standard_normal(size, np.float32) for g in self._generators])
        return np.stack([g.random(size) for g in self._generators])
