"""How this process computes: one thread, memory that is kept for reuse, and kernels compiled once a machine."""

from __future__ import annotations

import ctypes
import hashlib
import os
from pathlib import Path

THREADS = 1
"""Networks this small gain nothing from a second thread; other cores serve other runs."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that numerical libraries read when they are imported."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt (malloc.h)."""


def limit_threads() -> None:
    """Limit numerical libraries to one thread; call before they are imported. Child processes inherit the limit."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(THREADS)))


def prepare_process() -> None:
    """One torch thread, no gradient tape unless asked for, memory and compiled kernels kept."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    _keep_freed_memory()
    _keep_kernels()


def _keep_kernels() -> None:
    """Have torch keep what it compiles in the user's cache directory, where it looks before it compiles.

    Processes share it: torch locks each entry. Machine code is for the processor that it was compiled on, so each
    kind has a directory of its own. An environment that sets TORCHINDUCTOR_CACHE_DIR is obeyed.
    """
    from utils.core.provenance import describe_cpu

    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kind = hashlib.sha256(repr(describe_cpu()).encode()).hexdigest()[:12]
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(base / "policy_params" / f"kernels_{kind}"))


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
