#!/usr/bin/env bash
# numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: numpy.random.default_rng([seed, worker]) gives each pair a stream of its own, apart from default_rng(seed) too.
# What happens: a seed is a row of 32-bit words, filled up to four with zeros, and a list is the words of its numbers.
# So [7, 0] and [7, 0, 0, 0] are the seed 7: worker 0 draws the numbers of the main process. [5, 1] is 5 + 2**32, and
# [7, 0, 0, 0, 3] is child 3 of SeedSequence(7). The number of zeros counts from the fifth word on only. With a
# spawn_key, the words of the seed are filled up first: SeedSequence(7, spawn_key=(0,)) is apart from 7.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numpy==2.4.6 2> /dev/null

cat > "$work/seeds.py" <<'PY'
import sys

import numpy as np

child = np.random.SeedSequence(7).spawn(4)[3]
PAIRS = [(7, [7, 0]), (7, [7, 0, 0, 0]), (5 + 2**32, [5, 1]), (child, [7, 0, 0, 0, 3])]
APART = [(7, [0, 7]), (7, [7, 0, 0, 0, 0]), (7, np.random.SeedSequence(7, spawn_key=(0,)))]


def same(a, b):
    """Return whether two seeds give the same numbers."""
    return np.array_equal(np.random.default_rng(a).normal(size=1000), np.random.default_rng(b).normal(size=1000))


for pairs in (PAIRS, APART):
    for a, b in pairs:
        print(f"{a} and {b}: {'the same numbers' if same(a, b) else 'other numbers'}")
sys.exit(not all(same(*pair) for pair in PAIRS) or any(same(*pair) for pair in APART))
PY
"$work/venv/bin/python" "$work/seeds.py"
