"""How this process computes: one thread, and memory that is kept for reuse."""

from __future__ import annotations

import ctypes

THREADS = 1
"""Networks this small gain nothing from a second thread; other cores serve other runs."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt (malloc.h)."""


def prepare_process() -> None:
    """One torch thread, no gradient tape unless asked for, no memory handed back between updates."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Have malloc reuse what an update frees, where the C library is glibc.

    By default it returns temporaries of a few hundred kB to the system and faults them in again,
    page by page: a quarter of a stacked update's time. Buffers from 32 MiB up stay mapped singly.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 2**30)
