#!/usr/bin/env bash
# stable-baselines3 2.9.2, gymnasium 1.4.0, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: PPO.load(path) reads a file, so random numbers drawn after it are those that would be drawn without it;
# and a run that is saved, loaded and continued draws new noise, or goes on where it stopped.
# What happens: load seeds the generators of Python, numpy and torch, for the whole process, with the seed that the model
# was trained with, and the environment too. So a continued run repeats its beginning: initial states and the noise of
# its actions are those of its first steps, to the bit with a policy that does not change. A run that is stopped each
# hour explores the same again each time. And in a program that loads a model between other draws, as to evaluate the
# best one, all that follows is the same whatever its own seed is. A model without a seed only draws from torch's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet stable-baselines3==2.9.2 gymnasium==1.4.0 torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/load.py" <<'PY'
import random
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO

torch.set_num_threads(1)
PATH = Path(__file__).with_name("model.zip")
STEPS = 32


def train(seed):
    """Return a model after one rollout, with a step size of 0, so that its policy stays as it is."""
    env = gym.make("Pendulum-v1")
    model = PPO("MlpPolicy", env, n_steps=STEPS, batch_size=STEPS, learning_rate=0.0, seed=seed, device="cpu")
    return model.learn(STEPS)


def rollout(model):
    """Return copies of the states and actions of the model's last rollout."""
    return model.rollout_buffer.observations.copy(), model.rollout_buffer.actions.copy()


def draws(seed, load):
    """Return a number of each generator, all of them seeded, and a model loaded or not."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if load:
        PPO.load(PATH, device="cpu")
    return random.random(), float(np.random.rand()), float(torch.rand(()))


model = train(7)
model.save(PATH)
first = rollout(model)
without = rollout(model.learn(STEPS, reset_num_timesteps=False))
loaded = PPO.load(PATH, env=gym.make("Pendulum-v1"), device="cpu")
continued = rollout(loaded.learn(STEPS, reset_num_timesteps=False))
equal = {}
for name, other in (("without saving", without), ("saved and loaded", continued)):
    equal[name] = [int(np.equal(*pair).reshape(STEPS, -1).all(axis=1).sum()) for pair in zip(first, other, strict=True)]
    print(f"{loaded.num_timesteps} steps, {name}: of the last {STEPS}, {equal[name][0]} have the state and", end=" ")
    print(f"{equal[name][1]} the action of the first {STEPS}")
found = [draws(seed, load) for seed in (1, 2) for load in (False, True)]
for values, what in zip(found, ("1", "1, loaded", "2", "2, loaded"), strict=True):
    print(f"Python, numpy and torch after seed {what}: {values}")
holds = [equal["without saving"] == [0, 0], equal["saved and loaded"] == [STEPS, STEPS]]
holds += [found[1] == found[3], found[0] != found[2], found[1] not in (found[0], found[2])]
train(None).save(PATH)
holds += [draws(1, True)[:2] == found[0][:2], draws(1, True) != draws(2, True)]
print(f"loading a model without a seed leaves Python and numpy alone: {holds[-2]}")
sys.exit(not all(holds))
PY
"$work/venv/bin/python" -W ignore "$work/load.py" 2> /dev/null
