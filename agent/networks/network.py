"""Stacked multilayer perceptrons: N copies of one network, every parameter in one flat tensor.

The N copies (runs, or critics x runs) are the slots of batched matrix products. `backward` is
written out instead of taped: a chain of products needs no graph, and at 64 units the tape costs
as much as the arithmetic. The tests hold it against autograd.

Why slots keep their bits whatever stands beside them: the BLAS chooses a kernel by a matrix's
shape and by the alignment of its address, and treats a lone matrix-vector product differently from
a batched one. So that each slot meets the same kernel as it would alone,
- rows are padded to a multiple of 16 and hidden widths too (padding units are zero, feed zero and
  get a zero gradient, so they stay zero);
- each layer's weights start on a 64-byte line, and so does each slot;
- a product with a dimension of 1, a critic's output say, is never handed to the BLAS: it is a
  multiplication and a sum, which at 64 units is also four times faster.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent.networks.weight_init import WEIGHT_INITS

LINE = 16
"""float32 numbers in a 64-byte line."""


def round_up(n: int) -> int:
    """The smallest multiple of LINE that is not below n."""
    return -(-n // LINE) * LINE


@dataclass(frozen=True)
class Activation:
    """A nonlinearity acting in place, and its derivative read off its own output."""

    apply_: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu_, lambda grad, out: torch.ops.aten.threshold_backward(grad, out, 0)),
    "tanh": Activation(torch.tanh_, lambda grad, out: torch.ops.aten.tanh_backward(grad, out)),
}


@dataclass(frozen=True)
class Layer:
    """Where one affine layer lies in the flat parameters; `out` is padded, `used` is not."""

    weight: int
    bias: int
    fan_in: int
    out: int
    used_in: int
    used_out: int


def bmm(a: Tensor, b: Tensor) -> Tensor:
    """Slot-wise product (N, I, J) x (N, J, K) -> (N, I, K), the same bits for every N."""
    if a.shape[2] == 1:
        return a * b
    if b.shape[2] == 1:
        return (a * b.transpose(1, 2)).sum(2, keepdim=True)
    if a.shape[1] == 1:
        return (a.transpose(1, 2) * b).sum(1, keepdim=True)
    return torch.bmm(a, b)


def affine(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """bias (N, 1, J) + x (N, B, I) @ weight (N, I, J) -> (N, B, J), the same bits for every N."""
    if 1 in (x.shape[2], weight.shape[2]):
        return bias + bmm(x, weight)
    return torch.baddbmm(bias, x, weight)


def pad_rows(x: Tensor) -> Tensor:
    """(N, B, I) -> (N, B', I) with zero rows up to the next multiple of LINE."""
    missing = round_up(x.shape[1]) - x.shape[1]
    return torch.nn.functional.pad(x, (0, 0, 0, missing)) if missing else x


@dataclass(frozen=True)
class MLP:
    """The shape of a network: `num_hidden` hidden layers of `hidden_dim` units and a linear output.

    Raises KeyError for an unknown activation.
    """

    in_dim: int
    out_dim: int
    num_hidden: int
    hidden_dim: int
    activation: str = "relu"
    layers: tuple[Layer, ...] = field(init=False)
    num_params: int = field(init=False)

    def __post_init__(self) -> None:
        used = [self.in_dim, *[self.hidden_dim] * self.num_hidden, self.out_dim]
        hidden = [round_up(self.hidden_dim)] * self.num_hidden
        held = [self.in_dim, *hidden, self.out_dim]
        layers, start = [], 0
        for i in range(len(held) - 1):
            bias = start + round_up(held[i] * held[i + 1])
            layers.append(Layer(start, bias, held[i], held[i + 1], used[i], used[i + 1]))
            start = bias + round_up(held[i + 1])
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "num_params", start)

    def init(self, rng: np.random.Generator, scheme: str) -> Tensor:
        """Fresh parameters of one copy, (P,) float32; biases are zero.  Raises KeyError for the scheme."""
        flat = torch.zeros(self.num_params)
        for layer in self.layers:
            weight, _ = self.views(flat.unsqueeze(0), layer)
            drawn = WEIGHT_INITS[scheme](rng, layer.used_in, layer.used_out, self.activation)
            weight[0, : layer.used_in, : layer.used_out] = torch.from_numpy(drawn.astype(np.float32))
        return flat

    def views(self, flat: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
        """Weight (N, I, J) and bias (N, 1, J) of a layer, as views into flat (N, P)."""
        end = layer.weight + layer.fan_in * layer.out
        weight = flat[:, layer.weight : end].view(-1, layer.fan_in, layer.out)
        return weight, flat[:, layer.bias : layer.bias + layer.out].unsqueeze(1)

    def unpadded(self, flat: Tensor) -> dict[str, np.ndarray]:
        """One copy's parameters (P,) as arrays "weight_0" (I, J), "bias_0" (J,), ... without padding."""
        arrays = {}
        for i, layer in enumerate(self.layers):
            weight, bias = self.views(flat.unsqueeze(0), layer)
            arrays[f"weight_{i}"] = weight[0, : layer.used_in, : layer.used_out].cpu().numpy().copy()
            arrays[f"bias_{i}"] = bias[0, 0, : layer.used_out].cpu().numpy().copy()
        return arrays

    def fill(self, flat: Tensor, arrays: Mapping[str, np.ndarray]) -> None:
        """Put what `unpadded` gave into one copy's parameters (P,); padding becomes zero.

        Raises KeyError for an array that is missing and ValueError for one of another shape.
        """
        flat.zero_()
        for i, layer in enumerate(self.layers):
            weight, bias = self.views(flat.unsqueeze(0), layer)
            _copy_exactly(weight[0, : layer.used_in, : layer.used_out], arrays[f"weight_{i}"])
            _copy_exactly(bias[0, 0, : layer.used_out], arrays[f"bias_{i}"])


class Network:
    """N copies of an MLP: flat parameters (..., P), forward and backward through all of them."""

    def __init__(self, mlp: MLP, params: Tensor) -> None:
        """params: (..., P) float32, N vectors, changed in place by whoever optimises them."""
        self.mlp = mlp
        self.params = params
        self._act = ACTIVATIONS[mlp.activation]

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        """A copy makes views of its own parameters."""
        return Network(self.mlp, copy.deepcopy(self.params, memo))

    @cached_property
    def _views(self) -> list[tuple[Tensor, Tensor]]:
        """Each layer's weight and bias. Made when first used, so that a trace sees whose views they are."""
        flat = self.params.view(-1, self.mlp.num_params)
        return [self.mlp.views(flat, layer) for layer in self.mlp.layers]

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """x (N, B, I) -> output (N, B, O) and the trace that `backward` needs."""
        rows = x.shape[1]
        x = pad_rows(x)
        trace: list[Tensor] = []
        for i, (weight, bias) in enumerate(self._views):
            if i:
                x = self._act.apply_(x)
            trace.append(x)
            x = affine(bias, x, weight)
        return x[:, :rows], trace

    def grad_params(self, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Gradient (N, P) of a loss by the parameters, from its gradient (N, B, O) by the output.

        `grad` may be of the first B rows of a longer batch only.
        """
        grad = pad_rows(grad)
        trace = [activations[:, : grad.shape[1]] for activations in trace]
        pieces: list[Tensor] = []
        for i in reversed(range(len(trace))):
            weight_grad = bmm(trace[i].transpose(1, 2), grad).flatten(1)
            pieces[:0] = [*_padded(weight_grad), *_padded(grad.sum(1))]
            if i:
                grad = self._act.backward(bmm(grad, self._views[i][0].transpose(1, 2)), trace[i])
        return torch.cat(pieces, 1)

    def grad_input(self, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Gradient (N, B, I) of a loss by the input, from its gradient (N, B, O) by the output."""
        rows = grad.shape[1]
        grad = pad_rows(grad)
        for i in reversed(range(len(trace))):
            grad = bmm(grad, self._views[i][0].transpose(1, 2))
            if i:
                grad = self._act.backward(grad, trace[i])
        return grad[:, :rows]


def _copy_exactly(target: Tensor, array: np.ndarray) -> None:
    """Raises ValueError where the shapes differ: nothing is broadcast."""
    if tuple(target.shape) != array.shape:
        raise ValueError(f"found an array of shape {list(array.shape)}; allowed: {list(target.shape)}")
    target.copy_(torch.from_numpy(array))


def _padded(piece: Tensor) -> tuple[Tensor, ...]:
    """A gradient piece (N, S), followed by the zeros that fill its last line."""
    missing = round_up(piece.shape[1]) - piece.shape[1]
    return (piece, piece.new_zeros(piece.shape[0], missing)) if missing else (piece,)
