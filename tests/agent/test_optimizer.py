"""Adam against torch's and against the paper's algorithm in float64; averaging by value."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from agent.networks.optimizer import Adam, polyak_update
from tests.support.reference import UNIT, PlainAdam, normal32

BETAS = [(0.9, 0.999), (0.0, 0.999), (0.9, 0.9), (0.5, 0.0), (0.0, 0.0)]
STEP_SIZES = (1e-4, 1e-2, 0.3)
STEPS = 200


def gradients(step: int, *shape: int) -> Tensor:
    """Gradients of very different sizes, some of them zero."""
    size = 10.0 ** normal32(*shape, seed=10_000 + step)
    return normal32(*shape, seed=step) * size * (normal32(*shape, seed=20_000 + step) > -1)


def three_runs(betas: tuple[float, float]) -> Adam:
    """Parameters (C, R, P) = (2, 3, 48), a step size for each run."""
    return Adam(normal32(2, 3, 48, seed=1), torch.tensor(STEP_SIZES).unsqueeze(1), betas)


class TorchAdams:
    """torch.optim.Adam, one for each run."""

    def __init__(self, adam: Adam) -> None:
        self.params = [adam.params[:, r].clone() for r in range(3)]
        self.optimizers = [
            torch.optim.Adam([p], lr=float(lr), betas=adam.betas, foreach=False)
            for p, lr in zip(self.params, adam.step_size, strict=True)
        ]

    def step(self, grad: Tensor) -> None:
        for r, (p, optimizer) in enumerate(zip(self.params, self.optimizers, strict=True)):
            p.grad = grad[:, r].clone()
            optimizer.step()

    def state(self, name: str) -> Tensor:
        """A moment of every run, (C, R, P)."""
        states = [o.state[p][name] for o, p in zip(self.optimizers, self.params, strict=True)]
        return torch.stack(states, 1)


@pytest.mark.parametrize("betas", BETAS)
def test_adam_against_torchs_for_200_steps(betas):
    adam = three_runs(betas)
    torchs = TorchAdams(adam)
    for step in range(STEPS):
        grad = gradients(step, 2, 3, 48)
        adam.step(grad)
        torchs.step(grad)
    assert torch.equal(adam.mean, torchs.state("exp_avg"))
    assert torch.equal(adam.square, torchs.state("exp_avg_sq"))
    # The direction is rounded before it is scaled, torch's is not. That tips the rounding of the sum in
    # some steps, by one unit in the last place; 200 steps walk a few units (measured: 2 of the largest).
    for r in range(3):
        largest = torchs.params[r].abs().max()
        torch.testing.assert_close(adam.params[:, r], torchs.params[r], rtol=0.0, atol=float(8 * 2 * UNIT * largest))


def test_one_step_differs_from_torchs_by_a_rounding():
    adam = three_runs((0.9, 0.999))
    torchs = TorchAdams(adam)
    for step in range(50):
        grad = gradients(step, 2, 3, 48)
        for r in range(3):
            torchs.params[r].copy_(adam.params[:, r])
        adam.step(grad)
        torchs.step(grad)
        expected = torch.stack(torchs.params, 1)
        # One unit in the last place of the sum, and of the larger number it was computed from.
        assert ((adam.params - expected).abs() <= 2 * UNIT * (expected.abs() + adam.step_size)).all()


@pytest.mark.parametrize("betas", BETAS)
def test_adam_against_the_papers_algorithm_in_float64(betas):
    adam = three_runs(betas)
    plain = [PlainAdam([adam.params[:, r].double()], float(adam.step_size[r]), betas) for r in range(3)]
    for step in range(STEPS):
        grad = gradients(step, 2, 3, 48)
        adam.step(grad)
        for r in range(3):
            plain[r].step([grad[:, r].double()])
    for r in range(3):
        # Each step rounds the parameter: 200 roundings in a random walk, sqrt(200) = 14, with a margin of two.
        largest = float(plain[r].params[0].abs().max())
        torch.testing.assert_close(
            adam.params[:, r].double(), plain[r].params[0], rtol=0.0, atol=2 * 14 * UNIT * largest
        )


def test_the_first_step_is_the_step_size_against_the_gradients_sign():
    adam = Adam(torch.zeros(2, 16), torch.tensor([[0.1], [0.01]]), (0.9, 0.999))
    grad = torch.zeros(2, 16)
    grad[:, 0], grad[:, 1] = 5.0, -0.002
    adam.step(grad)
    expected = torch.zeros(2, 16)
    expected[0, :2], expected[1, :2] = torch.tensor([-0.1, 0.1]), torch.tensor([-0.01, 0.01])
    # epsilon shortens the smaller one by 1e-8 / 0.002 = 5e-6 of itself.
    torch.testing.assert_close(adam.params, expected, rtol=6e-6, atol=0.0)


def test_what_has_no_gradient_stays():
    adam = three_runs((0.9, 0.999))
    before = adam.params.clone()
    for _ in range(3):
        adam.step(torch.zeros(2, 3, 48))
    assert torch.equal(adam.params, before)


def test_adam_goes_on_from_its_state():
    straight, first = three_runs((0.9, 0.99)), three_runs((0.9, 0.99))
    for step in range(20):
        straight.step(gradients(step, 2, 3, 48))
    for step in range(10):
        first.step(gradients(step, 2, 3, 48))
    state = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    second = three_runs((0.9, 0.99))
    second.params.copy_(first.params)
    second.load_state_dict(state)
    for step in range(10, 20):
        second.step(gradients(step, 2, 3, 48))
    assert torch.equal(second.params, straight.params)
    for name, tensor in straight.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)
    assert all(torch.equal(state[name], tensor) for name, tensor in first.state_dict().items()), "nothing is shared"


def test_polyak_by_value():
    target = torch.tensor([1.0, 2.0]).expand(2, 2, 2).clone()
    source = torch.tensor([3.0, -2.0]).expand(2, 2, 2).clone()
    polyak_update(target, source, torch.tensor([[0.25], [0.5]]))
    assert target.tolist() == [[[1.5, 1.0], [2.0, 0.0]]] * 2
    assert source.tolist() == [[[3.0, -2.0]] * 2] * 2


@pytest.mark.parametrize("tau", [1e-3, 0.005, 0.3, 0.5, 0.9, 1.0])
def test_polyak_against_float64(tau):
    target, source = normal32(2, 1, 48, seed=2), normal32(2, 1, 48, seed=3)
    weight = torch.tensor([[tau]])
    expected = (1 - weight.double()) * target.double() + weight.double() * source.double()
    polyak_update(target, source, weight)
    # A difference, a product and a sum are rounded, of numbers below 4 * 2.
    torch.testing.assert_close(target.double(), expected, rtol=0.0, atol=3 * 8 * UNIT)
    assert tau < 1.0 or torch.equal(target, source)


STACKS = {2: (9, 4), 7: (12, 1, 15, 6, 2, 11, 8), 16: tuple(range(15, -1, -1))}
"""Which of 16 runs stand in each slot of a stack of R."""


def some_steps(critics: int, size: int, runs: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Ten steps and averagings of some of 16 runs: parameters and their average, (C, R, P)."""
    members = list(runs)
    step_size = torch.logspace(-4, -1, 16).unsqueeze(1)[members]
    params = normal32(critics, 16, size, seed=4)[:, members].contiguous()
    target, adam = params.clone(), Adam(params, step_size, (0.9, 0.999))
    tau = torch.linspace(0.01, 1.0, 16).unsqueeze(1)[members]
    for step in range(10):
        adam.step(gradients(step, critics, 16, size)[:, members].contiguous())
        polyak_update(target, params, tau)
    return params, target, adam.mean, adam.square


@pytest.mark.parametrize("size", [16, 48, 64, 4368])
@pytest.mark.parametrize("critics", [1, 2])
def test_a_slot_has_the_bits_it_has_alone(critics, size):
    alone = {i: some_steps(critics, size, (i,)) for i in (9, 4, 12, 8, 15, 0)}
    for n, members in STACKS.items():
        stacked = some_steps(critics, size, members)
        for slot, member in enumerate(members):
            for found, expected in zip(stacked, alone.get(member, ()), strict=False):
                assert torch.equal(found[:, slot], expected[:, 0]), f"slot {slot} of {n}"
