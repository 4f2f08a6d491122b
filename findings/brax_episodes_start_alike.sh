#!/usr/bin/env bash
# brax 0.14.2, jax 0.10.2 (CPU), Python 3.11, x86-64; 2026-11-28.
#
# Guess: with auto_reset, each episode of a brax environment starts in a state that is newly drawn, as in Gymnasium's
# vector environments; the reacher has a new target in each episode.
# What happens: the state drawn by reset is kept, and every later episode of that sub-environment starts in it, to the
# bit. So training sees as many initial states as there are sub-environments, and with one of them a single target,
# while an evaluation that calls reset sees others. The last observation of an episode is replaced by the first, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet brax==0.14.2 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 mujoco==4.0.0 \
    mujoco-mjx==3.17.0 numpy==2.4.6 scipy==1.17.1 2> /dev/null

cat > "$work/starts.py" <<'PY'
import sys

import jax
import jax.numpy as jnp
import numpy as np
from brax import envs

env = envs.create("reacher", episode_length=3, auto_reset=True, batch_size=2, backend="generalized")
reset, step = jax.jit(env.reset), jax.jit(env.step)
state = reset(jax.random.PRNGKey(0))
starts = [np.asarray(state.obs)]
while len(starts) < 5:
    state = step(state, jnp.full((2, 2), 0.3))
    if state.done.all():
        starts.append(np.asarray(state.obs))
again = np.asarray(reset(jax.random.PRNGKey(1)).obs)
for number, start in enumerate(starts, 1):
    print(f"episode {number}: targets of both sub-environments {start[:, 4:6].astype(float).round(4).tolist()}")
print(f"after another reset: {again[:, 4:6].astype(float).round(4).tolist()}")
holds = all(np.array_equal(start, starts[0]) for start in starts) and not np.array_equal(starts[0][0], starts[0][1])
sys.exit(not holds or np.array_equal(again, starts[0]))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/starts.py" 2> /dev/null | grep -v "^Failed to import"
