"""How transitions lie in memory, and what they take there. Without torch: login nodes read it.

Whole rows [obs | action | reward | terminated | next_obs] make the cheapest batch. Where a run's would take
more than LARGE bytes, rows are chained: [obs | action | reward | terminated], the next observation being read from
the row behind (`agent.replay.chained_buffer`). This costs 20 to 40 us a step: up to 8% of the fastest step, that of a
small network alone, and half a percent of HalfCheetah's with 256 units. Batches are the same, to the bit.
"""

from __future__ import annotations

LARGE = 2**26
"""Bytes of a run's whole rows above which they are chained."""

FLOAT_BYTES = 4
PLACE_BYTES = 4
"""Of the number, one a transition, that says where its next observation is."""


def row_length(obs_dim: int, action_dim: int) -> int:
    """Numbers in a whole row, O + A + 2 + O."""
    return chained_row_length(obs_dim, action_dim) + obs_dim


def chained_row_length(obs_dim: int, action_dim: int) -> int:
    """Numbers in a chained row, O + A + 2."""
    return obs_dim + action_dim + 2


def is_chained(capacity: int, obs_dim: int, action_dim: int) -> bool:
    """Whether so many transitions of a run are chained: a matter of configuration alone."""
    return FLOAT_BYTES * capacity * row_length(obs_dim, action_dim) > LARGE


def transition_bytes(capacity: int, obs_dim: int, action_dim: int) -> int:
    """What each transition takes in a buffer for so many; chained, an episode's end takes an observation besides."""
    if is_chained(capacity, obs_dim, action_dim):
        return FLOAT_BYTES * chained_row_length(obs_dim, action_dim) + PLACE_BYTES
    return FLOAT_BYTES * row_length(obs_dim, action_dim)
