#!/usr/bin/env bash
# scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: where every run of one agent beats every run of the other, the Brunner-Munzel test, which tests the probability of
# improvement, has its smallest p value, and this depends on the number of runs as that of the Mann-Whitney test does.
# What happens: the variance of the ranks is 0. With the default, Student's distribution, p is NaN, the clearest result
# of all, and a warning advises distribution='normal'. With it p is exactly 0, whatever the number of runs is: for three
# runs each, for which no exact test has less than 0.1. Of two equal agents with three runs each, one in ten pairs is
# separated by chance and gets p = 0; with five runs, one in 126.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/separated.py" <<'PY'
import sys
import warnings

import numpy as np
from scipy.stats import brunnermunzel, mannwhitneyu

holds = True
for n in (3, 5, 10):
    a, b = np.arange(n) + 0.0, np.arange(n) + 100.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        student = float(brunnermunzel(a, b).pvalue)
        normal = float(brunnermunzel(a, b, distribution="normal").pvalue)
    advice = any("distribution='normal" in str(warning.message) for warning in caught)
    exact = float(mannwhitneyu(a, b, method="exact").pvalue)
    print(f"{n} separated runs each: p {student} and, as the warning advises, {normal}; exact Mann-Whitney {exact:.2g}")
    holds &= np.isnan(student) and advice and normal == 0.0 < exact
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
for n, chance in ((3, 2 / 20), (5, 2 / 252)):
    pairs = [(rng.normal(size=n), rng.normal(size=n)) for _ in range(4000)]
    zeros = np.mean([brunnermunzel(a, b, distribution="normal").pvalue == 0.0 for a, b in pairs])
    undefined = np.mean([np.isnan(brunnermunzel(a, b).pvalue) for a, b in pairs])
    print(f"4,000 pairs of equal agents with {n} runs each: p = 0 in {zeros:.2%}, NaN by default in {undefined:.2%}")
    print(f"  (a separation by chance: {chance:.2%})")
    holds &= zeros == undefined and abs(zeros - chance) < 6 * np.sqrt(chance / 4000)
sys.exit(not holds)
PY
"$work/venv/bin/python" "$work/separated.py"
