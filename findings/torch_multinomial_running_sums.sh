#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: torch.multinomial(weights, n, replacement=True) draws an item with probability weight / sum, to a relative
# error of about 1e-7, the precision of float32.
# What happens: for more than one draw, running sums of the weights are made in float32, one addition after another, and
# searched. Of ten million equal weights of 0.1 those in the second half are drawn a third more often than those in the
# third tenth. After a weight of 1, a million weights of 5e-8 are never drawn, though they are 4.8% of the sum: each is
# lost in the addition. One draw (num_samples=1) is made otherwise and has neither fault, nor have weights in float64.
# So a replay that samples a batch by priority in one call skips new transitions with small priorities.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/draw.py" <<'PY'
import sys

import torch

torch.manual_seed(0)


def tenths(dtype):
    """Return how often each tenth of ten million equal weights is drawn, as multiples of what it should be."""
    drawn = torch.multinomial(torch.full((10_000_000,), 0.1, dtype=dtype), 5_000_000, replacement=True)
    return torch.bincount(drawn // 1_000_000, minlength=10) / 500_000


def small(dtype, draws, calls=1):
    """Return the fraction of draws that give one of the small weights."""
    weights = torch.full((1_000_001,), 5e-8, dtype=dtype)
    weights[0] = 1.0
    drawn = [torch.multinomial(weights, draws, replacement=True) for _ in range(calls)]
    return float((torch.cat(drawn) > 0).double().mean())


equal = {dtype: tenths(dtype) for dtype in (torch.float32, torch.float64)}
for dtype, found in equal.items():
    print(f"equal weights, {dtype}: drawn, of what is due, by tenths: {[round(each, 3) for each in found.tolist()]}")
at_once, alone, double = small(torch.float32, 100_000), small(torch.float32, 1, 500), small(torch.float64, 100_000)
print(f"small weights, 4.8% of the sum: drawn at once {at_once:.1%}, one by one {alone:.1%}, in float64 {double:.1%}")
uneven, even = (float(found.max() / found.min()) for found in equal.values())
sys.exit(not (uneven > 1.2 and even < 1.02 and at_once == 0.0 and 0.01 < alone < 0.1 and 0.04 < double < 0.055))
PY
"$work/venv/bin/python" "$work/draw.py"
