"""How transitions are stored, and the memory that they take. Imports no torch, because login nodes read it.

Whole rows [obs | action | reward | terminated | next_obs] make the cheapest batch. If those of a run would take more
than MAX_WHOLE_ROWS_BYTES, rows are chained: [obs | action | reward | terminated], and the next observation is read from
the following row (`agent.replay.chained_buffer`). This costs 20 to 40 us per step: up to 8% of the fastest step, that
of a small network alone, and half a percent of HalfCheetah's with 256 units. Batches are bitwise equal.
"""

from __future__ import annotations

MAX_WHOLE_ROWS_BYTES = 2**26
"""Maximum number of bytes of a run's whole rows; if there would be more, rows are chained."""

FLOAT_BYTES = 4
"""Bytes of a float32 number."""

INDEX_BYTES = 4
"""Bytes of the index of a transition's next observation in a chained buffer."""


def row_length(obs_dim: int, action_dim: int) -> int:
    """Return the count of numbers in a whole row, O + A + 2 + O."""
    return chained_row_length(obs_dim, action_dim) + obs_dim


def chained_row_length(obs_dim: int, action_dim: int) -> int:
    """Return the count of numbers in a chained row, O + A + 2."""
    return obs_dim + action_dim + 2


def has_chained_rows(capacity: int, obs_dim: int, action_dim: int) -> bool:
    """Return whether a buffer for `capacity` transitions per run chains them; only the configuration decides."""
    return FLOAT_BYTES * capacity * row_length(obs_dim, action_dim) > MAX_WHOLE_ROWS_BYTES


def transition_bytes(capacity: int, obs_dim: int, action_dim: int) -> int:
    """Return the bytes per transition in a buffer for `capacity` transitions per run.

    If rows are chained, the end of each episode takes another observation, which is not counted.
    """
    if has_chained_rows(capacity, obs_dim, action_dim):
        return FLOAT_BYTES * chained_row_length(obs_dim, action_dim) + INDEX_BYTES
    return FLOAT_BYTES * row_length(obs_dim, action_dim)
