#!/usr/bin/env bash
# jax 0.10.2 (CPU), tfp-nightly 0.26.0.dev20261027, scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: if a policy's mean lies far above the box of its actions, samples of the truncated normal distribution are near
# the upper bound; with rounding errors they are that bound.
# What happens: they are the lower bound. jax.random.truncated_normal, which TFP's TruncatedNormal uses on JAX, inverts
# the error function between its values at the bounds. In float32 both are -1 for a mean that is more than about five
# standard deviations above the box; the inverse is minus infinity, and clipped to the lower bound. At 4.5 deviations
# there are a few such actions, at 5 they are 6%, from 5.5 on all, and the mirror image holds below the box. In float64
# it is so from about 8.5 deviations on. log_prob and mean of TFP are right, so nothing in a loss shows it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 tfp-nightly==0.26.0.dev20261027 scipy==1.17.1 \
    numpy==2.4.6 2> /dev/null

cat > "$work/bounds.py" <<'PY'
import sys

import jax
import jax.numpy as jnp
import scipy.stats
from tensorflow_probability.substrates import jax as tfp

SCALE = 0.2
key = jax.random.PRNGKey(0)


def measure(deviations, dtype):
    """Return shares of actions below 0 drawn by jax and by TFP, the error of log_prob(0.9), and TFP's mean."""
    loc = 1 + deviations * SCALE
    low, high = (-1 - loc) / SCALE, (1 - loc) / SCALE
    actions = loc + SCALE * jax.random.truncated_normal(key, dtype(low), dtype(high), (20_000,), dtype)
    policy = tfp.distributions.TruncatedNormal(dtype(loc), dtype(SCALE), dtype(-1.0), dtype(1.0))
    reference = scipy.stats.truncnorm(low, high, loc, SCALE)
    shares = float((actions < 0).mean()), float((policy.sample(20_000, seed=key) < 0).mean())
    return *shares, float(policy.log_prob(dtype(0.9))) - float(reference.logpdf(0.9)), float(policy.mean())


holds = []
for dtype, cases in ((jnp.float32, (3.0, 4.5, 5.0, 5.5, 8.0)), (jnp.float64, (5.5, 9.0))):
    jax.config.update("jax_enable_x64", dtype == jnp.float64)
    found = [measure(deviations, dtype) for deviations in cases]
    for deviations, (of_jax, of_tfp, error, mean) in zip(cases, found):
        print(f"{dtype.__name__}, mean {deviations} deviations above the box: below 0 are {of_jax:.1%} of", end=" ")
        print(f"jax's actions, {of_tfp:.1%} of TFP's; TFP's mean is {mean:.3f}, log_prob(0.9) is off by {error:.0e}")
        holds += [abs(error) < 1e-3, mean > 0.9]
    right, wrong = found[0], found[-1]
    holds += [right[:2] == (0.0, 0.0), wrong[:2] == (1.0, 1.0)]
sys.exit(not all(holds))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/bounds.py"
