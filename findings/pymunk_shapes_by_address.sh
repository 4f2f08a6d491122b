#!/usr/bin/env bash
# gym-pusht 0.1.8, pymunk 6.11.1, shapely 2.2.0, gymnasium 1.4.0, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: PushT is a function of its seed and actions, since the simulator is and the environment draws from its own
# generator only.
# What happens: observations are, but rewards differ in their last bits among processes, and among instances in one. The
# simulator (Chipmunk) has no part in this. `Body.shapes` of pymunk is a set of objects without a hash of their own, so
# its order is that of their addresses in memory. PushT hands the two parts of its T to shapely in this order, and the
# area of an overlap is rounded in another way for another order. Where `Body.shapes` is sorted, all processes agree to
# the bit. Addresses that are not randomized (setarch -R) are no help by themselves: hashes of strings are random too,
# and change what is allocated where.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet gym-pusht==0.1.8 pymunk==6.11.1 shapely==2.2.0 gymnasium==1.4.0 numpy==2.4.6 \
    2> /dev/null

cat > "$work/play.py" <<'PY'
"""Print digests of the observations and of the rewards of 600 episodes of one step: with shapes as they come, or sorted."""

import hashlib
import sys
import warnings

warnings.filterwarnings("ignore")
import gym_pusht  # noqa: E402, F401
import gymnasium as gym  # noqa: E402
import numpy as np  # noqa: E402
import pymunk  # noqa: E402

if sys.argv[1] == "sorted":
    pymunk.Body.shapes = property(lambda body: sorted(body._shapes, key=lambda shape: shape._id))
envs, seen, rewards = [], [], []
for seed in range(600):
    if seed % 20 == 0:
        envs.append(gym.make("gym_pusht/PushT-v0", disable_env_checker=True))
    env = envs[-1]
    seen.append(env.reset(seed=seed)[0])
    obs, reward, *_ = env.step(np.array([256.0, 256.0], np.float32))
    seen.append(obs)
    rewards.append(reward)
print(*(hashlib.sha256(np.array(values).tobytes()).hexdigest()[:8] for values in (seen, rewards)))
PY
status=0
for order in as_they_come sorted; do
    for _ in $(seq 20); do
        "$work/venv/bin/python" "$work/play.py" "$order" 2> /dev/null
    done > "$work/$order"
    observations=$(cut -d ' ' -f 1 "$work/$order" | sort -u | wc -l)
    rewards=$(cut -d ' ' -f 2 "$work/$order" | sort -u | wc -l)
    echo "shapes $order, 20 processes: $observations version(s) of the observations, $rewards of the rewards"
    [ "$observations" = 1 ] || status=1
    if [ "$order" = sorted ]; then
        [ "$rewards" = 1 ] || status=1
    else
        [ "$rewards" -gt 1 ] || status=1
    fi
done
exit "$status"
