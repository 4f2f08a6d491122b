#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: torch.randint(high) draws each number below high with the same probability, as numpy's generator does, which
# rejects surplus random bits.
# What happens: below 2**28, it is the rest of a 32-bit number divided by high. For high = 3 * 2**26 the first third of
# the numbers have 22 such 32-bit numbers each and the others 21: they are drawn 4.8% more often, and the mean is 1% too
# small. From 2**28 on 64 bits are used, and nothing is seen. Of a million indices of a replay, some are drawn 0.02%
# more often than others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/uneven.py" <<'PY'
import sys

import numpy as np
import torch

DRAWS = 6_000_000
torch.manual_seed(0)
rng = np.random.default_rng(0)
found = []
for high in (3 * 2**26, 3 * 2**27):
    draws = {"torch": torch.randint(high, (DRAWS,)).numpy(), "numpy": rng.integers(high, size=DRAWS)}
    for name, numbers in draws.items():
        thirds = np.bincount(numbers // (high // 3)) / DRAWS
        found.append(thirds[0] / thirds[1:].mean())
        print(f"{name}, numbers below {high}: thirds {thirds.round(4)}, first to others {found[-1]:.4f}")
small, *others = found
sys.exit(not (abs(small - 22 / 21) < 0.006 and all(abs(each - 1) < 0.006 for each in others)))
PY
"$work/venv/bin/python" "$work/uneven.py"
