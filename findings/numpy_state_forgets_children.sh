#!/usr/bin/env bash
# numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a program that stores generator.bit_generator.state in its checkpoint and sets it after a restart goes on as if
# it had not been stopped.
# What happens: the numbers go on, but children do not. How many were spawned is kept in the seed sequence, which is no
# part of the state: after the restart, spawn() returns the first child again, so what it is for (the next worker, the next
# episode's environment) repeats the numbers of the first, to the bit. Nothing looks wrong, and streams that should be
# independent are equal. A pickled or deeply copied generator spawns the right child.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numpy==2.4.6 2> /dev/null

cat > "$work/children.py" <<'PY'
import copy
import json
import pickle
import sys

import numpy as np

straight = np.random.default_rng(7)
before = [straight.spawn(1)[0].random(1000) for _ in range(2)]
straight.random(5)
checkpoint = json.dumps(straight.bit_generator.state)
pickled, copied = pickle.loads(pickle.dumps(straight)), copy.deepcopy(straight)
restored = np.random.default_rng(7)
restored.bit_generator.state = json.loads(checkpoint)
own = {"straight": straight, "state": restored, "pickle": pickled, "deepcopy": copied}
numbers = {name: generator.random(1000).tobytes() for name, generator in own.items()}
children = {name: generator.spawn(1)[0].random(1000) for name, generator in own.items()}
holds = len(set(numbers.values())) == 1
print(f"the generators' own next 1,000 numbers are equal: {holds}")
for name, child in children.items():
    as_straight = bool((child == children["straight"]).all())
    repeated = [number for number, other in enumerate(before) if (child == other).all()]
    print(f"{name}: next child as without a restart: {as_straight}; repeats children of before: {repeated}")
    holds &= as_straight == (name != "state") and repeated == ([0] if name == "state" else [])
sys.exit(not holds)
PY
"$work/venv/bin/python" "$work/children.py"
