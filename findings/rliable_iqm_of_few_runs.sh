#!/usr/bin/env bash
# rliable 1.2.0 (arch 7.2.0, numpy 2.2.6, scipy 1.17.1), Python 3.11, x86-64; 2026-11-28.
#
# Guess: rliable's interquartile mean is that of the middle half of the scores. Of three scores, the middle one counts
# most and the outer ones count in part; a failed run of three counts a sixth.
# What happens: whole scores are cut off, at each end a quarter of their number rounded down. Of three none is cut: the
# interquartile mean is the mean, and a failed run counts a third. Of four it is the mean of two, of seven that of five,
# 71%. So "interquartile means" of one task with three runs are means, and a fourth run changes what is measured.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rliable==1.2.0 arch==7.2.0 numpy==2.2.6 scipy==1.17.1 pandas==2.3.3 2> /dev/null

cat > "$work/iqm.py" <<'PY'
import sys

import numpy as np
from rliable import metrics


def middle_half(scores):
    """Return the mean of the middle half, whose edges are scores that count in part."""
    edges = np.arange(len(scores) + 1) / len(scores)
    weights = np.clip(edges[1:], 0.25, 0.75) - np.clip(edges[:-1], 0.25, 0.75)
    return float(np.sort(scores) @ weights / weights.sum())


def count_used(runs):
    """Return the number of scores on which the result depends."""
    scores = np.arange(runs, dtype=float)
    changed = [scores + 0.1 * (scores == each) for each in scores]
    return sum(metrics.aggregate_iqm(each[:, None]) != metrics.aggregate_iqm(scores[:, None]) for each in changed)


failed = np.array([0.0, 1.0, 1.0])
found, half = float(metrics.aggregate_iqm(failed[:, None])), middle_half(failed)
print(f"scores {failed}: rliable {found:.3f}, mean {failed.mean():.3f}, middle half {half:.3f}")
used = {runs: int(count_used(runs)) for runs in range(3, 9)}
print(f"scores used, by number of runs: {used}")
sys.exit(not (found == failed.mean() < half and used == {3: 3, 4: 2, 5: 3, 6: 4, 7: 5, 8: 4}))
PY
"$work/venv/bin/python" "$work/iqm.py"
