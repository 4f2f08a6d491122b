"""Products of stacked matrices: their values, the order of their sums, and what they take in."""

from __future__ import annotations

import ctypes
import functools
import itertools
from pathlib import Path

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from agent.engine import products
from agent.engine.compiled import compiled_graph, flat
from agent.engine.products import STACKED_PRODUCT, CannotCompile, compile_into, load_machine_code
from agent.engine.tracing import SPELLED_OUT
from tests.support.reference import UNIT, needs_compiler, normal32

aten = torch.ops.aten

ROWS, INNER, COLUMNS = (1, 2, 5, 12, 13, 16, 32), (1, 2, 7, 16, 64), (1, 2, 4, 7, 16, 17, 31, 32, 48, 64, 70, 130)


@pytest.fixture(scope="module")
def machine_code(tmp_path_factory):
    """What calls the machine code, for the compiler's flags; compiled once for each."""

    @functools.cache
    def built(*flags: str):
        place = tmp_path_factory.mktemp("products") / "products.so"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "FLAGS", (*products.FLAGS, *flags))
            compile_into(place, products.get_cpp_compiler())
        return calling(ctypes.CDLL(str(place)))

    return built


def calling(library):
    """The library's product as a function of tensors."""
    aoti = torch._C._aoti
    handle_of, tensor_of = aoti.unsafe_alloc_void_ptrs_from_tensors, aoti.alloc_tensors_by_stealing_from_void_ptrs
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

    def product(a, b, bias=None, gate=None, relu=False):
        capsules = [None if x is None else handle_of([x])[0] for x in (a, b, bias, gate)]
        handles = [None if c is None else ctypes.c_void_p(address(c, None)) for c in capsules]
        out = ctypes.c_void_p()
        optional = [h and ctypes.byref(h) for h in handles[2:]]
        assert library.aoti_torch_cpu_stacked_product(*handles[:2], *optional, int(relu), ctypes.byref(out)) == 0
        tensor_of([c for c in capsules if c is not None])
        return tensor_of([new_capsule(out, None, None)])[0]

    return product


def in_order(a, b, start):
    """Term by term, each by one fused multiply-add: exact in float64, rounded once."""
    total = start
    for k in range(a.shape[2]):
        total = (total.double() + a[:, :, k : k + 1].double() * b[:, k : k + 1].double()).float()
    return total


@needs_compiler
def test_every_sum_is_in_order(machine_code):
    product = machine_code()
    for seed, (rows, inner, columns) in enumerate(itertools.product(ROWS, INNER, COLUMNS)):
        a, b = normal32(3, rows, inner, seed=seed), normal32(3, inner, columns, seed=seed + 1)
        bias, gate = normal32(3, 1, columns, seed=seed + 2), normal32(3, rows, columns, seed=seed + 3)
        expected, plain = in_order(a, b, bias.expand_as(gate)), in_order(a, b, torch.zeros_like(gate))
        shape = f"{rows}, {inner}, {columns}"
        assert torch.equal(product(a, b), plain), shape
        assert torch.equal(product(a, b, bias), expected), shape
        assert torch.equal(product(a, b, bias, None, True), expected.relu()), shape
        assert torch.equal(product(a, b, None, gate), plain * (gate > 0)), shape
        assert torch.equal(product(a, b, bias, gate, True), expected.relu() * (gate > 0)), shape


@needs_compiler
def test_matrices_may_lie_in_any_way(machine_code):
    """Transposed, cut out of larger ones, and from any address."""
    product = machine_code()
    for rows, inner, columns in [(32, 64, 64), (6, 32, 48), (5, 10, 7), (64, 3, 20)]:
        a, b, gate = (
            normal32(4, rows, inner, seed=1),
            normal32(4, inner, columns, seed=2),
            normal32(4, rows, columns, seed=3),
        )
        expected = in_order(a, b, torch.zeros_like(gate))
        for left, right in itertools.product(placements(a), placements(b)):
            assert torch.equal(product(left, right), expected)
        for there in placements(gate)[:2]:
            assert torch.equal(product(a, b, None, there), expected * (gate > 0))


def placements(x):
    """The same numbers: as they are, in a larger matrix, transposed."""
    larger = torch.zeros(x.shape[0], x.shape[1] + 3, x.shape[2] + 5)
    inside = larger[:, 2:-1, 3:-2]
    inside.copy_(x)
    return [x, inside, x.mT.contiguous().mT, inside.mT.contiguous().mT]


@needs_compiler
def test_rows_of_zeros_are_zero(machine_code):
    """They are left out, if no bias is added to them."""
    product = machine_code()
    for rows, inner, columns in [(32, 64, 64), (7, 19, 20), (16, 5, 3)]:
        a, b, bias = (
            normal32(3, rows, inner, seed=1),
            normal32(3, inner, columns, seed=2),
            normal32(3, 1, columns, seed=3),
        )
        gate = normal32(3, rows, columns, seed=4)
        a[0, normal32(rows, seed=5) > 0] = 0.0
        a[1, ::3] = -0.0
        a[2] = 0.0
        a[:, 1, -1] = 1.0  # After zeros only.
        plain = in_order(a, b, torch.zeros_like(gate))
        assert torch.equal(product(a, b), plain)
        assert torch.equal(product(a, b, None, gate), plain * (gate > 0))
        assert torch.equal(product(a.mT.contiguous().mT, b), plain)
        assert torch.equal(product(a, b, bias), in_order(a, b, bias.expand_as(gate)))


@needs_compiler
def test_a_slot_has_the_same_bits_in_every_stack(machine_code):
    product = machine_code()
    a, b, bias = normal32(7, 16, 33, seed=1), normal32(7, 33, 70, seed=2), normal32(7, 1, 70, seed=3)
    whole = product(a, b, bias)
    for slot in range(7):
        assert torch.equal(product(a[slot : slot + 1], b[slot : slot + 1], bias[slot : slot + 1])[0], whole[slot])


@needs_compiler
@pytest.mark.parametrize(
    "flag",
    [
        pytest.param("-mno-avx512f", id="AVX2 at most"),
        pytest.param("-march=x86-64", id="no fused multiply-add", marks=pytest.mark.slow),
    ],
)
def test_other_processors_give_the_same_bits(machine_code, flag):
    """As seen where this one is made to do without."""
    if "avx512f" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no AVX-512 here")
    here, there = machine_code(), machine_code(flag)
    for columns in COLUMNS:
        a, b, bias = normal32(2, 17, 48, seed=1), normal32(2, 48, columns, seed=2), normal32(2, 1, columns, seed=3)
        assert torch.equal(here(a, b, bias, None, True), there(a, b, bias, None, True))
        b = b.mT.contiguous().mT
        assert torch.equal(here(a, b, bias), there(a, b, bias))


@needs_compiler
def test_what_is_no_number_stays_so(machine_code):
    """A cut would hide that a run has diverged."""
    product = machine_code()
    a, b, gate = torch.ones(1, 20, 3), torch.ones(1, 3, 20), torch.ones(1, 20, 20)
    a[0, 4] = torch.nan
    gate[0, :, 2] = torch.nan
    for found in (product(a, b, None, None, True), product(a, b, None, gate)):
        assert found[0, 4].isnan().all()
        assert torch.equal(found[0, 5:], torch.full((15, 20), 3.0))


def a_layer(x, weight, bias, by_output):
    """A hidden layer's output, and its gradient by a preceding layer's, which is relu's too."""
    out = torch.relu_(torch.baddbmm(bias, x, weight))
    return out, aten.threshold_backward(torch.bmm(by_output, weight.mT), x, 0)


LAYER = (
    normal32(2, 16, 10, seed=1).relu(),
    normal32(2, 10, 7, seed=2),
    normal32(2, 1, 7, seed=3),
    normal32(2, 16, 7, seed=4),
)


def traced(function, *inputs):
    return flat(make_fx(function, decomposition_table=SPELLED_OUT)(*inputs))


def operations(graph):
    return [node.target for node in graph.graph.nodes if node.op == "call_function"]


def test_a_product_does_what_follows_it():
    graph = traced(a_layer, *LAYER)
    assert operations(graph).count(STACKED_PRODUCT) == 2
    assert not {aten.relu_.default, aten.threshold_backward.default} & set(operations(graph))
    for found, expected in zip(graph(*LAYER), a_layer(*LAYER), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("function", "follower"),
    [
        (lambda a, b: (lambda made: (made + 1.0, torch.relu_(made)))(torch.bmm(a, b)), aten.relu_.default),
        (lambda a, b: (lambda made: (made[:, :2] + 1.0, torch.relu_(made)))(torch.bmm(a, b)), aten.relu_.default),
        (
            lambda a, b: (lambda made: (aten.threshold_backward(made, a @ b + 1.0, 0),))(torch.bmm(a, b)),
            aten.threshold_backward.default,
        ),
    ],
    ids=["another reader", "a view of it", "a gate that comes later"],
)
def test_a_product_that_something_else_needs_stays(function, follower):
    a, b = normal32(2, 3, 4, seed=1), normal32(2, 4, 5, seed=2)
    graph, expected = traced(function, a, b), function(a, b)
    assert follower in operations(graph)
    for found, wanted in zip(graph(a, b), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=10 * UNIT)


def test_other_numbers_are_left_to_torch():
    graph = traced(lambda a, b: (torch.bmm(a, b),), torch.ones(1, 2, 3).double(), torch.ones(1, 3, 2).double())
    assert operations(graph) == [aten.bmm.default]


@needs_compiler
def test_a_compiled_graph_calls_the_machine_code():
    """To the bit; torch's own product sums in another order."""
    code = compiled_graph(traced(a_layer, *LAYER), list(LAYER))
    x, weight, bias, by_output = LAYER
    zeros = torch.zeros_like(x)
    out, by_x = code(*LAYER)
    assert torch.equal(out, in_order(x, weight, bias.expand(-1, 16, -1)).relu())
    assert torch.equal(by_x, in_order(by_output, weight.mT, zeros) * (x > 0))


@needs_compiler
def test_machine_code_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels"))
    load_machine_code.__wrapped__()
    assert len(list((tmp_path / "kernels").glob("*.so"))) == 1
    monkeypatch.setattr(products, "compile_into", None)
    load_machine_code.__wrapped__()


@needs_compiler
def test_what_cannot_be_loaded_is_told(tmp_path, monkeypatch):
    """As from a file system that executes nothing."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(products, "compile_into", lambda place, compiler: place.write_text("no machine code"))
    with pytest.raises(CannotCompile, match=r"cannot load the code that it has compiled: .*products_"):
        load_machine_code.__wrapped__()


@needs_compiler
def test_a_failing_compiler_is_told_with_its_own_words(tmp_path, monkeypatch):
    monkeypatch.setattr(products, "FLAGS", ("--no-such-flag",))
    with pytest.raises(CannotCompile, match="no-such-flag"):
        compile_into(tmp_path / "products.so", products.get_cpp_compiler())
    assert not list(tmp_path.iterdir())
