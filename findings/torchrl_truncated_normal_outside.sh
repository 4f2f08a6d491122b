#!/usr/bin/env bash
# torchrl 0.14.1, tensordict 0.14.3, torch 2.13.0 (CPU), scipy 1.17.1, Python 3.11, x86-64; 2026-11-28.
#
# Guess: TorchRL's TruncatedNormal is a density on the box of the actions wherever the network puts its location, and
# its deterministic_sample, used in evaluations, lies in the box.
# What happens: it is so up to about four standard deviations outside the box. At five, the density integrates to 0.29,
# at eight to 6e-10, in float64 as in float32: the share of the normal distribution that lies in the box is computed as
# a difference of two values of its distribution function, and then held above 1e-6. Log densities are too small by 1.2
# and by 21 nats, every sample is the bound itself, and deterministic_sample is 1.7 and 2.6 for actions in [-1, 1]. At
# four and a half it is 0.57 instead of 0.96. scipy's truncnorm has no such errors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torchrl==0.14.1 tensordict==0.14.3 torch==2.13.0 scipy==1.17.1 numpy==2.4.6 \
    2> /dev/null

cat > "$work/outside.py" <<'PY'
import sys

import scipy.stats
import torch
from torchrl.modules import TruncatedNormal

SCALE, POINTS = 0.2, 100_000
actions = (torch.arange(POINTS, dtype=torch.float64) + 0.5) * 2 / POINTS - 1
torch.manual_seed(0)


def measure(deviations, dtype):
    """Return integral, error of log_prob(0.9), deterministic action and its expectation, deviation of samples."""
    loc = 1 + deviations * SCALE
    policy = TruncatedNormal(
        torch.tensor([loc], dtype=dtype), torch.tensor([SCALE], dtype=dtype), low=-1.0, high=1.0, tanh_loc=False
    )
    reference = scipy.stats.truncnorm((-1 - loc) / SCALE, (1 - loc) / SCALE, loc, SCALE)
    integral = 2 * float(policy.log_prob(actions[:, None].to(dtype)).double().exp().mean())
    error = float(policy.log_prob(torch.tensor([0.9], dtype=dtype))) - float(reference.logpdf(0.9))
    spread = float(policy.sample((10_000,)).std())
    return integral, error, float(policy.deterministic_sample), float(reference.mean()), spread


found = {}
for dtype in (torch.float32, torch.float64):
    for deviations in (2.0, 4.5, 5.0, 8.0):
        found[dtype, deviations] = values = measure(deviations, dtype)
        integral, error, action, mean, spread = values
        print(f"{dtype}, {deviations} deviations outside: the integral is {integral:.2g}, log_prob is off by", end=" ")
        print(f"{error:.2g}, the deterministic action is {action:.3f} (mean {mean:.3f}), samples vary by {spread:.2g}")
holds = []
for dtype in (torch.float32, torch.float64):
    inside, near, far, farthest = (found[dtype, deviations] for deviations in (2.0, 4.5, 5.0, 8.0))
    holds += [abs(inside[0] - 1) < 1e-3, abs(inside[1]) < 1e-3, abs(inside[2] - inside[3]) < 1e-3]
    holds += [near[3] - near[2] > 0.2, far[0] < 0.5, far[1] < -1, far[2] > 1.5]
    holds += [farthest[0] < 1e-8, farthest[1] < -20, farthest[2] > 2.5, farthest[4] == 0]
sys.exit(not all(holds))
PY
"$work/venv/bin/python" -W ignore "$work/outside.py" 2> /dev/null
