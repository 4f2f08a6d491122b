#!/usr/bin/env bash
# distrax 0.1.9 (tfp-nightly 0.26.0.dev20261027), jax 0.10.2 (CPU), scipy 1.17.1, Python 3.11, x86-64; 2026-11-28.
#
# Guess: log_prob is the safe way to a small or large density, and prob the one that overflows.
# What happens: for distrax.VonMises, the distribution of a policy over directions, it is the other way round. From a
# concentration of about 90 on, a deviation of 0.1 radians, log_prob is -inf for all angles, the mean direction
# included, in float32: the Bessel function in it overflows. prob, entropy, samples and KL divergence are right, as they
# use the scaled one. So a policy that has become certain ends in infinite losses at once. TFP's VonMises has no such
# limit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet distrax==0.1.9 chex==0.1.92 jax==0.10.2 jaxlib==0.10.2 \
    tfp-nightly==0.26.0.dev20261027 scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/directions.py" <<'PY'
import math
import sys

import distrax
import jax
import scipy.stats
from tensorflow_probability.substrates import jax as tfp

holds = []
for concentration in (10.0, 80.0, 100.0, 1000.0):
    policy = distrax.VonMises(0.0, concentration)
    reference = scipy.stats.vonmises(concentration)
    log_probs = [float(policy.log_prob(angle)) for angle in (0.0, 0.1)]
    from_prob = [math.log(float(policy.prob(angle))) for angle in (0.0, 0.1)]
    of_tfp = [float(tfp.distributions.VonMises(0.0, concentration).log_prob(angle)) for angle in (0.0, 0.1)]
    expected = [float(reference.logpdf(angle)) for angle in (0.0, 0.1)]
    entropy_error = float(policy.entropy()) - float(reference.entropy())
    divergence = float(policy.kl_divergence(distrax.VonMises(0.1, concentration)))
    spread = float(policy.sample(seed=jax.random.PRNGKey(0), sample_shape=20_000).std()) / float(reference.std())
    print(f"concentration {concentration:g}, angles 0 and 0.1: log_prob {log_probs}, log of prob", end=" ")
    print(f"{[round(value, 4) for value in from_prob]}, TFP {[round(value, 4) for value in of_tfp]}, scipy", end=" ")
    print(f"{[round(value, 4) for value in expected]}; error of the entropy {entropy_error:.0e}, KL {divergence:.3g}")
    close = [abs(one - two) < 0.01 for values in (from_prob, of_tfp) for one, two in zip(values, expected)]
    holds += [*close, abs(entropy_error) < 0.01, abs(spread - 1) < 0.05, math.isfinite(divergence)]
    wrong = [value == -math.inf for value in log_probs]
    holds.append(wrong == [concentration > 90] * 2)
sys.exit(not all(holds))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/directions.py"
