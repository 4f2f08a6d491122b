#!/usr/bin/env bash
# statsmodels 0.15.0, scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a p value that is NaN, as of two agents that both have the best return in each run, is left out when several
# tests are corrected for their number, or makes every corrected p value NaN, or is refused.
# What happens: it depends on the method of statsmodels' multipletests. bonferroni and holm count it as one more
# hypothesis, so the other p values grow. fdr_bh, simes-hochberg and the two-stage methods return NaN for every p value,
# and decisions all the same: of three hypotheses that each of them rejects without the NaN, fdr_bh rejects two, hommel
# none and fdr_tsbh all three. There is no error and no warning. scipy's false_discovery_control refuses the NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1 2> /dev/null

cat > "$work/correction.py" <<'PY'
import sys
import warnings

import numpy as np
from scipy.stats import false_discovery_control, ttest_ind
from statsmodels.stats.multitest import multipletests

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    solved = float(ttest_ind([500.0] * 5, [500.0] * 5).pvalue)
print(f"p value of two agents with a return of 500 in each of five runs: {solved}")
WITHOUT, WITH = [0.01, 0.02, 0.04], [0.01, 0.02, solved, 0.04]
warnings.simplefilter("error")
rejected, corrected = {}, {}
for method in ("bonferroni", "holm", "simes-hochberg", "hommel", "fdr_bh", "fdr_tsbh"):
    full, other = multipletests(WITHOUT, method=method), multipletests(WITH, method=method)
    rejected[method] = int(full[0].sum()), int(other[0].sum())
    corrected[method] = other[1]
    print(f"{method}: rejected {rejected[method][0]} of 3, with the NaN {rejected[method][1]};", end=" ")
    print(f"p values {full[1].round(3).tolist()}, with the NaN {other[1].round(3).tolist()}")
refused = False
try:
    false_discovery_control(WITH)
except ValueError as error:
    refused = True
    print(f"scipy: {error}")
all_nan = {method for method, values in corrected.items() if np.isnan(values).all()}
holds = np.isnan(solved) and refused and all_nan == {"simes-hochberg", "hommel", "fdr_bh", "fdr_tsbh"}
holds = holds and rejected["holm"] == (3, 1) and rejected["fdr_bh"] == (3, 2) and rejected["hommel"] == (3, 0)
sys.exit(not (holds and rejected["fdr_tsbh"] == (3, 3) and np.isclose(corrected["bonferroni"][0], 0.04)))
PY
"$work/venv/bin/python" "$work/correction.py"
