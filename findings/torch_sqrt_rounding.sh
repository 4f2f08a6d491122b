#!/usr/bin/env bash
# torch 2.13.0 (CPU, MKL) and numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a square root is correctly rounded, as IEEE 754 demands and as the processor's instruction does, so torch.sqrt
# and numpy.sqrt have the same bits.
# What happens: torch.sqrt takes roots from MKL's vector library, which is not correctly rounded: a fifth of float32
# numbers between 1/4 and 4 get the other neighbour (at most 0.75 units in the last place from the root), and about one
# in seventy of float64. torch.rsqrt is 1 / root with a correctly rounded root. So an optimizer that divides by a root
# has other bits than the same formula in numpy or C++.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/roots.py" <<'PY'
import sys

import numpy as np
import torch

x = np.random.default_rng(0).uniform(0.25, 4, 10**6)
differing = {}
for dtype in (np.float32, np.float64):
    numbers = x.astype(dtype)
    roots = np.sqrt(numbers)
    differing[dtype] = float((torch.sqrt(torch.from_numpy(numbers)).numpy() != roots).mean())
    inverse = float((torch.rsqrt(torch.from_numpy(numbers)).numpy() != 1 / roots).mean())
    print(f"{dtype.__name__}: torch.sqrt differs from numpy.sqrt for {differing[dtype]:.1%}, rsqrt from 1 / numpy.sqrt "
          f"for {inverse:.1%} of {len(x):,} numbers")
sys.exit(not (differing[np.float32] > 0.05 and differing[np.float64] > 0.001))
PY
"$work/venv/bin/python" "$work/roots.py"
