#!/usr/bin/env bash
# highway-env 1.12.1, gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: env.action_space.seed(7) makes the random actions of env.action_space.sample() repeatable, as in Gymnasium's
# own environments, whether before or after a reset.
# What happens: each reset of highway-env makes new spaces, whose generators are seeded by the operating system. So
# actions are repeatable only if the space is seeded again after each reset; a seed that is set once is lost at the next
# reset, without a word. Initial states are repeatable, and so are episodes with given actions. So the random actions
# that fill a replay before learning, and the score of random actions, differ from run to run with the same seed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/spaces.py" <<'PY'
import sys

import gymnasium as gym
import highway_env
import numpy as np

gym.register_envs(highway_env)


def random_actions(name, seed_after_each_reset):
    """Return the random actions at the start of two episodes, and whether both have the same space."""
    env = gym.make(name)
    env.action_space.seed(7)
    drawn, spaces = [], []
    for seed in (1, 2):
        env.reset(seed=seed)
        if seed_after_each_reset:
            env.action_space.seed(seed)
        spaces.append(env.action_space)
        drawn.append([np.asarray(env.action_space.sample()).tolist() for _ in range(30)])
    return drawn, spaces[0] is spaces[1]


def returns(name):
    """Return the rewards of an episode with given actions."""
    env = gym.make(name)
    env.reset(seed=3)
    space = gym.make(name).action_space
    space.seed(7)
    rewards, end = [], False
    while not end and len(rewards) < 20:
        _, reward, terminated, truncated, _ = env.step(space.sample())
        rewards.append(reward)
        end = terminated or truncated
    return rewards


holds = []
for name in ("highway-fast-v0", "parking-v0", "merge-v0", "MountainCarContinuous-v0"):
    once, again = random_actions(name, False), random_actions(name, False)
    each_time = random_actions(name, True)[0] == random_actions(name, True)[0]
    given = returns(name) == returns(name)
    print(f"{name}: same space after a reset: {once[1]}; same actions again if the space is seeded once:", end=" ")
    print(f"{once[0] == again[0]}, after each reset: {each_time}; same rewards for given actions: {given}")
    ours = name == "MountainCarContinuous-v0"
    holds += [(once[0] == again[0]) == ours, once[1] == ours, each_time, given]
sys.exit(not all(holds))
PY
"$work/venv/bin/python" -W ignore "$work/spaces.py" 2> /dev/null
