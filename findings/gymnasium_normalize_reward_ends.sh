#!/usr/bin/env bash
# gymnasium 1.4.0, stable-baselines3 2.9.2, torch 2.13.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: NormalizeReward divides rewards by the standard deviation of the discounted return of the episode so far, which
# starts at 0 in each episode; so its scale does not depend on the autoreset mode.
# What happens: the return starts anew only in the vector wrapper with AutoresetMode.SAME_STEP, as in VecNormalize of
# Stable-Baselines3. With NEXT_STEP, the default, and in the wrapper of a single environment,
# - a truncated episode's return goes on into the next episode: with a reward of 1 in each step it climbs to 100 once
#   and stays there, so its deviation tends to 0, and normalized rewards grow with the root of the number of steps;
# - a terminated episode's last step drops the return before it, and the last reward goes on into the next episode: with
#   a reward of 1 at the end of ten steps the scale is a ninth.
# So the autoreset mode changes the size of rewards, and the balance of a return with an entropy bonus.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 stable-baselines3==2.9.2 torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/ends.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

STEPS = 40_000


class Rewards(gym.Env):
    """An environment whose episodes all have the same rewards."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,))
    action_space = gym.spaces.Discrete(2)

    def __init__(self, rewards, terminal):
        self.rewards, self.terminal = rewards, terminal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_number = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        reward = self.rewards[self.step_number]
        self.step_number += 1
        end = self.step_number == len(self.rewards)
        return np.zeros(1, np.float32), reward, end and self.terminal, end and not self.terminal, {}


def scale_alone(make):
    env = gym.wrappers.NormalizeReward(make(), gamma=0.99)
    end = True
    for _ in range(STEPS):
        if end:
            env.reset()
        _, _, terminated, truncated, _ = env.step(0)
        end = terminated or truncated
    return float(np.sqrt(env.return_rms.var))


def scale_vector(make, mode):
    env = gym.wrappers.vector.NormalizeReward(SyncVectorEnv([make], autoreset_mode=mode), gamma=0.99)
    env.reset()
    for _ in range(STEPS):
        env.step(np.zeros(1, int))
    return float(np.sqrt(env.return_rms.var))


def scale_sb3(make):
    env = VecNormalize(DummyVecEnv([make]), norm_obs=False, gamma=0.99)
    env.reset()
    for _ in range(STEPS):
        env.step([0])
    return float(np.sqrt(env.ret_rms.var))


CASES = ("1 per step, truncated", [1.0] * 200, False), ("1 at the end", [0.0] * 9 + [1.0], True)
holds = []
for name, rewards, terminal in CASES:
    found = {
        "single": scale_alone(lambda: Rewards(rewards, terminal)),
        "NEXT_STEP": scale_vector(lambda: Rewards(rewards, terminal), AutoresetMode.NEXT_STEP),
        "SAME_STEP": scale_vector(lambda: Rewards(rewards, terminal), AutoresetMode.SAME_STEP),
        "Stable-Baselines3": scale_sb3(lambda: Rewards(rewards, terminal)),
    }
    print(f"{name}: the scale is", ", ".join(f"{value:.3g} ({key})" for key, value in found.items()))
    alone, next_step, same_step, sb3 = found.values()
    holds += [abs(same_step / sb3 - 1) < 0.01, abs(alone / next_step - 1) < 0.1, same_step / next_step > 4]
sys.exit(not all(holds))
PY
"$work/venv/bin/python" "$work/ends.py" 2> /dev/null
