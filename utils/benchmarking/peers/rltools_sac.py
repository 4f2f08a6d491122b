"""Script that trains RLtools' SAC on RLtools' own C++ Pendulum, one run.

The package has the headers; `rltools_sac.cpp` configures them and is compiled here, with the flags of the package's own
Python interface and with MKL, on one thread.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rltools

from utils.benchmarking.peers.serving import Sizes, Training, serve

HEADERS = Path(rltools.__file__).parent / "external" / "rl_tools" / "include"

PREFIX = Path(sys.prefix)
"""Root of the environment, where MKL is installed."""

FLAGS = (
    "-std=c++17", "-O3", "-march=native", "-ffast-math", "-fPIC", "-shared", "-w", "-DRL_TOOLS_BACKEND_ENABLE_MKL",
    "-DRL_TOOLS_DISABLE_UNALIGNED_MEMORY_ALLOCATIONS", f"-I{HEADERS}", f"-I{PREFIX / 'include'}",
)  # fmt: skip
"""Compiler flags."""

MKL = ("libmkl_intel_lp64", "libmkl_sequential", "libmkl_core")
"""Names of MKL's libraries: 32-bit sizes, one thread."""


def compile_library(sizes: Sizes, folder: Path) -> Path:
    """Compile the learner and return the library's path.  Raises OSError, and RuntimeError if the compiler fails."""
    library = folder / "rltools_sac.so"
    source = Path(__file__).with_suffix(".cpp")
    macros = [f"-DSIZE_OF_{name.upper()}={getattr(sizes, name)}" for name in ("hidden", "batch", "replay")]
    files = [str(path) for name in MKL for path in PREFIX.glob(f"lib/{name}.so*")]
    link = ["-Wl,--no-as-needed", *files, f"-Wl,-rpath,{PREFIX / 'lib'}"]
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    command = [*compiler, *FLAGS, *macros, str(source), *link, "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error: " in line]
        raise RuntimeError((errors or ["the C++ compiler failed"])[0])
    return library


def make_training(sizes: Sizes) -> Training:
    """Compile and start the learner.  Raises ValueError for several runs."""
    if sizes.runs != 1:
        raise ValueError(f"runs is {sizes.runs}; allowed: 1")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(compile_library(sizes, Path(folder))))
    compile_seconds = time.perf_counter() - start
    library.start()
    return Training(lambda: library.train(sizes.steps), compile_seconds)


if __name__ == "__main__":
    serve(make_training)
