"""Stacked networks against plain products, against autograd, and against themselves alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.networks.network import CACHE_LINE, MLP, Network, round_up
from agent.networks.optimizer import Adam
from tests.support.reference import doubles, normal32, plain_forward, random_params, used_mask

SHAPES = [
    # in, out, hidden layers, units, batch
    (3, 1, 2, 64, 32),
    (4, 1, 2, 30, 10),
    (1, 2, 2, 17, 10),
    (1, 1, 1, 30, 1),
    (17, 12, 3, 30, 10),
    (23, 1, 1, 17, 7),
    (5, 2, 3, 17, 16),
    (11, 6, 1, 64, 33),
]

ACCURACY = 2e-6
"""Relative to the largest number compared. A float32 rounding is 6e-8; up to four layers of sums of up
to 64 products, whose roundings add like a random walk, make that about 1e-6 (measured: at most 6e-7)."""


def assert_close(found: np.ndarray | Tensor, exact: np.ndarray | Tensor) -> None:
    found, exact = np.asarray(found), np.asarray(exact)
    assert found.shape == exact.shape
    np.testing.assert_allclose(found, exact, rtol=0.0, atol=ACCURACY * max(1e-3, np.abs(exact).max()))


@pytest.mark.parametrize(("used", "held"), [(1, 16), (15, 16), (16, 16), (17, 32), (256, 256), (257, 272)])
def test_round_up_by_hand(used, held):
    assert round_up(used) == held


def test_the_flat_layout_by_hand():
    """3 inputs, 17 units held as 32, 2 outputs: 96 weights, 32 biases; 64 weights, 2 biases held as 16."""
    mlp = MLP(3, 2, 1, 17)
    first, last = mlp.layers
    assert (first.weight_offset, first.bias_offset, first.padded_in, first.padded_out, first.out_dim) == (
        0,
        96,
        3,
        32,
        17,
    )
    assert (last.weight_offset, last.bias_offset, last.padded_in, last.padded_out, last.in_dim) == (128, 192, 32, 2, 17)
    assert mlp.num_params == 208


@pytest.mark.parametrize("shape", SHAPES)
def test_every_piece_starts_on_a_line(shape):
    mlp = MLP(*shape[:4])
    assert all(start % CACHE_LINE == 0 for layer in mlp.layers for start in (layer.weight_offset, layer.bias_offset))
    assert mlp.num_params % CACHE_LINE == 0
    sizes = [shape[0], *[shape[3]] * shape[2], shape[1]]
    assert used_mask(mlp).sum() == sum((i + 1) * j for i, j in pairwise(sizes))


def test_an_unknown_activation_is_an_error():
    mlp = MLP(3, 1, 1, 16, "swish")
    with pytest.raises(KeyError):
        Network(mlp, torch.zeros(1, mlp.num_params))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_and_gradients_against_autograd_in_float64(shape, activation):
    """Three slots with parameters and inputs of their own, each against its own plain network."""
    in_dim, out_dim, num_hidden, hidden, batch = shape
    mlp = MLP(in_dim, out_dim, num_hidden, hidden, activation)
    network = Network(mlp, random_params(mlp, 3, seed=1))
    x, by_output = normal32(3, batch, in_dim, seed=2), normal32(3, batch, out_dim, seed=3)
    out, trace = network.forward(x)
    by_params, by_input = network.grad_params(trace, by_output), network.grad_input(trace, by_output)
    assert out.shape == (3, batch, out_dim)
    assert by_params.shape == network.params.shape
    for slot in range(3):
        arrays = doubles(mlp.to_arrays(network.params[slot]))
        with torch.enable_grad():
            plain_x = x[slot].double().requires_grad_()
            plain = plain_forward(arrays, plain_x, activation)
        grads = torch.autograd.grad(plain, [plain_x, *arrays.values()], by_output[slot].double())
        assert_close(out[slot], plain.detach())
        assert_close(by_input[slot], grads[0])
        for (name, found), exact in zip(mlp.to_arrays(by_params[slot]).items(), grads[1:], strict=True):
            assert found.shape == arrays[name].shape
            assert_close(found, exact)


def test_a_network_worked_by_hand():
    """relu(2 * [1, -1] + [0, 1]) . [3, 5] + 0.5 = 6.5; its derivative by x = 2 is 3, by the bias of unit 0 too."""
    mlp = MLP(1, 1, 1, 2)
    flat = torch.zeros(1, mlp.num_params)
    for layer, weight, bias in zip(mlp.layers, ([[1.0, -1.0]], [[3.0], [5.0]]), ([0.0, 1.0], [0.5]), strict=True):
        held_weight, held_bias = mlp.layer_views(flat, layer)
        held_weight[0, : layer.in_dim, : layer.out_dim] = torch.tensor(weight)
        held_bias[0, 0, : layer.out_dim] = torch.tensor(bias)
    network = Network(mlp, flat)
    out, trace = network.forward(torch.tensor([[[2.0]]]))
    one = torch.ones(1, 1, 1)
    assert out.item() == 6.5
    assert network.grad_input(trace, one).item() == 3.0
    by_params = mlp.to_arrays(network.grad_params(trace, one)[0])
    assert {name: array.tolist() for name, array in by_params.items()} == {
        "weight_0": [[6.0, 0.0]],
        "bias_0": [3.0, 0.0],
        "weight_1": [[2.0], [0.0]],
        "bias_1": [1.0],
    }


@pytest.mark.parametrize("batch", [10, 16, 32])
def test_the_gradient_of_the_first_rows_alone(batch):
    """A pass over 2 B rows serves a loss of the first B: as if the others' gradient were zero."""
    mlp = MLP(3, 2, 2, 30)
    network = Network(mlp, random_params(mlp, 2, seed=4))
    _, trace = network.forward(normal32(2, 2 * batch, 3, seed=5))
    grad = normal32(2, batch, 2, seed=6)
    whole = network.grad_params(trace, torch.cat((grad, torch.zeros_like(grad)), 1))
    assert_close(network.grad_params(trace, grad), whole)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("shape", [(3, 1, 2, 30, 10), (1, 2, 3, 17, 32), (17, 6, 1, 65, 7)])
def test_padding_stays_exactly_zero_under_adam(shape, activation):
    in_dim, out_dim, num_hidden, hidden, batch = shape
    mlp = MLP(in_dim, out_dim, num_hidden, hidden, activation)
    start = random_params(mlp, 2, seed=7)
    network = Network(mlp, start.clone())
    adam = Adam(network.params, torch.tensor([[1e-2], [1e-1]]), (0.9, 0.999))
    used, touched = used_mask(mlp), torch.zeros_like(start, dtype=torch.bool)
    for step in range(20):
        _, trace = network.forward(normal32(2, batch, in_dim, seed=100 + step))
        grad = network.grad_params(trace, normal32(2, batch, out_dim, seed=200 + step))
        assert (grad[:, ~used] == 0).all()
        adam.step(grad)
        touched |= grad != 0
    assert (network.params[:, ~used] == 0).all()
    assert torch.equal(network.params != start, touched)
    assert activation == "relu" or touched[:, used].all(), "only a relu unit may be dead on all batches"


def test_unpadded_parameters_are_copies():
    mlp = MLP(3, 1, 1, 30)
    flat = random_params(mlp, 1, seed=8)
    arrays = mlp.to_arrays(flat[0])
    before = {name: array.copy() for name, array in arrays.items()}
    flat += 1.0
    assert [array.shape for array in arrays.values()] == [(3, 30), (30,), (30, 1), (1,)]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


STACKS = {2: (9, 4), 5: (3, 9, 0, 15, 7), 7: (12, 1, 15, 6, 2, 11, 8), 16: tuple(range(15, -1, -1))}
"""Which of 16 networks stand in each slot of a stack of N."""


def all_products(mlp: MLP, params: Tensor, x: Tensor, by_output: Tensor) -> tuple[Tensor, ...]:
    """Output, gradient by the parameters and by the input, of copies that live in memory of their own."""
    network = Network(mlp, params.clone())
    out, trace = network.forward(x.clone())
    return out, network.grad_params(trace, by_output), network.grad_input(trace, by_output)


def assert_slots_keep_bits(mlp: MLP, batch: int) -> None:
    params = random_params(mlp, 16, seed=9)
    x, by_output = normal32(16, batch, mlp.in_dim, seed=10), normal32(16, batch, mlp.out_dim, seed=11)
    alone = [all_products(mlp, *(t[i : i + 1] for t in (params, x, by_output))) for i in range(16)]
    for n, members in STACKS.items():
        stacked = all_products(mlp, *(t[list(members)] for t in (params, x, by_output)))
        for slot, member in enumerate(members):
            for found, expected in zip(stacked, alone[member], strict=True):
                assert torch.equal(found[slot], expected[0]), f"slot {slot} of {n}"


@pytest.mark.parametrize("out_dim", [1, 2, 12])
@pytest.mark.parametrize("batch", [1, 10, 32, 256])
@pytest.mark.parametrize("hidden", [64, 30, 17, 256])
def test_a_slot_has_the_bits_it_has_alone(hidden, batch, out_dim):
    for obs_dim in (1, 3, 17, 27):
        assert_slots_keep_bits(MLP(obs_dim, out_dim, 2, hidden), batch)


@pytest.mark.parametrize("num_hidden", [1, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("hidden", "batch"), [(64, 32), (30, 10), (17, 1)])
def test_a_slot_has_the_bits_it_has_alone_at_other_depths(num_hidden, activation, hidden, batch):
    for in_dim, out_dim in ((1, 1), (4, 1), (23, 1), (17, 12)):
        assert_slots_keep_bits(MLP(in_dim, out_dim, num_hidden, hidden, activation), batch)


def test_a_slot_keeps_its_bits_beside_one_that_is_not_finite():
    mlp = MLP(3, 1, 2, 30)
    params = random_params(mlp, 3, seed=12)
    x, by_output = normal32(3, 10, 3, seed=13), normal32(3, 10, 1, seed=14)
    sound = all_products(mlp, params, x, by_output)
    params[1], x[1] = float("nan"), float("inf")
    broken = all_products(mlp, params, x, by_output)
    for found, expected in zip(broken, sound, strict=True):
        assert torch.equal(found[::2], expected[::2])
