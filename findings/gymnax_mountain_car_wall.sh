#!/usr/bin/env bash
# gymnax 0.0.9, gymnasium 1.4.0, jax 0.10.2 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: gymnax's MountainCarContinuous-v0 has the dynamics of Gymnasium's, up to float32, as its CartPole, Pendulum,
# Acrobot and MountainCar have.
# What happens: Gymnasium stops the car at the left wall; gymnax tests for the goal in its place (position >=
# goal_position and a negative velocity), so the car keeps its velocity at the wall and is held there until the motor
# has used it up. The controller that pushes in the direction of motion needs 153 to 193 steps instead of 105 to 111,
# and returns from 81 to 85 instead of 89: scores from both libraries are not comparable.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnax==0.0.9 gymnasium==1.4.0 jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 \
    six==1.17.0 numpy==2.4.6 2> /dev/null

cat > "$work/wall.py" <<'PY'
import sys

import gymnasium as gym
import gymnax
import jax
import numpy as np

key = jax.random.PRNGKey(0)
env, params = gymnax.make("MountainCarContinuous-v0")
jax_step = jax.jit(env.step_env)
reference = gym.make("MountainCarContinuous-v0").unwrapped
reference.reset(seed=0)


def start_of_gymnax(position, velocity):
    _, state = env.reset(key, params)
    return state.replace(position=np.float32(position), velocity=np.float32(velocity))


def next_of_both(position, velocity, action):
    obs, *_ = jax_step(key, start_of_gymnax(position, velocity), np.float32([action]), params)
    reference.state = np.array([position, velocity])
    return np.asarray(obs), reference.step(np.float32([action]))[0]


def push_along(obs):
    return np.float32([1.0 if obs[1] >= 0 else -1.0])


def play_gymnax(position):
    state, obs, total = start_of_gymnax(position, 0.0), (position, 0.0), 0.0
    for step in range(1, 1000):
        obs, state, reward, done, _ = jax_step(key, state, push_along(obs), params)
        total += float(reward)
        if done:
            return step, total


def play_gymnasium(position):
    reference.state, obs, total = np.array([position, 0.0]), (position, 0.0), 0.0
    for step in range(1, 1000):
        obs, reward, terminated, _, _ = reference.step(push_along(obs))
        total += float(reward)
        if terminated:
            return step, total


rng = np.random.default_rng(0)
states = rng.uniform((-1.1, -0.07, -1.0), (0.35, 0.07, 1.0), (200, 3))
apart = max(np.abs(np.subtract(*next_of_both(*state))).max() for state in states)
print(f"away from the wall and the goal, 200 states: the largest difference after one step is {apart:.1e}")
wall, right = next_of_both(-1.18, -0.05, 0.0)
print(f"at the wall, with velocity -0.05: the next velocity is {wall[1]:.4f} in gymnax, {right[1]:.4f} in Gymnasium")
holds = apart < 1e-6 and wall[1] < -0.045 and right[1] == 0
for position in (-0.6, -0.5, -0.4):
    found, expected = play_gymnax(position), play_gymnasium(position)
    print(f"from {position}, gymnax: {found[0]} steps, return {found[1]:.1f}")
    print(f"from {position}, Gymnasium: {expected[0]} steps, return {expected[1]:.1f}")
    holds = holds and found[0] > expected[0] + 40 and found[1] < expected[1] - 4
sys.exit(not holds)
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" -W ignore "$work/wall.py"
