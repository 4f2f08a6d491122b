"""Stacked multilayer perceptrons: N copies of one network, with all parameters in one tensor.

The N copies (runs, or critics x runs) are the slots of batched matrix products. Gradients are written out instead of
taped: a chain of products needs no graph, and at 64 units the tape costs as much as the arithmetic. Tests compare them
with autograd.

The bits of a slot must not depend on the other slots. A BLAS chooses its kernel by a matrix's shape and by the
alignment of its address, and treats a single matrix-vector product differently from a batched one. So that each slot
gets the kernel that it would get alone,

- rows are padded to a multiple of 16, and so are hidden widths (padding units are zero, output zero and get a zero
  gradient, so they stay zero);
- each layer's weights start on a 64-byte cache line, and so does each slot;
- a product with a dimension of 1, such as a critic's output, does not use the BLAS: it is a multiplication and a sum,
  which at 64 units is also four times faster.
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

from agent.networks.layer_norm import standardize, standardize_grad
from agent.networks.weight_init import WEIGHT_INITS

CACHE_LINE = 16
"""Number of float32 values in a 64-byte cache line."""


def round_up(n: int) -> int:
    """Return the smallest multiple of CACHE_LINE that is at least n."""
    return -(-n // CACHE_LINE) * CACHE_LINE


@dataclass(frozen=True)
class Activation:
    """A nonlinearity that acts in place, and its derivative as a function of its output.

    apply_: x -> output.  backward: (gradient by the output, output) -> gradient by x.
    """

    apply_: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu_, lambda grad, out: torch.ops.aten.threshold_backward(grad, out, 0)),
    "tanh": Activation(torch.tanh_, lambda grad, out: torch.ops.aten.tanh_backward(grad, out)),
}
"""Activations by the name that the hyperparameter `activation` gives them."""


@dataclass(frozen=True)
class Layer:
    """Position of one affine layer in the parameters of a copy, and its sizes with and without padding.

    weight_offset, bias_offset: index of the first weight and of the first bias.
    norm_offset: index of the first gain of the layer normalization, whose biases follow; None if there is none.
    padded_in, padded_out: numbers of inputs and outputs that are stored.
    in_dim, out_dim: those in use.
    """

    weight_offset: int
    bias_offset: int
    padded_in: int
    padded_out: int
    in_dim: int
    out_dim: int
    norm_offset: int | None = None


def bmm(a: Tensor, b: Tensor) -> Tensor:
    """Multiply slot by slot, (N, I, J) x (N, J, K) -> (N, I, K), with the same bits for every N."""
    if a.shape[2] == 1:
        return a * b
    if b.shape[2] == 1:
        return (a * b.transpose(1, 2)).sum(2, keepdim=True)
    if a.shape[1] == 1:
        return (a.transpose(1, 2) * b).sum(1, keepdim=True)
    return torch.bmm(a, b)


def affine(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return bias (N, 1, J) + x (N, B, I) @ weight (N, I, J), (N, B, J), with the same bits for every N."""
    if 1 in (x.shape[2], weight.shape[2]):
        return bias + bmm(x, weight)
    return torch.baddbmm(bias, x, weight)


def pad_rows(x: Tensor) -> Tensor:
    """Append zero rows to (N, B, I) up to the next multiple of CACHE_LINE."""
    missing = round_up(x.shape[1]) - x.shape[1]
    return torch.nn.functional.pad(x, (0, 0, 0, missing)) if missing else x


@dataclass(frozen=True)
class MLP:
    """Shape of a network: `num_hidden` hidden layers of `hidden_dim` units and a linear output.

    layer_norm: whether each hidden layer is normalized before its activation (see `agent.networks.layer_norm`).
    layers: the layers, first to last.  num_params: number P of stored parameters of one copy, padding included.
    """

    in_dim: int
    out_dim: int
    num_hidden: int
    hidden_dim: int
    activation: str = "relu"
    layer_norm: bool = False
    layers: tuple[Layer, ...] = field(init=False)
    num_params: int = field(init=False)

    def __post_init__(self) -> None:
        """Compute `layers` and `num_params`."""
        used = [self.in_dim, *[self.hidden_dim] * self.num_hidden, self.out_dim]
        hidden = [round_up(self.hidden_dim)] * self.num_hidden
        padded = [self.in_dim, *hidden, self.out_dim]
        layers, start = [], 0
        for i in range(len(padded) - 1):
            bias = start + round_up(padded[i] * padded[i + 1])
            end = bias + round_up(padded[i + 1])
            norm = end if self.layer_norm and i < self.num_hidden else None
            layers.append(Layer(start, bias, padded[i], padded[i + 1], used[i], used[i + 1], norm))
            start = end if norm is None else end + 2 * padded[i + 1]
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "num_params", start)

    def init(self, rng: np.random.Generator, scheme: str) -> Tensor:
        """Return new parameters of one copy, (P,) float32; biases are zero, gains of layer normalizations one.

        Raises KeyError for an unknown scheme.
        """
        params = torch.zeros(self.num_params)
        for layer in self.layers:
            weight, _ = self.layer_views(params.unsqueeze(0), layer)
            drawn = WEIGHT_INITS[scheme](rng, layer.in_dim, layer.out_dim, self.activation)
            weight[0, : layer.in_dim, : layer.out_dim] = torch.from_numpy(drawn.astype(np.float32))
            if layer.norm_offset is not None:
                params[layer.norm_offset : layer.norm_offset + layer.out_dim] = 1.0
        return params

    def layer_views(self, params: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
        """Return weight (N, I, J) and bias (N, 1, J) of a layer, padded, as views into params (N, P)."""
        end = layer.weight_offset + layer.padded_in * layer.padded_out
        weight = params[:, layer.weight_offset : end].view(-1, layer.padded_in, layer.padded_out)
        return weight, params[:, layer.bias_offset : layer.bias_offset + layer.padded_out].unsqueeze(1)

    def norm_views(self, params: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
        """Return gain and bias (N, 1, J) of a hidden layer's normalization, padded, as views into params (N, P)."""
        assert layer.norm_offset is not None
        end = layer.norm_offset + 2 * layer.padded_out
        gain, bias = params[:, layer.norm_offset : end].split(layer.padded_out, 1)
        return gain.unsqueeze(1), bias.unsqueeze(1)

    def to_arrays(self, params: Tensor) -> dict[str, np.ndarray]:
        """Return one copy's parameters (P,) as arrays "weight_0" (I, J), "bias_0" (J,), ... without padding.

        A layer normalization has "norm_gain_0" (J,) and "norm_bias_0" (J,).
        """
        return {name: view.cpu().numpy().copy() for name, view in self._named_views(params).items()}

    def _named_views(self, params: Tensor) -> dict[str, Tensor]:
        """Return views of one copy's parameters (P,) without padding, by the names of `to_arrays`."""
        views, one = dict[str, Tensor](), params.unsqueeze(0)
        for i, layer in enumerate(self.layers):
            weight, bias = self.layer_views(one, layer)
            views[f"weight_{i}"] = weight[0, : layer.in_dim, : layer.out_dim]
            views[f"bias_{i}"] = bias[0, 0, : layer.out_dim]
            if layer.norm_offset is not None:
                gain, bias = self.norm_views(one, layer)
                views[f"norm_gain_{i}"] = gain[0, 0, : layer.out_dim]
                views[f"norm_bias_{i}"] = bias[0, 0, : layer.out_dim]
        return views

    def load_arrays(self, params: Tensor, arrays: Mapping[str, np.ndarray]) -> None:
        """Load one copy's parameters (P,), in place, from `to_arrays`; padding becomes zero.

        Raises KeyError for a missing array and ValueError for one of another shape.
        """
        params.zero_()
        for name, view in self._named_views(params).items():
            _copy_exactly(view, arrays[name])


class Network:
    """N copies of an MLP with parameters (..., P): the forward pass and gradients of all of them."""

    def __init__(self, mlp: MLP, params: Tensor) -> None:
        """Use params (..., P) float32, N vectors; an optimizer may change them in place.

        Raises KeyError for an unknown activation.
        """
        self.mlp = mlp
        self.params = params
        self.pads_rows = True
        """Whether a BLAS multiplies, whose bits depend on the number of rows."""
        self._activation = ACTIVATIONS[mlp.activation]

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        """Copy the parameters, of which the copy makes its own views."""
        return Network(self.mlp, copy.deepcopy(self.params, memo))

    @cached_property
    def _views(self) -> list[tuple[Tensor, Tensor]]:
        """Each layer's weight and bias, made on first use, so that tracing sees of which tensor they are views."""
        params = self.params.view(-1, self.mlp.num_params)
        return [self.mlp.layer_views(params, layer) for layer in self.mlp.layers]

    @cached_property
    def _norm_views(self) -> list[tuple[Tensor, Tensor]]:
        """Gain and bias of each hidden layer's normalization; none without."""
        params = self.params.view(-1, self.mlp.num_params)
        return [self.mlp.norm_views(params, layer) for layer in self.mlp.layers if layer.norm_offset is not None]

    def _pad_rows(self, x: Tensor) -> Tensor:
        return pad_rows(x) if self.pads_rows else x

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Map x (N, B, I) to the output (N, B, O), and return the trace that the gradients need.

        The trace is each layer's input, then what `standardize` returns for each normalization.
        """
        rows = x.shape[1]
        x = self._pad_rows(x)
        inputs: list[Tensor] = []
        norms: list[Tensor] = []
        for i, (weight, bias) in enumerate(self._views):
            if i:
                if self.mlp.layer_norm:
                    gain, shift = self._norm_views[i - 1]
                    norms += standardize(x, self.mlp.hidden_dim)
                    x = norms[-2] * gain + shift
                x = self._activation.apply_(x)
            inputs.append(x)
            x = affine(bias, x, weight)
        return x[:, :rows], inputs + norms

    def grad_params(self, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Return a loss's gradient (N, P) by the parameters, from its gradient (N, B, O) by the output.

        If the forward pass had more than B rows, `grad` belongs to the first B, and the loss to them only.
        """
        grad = self._pad_rows(grad)
        trace = [activations[:, : grad.shape[1]] for activations in trace]
        pieces: list[Tensor] = []
        for i in reversed(range(len(self.mlp.layers))):
            weight_grad = bmm(trace[i].transpose(1, 2), grad).flatten(1)
            pieces[:0] = [*_pad_to_line(weight_grad), *_pad_to_line(grad.sum(1))]
            if i:
                grad = self._grad_activation(i, trace, grad)
                if self.mlp.layer_norm:
                    standardized, _ = self._norm_trace(i - 1, trace)
                    pieces[:0] = [(grad * standardized).sum(1), grad.sum(1)]
                    grad = self._grad_norm(i - 1, trace, grad)
        return torch.cat(pieces, 1)

    def grad_input(self, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Return a loss's gradient (N, B, I) by the input, from its gradient (N, B, O) by the output."""
        rows = grad.shape[1]
        grad = self._pad_rows(grad)
        for i in reversed(range(1, len(self.mlp.layers))):
            grad = self._grad_activation(i, trace, grad)
            if self.mlp.layer_norm:
                grad = self._grad_norm(i - 1, trace, grad)
        return bmm(grad, self._views[0][0].transpose(1, 2))[:, :rows]

    def _grad_activation(self, i: int, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Return the gradient by what layer i's input is the activation of, from that by layer i's output."""
        return self._activation.backward(bmm(grad, self._views[i][0].transpose(1, 2)), trace[i])

    def _grad_norm(self, i: int, trace: list[Tensor], grad: Tensor) -> Tensor:
        """Return the gradient by layer i's output, from that by its normalization."""
        return standardize_grad(grad * self._norm_views[i][0], *self._norm_trace(i, trace), self.mlp.hidden_dim)

    def _norm_trace(self, i: int, trace: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return what `standardize` returned for layer i."""
        first = len(self.mlp.layers) + 2 * i
        return trace[first], trace[first + 1]


def _copy_exactly(target: Tensor, array: np.ndarray) -> None:
    """Copy an array without broadcasting.  Raises ValueError if the shapes differ."""
    if tuple(target.shape) != array.shape:
        raise ValueError(f"found an array of shape {list(array.shape)}; allowed: {list(target.shape)}")
    target.copy_(torch.from_numpy(array))


def _pad_to_line(piece: Tensor) -> tuple[Tensor, ...]:
    """Return a piece (N, S) of a gradient, and the zeros that fill its last cache line if there are any."""
    missing = round_up(piece.shape[1]) - piece.shape[1]
    return (piece, piece.new_zeros(piece.shape[0], missing)) if missing else (piece,)
