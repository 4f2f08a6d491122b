#!/usr/bin/env bash
# gymnasium 1.4.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: if an environment's reset refuses a seed, as numpy's legacy generator refuses 2**40, and is then called with a
# seed that it accepts, everything goes on as if the first call had not been.
# What happens: the first step after that raises "TypeError: cannot unpack non-iterable NoneType object". The wrapper
# PassiveEnvChecker, which gymnasium.make adds, notes that reset was checked before it calls it, and what it returned
# after. As the first call returned nothing, the comparison of data from reset and step, new in 1.4.0, has None. Without
# the checker (disable_env_checker=True) the step works.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 2> /dev/null

cat > "$work/refuse.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np


class Legacy(gym.Env):
    """An environment with numpy's legacy generator."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.rng = np.random.RandomState(seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return self.rng.uniform(-1.0, 1.0, 1).astype(np.float32), 0.0, False, False, {}


gym.register("Legacy-v0", Legacy)


def step_after_refusal(**options):
    """Return what a step raises after a refused seed and an accepted one; None if it works."""
    env = gym.make("Legacy-v0", **options)
    try:
        env.reset(seed=2**40)
    except ValueError as error:
        print(f"reset(seed=2**40): {error}")
    env.reset(seed=1)
    try:
        env.step(0)
    except TypeError as error:
        return error
    return None


checked, unchecked = step_after_refusal(), step_after_refusal(disable_env_checker=True)
print(f"step with the checker: {checked!r}; without it: {unchecked!r}")
sys.exit(checked is None or unchecked is not None)
PY
"$work/venv/bin/python" "$work/refuse.py" 2> /dev/null
