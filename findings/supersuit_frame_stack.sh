#!/usr/bin/env bash
# SuperSuit 3.11.0, PettingZoo 1.27.0, gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: SuperSuit's frame_stack returns the last four observations in a new array, oldest first, as Gymnasium's
# FrameStackObservation does; stack_dim=0 only chooses the axis.
# What happens: it returns the same array in each step of an episode and moves its contents. A loop that keeps the last
# observation for the transition to the next one stores the next one twice, even if the replay copies what it gets: in
# every transition, both observations are the same.
# With stack_dim=0 and two-dimensional frames, as after color_reduction, all places but the last are set to the newest
# frame, and the last stays 0. So the stack shows no motion.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet supersuit==3.11.0 pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/stack.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np
import supersuit


class Frames(gym.Env):
    """An environment whose n-th observation is a frame of the given shape that is full of the number n."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, shape):
        self.observation_space = gym.spaces.Box(0, 1000, shape, np.float32)

    def frame(self):
        return np.full(self.observation_space.shape, self.number, np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.number = 1
        return self.frame(), {}

    def step(self, action):
        self.number += 1
        return self.frame(), 0.0, False, False, {}


def unmoved(env, steps=20):
    """Return how many transitions, copied as soon as they are complete, have equal observations."""
    count, obs = 0, env.reset(seed=0)[0]
    for _ in range(steps):
        following = env.step(0)[0]
        transition = np.array(obs), np.array(following)
        count += np.array_equal(*transition)
        obs = following
    return count


def stacks(env, axis, steps=5):
    """Return the numbers in the stack after the reset and after each step, along the stacked axis."""
    seen = [env.reset(seed=0)[0].copy()] + [env.step(0)[0].copy() for _ in range(steps)]
    return [np.moveaxis(obs, axis, 0)[:, 0, 0].astype(int).tolist() for obs in seen]


stacking = supersuit.frame_stack_v1, supersuit.frame_stack_v2, gym.wrappers.FrameStackObservation
*found, theirs = (unmoved(stack(gym.make("CartPole-v1"), 4)) for stack in stacking)
print(f"of 20 transitions of a cart pole, without a move: {found[0]} with frame_stack_v1, {found[1]} with", end=" ")
print(f"frame_stack_v2, {theirs} with FrameStackObservation")
last = stacks(supersuit.frame_stack_v2(Frames((3, 3)), 4, stack_dim=-1), -1)
first = stacks(supersuit.frame_stack_v2(Frames((3, 3)), 4, stack_dim=0), 0)
print(f"frames 1 to 6, stack_dim=-1: {last}")
print(f"frames 1 to 6, stack_dim=0: {first}")
right = [[max(1, number - place) for place in (3, 2, 1, 0)] for number in range(1, 7)]
wrong = [[number, number, number, 0] for number in range(1, 7)]
sys.exit(not (found == [20, 20] and theirs == 0 and last == right and first == wrong))
PY
"$work/venv/bin/python" -W ignore "$work/stack.py"
