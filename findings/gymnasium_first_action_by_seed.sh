#!/usr/bin/env bash
# gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: after env.reset(seed=s) and env.action_space.seed(s), as in Gymnasium's examples, initial states and random
# actions are independent; only their order is fixed.
# What happens: environment and space seed the same generator in the same way and draw the same numbers. The first
# action of Pendulum is its first angle times 2 / pi, to the last bits, for every seed. So in transitions that are
# gathered with one seed per episode, the first action says where the episode began, and nothing was explored but the
# line of these pairs. After action_space.seed(s + 1000), say, they are independent.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/first.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np

env = gym.make("Pendulum-v1")


def first(shift):
    """Return first angles and first actions for seeds 0 to 199."""
    pairs = []
    for seed in range(200):
        (cosine, sine, _), _ = env.reset(seed=seed)
        env.action_space.seed(seed + shift)
        pairs.append((np.arctan2(sine, cosine), env.action_space.sample()[0]))
    return np.array(pairs, dtype=float).T


angles, actions = first(0)
correlations = float(np.corrcoef(angles, actions)[0, 1]), float(np.corrcoef(first(1000))[0, 1])
largest = float(abs(actions - angles * 2 / np.pi).max())
print(f"correlation of first angle and first action over 200 seeds: the same seed {correlations[0]:.6f}, "
      f"another seed {correlations[1]:.2f}")
print(f"largest difference of action and angle * 2 / pi: {largest:.1e}")
sys.exit(not (correlations[0] > 0.999999 and largest < 1e-5 and abs(correlations[1]) < 0.3))
PY
"$work/venv/bin/python" "$work/first.py" 2> /dev/null
