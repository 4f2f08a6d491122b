"""Products of stacked matrices by code of our own, as one operation of a compiled graph.

At 64 units a BLAS reaches two thirds of what the processor can multiply, and the passes over memory that add a bias,
cut what is negative or multiply by that cut's derivative come on top. `products.cpp` does these while a sum is still in
a register, and sums in one order whatever stands beside a slot. A torch operation stands for it in a graph: traced and
run eagerly it is torch's own product, and Inductor calls the machine code for it.
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

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared")

SCHEMA = "stacked_product(Tensor a, Tensor b, Tensor? bias, Tensor? gate, bool relu) -> Tensor"

SHIM = (
    "int32_t aoti_torch_cpu_stacked_product(AtenTensorHandle a, AtenTensorHandle b, AtenTensorHandle* bias, "
    "AtenTensorHandle* gate, int32_t relu, AtenTensorHandle* out)"
)
"""The machine code's name, which follows from the operation's, and arguments, as C declares them."""


class ByName(dict[str, list[str]]):
    """What belongs to operations, by their names: Inductor keeps no kernel if it cannot pickle its options."""

    def __contains__(self, operation: object) -> bool:
        return super().__contains__(str(operation))


SHIMS = ByName({"policy_params.stacked_product.default": [SHIM]})
"""Operations of ours that compiled code calls directly, with the declarations of what it calls."""

aten = torch.ops.aten


class CannotCompile(Exception):
    """This machine lacks what compiling needs; the message goes on from "it"."""


def reference(a: Tensor, b: Tensor, bias: Tensor | None, gate: Tensor | None, relu: bool) -> Tensor:
    """a (N, I, J) @ b (N, J, K) + bias (N, 1, K); then relu; then 0 where gate (N, I, K) is not positive."""
    out = torch.bmm(a, b) if bias is None else torch.baddbmm(bias, a, b)
    if relu:
        out = out.relu()
    return out if gate is None else aten.threshold_backward(out, gate, 0)


def shaped(a: Tensor, b: Tensor, bias: Tensor | None, gate: Tensor | None, relu: bool) -> Tensor:
    """What `reference` gives, without its numbers."""
    return a.new_empty(a.shape[0], a.shape[1], b.shape[2])


_library = torch.library.Library("policy_params", "DEF")
_library.define(SCHEMA)
_library.impl("stacked_product", reference, "CPU")
_library.impl("stacked_product", shaped, "Meta")
STACKED_PRODUCT = torch.ops.policy_params.stacked_product.default


def product(a: Tensor, b: Tensor) -> Tensor:
    """Like aten.bmm; NotImplemented, which keeps aten's own, for other numbers than the machine code's."""
    if a.dtype != torch.float32:
        return NotImplemented
    return STACKED_PRODUCT(a, b, None, None, False)


def biased_product(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Like aten.baddbmm without its factors."""
    return STACKED_PRODUCT(a, b, bias, None, False)


def take_in_what_follows(graph: torch.fx.Graph) -> None:
    """Have each product do what is done to nothing but its result: relu, or relu's derivative times it."""
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
    """Have the code that stands behind the operation in this process, compiled if it is not in the cache.

    Of processes that begin at once, one compiles.  Raises CannotCompile.
    """
    try:
        compiler = get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise CannotCompile("has no C++ compiler; $CXX may name one, g++ is looked for") from error
    source = SOURCE.read_bytes()
    digest = hashlib.sha256(repr((source, FLAGS, compiler)).encode()).hexdigest()[:16]
    try:
        place = Path(cache_dir()) / f"products_{digest}.so"
        with FileLock(str(Path(get_lock_dir()) / f"{place.name}.lock"), timeout=LOCK_TIMEOUT):
            if not place.exists():
                compile_into(place, compiler)
    except OSError as error:
        raise CannotCompile(f"has no place for compiled kernels: {error}") from error
    try:
        ctypes.CDLL(str(place), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise CannotCompile(f"cannot load what it has compiled: {error}") from error


def compile_into(place: Path, compiler: str) -> None:
    """Compile the source; a process that ends meanwhile leaves nothing there.  Raises CannotCompile, OSError."""
    torch_libraries = Path(torch.__file__).parent / "lib"
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".products_") as scratch:
        made = Path(scratch) / place.name
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(made), f"-L{torch_libraries}", "-ltorch_cpu"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotCompile(f"has a C++ compiler that fails on what it is handed: {done.stderr.strip()[-200:]}")
        os.replace(made, place)
