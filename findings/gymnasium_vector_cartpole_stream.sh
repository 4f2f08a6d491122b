#!/usr/bin/env bash
# gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: in gymnasium.make_vec("CartPole-v1", num_envs=4) each sub-environment has a generator of its own, as with
# vectorization_mode="sync". So after reset(seed=7), the first one's episodes start where those of make("CartPole-v1")
# with seed 7 start, whatever the others do, and two agents compared with one seed meet the same initial states.
# What happens: CartPole has a vector version of its own, which is the default, and all its sub-environments draw from one
# generator, each when its episode ends. So the first one's initial states depend on the number of sub-environments, and,
# from the second episode on, on when the others' episodes end: on the agent. Of ten episodes under two policies of the
# others, only the first starts alike; with "sync" all ten do. Comparisons by seed, which are paired with "sync", are not
# paired with the default, except for the first episode.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gymnasium==1.4.0 numpy==2.4.6 2> /dev/null

cat > "$work/vector.py" <<'PY'
import sys

import gymnasium
import numpy as np

EPISODES = 10


def lean(observations):
    """Push to the side to which each pole leans, which keeps it up for a few dozen steps."""
    return (observations[:, 2] > 0).astype(np.int64)


def initial_states(mode, number, others):
    """Return the first sub-environment's initial states, which always leans, while the others use a given policy."""
    environments = gymnasium.make_vec("CartPole-v1", num_envs=number, vectorization_mode=mode)
    observations, _ = environments.reset(seed=7)
    states, ended = [observations[0].copy()], False
    while len(states) < EPISODES:
        actions = others(observations)
        actions[0] = lean(observations)[0]
        observations, _, terminated, truncated, _ = environments.step(actions)
        if ended:
            states.append(observations[0].copy())
        ended = terminated[0] or truncated[0]
    environments.close()
    return np.array(states)


def push(observations):
    return np.ones(len(observations), dtype=np.int64)


def alike(a, b):
    return [bool(equal) for equal in (a == b).all(1)]


single, _ = gymnasium.make("CartPole-v1").reset(seed=7)
found = {}
for mode in ("sync", None):
    leaning, pushing, more = (initial_states(mode, n, f) for n, f in ((4, lean), (4, push), (5, lean)))
    found[mode] = alike(leaning, pushing), alike(leaning, more), bool((leaning[0] == single).all())
    print(f"vectorization_mode={mode!r}: of {EPISODES} initial states of the first sub-environment", end=" ")
    print(f"{sum(found[mode][0])} do not depend on the others' policy, {sum(found[mode][1])} on their number;", end=" ")
    print(f"the first is that of a single environment: {found[mode][2]}")
every, first, none = [True] * EPISODES, [True] + [False] * (EPISODES - 1), [False] * EPISODES
sys.exit(found != {"sync": (every, every, True), None: (first, none, False)})
PY
"$work/venv/bin/python" "$work/vector.py"
