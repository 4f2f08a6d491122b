#!/usr/bin/env bash
# gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: RescaleAction maps the bounds of the new space to those of the environment's, so its actions are in the
# environment's space.
# What happens: it multiplies by a gradient and adds an intercept, both rounded to float32, so an action at a bound of the
# new space becomes one that is a rounding outside of the environment's bounds: one in six bounds of random boxes, and 61
# of 190 boxes whose bounds have one decimal, such as -1 to 0.2; symmetric ones are right. An environment that checks
# `action_space.contains(action)` ends the run at the first action that saturates, which squashed and clipped policies
# soon take. ClipAction does not help: around RescaleAction it clips too early, and inside of it RescaleAction raises, as
# ClipAction's space has no bounds. TransformAction with a clip to the environment's bounds does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/rescale.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box
from gymnasium.wrappers import ClipAction, RescaleAction, TransformAction

ENDS = np.float32([-1.0]), np.float32([1.0])


class Motor(gym.Env):
    """An environment that is only its spaces."""

    observation_space = Box(-1.0, 1.0, (1,))

    def __init__(self, low, high):
        self.action_space = Box(np.float32(low), np.float32(high), (1,), np.float32)

    def step(self, action):
        self.inside = self.action_space.contains(action)
        return np.zeros(1, np.float32), 0.0, False, False, {}

    def reset(self, seed=None, options=None):
        return np.zeros(1, np.float32), {}


def clip(env):
    """Return an environment that clips actions to its bounds, and says so in its space."""
    space = env.action_space
    return TransformAction(env, lambda action: np.clip(action, space.low, space.high), space)


def rescale(env):
    return RescaleAction(env, np.float32(-1), np.float32(1))


WRAPPERS = {
    "RescaleAction": rescale,
    "ClipAction around RescaleAction": lambda env: ClipAction(rescale(env)),
    "RescaleAction around a clip": lambda env: rescale(clip(env)),
}


def outside(box, wrap):
    """Return how many of the new space's two bounds become actions outside the environment's space."""
    motor = Motor(*box)
    env = wrap(motor)
    count = 0
    for end in ENDS:
        env.step(end)
        count += not motor.inside
    return count


rng = np.random.default_rng(0)
lows = rng.normal(size=1000)
random_boxes = list(zip(lows, lows + np.abs(rng.normal(size=1000)), strict=True))
decimals = np.round(np.arange(-10, 10) / 10, 1)
decimal_boxes = [(low, high) for low in decimals for high in decimals if low < high]
found = {}
for name, wrap in WRAPPERS.items():
    wrong = [box for box in decimal_boxes if outside(box, wrap)]
    found[name] = sum(outside(box, wrap) for box in random_boxes), len(wrong)
    print(f"{name}: {found[name][0]} of 2,000 bounds of random boxes become actions outside;", end=" ")
    print(f"with one decimal, {len(wrong)} of {len(decimal_boxes)} boxes, symmetric ones", end=" ")
    print(f"{sum(low == -high for low, high in wrong)}: {[tuple(map(float, box)) for box in wrong[:3]]}")
refused = False
try:
    rescale(ClipAction(Motor(-1.0, 0.2)))
except ValueError as error:
    refused = True
    print(f"RescaleAction around ClipAction: {error}")
plain, around, right = found.values()
sys.exit(not (plain == around and plain[0] > 200 and plain[1] > 20 and right == (0, 0) and refused))
PY
"$work/venv/bin/python" "$work/rescale.py"
