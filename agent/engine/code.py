"""Machine code of an agent's functions, bound to the agent's tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

ALIGNMENT = 64
"""Bytes of a cache line, at whose start scratch memory begins."""


@dataclass(frozen=True)
class Source:
    """C++ source of a function.

    scratch_bytes: memory that it needs.  argument_count: tensors given at each call.
    outputs, output_types: shape of each output of one run, and name of its type in torch.
    """

    text: str
    scratch_bytes: int
    argument_count: int
    outputs: list[tuple[int, ...]]
    output_types: list[str]


class Code:
    """Machine code of one function of an agent, bound to the agent's tensors."""

    def __init__(self, function: Any, source: Source, state: Sequence[Tensor], runs: int) -> None:
        """Bind a function of a library.

        source: of the function.  state: the agent's tensors, in the order of the trace; they must stay in place.
        """
        self._function, self._runs = function, ctypes.c_int64(runs)
        self._state = list(state)
        self.outputs = [
            torch.zeros((runs, *shape[1:]), dtype=getattr(torch, name))
            for shape, name in zip(source.outputs, source.output_types, strict=True)
        ]
        memory = torch.empty(source.scratch_bytes + ALIGNMENT, dtype=torch.uint8)
        self._memory = memory
        self._scratch = ctypes.c_void_p(-(-memory.data_ptr() // ALIGNMENT) * ALIGNMENT)
        count = source.argument_count
        self._first = len(self._state)
        pointers = [*(t.data_ptr() for t in self._state), *[0] * count, *(t.data_ptr() for t in self.outputs)]
        self._pointers = (ctypes.c_void_p * len(pointers))(*pointers)
        self._distances = (ctypes.c_int64 * (len(self._state) + count))()

    def __call__(self, *arguments: Tensor) -> list[Tensor]:
        """Run the code for all runs. Returns its outputs, which the next call overwrites.

        arguments: (R, ...), each run's part in row-major order.
        """
        for i, argument in enumerate(arguments, self._first):
            self._pointers[i] = argument.data_ptr()
            self._distances[i] = argument.stride(0)
        self._function(self._runs, self._pointers, self._distances, self._scratch)
        return self.outputs


class Acting:
    """Machine code that chooses actions, on arrays: conversions would take longer than the code."""

    def __init__(self, code: Code, runs: int, obs_dim: int) -> None:
        """Bind the code's first argument to an array of its own."""
        self._code = code
        self._states = torch.empty(runs, 1, obs_dim)
        self._obs, self._actions = self._states.numpy()[:, 0], code.outputs[0].numpy()[:, 0]

    def __call__(self, obs: np.ndarray, *noise: Tensor) -> np.ndarray:
        """Return actions (R, A) in obs (R, O).  noise: of one draw in each state, if the code draws."""
        np.copyto(self._obs, obs)
        self._code(self._states, *noise)
        return self._actions.copy()
