#!/usr/bin/env bash
# pingouin 0.7.0, scipy 1.17.1, numpy 2.4.6, pandas 3.1.1, Python 3.11; 2026-11-28.
#
# Guess: correction="auto", the default of pingouin's t-test, uses Welch's test where the two sets of runs need it: where
# their variances differ.
# What happens: it looks at the sizes alone. With 5 and 6 runs, it is Welch's test; with 5 and 5, the design of nearly every
# comparison of agents, Student's test with pooled variances, with no note but the degrees of freedom. Where one agent's
# returns vary and the other's hardly do, as when one of two agents fails in some runs, equal agents are found to differ at
# 5% in 8.3% of comparisons of 5 and 5 runs, and in 5.2% with one more run. pairwise_tests has the same default.
# correction=True is Welch's test.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pingouin==0.7.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1 2> /dev/null

cat > "$work/sizes.py" <<'PY'
import sys
import warnings

import numpy as np
import pandas as pd
import pingouin
from scipy.stats import ttest_ind

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
COMPARISONS = 4000
holds = True
for n, m, test in ((5, 5, "Student's"), (5, 6, "Welch's")):
    pairs = [(rng.normal(0, 1, n), rng.normal(0, 30, m)) for _ in range(COMPARISONS)]
    for a, b in pairs[:20]:
        scores = pd.DataFrame({"score": np.concatenate([a, b]), "agent": ["a"] * n + ["b"] * m})
        expected = ttest_ind(a, b, equal_var=test == "Student's").pvalue
        found = pingouin.ttest(a, b).p_val.iloc[0]
        of_pairs = pingouin.pairwise_tests(scores, dv="score", between="agent").p_unc.iloc[0]
        holds &= bool(np.isclose(found, expected) and np.isclose(of_pairs, expected))
        holds &= bool(np.isclose(pingouin.ttest(a, b, correction=True).p_val.iloc[0], ttest_ind(a, b, equal_var=False).pvalue))
    alarms = np.mean([ttest_ind(a, b, equal_var=test == "Student's").pvalue < 0.05 for a, b in pairs])
    print(f"{n} and {m} runs, standard deviations 1 and 30, equal means: {test} test, p < 0.05 in {alarms:.1%}")
    holds &= bool(alarms > 0.07 if test == "Student's" else alarms < 0.06)
sys.exit(not holds)
PY
"$work/venv/bin/python" "$work/sizes.py"
