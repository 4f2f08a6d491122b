#!/usr/bin/env bash
# torch 2.13.0 (CPU), scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a Beta with two small concentrations, as a policy gets whose concentrations are a softplus, draws numbers next to
# 0 or next to 1, and hardly ever any between.
# What happens: torch draws two gammas and divides. Both underflow and are set to the smallest normal number, so their
# share is exactly a half: of draws at concentrations of 0.001 (softplus of -6.9) a quarter are 0.5, where 0.04% belong
# between 0.4 and 0.6; at 0.003 it is 1.4%. float64 does not help, and Dirichlet does the same: with three components of
# 0.001, one draw in eight is a third each. log_prob is right, and says that such a draw is next to impossible. numpy's
# beta and dirichlet draw what the density says.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/beta.py" <<'PY'
import sys

import numpy as np
import torch
from scipy import stats
from torch.distributions import Beta, Dirichlet

DRAWS = 100_000


def share_in_middle(draws):
    return float(((draws > 0.4) & (draws < 0.6)).mean())


torch.manual_seed(0)
rng = np.random.default_rng(0)
halves = {}
for concentration in (0.001, 0.003, 0.01, 0.1):
    exact = stats.beta(concentration, concentration).cdf(0.6) - stats.beta(concentration, concentration).cdf(0.4)
    own = share_in_middle(rng.beta(concentration, concentration, DRAWS))
    print(f"concentrations {concentration}: between 0.4 and 0.6 {exact:.2%} exactly, numpy {own:.2%}", end="")
    for kind in (torch.float32, torch.float64):
        parameter = torch.tensor(concentration, dtype=kind)
        draws = Beta(parameter, parameter).sample((DRAWS,)).numpy()
        halves[concentration, kind] = float((draws == 0.5).mean())
        print(f"; torch {kind} {share_in_middle(draws):.2%}, exactly 0.5 {halves[concentration, kind]:.2%}", end="")
    print()
thirds = Dirichlet(torch.full((3,), 0.001)).sample((DRAWS,)).numpy()
even = float((np.abs(thirds - 1 / 3) < 1e-3).all(1).mean())
own = float((np.abs(rng.dirichlet([0.001] * 3, DRAWS) - 1 / 3) < 1e-3).all(1).mean())
print(f"Dirichlet of three components of 0.001, a third each: torch {even:.2%}, numpy {own:.2%}")
kinds = torch.float32, torch.float64
holds = all(0.2 < halves[0.001, kind] < 0.3 and 0.005 < halves[0.003, kind] < 0.03 for kind in kinds)
sys.exit(not (holds and all(halves[0.01, kind] < 1e-3 for kind in kinds) and even > 0.1 and own < 1e-3))
PY
"$work/venv/bin/python" "$work/beta.py"
