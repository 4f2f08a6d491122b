#!/usr/bin/env bash
# gymnasium 1.4.0, numpy 2.4.6, scipy 1.17.1, Python 3.11, x86-64; 2026-11-28.
#
# Guess: runs with the seeds 0 to 9, each on a vector environment that is reset with its seed, are independent, so an
# interval from their ten mean returns holds the true mean in 95% of experiments.
# What happens: the vector environment seeds its sub-environments with seed, seed + 1 and so on. With eight of them, the
# runs with seeds 0 and 1 share seven of eight streams of initial states, and ten runs have 17 streams, not 80. The runs
# agree too well, and their mean varies too much: the standard error is too small by a factor above 3, and the interval
# holds the true mean in less than half of the experiments. With seeds that are eight apart, all is as expected. So the
# error of an evaluation, and of runs in as far as initial states decide them, is understated.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 numpy==2.4.6 scipy==1.17.1 2> /dev/null

cat > "$work/seeds.py" <<'PY'
import sys

import gymnasium as gym
import numpy as np
from scipy.stats import t

EXPERIMENTS, RUNS, SUB_ENVS = 150, 10, 8
envs = gym.make_vec("CartPole-v1", num_envs=SUB_ENVS, vectorization_mode="sync")


def mean_return(seed):
    """Return the mean return of an episode per sub-environment, in which the cart is pushed to where the pole leans."""
    obs, _ = envs.reset(seed=seed)
    playing, returns = np.full(SUB_ENVS, True), np.zeros(SUB_ENVS)
    while playing.any():
        obs, rewards, terminated, truncated, _ = envs.step((obs[:, 2] > 0).astype(int))
        returns += rewards * playing
        playing &= ~(terminated | truncated)
    return returns.mean()


def experiments(spacing):
    """Return the mean returns of runs whose seeds are `spacing` apart; shape (EXPERIMENTS, RUNS)."""
    first_seeds = np.random.default_rng(0).integers(2**31 - 1000, size=EXPERIMENTS)
    return np.array([[mean_return(int(first) + spacing * run) for run in range(RUNS)] for first in first_seeds])


states = [envs.reset(seed=seed)[0] for seed in (0, 1)]
shared = int((states[0][1:] == states[1][:-1]).all(axis=1).sum())
print(f"initial states of seed 0 that seed 1 has, too: {shared} of {SUB_ENVS}")
found = {spacing: experiments(spacing) for spacing in (1, SUB_ENVS)}
true_mean = found[SUB_ENVS].mean()
factor, holding = {}, {}
for spacing, means in found.items():
    errors = means.std(axis=1, ddof=1) / np.sqrt(RUNS)
    factor[spacing] = means.mean(axis=1).std(ddof=1) / np.sqrt((errors**2).mean())
    holding[spacing] = float(np.mean(np.abs(means.mean(axis=1) - true_mean) < t.ppf(0.975, RUNS - 1) * errors))
    print(f"seeds {spacing} apart: the mean's true deviation is {factor[spacing]:.2f} standard errors;", end=" ")
    print(f"{holding[spacing]:.0%} of the 95% intervals hold the true mean")
sys.exit(not (shared == 7 and factor[1] > 2.5 and holding[1] < 0.65 and factor[8] < 1.4 and holding[8] > 0.85))
PY
"$work/venv/bin/python" -W ignore "$work/seeds.py"
