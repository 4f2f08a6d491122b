#!/usr/bin/env bash
# torch 2.13.0 (CPU), Python 3.11, x86-64; 2026-11-28.
#
# Guess: Kumaraswamy(a, b).mode is ((a - 1) / (a b - 1)) ** (1 / a) where a and b are above 1, as in textbooks, and can
# serve as the action of a policy that is evaluated without noise.
# What happens: it is NaN for all a and b, without a warning: the property takes logarithms of 1 - b and 1 - a b, which
# are negative just where the mode exists. Other distributions with a mode, such as Beta, have it.
# And log_prob(1) is NaN for b below 1, where the density tends to infinity; with a = 2 and b = 0.3, 0.8% of the samples
# in float32 are 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/mode.py" <<'PY'
import sys

import torch
from torch.distributions import Beta, Kumaraswamy

torch.manual_seed(0)
x = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
for a, b in ((2.0, 2.0), (2.0, 5.0), (1.5, 3.0)):
    a, b = (torch.tensor(each, dtype=torch.float64) for each in (a, b))
    policy, exact = Kumaraswamy(a, b), ((a - 1) / (a * b - 1)) ** (1 / a)
    top = x[policy.log_prob(x).argmax()]
    print(f"a = {a}, b = {b}: mode {policy.mode}, formula {exact:.3f}, largest density at {top:.3f}")
grid = torch.cartesian_prod(torch.linspace(1.05, 20.0, 100), torch.linspace(1.05, 20.0, 100))
numbers = [int(kind(*grid.T).mode.isfinite().sum()) for kind in (Kumaraswamy, Beta)]
print(f"modes of {len(grid)} that are numbers: Kumaraswamy {numbers[0]}, Beta {numbers[1]}")
policy = Kumaraswamy(torch.tensor(2.0), torch.tensor(0.3))
samples = policy.sample((1_000_000,))
nan = float(policy.log_prob(samples).isnan().double().mean())
ones = float((samples == 1).double().mean())
print(f"a = 2, b = 0.3: {ones:.2%} of the samples are 1, log_prob is NaN for {nan:.2%}")
sys.exit(not (numbers == [0, len(grid)] and nan == ones > 0.005))
PY
"$work/venv/bin/python" "$work/mode.py"
