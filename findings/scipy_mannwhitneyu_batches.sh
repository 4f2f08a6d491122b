#!/usr/bin/env bash
# scipy 1.17.1, Python 3.11, x86-64; 2026-11-28.
#
# Guess: mannwhitneyu(a, b, axis=1) gives each row the p value that the row has alone.
# What happens: the method is chosen for the whole batch. One row with a tie makes every row use the normal
# approximation, also rows without ties that alone are computed exactly: three runs above three others have p = 0.1
# alone, and 0.08 beside a row with a tie. So a p value depends on the rows that happen to be computed with it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2> /dev/null

cat > "$work/batches.py" <<'PY'
import sys

from scipy.stats import mannwhitneyu

alone = mannwhitneyu([1, 2, 3], [4, 5, 6]).pvalue
beside_its_like = mannwhitneyu([[1, 2, 3], [1, 2, 3]], [[4, 5, 6], [4, 5, 6]], axis=1).pvalue[0]
beside_a_tie = mannwhitneyu([[1, 2, 3], [1, 2, 3]], [[4, 5, 6], [3, 5, 6]], axis=1).pvalue[0]
print(f"alone {alone:.4f}, beside its like {beside_its_like:.4f}, beside a row with a tie {beside_a_tie:.4f}")
sys.exit(not (alone == beside_its_like == 0.1 and beside_a_tie < 0.09))
PY
"$work/venv/bin/python" "$work/batches.py"
