"""Where a tensor's numbers are: a buffer, and for each dimension the distance between neighbours.

A traced tensor becomes a view of a buffer. ATen's view operations (slice, transpose, expand, ...) only compute another
view; no number moves, and no code is generated for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

C_TYPES = {torch.float32: "float", torch.float64: "double", torch.int64: "int64_t", torch.bool: "bool"}
"""C++ types of the numbers, by torch's types."""


class Distance(NamedTuple):
    """A distance in memory, in elements: fixed + per_run R, with the number R of runs known when the code runs.

    Only a tensor whose runs are not its first dimension, such as (C, R, P), has distances that depend on R.
    """

    fixed: int
    per_run: int = 0

    def plus(self, other: Distance) -> Distance:
        """Return the sum."""
        return Distance(self.fixed + other.fixed, self.per_run + other.per_run)

    def times(self, count: int) -> Distance:
        """Return a multiple."""
        return Distance(self.fixed * count, self.per_run * count)

    def __str__(self) -> str:
        """Return a C++ expression."""
        if not self.per_run:
            return str(self.fixed)
        return f"{self.per_run} * runs" + (f" + {self.fixed}" if self.fixed else "")


ZERO = Distance(0)


@dataclass(eq=False)
class Buffer:
    """Memory of one run.

    name: that of its pointer in C++.  dtype: of its elements.  size: count of elements.
    kind: "input" (a tensor of the learner or an argument), "output", or "work" (scratch memory).
    place: in scratch memory, in bytes; set once the order of operations is known.
    """

    name: str
    dtype: torch.dtype
    size: int
    kind: str = "work"
    place: int | None = None

    @property
    def c_type(self) -> str:
        """C++ type of an element."""
        return C_TYPES[self.dtype]


@dataclass(frozen=True)
class View:
    """A tensor in a buffer: element (i, j, ...) is at offset + i strides[0] + j strides[1] + ..."""

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[Distance, ...]
    offset: Distance = ZERO

    @property
    def dtype(self) -> torch.dtype:
        """Type of the elements."""
        return self.buffer.dtype

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def place(self) -> tuple[object, ...]:
        """What distinguishes this view from another of the same shape, apart from dimensions of size 1."""
        long = tuple((n, s) for n, s in zip(self.shape, self.strides, strict=True) if n != 1)
        return self.buffer, self.offset, long

    def dim(self, d: int) -> int:
        """Return a dimension's index, counted from the front."""
        return d % len(self.shape) if self.shape else 0

    def transpose(self, a: int, b: int) -> View:
        """Exchange two dimensions."""
        order = list(range(len(self.shape)))
        a, b = self.dim(a), self.dim(b)
        order[a], order[b] = order[b], order[a]
        return self.permute(order)

    def permute(self, order: Sequence[int]) -> View:
        """Reorder the dimensions."""
        return self._with([self.shape[d] for d in order], [self.strides[d] for d in order])

    def unsqueeze(self, d: int) -> View:
        """Insert a dimension of size 1."""
        d %= len(self.shape) + 1
        return self._with([*self.shape[:d], 1, *self.shape[d:]], [*self.strides[:d], ZERO, *self.strides[d:]])

    def squeeze(self, dims: Iterable[int]) -> View:
        """Remove those of the given dimensions that have size 1."""
        gone = {self.dim(d) for d in dims}
        kept = [d for d in range(len(self.shape)) if d not in gone or self.shape[d] != 1]
        return self.permute(kept)

    def slice(self, d: int, start: int, end: int, step: int = 1) -> View:
        """Keep the elements start, start + step, ... before end of one dimension."""
        d = self.dim(d)
        start, end, step = slice(start, end, step).indices(self.shape[d])
        shape, strides = list(self.shape), list(self.strides)
        shape[d], strides[d] = max(0, -(-(end - start) // step)), strides[d].times(step)
        return self._with(shape, strides, self.offset.plus(self.strides[d].times(start)))

    def select(self, d: int, index: int) -> View:
        """Keep one index of a dimension, and remove the dimension."""
        d = self.dim(d)
        index %= self.shape[d]
        one = self.slice(d, index, index + 1)
        return one.squeeze([d])

    def expand(self, shape: Sequence[int]) -> View:
        """Repeat dimensions of size 1, without copies; -1 keeps a size."""
        missing = len(shape) - len(self.shape)
        own, strides = (1,) * missing + self.shape, (ZERO,) * missing + self.strides
        sizes = [n if wanted == -1 else wanted for n, wanted in zip(own, shape, strict=True)]
        repeated = [s if n == size else ZERO for n, size, s in zip(own, sizes, strides, strict=True)]
        return self._with(sizes, repeated)

    def reshape(self, shape: Sequence[int]) -> View | None:
        """Return the view with another shape; None if the elements do not lie so that there is one."""
        if -1 in shape:
            rest = -math.prod(shape)
            shape = [n if n != -1 else self.numel // rest for n in shape] if rest else [max(n, 0) for n in shape]
        if not self.numel:
            return self._with(shape, [ZERO] * len(shape))
        blocks = self._blocks()
        strides: list[Distance] = []
        for size in reversed(shape):
            if size == 1:
                strides.append(ZERO)
                continue
            while blocks and blocks[-1][0] == 1:
                blocks.pop()
            count, stride = blocks.pop()
            if count % size:
                return None
            strides.append(stride)
            blocks.append((count // size, stride.times(size)))
        return self._with(shape, reversed(strides))

    def _blocks(self) -> list[tuple[int, Distance]]:
        """Return (size, stride) of dimensions, with neighbours merged wherever one runs on into the next."""
        blocks: list[tuple[int, Distance]] = []
        for size, stride in zip(self.shape, self.strides, strict=True):
            if size == 1:
                continue
            if blocks and blocks[-1][1] == stride.times(size):
                blocks[-1] = (blocks[-1][0] * size, stride)
            else:
                blocks.append((size, stride))
        return blocks

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie next to each other in row-major order."""
        return self.numel <= 1 or self._blocks() == [(self.numel, Distance(1))]

    def _with(self, shape: Iterable[int], strides: Iterable[Distance], offset: Distance | None = None) -> View:
        return replace(
            self, shape=tuple(shape), strides=tuple(strides), offset=self.offset if offset is None else offset
        )


def row_major(buffer: Buffer, shape: Sequence[int]) -> View:
    """Return the view of a whole buffer in row-major order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(Distance(step))
        step *= size
    return View(buffer, tuple(shape), tuple(reversed(strides)))
