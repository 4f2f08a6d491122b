"""Setup of the computing process: fixed hashes of strings, one thread, and reuse of freed memory."""

from __future__ import annotations

import ctypes
import os
import sys

THREADS = 1
"""Threads per process: small networks do not benefit from a second one; other cores train other runs."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that numerical libraries read when they are imported."""

HASH_SEED = "PYTHONHASHSEED"
"""Environment variable that Python reads when it starts; "0": hashes of strings are the same in every process."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt (malloc.h)."""


def fix_string_hashes() -> None:
    """Begin this process anew with fixed hashes of strings, unless it has them. Child processes inherit them.

    By default, Python draws them for each process, and with them the order of a set of strings. A run of an environment
    that goes through such a set would depend on its process.
    """
    if os.environ.get(HASH_SEED) != "0":
        os.environ[HASH_SEED] = "0"
        os.execv(sys.executable, sys.orig_argv)  # As it was typed: others find it by its command line.


def limit_threads() -> None:
    """Limit numerical libraries to one thread; call before they are imported. Child processes inherit the limit."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(THREADS)))


def prepare_process() -> None:
    """Set up torch: one thread, gradients off by default, freed memory kept for reuse."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Make malloc reuse the memory that an update frees, if the C library is glibc.

    By default, glibc returns temporaries of a few hundred kB to the system and faults them in again page by page,
    which takes a quarter of a stacked update's time. Buffers of 32 MiB and more are still mapped individually.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 2**30)
