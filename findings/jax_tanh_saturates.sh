#!/usr/bin/env bash
# jax 0.10.2 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: jax's tanh of float32 is right to about one unit in the last place, so it is 1 from about 9.01 on, where
# 1 is the nearest number. numpy's is right to one unit.
# What happens: it is exactly 1 from 7.999 on, where tanh is still four such units below 1. So a squashed Gaussian
# policy has an action of exactly 1 earlier than in other libraries: arctanh(action) and log(1 - action**2) are infinite
# for inputs between 8 and 9, for which numpy's actions have finite ones.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1 2> /dev/null

cat > "$work/tanh.py" <<'PY'
import sys

import jax
import jax.numpy as jnp
import numpy as np

x = np.arange(7.0, 10.0, 0.0005).astype(np.float32)
exact = np.tanh(x.astype(np.float64))
nearest = exact.astype(np.float32)
found = {"jax": np.asarray(jax.jit(jnp.tanh)(x)), "numpy": np.tanh(x)}
first, error = {"nearest": float(x[np.argmax(nearest == 1)])}, {}
for name, values in found.items():
    first[name] = float(x[np.argmax(values == 1)]) if (values == 1).any() else np.inf
    error[name] = float((abs(values - exact) / 2.0**-24).max())
    print(f"{name}: 1 from {first[name]:.3f} on, errors up to {error[name]:.1f} units in the last place")
print(f"nearest float32: 1 from {first['nearest']:.3f} on")
actions = {name: values[np.searchsorted(x, 8.5)] for name, values in found.items()}
inverses = float(jnp.arctanh(actions["jax"])), float(np.arctanh(actions["numpy"]))
print(f"input 8.5, arctanh of the action: jax {inverses[0]}, numpy {inverses[1]:.2f}")
holds = 7.9 < first["jax"] < 8.1 and min(first["nearest"], first["numpy"]) > 9
holds = holds and error["numpy"] < 1.5 and error["jax"] > 3
sys.exit(not (holds and np.isinf(inverses[0]) and np.isfinite(inverses[1])))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/tanh.py"
