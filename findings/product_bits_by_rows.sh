#!/usr/bin/env bash
# torch 2.13.0 (CPU, MKL) and numpy 2.4.6 (OpenBLAS), Python 3.11, x86-64; 2026-11-27.
#
# Guess: row i of a product x @ w depends on row i of x and on w only, so x[:1] @ w has the bits of (x @ w)[:1].
# What happens: it has other bits in both libraries, in sizes of everyday networks: a kernel is chosen by the number of
# rows, and kernels add in other orders. So a network's output for one observation changes with the size of its batch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/rows.py" <<'PY'
import sys

import numpy as np
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
differing = {"torch": 0, "numpy": 0}
for rows, inner, columns in [(32, 64, 64), (256, 256, 256), (32, 17, 256)]:
    x, w = torch.randn(rows, inner), torch.randn(inner, columns)
    ours = int(((x[:1] @ w) != (x @ w)[:1]).sum())
    a, b = x.numpy(), w.numpy()
    theirs = int(((a[:1] @ b) != (a @ b)[:1]).sum())
    print(f"{rows}x{inner}x{columns}: elements of the first row with other bits alone: torch {ours}, numpy {theirs}")
    differing["torch"] += ours
    differing["numpy"] += theirs
sys.exit(not all(differing.values()))
PY
"$work/venv/bin/python" "$work/rows.py"
