#!/usr/bin/env bash
# gymnasium 1.4.0, stable-baselines3 2.9.2, torch 2.13.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a wrapper that repeats an action for four frames and returns the maximum of the last two returns, if an episode
# ends at the second frame, what was seen last.
# What happens: Gymnasium's MaxAndSkipObservation and Stable-Baselines3's MaxAndSkipEnv keep a frame only if it is the
# third or fourth of its step. If an episode ends before that, the last step returns the observation of the step before;
# if it was also the first step, an observation of an earlier episode. A value that is bootstrapped at a time limit then
# belongs to another state, unless the limit is a multiple of four frames.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 stable-baselines3==2.9.2 torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/skip.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np
from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv


class Counter(gym.Env):
    """An environment that shows its frame number plus 100 for each episode, and has episodes of 10 and of 2 frames."""

    observation_space = gym.spaces.Box(0.0, 1000.0, (1,))
    action_space = gym.spaces.Discrete(2)
    episode = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode += 1
        self.frame = 0
        return self.observe(), {}

    def step(self, action):
        self.frame += 1
        return self.observe(), 1.0, False, self.frame == (10 if self.episode == 1 else 2), {}

    def observe(self):
        return np.array([100 * self.episode + self.frame], np.float32)


holds = []
for wrapper in (gym.wrappers.MaxAndSkipObservation, MaxAndSkipEnv):
    env = wrapper(Counter(), skip=4)
    episodes = []
    for _ in range(2):
        seen, truncated = [int(env.reset()[0][0])], False
        while not truncated:
            obs, _, _, truncated, _ = env.step(0)
            seen.append(int(obs[0]))
        episodes.append(seen)
    print(f"{wrapper.__name__}: episode of 10 frames {episodes[0]}, of 2 frames {episodes[1]}")
    holds.append(episodes == [[100, 104, 108, 108], [200, 108]])
sys.exit(not all(holds))
PY
"$work/venv/bin/python" "$work/skip.py" 2> /dev/null
