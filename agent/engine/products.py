"""Products of stacked matrices in our own machine code, as one operation of a compiled graph.

At 64 units a BLAS reaches two thirds of the processor's multiplication rate, and adding a bias, applying relu or
multiplying by its derivative are further passes over memory. `products.cpp` does these while a sum is still in a
register, and adds in an order that does not depend on the other slots. A torch operation represents it in a graph:
traced and run eagerly it is torch's own product, and Inductor calls the machine code instead.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import torch
from torch import Tensor
from torch._inductor.codecache import LOCK_TIMEOUT, get_lock_dir
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler
from torch._inductor.runtime.cache_dir_utils import cache_dir
from torch.utils._filelock import FileLock

SOURCE = Path(__file__).with_suffix(".cpp")
"""The C++ source."""

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared")
"""Compiler flags."""

SCHEMA = "stacked_product(Tensor a, Tensor b, Tensor? bias, Tensor? gate, bool relu) -> Tensor"
"""The operation's signature."""

SHIM = (
    "int32_t aoti_torch_cpu_stacked_product(AtenTensorHandle a, AtenTensorHandle b, AtenTensorHandle* bias, "
    "AtenTensorHandle* gate, int32_t relu, AtenTensorHandle* out)"
)
"""C declaration of the machine code; its name is derived from the operation's."""


class ByName(dict[str, list[str]]):
    """A mapping that looks operations up by their names: Inductor caches no kernel if it cannot pickle its options."""

    def __contains__(self, operation: object) -> bool:
        """Return whether an operation is in the mapping."""
        return super().__contains__(str(operation))


SHIMS = ByName({"policy_params.stacked_product.default": [SHIM]})
"""Our operations that compiled code calls directly, with the C declarations."""

aten = torch.ops.aten


class CannotCompile(Exception):
    """The machine lacks something that compiling needs; the message continues "the machine ..."."""


def reference(a: Tensor, b: Tensor, bias: Tensor | None, gate: Tensor | None, relu: bool) -> Tensor:
    """Return a (N, I, J) @ b (N, J, K) + bias (N, 1, K), after relu, and 0 where gate (N, I, K) is not positive."""
    out = torch.bmm(a, b) if bias is None else torch.baddbmm(bias, a, b)
    if relu:
        out = out.relu()
    return out if gate is None else aten.threshold_backward(out, gate, 0)


def shaped(a: Tensor, b: Tensor, bias: Tensor | None, gate: Tensor | None, relu: bool) -> Tensor:
    """Return an uninitialized tensor of the shape of `reference`'s result."""
    return a.new_empty(a.shape[0], a.shape[1], b.shape[2])


_library = torch.library.Library("policy_params", "DEF")
_library.define(SCHEMA)
_library.impl("stacked_product", reference, "CPU")
_library.impl("stacked_product", shaped, "Meta")
STACKED_PRODUCT = torch.ops.policy_params.stacked_product.default


def product(a: Tensor, b: Tensor) -> Tensor:
    """Replace aten.bmm; return NotImplemented, which keeps it, for types other than float32."""
    if a.dtype != torch.float32:
        return NotImplemented
    return STACKED_PRODUCT(a, b, None, None, False)


def biased_product(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Replace aten.baddbmm without its factors."""
    return STACKED_PRODUCT(a, b, bias, None, False)


def take_in_what_follows(graph: torch.fx.Graph) -> None:
    """Merge relu, or a multiplication by relu's derivative, into the product whose result only it uses."""
    for node in list(graph.nodes):
        if node.target not in (aten.relu_.default, aten.threshold_backward.default):
            continue
        made = node.args[0]
        if made.target is not STACKED_PRODUCT or len(made.users) > 1:
            continue
        a, b, bias, _, _ = made.args
        relu = node.target is aten.relu_.default
        gate = None if relu else node.args[1]
        if gate is not None and not gate < made:
            continue
        with graph.inserting_before(made):
            whole = graph.call_function(STACKED_PRODUCT, (a, b, bias, gate, relu))
        node.replace_all_uses_with(whole)
        graph.erase_node(node)
        graph.erase_node(made)


@functools.cache
def load_machine_code() -> None:
    """Load the operation's machine code into this process, and compile it if it is not in the cache.

    If several processes start at once, one of them compiles.  Raises CannotCompile.
    """
    try:
        compiler = get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise CannotCompile("has no C++ compiler; install g++, or set $CXX to another one") from error
    source = SOURCE.read_bytes()
    digest = hashlib.sha256(repr((source, FLAGS, compiler)).encode()).hexdigest()[:16]
    try:
        place = Path(cache_dir()) / f"products_{digest}.so"
        with FileLock(str(Path(get_lock_dir()) / f"{place.name}.lock"), timeout=LOCK_TIMEOUT):
            if not place.exists():
                compile_into(place, compiler)
    except OSError as error:
        raise CannotCompile(f"cannot store compiled kernels: {error}") from error
    try:
        ctypes.CDLL(str(place), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise CannotCompile(f"cannot load the code that it has compiled: {error}") from error


def compile_into(place: Path, compiler: str) -> None:
    """Compile the source to a file; a process that is killed leaves none.  Raises CannotCompile and OSError."""
    torch_libraries = Path(torch.__file__).parent / "lib"
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".products_") as scratch:
        made = Path(scratch) / place.name
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(made), f"-L{torch_libraries}", "-ltorch_cpu"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotCompile(f"has a C++ compiler that fails on this program's code: {done.stderr.strip()[-200:]}")
        os.replace(made, place)
