#!/usr/bin/env bash
# torch 2.13.0 (CPU), scipy 1.17.1, Python 3.11, x86-64; 2026-11-28.
#
# Guess: in float32, log_prob and entropy of torch's Beta and StudentT have errors of about 1e-6, as those of Normal,
# which StudentT tends to as its degrees of freedom grow.
# What happens: they are differences of log-gamma values, each as large as the concentration, which cancel. log_prob of
# StudentT is wrong by 0.08 nats with 1e6 degrees of freedom and by 0.9 with 1e8, where its entropy is 9.2 instead of
# 1.4. log_prob of Beta(1e4, 1e4), a policy that is nearly certain, is wrong by 0.007 nats, and by 0.13 for 1e5: ratios
# of probabilities, as in PPO, can be wrong by 0.7% and by 13%. scipy, and torch in float64, have no such errors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/cancel.py" <<'PY'
import sys

import scipy.stats
import torch
from torch.distributions import Beta, StudentT


def errors(make, reference, x):
    """Return the errors of log_prob and entropy in float32, and of log_prob in float64."""
    single, double = make(torch.float32), make(torch.float64)
    exact, entropy = float(reference.logpdf(x)), float(reference.entropy())
    log_probs = [float(each.log_prob(torch.tensor(x, dtype=each.mean.dtype))) - exact for each in (single, double)]
    return log_probs[0], float(single.entropy()) - entropy, log_probs[1]


found = {}
for size in (10.0, 1e4, 1e5, 1e6, 1e8):
    t = errors(lambda dtype: StudentT(torch.tensor(size, dtype=dtype)), scipy.stats.t(size), 0.5)
    beta = errors(lambda dtype: Beta(*torch.full((2,), size, dtype=dtype)), scipy.stats.beta(size, size), 0.5)
    found[size] = t, beta
    for name, (log_prob, entropy, double) in (("StudentT", t), ("Beta", beta)):
        print(f"{name} {size:g}: error of log_prob {log_prob:.1e}, of entropy {entropy:.1e}; in float64 {double:.1e}")
holds = all(abs(each[0]) < 1e-4 for each in found[10.0])
holds = holds and abs(found[1e4][1][0]) > 0.005 and abs(found[1e5][1][0]) > 0.1
holds = holds and abs(found[1e6][0][0]) > 0.05 and abs(found[1e8][0][0]) > 0.5 and found[1e8][0][1] > 5
sys.exit(not (holds and all(abs(each[2]) < 1e-6 for pair in found.values() for each in pair)))
PY
"$work/venv/bin/python" "$work/cancel.py"
