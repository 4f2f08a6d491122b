#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: with one seed, randn(n) begins with the numbers of randn(m) for m < n, as torch.rand, exponential_ and numpy's
# standard_normal do. So a larger batch, or noise for one more run, keeps the noise of the others.
# What happens: below 16 numbers, each is drawn by itself, and none is that of a larger draw. From 16 on, blocks of 16 are
# filled, and if n is no multiple of 16, the last 16 numbers are drawn again: randn(17) and randn(32) have one number in
# common, randn(33) and randn(48) 17. Of a draw for n runs, adding a run to 16 changes the noise of 15 of them.
# Numbers also depend on the layout in memory: a transposed tensor of the same shape is filled with other numbers. With
# sizes that are multiples of 16, contiguous, the guess holds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/sizes.py" <<'PY'
import sys

import numpy as np
import torch

SIZES = (1, 4, 15, 16, 17, 20, 24, 32, 33, 48)


def seeded():
    return torch.Generator().manual_seed(0)


def common(draw):
    """Return how many of the first n of 64 numbers are those of a draw of n, for each of SIZES."""
    longest = draw(64)
    return [int((draw(n) == longest[:n]).sum()) for n in SIZES]


found = {
    "torch.randn": common(lambda n: torch.randn(n, generator=seeded())),
    "torch.randn, float64": common(lambda n: torch.randn(n, generator=seeded(), dtype=torch.float64)),
    "torch.rand": common(lambda n: torch.rand(n, generator=seeded())),
    "exponential_": common(lambda n: torch.empty(n).exponential_(generator=seeded())),
    "numpy's standard_normal": common(lambda n: np.random.default_rng(0).standard_normal(n)),
}
print(f"numbers drawn: {SIZES}")
for name, counts in found.items():
    print(f"{name}, those at the beginning of 64: {counts}")
noise = [torch.randn(runs, generator=seeded()) for runs in (16, 17)]
kept = int((noise[0] == noise[1][:16]).sum())
print(f"noise for 16 runs and for 17: {kept} of 16 runs keep theirs")
plain = torch.empty(8, 8).normal_(generator=seeded())
transposed = torch.empty(8, 8).t().normal_(generator=seeded())
print(f"8 x 8, transposed in memory: {int((plain == transposed).sum())} of 64 numbers are the same")
normal = [0, 0, 0, 16, 1, 4, 8, 32, 17, 48]
holds = found["torch.randn"] == normal and found["torch.randn, float64"] == normal
holds = holds and all(found[name] == list(SIZES) for name in ("torch.rand", "exponential_", "numpy's standard_normal"))
sys.exit(not (holds and kept == 1 and not (plain == transposed).all()))
PY
"$work/venv/bin/python" "$work/sizes.py"
