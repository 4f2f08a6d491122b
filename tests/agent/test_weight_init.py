"""Initialisation schemes against the distributions they name.

Seeds are fixed, so a test that passes keeps passing; a correct scheme drawn with another seed would
fail a test with probability below 1e-6 (each statistic's level is 1e-8).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from agent.networks.network import MLP
from agent.networks.weight_init import GAINS, WEIGHT_INITS, orthogonal
from tests.support.reference import rng, used_mask

FAN_IN, FAN_OUT = 200, 300
LEVEL = 1e-8

SCALES = {
    "xavier_uniform": lambda gain: gain * math.sqrt(6.0 / (FAN_IN + FAN_OUT)),
    "xavier_normal": lambda gain: gain * math.sqrt(2.0 / (FAN_IN + FAN_OUT)),
    "uniform": lambda gain: 1.0 / FAN_IN,
    "normal": lambda gain: 1.0 / FAN_IN,
    "none": lambda gain: 1.0 / math.sqrt(FAN_IN),
}
"""Half width of the uniform schemes, standard deviation of the normal ones."""

NORMALS = ("xavier_normal", "normal")


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gains_are_torchs(activation):
    assert GAINS[activation] == pytest.approx(torch.nn.init.calculate_gain(activation), rel=1e-15)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("scheme", SCALES)
def test_weights_follow_the_distribution_named(scheme, activation):
    weight = WEIGHT_INITS[scheme](rng(1), FAN_IN, FAN_OUT, activation)
    scale = SCALES[scheme](GAINS[activation])
    assert weight.shape == (FAN_IN, FAN_OUT)
    law = stats.norm(0.0, scale) if scheme in NORMALS else stats.uniform(-scale, 2 * scale)
    assert stats.kstest(weight.ravel(), law.cdf).pvalue > LEVEL
    if scheme not in NORMALS:
        # The largest of n uniforms falls short of the bound by a share d with probability exp(-n d) = 1e-26.
        assert scale * (1 - 1e-3) < np.abs(weight).max() <= scale


@pytest.mark.parametrize("scheme", NORMALS)
def test_normal_weights_have_the_variance_named(scheme):
    weight = WEIGHT_INITS[scheme](rng(2), FAN_IN, FAN_OUT, "relu")
    ratio = (weight**2).sum() / SCALES[scheme](GAINS["relu"]) ** 2
    assert stats.chi2.ppf(LEVEL, weight.size) < ratio < stats.chi2.isf(LEVEL, weight.size)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(64, 64), (64, 17), (3, 64), (1, 5), (5, 1)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(fan_in, fan_out):
    weight = orthogonal(rng(3), fan_in, fan_out, "tanh")
    gram = weight.T @ weight if fan_in >= fan_out else weight @ weight.T
    assert weight.shape == (fan_in, fan_out)
    # float64 Householder reflections: a few dozen roundings of 1e-16.
    np.testing.assert_allclose(gram, np.eye(min(fan_in, fan_out)), atol=1e-13)


@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (2, 3)])
def test_orthogonal_weights_favour_no_direction(shape):
    """By Archimedes, a coordinate of a uniform point on the sphere in three dimensions is uniform."""
    generator = rng(4)
    drawn = np.stack([orthogonal(generator, shape[0], shape[1], "relu") for _ in range(2000)])
    for i, j in np.ndindex(shape):
        assert stats.kstest(drawn[:, i, j], stats.uniform(-1, 2).cdf).pvalue > LEVEL


def test_none_is_the_initialisation_of_torchs_linear_layer():
    """torch.nn.Linear draws by kaiming_uniform with a = sqrt 5."""
    linear = torch.empty(FAN_OUT, FAN_IN)
    torch.nn.init.kaiming_uniform_(linear, a=math.sqrt(5.0), generator=torch.Generator().manual_seed(5))
    weight = WEIGHT_INITS["none"](rng(5), FAN_IN, FAN_OUT, "relu")
    assert stats.ks_2samp(weight.ravel(), linear.numpy().ravel()).pvalue > LEVEL
    # Two largest of 60,000: each within 1e-3 of the bound, as above.
    assert np.abs(weight).max() == pytest.approx(float(linear.abs().max()), rel=1e-3)


@pytest.mark.parametrize("scheme", WEIGHT_INITS)
class TestNetworks:
    """The schemes as a whole network uses them."""

    mlp = MLP(3, 2, 2, 30, "tanh")

    def test_biases_and_padding_are_zero_and_no_weight_is(self, scheme):
        flat = self.mlp.init(rng(6), scheme)
        assert flat.dtype == torch.float32
        assert (flat[~used_mask(self.mlp)] == 0).all()
        for name, array in self.mlp.to_arrays(flat).items():
            assert (array == 0).all() if name.startswith("bias") else (array != 0).all()

    def test_the_same_generator_gives_the_same_weights(self, scheme):
        first, second, other = (self.mlp.init(rng(seed), scheme) for seed in (7, 7, 8))
        assert torch.equal(first, second)
        assert not torch.equal(first, other)

    def test_layers_are_drawn_in_order_at_their_unpadded_sizes(self, scheme):
        arrays, generator = self.mlp.to_arrays(self.mlp.init(rng(9), scheme)), rng(9)
        for i, (fan_in, fan_out) in enumerate([(3, 30), (30, 30), (30, 2)]):
            drawn = WEIGHT_INITS[scheme](generator, fan_in, fan_out, "tanh").astype(np.float32)
            np.testing.assert_array_equal(arrays[f"weight_{i}"], drawn)


def test_an_unknown_scheme_is_an_error():
    with pytest.raises(KeyError):
        MLP(3, 1, 1, 16).init(rng(0), "glorot")
