#!/usr/bin/env bash
# arch 8.0.0, scipy 1.17.1, pandas 2.3.3, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a BCa interval of a success rate, from arch as from scipy, is that of the failure rate mirrored.
# What happens: arch's is 0.62 to 0.95 for 18 of 20 successes, and 0 to 0.25 for 2 of 20. Its bias correction is the
# fraction of resamples whose mean is strictly below that of the data; those with the same mean, 18 to 29% here,
# count as above. scipy counts half of them, and has 0.7 to 1 and 0 to 0.3. So for data with few values, such as
# successes or returns at their maximum, arch's intervals are too low: with 20 runs, a true rate of a half is above the
# interval in 5.8% of experiments and below it in 0.1%, instead of 2.5% each.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet arch==8.0.0 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6 \
    statsmodels==0.15.0 2> /dev/null

cat > "$work/rates.py" <<'PY'
import sys

import numpy as np
from arch.bootstrap import IIDBootstrap
from scipy.stats import binom, bootstrap

RUNS = 20


def by_arch(data):
    intervals = IIDBootstrap(data, seed=np.random.default_rng(1)).conf_int(np.mean, reps=9999, method="bca")
    return tuple(round(float(end), 2) for end in intervals.ravel())


def by_scipy(data):
    interval = bootstrap((data,), np.mean, n_resamples=9999, rng=np.random.default_rng(1), method="BCa")
    return tuple(round(float(end), 2) for end in interval.confidence_interval)


missed = {}
for name, make in (("arch", by_arch), ("scipy", by_scipy)):
    # Without 0 and 20 successes, which have no interval; they occur in 2 of a million experiments.
    found = {successes: make((np.arange(RUNS) < successes).astype(float)) for successes in range(1, RUNS)}
    above = sum(binom.pmf(successes, RUNS, 0.5) for successes, (low, high) in found.items() if high < 0.5)
    below = sum(binom.pmf(successes, RUNS, 0.5) for successes, (low, high) in found.items() if low > 0.5)
    missed[name] = (found[2], found[18]), above, below
    print(f"{name}: 2 of 20 {found[2]}, 18 of 20 {found[18]}; a true rate of 0.5 is above the interval in {above:.1%}, "
          f"below it in {below:.1%}")
holds = missed["arch"][0] == ((0.0, 0.25), (0.62, 0.95)) and missed["arch"][1] > 0.05 and missed["arch"][2] < 0.005
sys.exit(not (holds and missed["scipy"][0] == ((0.0, 0.3), (0.7, 1.0)) and missed["scipy"][1] < 0.03))
PY
"$work/venv/bin/python" "$work/rates.py"
