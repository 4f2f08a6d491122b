#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: torch.manual_seed takes seeds of 64 bits, as documented, and initial_seed() returns all 64; so two
# different seeds give different numbers.
# What happens: the CPU's generator is seeded with the low 32 bits. Seeds that agree in them give the same numbers, in
# whatever distribution: run << 32 | seed is the same for all runs. And 64 bits drawn or hashed for each of 100,000 runs
# give two runs with the same numbers with probability 0.69, not 3e-10.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/seeds.py" <<'PY'
import sys

import torch


def draw(seed):
    generator = torch.Generator().manual_seed(seed)
    return generator.initial_seed(), torch.randn(1000, generator=generator)


first, numbers = draw(12345)
print(f"seed {first}: {numbers[:3].tolist()}")
same = []
for run in (1, 2, 2**31):
    seed, others = draw(run << 32 | 12345)
    same.append(seed == run << 32 | 12345 and torch.equal(numbers, others))
    print(f"seed {seed}: {others[:3].tolist()}")
other = draw(12346)[1]
sys.exit(not all(same) or torch.equal(numbers, other))
PY
"$work/venv/bin/python" "$work/seeds.py"
