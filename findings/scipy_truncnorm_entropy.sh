#!/usr/bin/env bash
# scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: scipy.stats.truncnorm(a, b).entropy() is right wherever its logpdf, mean and variance are, so it can be the
# reference for the entropy of a truncated Gaussian policy.
# What happens: it is the closed form with the difference of two probabilities near 1, so precision is lost in the upper
# tail: right to 1e-12 for bounds of 3 and 5 deviations, off by 0.001 for 7 and 9, by 2 for 8 and 10, by 2.7 with the
# wrong sign for 8.2 and 10, and NaN from about 9 on. In the lower tail, the mirror image, it is right to 1e-12. Where one
# bound is infinite it is NaN whatever the other is, also for half of a Gaussian, as 0 is multiplied by infinity. The
# only sign of either is numpy's warning where the result is NaN; wrong numbers come without one. Integrating
# -pdf logpdf is right in all cases.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/entropy.py" <<'PY'
import sys
import warnings

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm, truncnorm

warnings.filterwarnings("ignore", category=RuntimeWarning, message="invalid value|divide by zero")


def integrated(a, b):
    """Return the entropy by integration, up to 12 deviations beyond a finite bound."""
    density = truncnorm(a, b)
    low, high = (a if np.isfinite(a) else b - 12), (b if np.isfinite(b) else a + 12)
    return quad(lambda x: -density.pdf(x) * density.logpdf(x), low, high, epsabs=1e-13, limit=500)[0]


half = integrated(0.0, np.inf)
print(f"half of a Gaussian: {half:.9f} by integration, {norm.entropy() - np.log(2):.9f} exactly")
holds = abs(half - (norm.entropy() - np.log(2))) < 1e-9
error = {}
for a, b in ((-1, 1), (3, 5), (5, 7), (7, 9), (8, 10), (8.2, 10), (9, 11), (0, np.inf), (3, np.inf), (-np.inf, 1)):
    for low, high in ((a, b), (-b, -a)):
        theirs, right = float(truncnorm(low, high).entropy()), integrated(low, high)
        error[low, high] = theirs - right
        print(f"bounds {low} and {high}: scipy {theirs:.9f}, by integration {right:.9f}, error {theirs - right:.1e}")
finite = [key for key in error if np.isfinite(key).all()]
lower = [abs(error[key]) for key in finite if key[0] < 0]
holds &= max(lower) < 1e-8 and all(np.isnan(error[key]) for key in error if key not in finite)
holds &= abs(error[3, 5]) < 1e-9 and abs(error[7, 9]) > 1e-4 and abs(error[8, 10]) > 1 and abs(error[8.2, 10]) > 1
sys.exit(not (holds and np.isnan(error[9, 11])))
PY
"$work/venv/bin/python" "$work/entropy.py"
