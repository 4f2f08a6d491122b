#!/usr/bin/env bash
# torch 2.13.0 (CPU), scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: rsample of torch's Beta, which policies over boxes use, has gradients as exact as its number type: to 1e-6 in
# float32 and better in float64, since a double is computed in doubles.
# What happens: they are approximations of three or four digits, in float64 too: off by up to 0.6% for concentrations of
# 3 and 30. Where one is between 1 and 6 and the other 10,000, many are off by 1 to 20%. At 100,000, a fifth to a third
# have the wrong sign and some are thousands of times too large, so that a mean of 100,000 of them says nothing. The
# mirror image and Dirichlet (5, 5, 5, 100,000) do the same. At 7 and 100,000 they are right again, to 0.5%. Samples are
# right, so nothing else shows it. The reference is -(dF/da) / density, from scipy's distribution function F.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/gradient.py" <<'PY'
import sys

import numpy as np
import torch
from scipy import special, stats
from torch.distributions import Beta, Dirichlet

SIZE = 20_000


def exact(a, b, x):
    """Return how a sample moves with its first concentration: -(dF/da) / density, by central differences."""
    step = 1e-4 * a
    near, far = (special.betainc(a + k * step, b, x) - special.betainc(a - k * step, b, x) for k in (1, 2))
    return -(8 * near - far) / (12 * step) / stats.beta.pdf(x, a, b)


def compare(a, b, kind, mirrored):
    """Return median and largest relative error of gradients, the share of wrong signs, and that of the mean."""
    small = torch.full((SIZE,), a, dtype=kind, requires_grad=True)
    large = torch.full((SIZE,), b, dtype=kind)
    samples = 1 - Beta(large, small).rsample() if mirrored else Beta(small, large).rsample()
    (gradients,) = torch.autograd.grad(samples.sum(), small)
    gradients, reference = gradients.double().numpy(), exact(a, b, samples.detach().double().numpy())
    errors = np.abs(gradients / reference - 1)
    wrong = float((gradients * reference < 0).mean())
    return float(np.median(errors)), float(errors.max()), wrong, reference.mean() * (a + b) ** 2 / b


torch.manual_seed(0)
holds = []
for kind, mirrored in ((torch.float64, False), (torch.float64, True), (torch.float32, False)):
    print(f"{kind}, {'other' if mirrored else 'first'} concentration:")
    for a, b in ((3.0, 30.0), (5.0, 1e4), (3.0, 1e5), (5.0, 1e5), (7.0, 1e5)):
        median, largest, wrong, mean = compare(a, b, kind, mirrored)
        print(f"  {a:g} and {b:g}: median error {median:.1e}, largest {largest:.1e}, wrong sign {wrong:.1%};", end=" ")
        print(f"mean of the reference, divided by the exact one, {mean:.3f}")
        holds.append(abs(mean - 1) < 0.05)
        if b == 1e5:
            holds.append(wrong > 0.15 and largest > 100 if a < 6 else wrong == 0 and largest < 0.01)
        elif b == 1e4:
            holds.append(median > 0.01 and largest > 0.1)
        else:
            holds.append(1e-3 < largest < 0.02)
weights = torch.tensor([5.0, 5.0, 5.0, 1e5], dtype=torch.float64).repeat(SIZE, 1).requires_grad_()
(gradients,) = torch.autograd.grad(Dirichlet(weights).rsample()[:, 0].sum(), weights)
wrong = float((gradients[:, 0] < 0).double().mean())
print(f"Dirichlet (5, 5, 5, 100000): {wrong:.1%} of the first component's gradients by its concentration are negative")
sys.exit(not (all(holds) and wrong > 0.15))
PY
OMP_NUM_THREADS=1 "$work/venv/bin/python" "$work/gradient.py"
