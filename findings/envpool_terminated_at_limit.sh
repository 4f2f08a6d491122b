#!/usr/bin/env bash
# envpool 1.2.5, gymnasium 1.4.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: if an episode reaches a terminal state in the step at which the time limit ends it, envpool's Gymnasium
# interface says terminated and truncated, as Gymnasium's TimeLimit does.
# What happens: it says truncated only. The terminal state is lost: a learner that looks at terminated, as it should,
# bootstraps from the value of a pole that has fallen.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet envpool==1.2.5 gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/limit.py" <<'PY'
import sys

import envpool
import gymnasium as gym
import numpy as np


def last_step(limit):
    """Push the same pole to the right in both until an episode ends; return step, terminated and truncated of each."""
    pool = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=1, seed=0, max_episode_steps=limit)
    env = gym.make("CartPole-v1", max_episode_steps=limit)
    env.reset(seed=0)
    env.unwrapped.state = pool.reset()[0][0].astype(float)
    ends = {}
    for number in range(1, limit + 1):
        _, _, *flags, _ = pool.step(np.ones(1, int))
        if any(flags):
            ends.setdefault("envpool", (number, *[bool(flag[0]) for flag in flags]))
        _, _, *flags, _ = env.step(1)
        if any(flags):
            ends.setdefault("Gymnasium", (number, *flags))
        if len(ends) == 2:
            break
    return ends


fall = last_step(100)
limits = {"no limit": fall}
length = fall["Gymnasium"][0]
limits |= {f"limit {length - 1}": last_step(length - 1), f"limit {length}": last_step(length)}
for name, ends in limits.items():
    print(f"{name}: last step, terminated, truncated: {ends}")
before, at = list(limits.values())[1:]
holds = fall["envpool"] == fall["Gymnasium"] == (length, True, False) and before["envpool"] == before["Gymnasium"]
sys.exit(not (holds and at == {"envpool": (length, False, True), "Gymnasium": (length, True, True)}))
PY
"$work/venv/bin/python" "$work/limit.py" 2> /dev/null
