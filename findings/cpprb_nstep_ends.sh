#!/usr/bin/env bash
# cpprb 11.0.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: in cpprb's n-step replay, each transition whose n steps reach a terminal state is done; and after
# on_episode_end, the last n - 1 transitions up to a time limit have the episode's last observation as their next one.
# What happens: the transition whose n-th step is the terminal one is not done, so a learner bootstraps from the
# terminal state; only the n - 1 transitions after it are done. Up to a time limit, those n - 1 transitions have a next
# observation of ones, which no environment ever returned, and are not done: their targets contain its value. Summed
# rewards are right, and so is everything without n-step returns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet cpprb==11.0.0 numpy==2.4.6 2> /dev/null

cat > "$work/ends.py" <<'PY'
import sys

import numpy as np
from cpprb import PrioritizedReplayBuffer, ReplayBuffer

LENGTH, EPISODES, GAMMA = 7, 2, 0.9


def transitions(kind, steps, terminal):
    """Return states, summed rewards, next states and done of two episodes, from 50 to 57 and from 150 to 157."""
    nstep = {"size": steps, "gamma": GAMMA, "rew": "rew", "next": "next_obs"} if steps > 1 else None
    buffer = kind(100, {name: {} for name in ("obs", "rew", "next_obs", "done")}, Nstep=nstep)
    for episode in range(EPISODES):
        for step in range(LENGTH):
            state = 50.0 + 100 * episode + step
            buffer.add(obs=state, rew=1.0, next_obs=state + 1, done=float(terminal and step == LENGTH - 1))
        buffer.on_episode_end()
    rows = buffer.get_all_transitions()
    return [rows[name].ravel() for name in ("obs", "rew", "next_obs", "done")]


holds = []
for kind in (ReplayBuffer, PrioritizedReplayBuffer):
    for steps in (1, 2, 3, 4):
        states, rewards, following, _ = transitions(kind, steps, terminal=False)
        left = LENGTH - (states - 50) % 100
        taken = np.minimum(left, steps)
        wrong = following != states + taken
        done = transitions(kind, steps, terminal=True)[3].astype(bool)
        missing = (left <= steps) & ~done
        print(f"{kind.__name__}, {steps} steps: not done, but ending in 57 or 157, from", end=" ")
        print(f"{states[missing].astype(int).tolist()}; wrong next states up to a time limit, from", end=" ")
        print(f"{states[wrong].astype(int).tolist()}: {sorted(set(following[wrong].tolist()))}")
        holds += [np.allclose(rewards, (1 - GAMMA**taken) / (1 - GAMMA)), not done[left > steps].any()]
        holds += [missing.sum() == EPISODES * (steps > 1), (left[missing] == steps).all()]
        holds += [wrong.sum() == EPISODES * (steps - 1), (following[wrong] == 1.0).all()]
sys.exit(not all(holds))
PY
"$work/venv/bin/python" "$work/ends.py"
