#!/usr/bin/env bash
# scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: the argument batch of scipy.stats.bootstrap limits memory only; the same seed gives the same interval.
# What happens: so it does for one sample. For two, each batch draws all its resamples of the first sample, and then all
# of the second, from one generator: batches of another size draw other resamples, and the interval for a difference
# changes as if the seed had been changed. permutation_test has the same p value with any batch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/batches.py" <<'PY'
import sys

import numpy as np
from scipy.stats import bootstrap, permutation_test

a, b = np.random.default_rng(1).normal(size=20), np.random.default_rng(2).normal(size=15)


def difference(x, y, axis=-1):
    return x.mean(axis) - y.mean(axis)


def interval(samples, statistic, batch):
    options = {"n_resamples": 999, "batch": batch, "rng": np.random.default_rng(3), "method": "percentile"}
    return tuple(round(float(end), 4) for end in bootstrap(samples, statistic, **options).confidence_interval)


found = {"one sample": [], "two samples": [], "permutation test": []}
for batch in (None, 500, 100):
    found["one sample"].append(interval((a,), np.mean, batch))
    found["two samples"].append(interval((a, b), difference, batch))
    test = permutation_test((a, b), difference, n_resamples=999, batch=batch, rng=np.random.default_rng(3))
    found["permutation test"].append(float(test.pvalue))
for name, results in found.items():
    print(f"{name}, batch None, 500, 100: {results}")
different = [len(set(results)) for results in found.values()]
sys.exit(different != [1, 3, 1])
PY
"$work/venv/bin/python" "$work/batches.py"
