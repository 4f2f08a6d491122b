"""Compiles C++ source into a library, and keeps it in a cache for the next process.

The code must have the same bits on every processor, so its flags neither let the compiler reorder additions nor merge
a multiplication and an addition, and nothing is linked that could compute differently elsewhere.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from utils.core.provenance import describe_cpu
from utils.files.lock import Lock

log = logging.getLogger("policy_params")

HERE = Path(__file__).parent

FLAGS = (
    "-std=c++17", "-O3", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fno-semantic-interposition", "-fvisibility=hidden", "-w",
)  # fmt: skip
"""Compiler flags. The compiler may ignore errno and exceptions of floating point, which change no result."""

AVX2 = ("-mavx2", "-mfma")
"""Flags of the instructions that every processor needs."""

AVX512 = (*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512")
"""Flags for processors with AVX-512."""

COMPILERS = ("g++", "clang++", "c++")
"""Compilers that are tried if $CXX is not set."""

TIMEOUT = 300.0
"""Seconds after which a compiler, or another process that compiles the same code, is given up."""


class CannotCompile(Exception):
    """Something stands in the way of compiling, which the message tells."""


def load_library(source: str) -> ctypes.CDLL:
    """Return the compiled source, from a cache if it is there.  Raises CannotCompile."""
    command = [*find_compiler(), *FLAGS, *instruction_flags(), f"-I{HERE}"]
    name = f"engine_{digest(source, command)}.so"
    places = [directory / name for directory in cache_directories()]
    for place in places:
        if place.exists():
            try:
                return ctypes.CDLL(str(place))
            except OSError as error:
                log.warning("%s: cannot be loaded (%s); it is compiled again", place, error)
                place.unlink(missing_ok=True)
    problems = []
    for place in places:
        try:
            return compile_in_turn(source, command, place)
        except OSError as error:
            problems.append(f"{place.parent}: {error.strerror or error}")
    raise CannotCompile(f"the machine cannot store compiled code: {'; '.join(problems)}")


def find_compiler() -> list[str]:
    """Return the command of the C++ compiler: $CXX, or the first of `COMPILERS`.  Raises CannotCompile."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    for command in [wanted] if wanted else [[name] for name in COMPILERS]:
        if path := shutil.which(command[0]):
            return [path, *command[1:]]
    raise CannotCompile("the machine has no C++ compiler; install g++, or set $CXX to another one")


def instruction_flags() -> tuple[str, ...]:
    """Return the flags for this processor's vector instructions.  Raises CannotCompile if it lacks AVX2 or FMA."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise CannotCompile(f"the machine has another kind of processor ({platform.machine()}) than x86-64")
    flags = set(describe_cpu()["flags"])
    if not {"avx2", "fma"} <= flags:
        raise CannotCompile("the machine has a processor without AVX2 and FMA")
    return AVX512 if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags else AVX2


def digest(source: str, command: list[str]) -> str:
    """Return a name for compiled code, which differs if its source, a header, the flags or the compiler differ."""
    found = hashlib.sha256(source.encode())
    for header in sorted(HERE.glob("*.h")):
        found.update(header.read_bytes())
    compiler = Path(command[0]).resolve()
    state = compiler.stat()
    found.update(repr(([str(compiler), *command[1:-1]], state.st_size, state.st_mtime_ns)).encode())
    return found.hexdigest()[:20]


def cache_directories() -> Iterator[Path]:
    """Yield the directories in which compiled code may be kept, in order of preference.

    On some clusters the home directory cannot be written on compute nodes; there the job's own directory is next.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    yield Path(home) / "policy_params"
    if job := os.environ.get("SLURM_TMPDIR"):
        yield Path(job) / "policy_params"
    yield Path(tempfile.gettempdir()) / f"policy_params_{os.getuid()}"


def compile_in_turn(source: str, command: list[str], place: Path) -> ctypes.CDLL:
    """Compile to `place`, and load it. Of several processes one compiles, and the others wait.

    Raises CannotCompile, and OSError if the place cannot be used.
    """
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = Lock(place.with_suffix(".lock"))
    deadline = time.monotonic() + TIMEOUT
    held = lock.acquire()
    while not held and not place.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
        held = lock.acquire()
    try:
        if not place.exists():
            compile_to(source, command, place)
        return ctypes.CDLL(str(place))
    finally:
        if held:
            lock.release()


def compile_to(source: str, command: list[str], place: Path) -> None:
    """Compile to a file, which appears only when it is complete.  Raises CannotCompile and OSError."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".engine_") as scratch:
        text, made = Path(scratch) / "engine.cpp", Path(scratch) / place.name
        text.write_text(source)
        try:
            done = subprocess.run(
                [*command, str(text), "-o", str(made)], capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise CannotCompile(f"the machine has a C++ compiler that did not end within {TIMEOUT:.0f} s") from error
        if done.returncode:
            if "No space left" in done.stderr:
                raise OSError(done.stderr.strip()[-200:])
            reason = done.stderr.strip()[-200:]
            raise CannotCompile(f"the machine has a C++ compiler that fails on this program's code: {reason}")
        os.replace(made, place)
