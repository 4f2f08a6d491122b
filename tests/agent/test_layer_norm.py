"""Networks with layer normalization: against torch's own in float64, and against themselves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from agent.actor_critic_hyperparameters import SACHyperparameters
from agent.networks.layer_norm import EPSILON, standardize, standardize_grad
from agent.networks.network import MLP, Network
from agent.networks.optimizer import Adam
from tests.agent.test_network import SHAPES, assert_close, assert_slots_keep_bits
from tests.support.reference import doubles, make_sac, normal32, plain_forward, random_params, rng, used_mask
from utils.core.transition import Step

WIDE = [shape for shape in SHAPES if shape[3] > 1]


@pytest.mark.parametrize("units", [2, 7, 16, 17, 64])
def test_the_operation_against_torchs_in_float64(units):
    """Of 80 numbers, the first `units` are in use; the gradient by the others is exactly zero."""
    x, grad = 3.0 * normal32(2, 5, 80, seed=1) + 1.0, normal32(2, 5, 80, seed=2)
    grad[..., units:] = 0.0
    exact = x.double().requires_grad_()
    with torch.enable_grad():
        expected = torch.nn.functional.layer_norm(exact[..., :units], (units,), eps=EPSILON)
    (by_x,) = torch.autograd.grad(expected, exact, grad[..., :units].double())
    standardized, inverse = standardize(x, units)
    assert_close(standardized[..., :units], expected.detach())
    assert_close(inverse[..., 0], 1.0 / (x[..., :units].double().var(-1, correction=0) + EPSILON).sqrt())
    found = standardize_grad(grad, standardized, inverse, units)
    # With two units the gradient cancels but for EPSILON, and its error is relative to the terms, which are of order 1.
    np.testing.assert_allclose(found, by_x, rtol=0.0, atol=4e-6)
    assert (found[..., units:] == 0).all()


def test_a_row_by_hand():
    """[3, -1, 5, 1] has the mean 2 and the variance (1 + 9 + 9 + 1) / 4 = 5. A fifth number is padding."""
    standardized, inverse = standardize(torch.tensor([[[3.0, -1.0, 5.0, 1.0, 100.0]]]), 4)
    deviation = np.sqrt(5.0 + 1e-5)
    assert inverse.item() == pytest.approx(1.0 / deviation, rel=1e-7)
    assert standardized[0, 0, :4].tolist() == pytest.approx((np.array([1.0, -3.0, 3.0, -1.0]) / deviation).tolist())


def test_equal_numbers_become_zero():
    """As the padding rows of a batch are, before biases are learned: no division by zero."""
    standardized, inverse = standardize(torch.full((1, 1, 16), 7.0), 16)
    assert (standardized == 0).all()
    assert inverse.item() == pytest.approx(EPSILON**-0.5, rel=1e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("shape", WIDE)
def test_forward_and_gradients_against_autograd_in_float64(shape, activation):
    """Three slots with parameters and inputs of their own, each against its own plain network."""
    in_dim, out_dim, num_hidden, hidden, batch = shape
    mlp = MLP(in_dim, out_dim, num_hidden, hidden, activation, layer_norm=True)
    network = Network(mlp, random_params(mlp, 3, seed=1))
    x, by_output = normal32(3, batch, in_dim, seed=2), normal32(3, batch, out_dim, seed=3)
    out, trace = network.forward(x)
    by_params, by_input = network.grad_params(trace, by_output), network.grad_input(trace, by_output)
    assert by_params.shape == network.params.shape
    for slot in range(3):
        arrays = doubles(mlp.to_arrays(network.params[slot]))
        assert sum(name.startswith("norm_") for name in arrays) == 2 * num_hidden
        with torch.enable_grad():
            plain_x = x[slot].double().requires_grad_()
            plain = plain_forward(arrays, plain_x, activation)
        grads = torch.autograd.grad(plain, [plain_x, *arrays.values()], by_output[slot].double())
        assert_close(out[slot], plain.detach())
        everything = {"input": by_input[slot].numpy(), **mlp.to_arrays(by_params[slot])}
        for (name, found), exact in zip(everything.items(), grads, strict=True):
            # Where gradients nearly cancel, their error is relative to the terms, which are of order 1.
            atol = 4e-6 * max(1.0, exact.abs().max().item())
            assert found.shape == exact.shape, name
            np.testing.assert_allclose(found, exact, rtol=0.0, atol=atol, err_msg=name)


def test_the_output_does_not_depend_on_shift_and_scale_of_pre_activations():
    """A hundred times the first layer's numbers, plus 50: EPSILON is then a smaller part of the variance."""
    mlp = MLP(3, 2, 2, 30, "tanh", layer_norm=True)
    params = random_params(mlp, 2, seed=4)
    x = normal32(2, 10, 3, seed=5)
    expected = Network(mlp, params.clone()).forward(x)[0]
    weight, bias = mlp.layer_views(params, mlp.layers[0])
    weight *= 100.0
    bias[..., :30] = 100.0 * bias[..., :30] + 50.0
    found = Network(mlp, params).forward(x)[0]
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-4)
    assert not torch.equal(found, expected)


def test_gradients_are_orthogonal_to_shift_and_scale():
    """By the pre-activations x of a row: sum of g is 0, and sum of g x too, but for EPSILON."""
    x, grad = normal32(4, 9, 64, seed=6), normal32(4, 9, 64, seed=7)
    by_x = standardize_grad(grad, *standardize(x, 64), 64)
    np.testing.assert_allclose(by_x.sum(-1), 0.0, atol=1e-5)
    np.testing.assert_allclose((by_x * x).sum(-1), 0.0, atol=5e-4)


def test_the_flat_layout_by_hand():
    """3 inputs, 17 units held as 32, 2 outputs: 96 weights, 32 biases, 32 gains, 32 biases; then as without."""
    first, last = MLP(3, 2, 1, 17, layer_norm=True).layers
    assert (first.weight_offset, first.bias_offset, first.norm_offset) == (0, 96, 128)
    assert (last.weight_offset, last.bias_offset, last.norm_offset) == (192, 256, None)
    assert MLP(3, 2, 1, 17, layer_norm=True).num_params == 272


def test_initial_gains_are_one_and_everything_else_as_without():
    normalized, plain = (MLP(3, 2, 2, 17, layer_norm=on) for on in (True, False))
    arrays = normalized.to_arrays(normalized.init(rng(3), "xavier_uniform"))
    for i in range(2):
        assert arrays.pop(f"norm_gain_{i}").tolist() == [1.0] * 17
        assert arrays.pop(f"norm_bias_{i}").tolist() == [0.0] * 17
    expected = plain.to_arrays(plain.init(rng(3), "xavier_uniform"))
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])


def test_arrays_are_loaded_back_and_others_refused():
    mlp = MLP(3, 2, 2, 17, layer_norm=True)
    params = random_params(mlp, 1, seed=8)[0]
    arrays, other = mlp.to_arrays(params), torch.ones(mlp.num_params)
    mlp.load_arrays(other, arrays)
    assert torch.equal(other, params)
    with pytest.raises(KeyError, match="norm_gain_1"):
        mlp.load_arrays(other, {name: array for name, array in arrays.items() if name != "norm_gain_1"})
    with pytest.raises(ValueError, match="shape"):
        mlp.load_arrays(other, arrays | {"norm_bias_0": np.zeros(16, np.float32)})


@pytest.mark.parametrize("shape", [(3, 1, 2, 30, 10), (1, 2, 3, 17, 32), (17, 6, 1, 65, 7)])
def test_padding_stays_exactly_zero_under_adam(shape):
    in_dim, out_dim, num_hidden, hidden, batch = shape
    mlp = MLP(in_dim, out_dim, num_hidden, hidden, "tanh", layer_norm=True)
    start = random_params(mlp, 2, seed=9)
    network, used = Network(mlp, start.clone()), used_mask(mlp)
    adam = Adam(network.params, torch.tensor([[1e-2], [1e-1]]), (0.9, 0.999))
    for step in range(20):
        _, trace = network.forward(normal32(2, batch, in_dim, seed=100 + step))
        grad = network.grad_params(trace, normal32(2, batch, out_dim, seed=200 + step))
        assert (grad[:, ~used] == 0).all()
        adam.step(grad)
    assert (network.params[:, ~used] == 0).all()
    assert (network.params != start)[:, used].all()


def test_the_gradient_of_the_first_rows_alone():
    """A pass over 2 B rows serves a loss of the first B: as if the others' gradient were zero."""
    mlp = MLP(3, 2, 2, 30, layer_norm=True)
    network = Network(mlp, random_params(mlp, 2, seed=10))
    _, trace = network.forward(normal32(2, 20, 3, seed=11))
    grad = normal32(2, 10, 2, seed=12)
    whole = network.grad_params(trace, torch.cat((grad, torch.zeros_like(grad)), 1))
    assert_close(network.grad_params(trace, grad), whole)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("hidden", "batch"), [(64, 32), (30, 10), (17, 1), (256, 256), (2, 16), (300, 33)])
def test_a_slot_has_the_bits_it_has_alone(hidden, batch, activation):
    for in_dim, out_dim, num_hidden in ((1, 1, 1), (4, 1, 2), (17, 12, 3)):
        assert_slots_keep_bits(MLP(in_dim, out_dim, num_hidden, hidden, activation, layer_norm=True), batch)


def test_one_normalized_unit_is_refused():
    with pytest.raises(ValidationError, match="hidden_dim is 1 with layer_norm"):
        SACHyperparameters(layer_norm=True, hidden_dim=1)


def learned(seeds: tuple[int, ...]) -> list[dict[str, np.ndarray]]:
    """What a stack has learned from 40 transitions of each run's own."""
    settings = [SACHyperparameters(layer_norm=True, hidden_dim=17, batch_size=8, tau=0.1 / (1 + s)) for s in seeds]
    agent, streams = make_sac(settings, seeds, 3, 2), [rng(seed) for seed in seeds]
    for _ in range(40):
        obs, next_obs = np.stack([stream.standard_normal((2, 3)).astype(np.float32) for stream in streams], 1)
        over = np.zeros(len(seeds), np.float32)
        agent.observe(Step(obs, agent.act(obs), obs[:, 0], next_obs, over, over))
        agent.update()
    return [agent.learned_params(slot) for slot in range(len(seeds))]


def test_a_stack_learns_what_its_runs_learn_alone():
    """Gains and biases of actor, critics and targets included, each of which has moved."""
    stack = learned((3, 0, 1))
    for slot, seed in enumerate((3, 0, 1)):
        (alone,) = learned((seed,))
        for name, array in alone.items():
            np.testing.assert_array_equal(stack[slot][name], array, err_msg=name)
    moved = {name: array for name, array in stack[0].items() if "norm_gain" in name}
    assert len(moved) == 2 * (1 + 2 + 2)
    assert all((array != 1.0).any() for array in moved.values())


def test_a_network_that_is_not_finite_leaves_the_others_alone():
    mlp = MLP(3, 1, 1, 30, layer_norm=True)
    params, x = random_params(mlp, 3, seed=13), normal32(3, 10, 3, seed=14)
    sound: Tensor = Network(mlp, params.clone()).forward(x)[0]
    params[1] = float("nan")
    assert torch.equal(Network(mlp, params).forward(x)[0][::2], sound[::2])
