#!/usr/bin/env bash
# jax 0.10.2 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: fold_in and split both derive new keys, each in its own way, so fold_in(key, worker) for the workers and
# split(key) in the main loop give keys that are all different. With the generator of jax before 0.5 they do.
# What happens: fold_in(key, i) is split(key, n)[i], to the bit, for every i below n. So where a root key is folded with
# a worker's number and is also the start of the usual `key, subkey = split(key)`, worker 0 continues the main loop's
# chain of keys: the noise of its step t is the noise of the main loop's step t + 1, to the end of the run. Worker 1 has
# the key of the main loop's first draw. With half of split(key) for the loop and half for fold_in, none repeats.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 2> /dev/null

cat > "$work/keys.py" <<'PY'
import sys

import jax
import numpy as np
from jax.random import fold_in, key_data, normal, split


def noise(key, steps=1000):
    """Return one normal number for each step of the usual loop."""
    drawn = []
    for _ in range(steps):
        key, subkey = split(key)
        drawn.append(float(normal(subkey)))
    return np.array(drawn)


def equal_keys(key, count=8):
    pairs = zip(split(key, count), range(count))
    return sum(np.array_equal(key_data(one), key_data(fold_in(key, number))) for one, number in pairs)


root = jax.random.key(7)
new = equal_keys(root)
main, worker, first_draw = noise(root), noise(fold_in(root, 0)), float(normal(fold_in(root, 1)))
halves = split(root)
apart = np.isin(noise(fold_in(halves[1], 0)), noise(halves[0])).sum()
shifted = int((main[1:] == worker[:-1]).sum())
print(f"of 8 keys, fold_in and split agree in {new}")
print(f"of 999 steps, worker 0 has the noise of the main loop's next step in {shifted}")
print(f"first draw of the main loop: {main[0]:.6f}, with the key of worker 1: {first_draw:.6f}")
print(f"with a half of the key for each: {apart} numbers of worker 0 are among the main loop's")
jax.config.update("jax_threefry_partitionable", False)
old = equal_keys(root)
print(f"with the generator of jax before 0.5, fold_in and split agree in {old} of 8 keys")
sys.exit(not (new == 8 and shifted == 999 and main[0] == first_draw and apart < 5 and old == 0))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" "$work/keys.py"
