#!/usr/bin/env bash
# scipy 1.17.1, numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: spearmanr, like kendalltau and mannwhitneyu, computes p values of a few points exactly, or at least does not
# give less than one of the n! orders allows.
# What happens: the p value comes from Student's distribution however few points there are, and is 0, or 1e-24, if the
# orders agree: also for three settings of a step size whose returns rise, where chance gives such agreement in one of
# three cases. For five points of which two neighbours are exchanged it is 0.037, exactly 0.083. kendalltau is exact.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/few.py" <<'PY'
import itertools
import sys

from scipy.stats import kendalltau, spearmanr


def exact(values):
    """Return the fraction of all orders whose rank correlation is as large, of either sign."""
    places = range(len(values))
    seen = abs(spearmanr(places, values).statistic)
    orders = list(itertools.permutations(values))
    return sum(abs(spearmanr(places, order).statistic) >= seen - 1e-9 for order in orders) / len(orders)


found = {}
for values in ((0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4), (0, 1, 2, 4, 3)):
    places = range(len(values))
    found[values] = float(spearmanr(places, values).pvalue), exact(values), float(kendalltau(places, values).pvalue)
    spearman, orders, kendall = found[values]
    print(f"{values}: spearmanr {spearman:.4f}, all orders {orders:.4f}, kendalltau {kendall:.4f}")
three, *_, five, exchanged = found.values()
holds = three[0] == 0.0 and abs(three[1] - 1 / 3) < 1e-9 and five[0] < 1e-6 < 0.01 < five[1]
holds = holds and exchanged[0] < 0.05 < exchanged[1]
sys.exit(not (holds and all(abs(each[1] - each[2]) < 1e-9 for each in found.values())))
PY
"$work/venv/bin/python" "$work/few.py"
