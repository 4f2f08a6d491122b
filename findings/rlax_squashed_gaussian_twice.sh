#!/usr/bin/env bash
# rlax 0.1.9, distrax 0.1.9, jax 0.10.2 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: rlax.squashed_gaussian is the policy of SAC: tanh of a normal distribution with the network's mean, stretched
# to the bounds; its greedy action can come as near to a bound as the network wants, and its entropy is -E log p.
# What happens: the mean is squashed by tanh before the normal distribution, and again after it. So the median of the
# actions stays within tanh(1) = 76% of the bounds, however large the network's output is: a task that is solved by full
# force can be solved by noise only. The entropy is that of the normal distribution before the second tanh, without the
# bounds: it does not depend on the mean, and is -2.58 where -E log p is -1.89, for actions in [-2, 2]. prob and logprob
# are right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rlax==0.1.9 distrax==0.1.9 chex==0.1.92 jax==0.10.2 jaxlib==0.10.2 \
    tfp-nightly==0.26.0.dev20261027 numpy==2.4.6 scipy==1.17.1 2> /dev/null

cat > "$work/squashed.py" <<'PY'
import math
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import rlax

BOUNDS = SimpleNamespace(minimum=jnp.array([-2.0]), maximum=jnp.array([2.0]))
policy = rlax.squashed_gaussian()
points = (jnp.arange(200_000) + 0.5) / 50_000 - 2
keys = jax.random.split(jax.random.PRNGKey(0), 20_000)


def measure(mean, spread):
    """Return integral of prob, median of actions, entropy and -E log p for outputs of a network."""
    outputs = jnp.array([mean]), jnp.array([spread])
    integral = 4 * float(jax.vmap(lambda point: policy.prob(point[None], *outputs, BOUNDS))(points).mean())
    actions = jax.vmap(lambda key: policy.sample(key, *outputs, BOUNDS))(keys)
    log_probs = jax.vmap(lambda action: policy.logprob(action, *outputs, BOUNDS))(actions)
    return integral, float(jnp.median(actions)), float(policy.entropy(*outputs)), -float(log_probs.mean())


found = {}
for mean in (0.0, 1.0, 5.0, 100.0):
    found[mean] = integral, median, entropy, expected = measure(mean, -5.0)
    print(f"mean {mean:g}: integral {integral:.4f}, median of the actions {median:.3f} of 2, entropy", end=" ")
    print(f"{entropy:.3f}, -E log p {expected:.3f}")
limit = 2 * math.tanh(1.0)
holds = [abs(values[0] - 1) < 1e-3 and values[1] < limit + 0.01 for values in found.values()]
holds += [found[100.0][1] > limit - 0.01, len({round(values[2], 5) for values in found.values()}) == 1]
holds += [found[0.0][3] - found[0.0][2] > 0.6, found[100.0][3] - found[100.0][2] < -0.1]
sys.exit(not all(holds))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/squashed.py" 2> /dev/null
