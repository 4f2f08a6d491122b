"""The functions of agent/engine's headers as loops over arrays, compiled in any way."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.engine.build import AVX2, AVX512, FLAGS, HERE, CannotCompile, find_compiler, instruction_flags

TYPES: dict[str, Any] = {"float": np.float32, "double": np.float64}

ELEMENTARY = ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos")

DOUBLE = (*ELEMENTARY, "erf", "erfinv", "lgamma", "digamma")
"""Functions of one float64."""

FLOAT = (*DOUBLE, "log_ndtr")
"""Functions of one float32."""

NAMES = [("float", name) for name in (*FLOAT, "standard_gamma_grad")] + [("double", name) for name in DOUBLE]
"""Type and name of each function that is not exact."""

BASIC = ("absolute", "square_root", "sign", "relu", "minimum", "maximum", "lerp")
"""Functions of both types that are exact, but for rounding once or twice."""

ARITY = {"minimum": 2, "maximum": 2, "power": 2, "standard_gamma_grad": 2, "lerp": 3}
"""Number of arguments, of functions that take more than one."""

SOURCE = """#include "loops.h"
#include "special_double.h"
#include "special_float.h"
#define EXPORTED extern "C" __attribute__((visibility("default")))
namespace portable {
"""

FLUSHED = """
EXPORTED void flushed(void (*function)(const void*, void*, int64_t), const void* x, void* y, int64_t n)
{
    const SubnormalsAreZero mode;
    function(x, y, n);
}
"""

CHECKSUM = """
EXPORTED uint64_t checksum(void (*function)(const float*, float*, int64_t), int64_t count)
{
    constexpr int64_t N = 4096;
    float x[N], y[N];
    uint64_t sum = 0;
    for (int64_t first = 0; first < count; first += N) {
        for (int64_t i = 0; i < N; i++) x[i] = number(uint32_t(first + i));
        function(x, y, N);
        uint64_t part = 0;
        for (int64_t i = 0; i < N; i++) {
            const uint32_t result = y[i] == y[i] ? bits(y[i]) : 0x7fc00000u;
            const uint32_t mixed = (result ^ uint32_t(first + i) * 0x9e3779b9u) * 0x85ebca6bu;
            part += mixed ^ mixed >> 15;
        }
        sum += part;
    }
    return sum;
}
"""


def loop(c_type: str, name: str) -> str:
    """Return a C++ function, in one line, that computes a function of each number of an array."""
    inputs = "abc"[: ARITY.get(name, 1)]
    parameters = ", ".join(f"const {c_type}* {x}" for x in inputs)
    call = f"{name}({', '.join(f'{x}[i]' for x in inputs)})"
    body = f"INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = {call};"
    return f"EXPORTED void {name}_{c_type}({parameters}, {c_type}* y, int64_t n) {{ {body} }}\n"


class Functions:
    """The functions as one compiler makes them.

    vectorized: type and name of those whose loops became vector instructions, in a build with -O3.
    """

    def __init__(self, folder: Path, compiler: str, flags: tuple[str, ...]) -> None:
        """Compile to a folder. Without a standard library, linking fails if a function of libm is called."""
        place = folder / hashlib.sha256(repr((compiler, flags)).encode()).hexdigest()[:16]
        source, library = place.with_suffix(".cpp"), place.with_suffix(".so")
        basic = [(c_type, name) for c_type in TYPES for name in BASIC]
        loops = "".join(loop(*one) for one in [*NAMES, *basic, ("double", "power")])
        source.write_text(SOURCE + loops + FLUSHED + CHECKSUM + "}\n")
        remarks = "-Rpass=loop-vectorize" if "clang" in Path(compiler).resolve().name else "-fopt-info-vec"
        options = [*FLAGS, remarks, *flags, f"-I{HERE}", "-fno-exceptions", "-nostdlib", "-Wl,-z,defs"]
        command = [compiler, *options, str(source), "-o", str(library)]
        log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        lines = {int(line) for line in re.findall(r"\.cpp:(\d+):\d+: .*vectorized", log)}
        first = SOURCE.count("\n") + 1
        self.vectorized = {one for i, one in enumerate(NAMES, first) if i in lines}
        self._code = ctypes.CDLL(str(library))

    def __call__(self, name: str, *arguments: np.ndarray, flushed: bool = False) -> np.ndarray:
        """Return the function's values of arguments (N,) of one type.

        flushed: whether subnormal numbers count as zero, as in an agent's code; of functions of one number.
        """
        dtype = arguments[0].dtype
        arrays = [np.ascontiguousarray(a, dtype) for a in (*arguments, np.empty_like(arguments[0]))]
        given = [*(ctypes.c_void_p(a.ctypes.data) for a in arrays), ctypes.c_int64(len(arrays[-1]))]
        function = self._code[f"{name}_{'float' if dtype == np.float32 else 'double'}"]
        if flushed:
            self._code.flushed(function, *given)
        else:
            function(*given)
        return arrays[-1]

    def checksum(self, name: str, count: int) -> str:
        """Return a number that depends on a function's values of the first float32 numbers, by their bits."""
        self._code.checksum.restype = ctypes.c_uint64
        return f"{self._code.checksum(self._code[f'{name}_float'], ctypes.c_int64(count)):016x}"


compiled = functools.cache(Functions)


def compile_functions(folder: Path, compiler: str, *flags: str) -> Functions:
    """Return the functions as made by a compiler.  Skips the test if the machine lacks it, or the instructions."""
    path = shutil.which(compiler) or shutil.which(f"{compiler}-14")
    if path is None:
        pytest.skip(f"no {compiler} here")
    if set(AVX512) <= set(flags) and instruction_flags() != AVX512:
        pytest.skip("this processor lacks AVX-512")
    return compiled(folder, path, flags)


def own_functions(folder: Path) -> Functions:
    """Return the functions as this machine's agents have them.  Skips the test if it can compile none."""
    try:
        return compile_functions(folder, *find_compiler()[:1], *instruction_flags())
    except CannotCompile as error:
        pytest.skip(f"this machine {error}")


BUILDS = {
    "g++ AVX2": ("g++", *AVX2),
    "g++ AVX-512": ("g++", *AVX512),
    "g++ AVX2 -O1": ("g++", *AVX2, "-O1"),
    "clang++ AVX2": ("clang++", *AVX2),
    "clang++ AVX-512": ("clang++", *AVX512),
}
"""Compilers and flags that must all make the same bits."""


def every_float(stride: int) -> np.ndarray:
    """Return every stride-th float32, NaN and infinities included."""
    return np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)


def bits(y: np.ndarray) -> np.ndarray:
    """Return the bits of numbers; every NaN is one NaN, whose sign and payload the headers leave open."""
    return np.where(np.isnan(y), y.dtype.type(np.nan), y).view(f"u{y.itemsize}")
