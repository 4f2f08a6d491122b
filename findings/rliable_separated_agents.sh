#!/usr/bin/env bash
# rliable 1.2.0 (arch 7.2.0, numpy 2.2.6, scipy 1.17.1), Python 3.11, x86-64; 2026-11-28.
#
# Guess: with three runs each, the 95% interval of rliable's probability of improvement says that three runs are few.
# What happens: where every run of one agent beats every run of the other, every resample says so too, and the interval
# is 1.0 to 1.0. For two normal agents two standard deviations apart (true value 0.92) and three runs each, it is so in
# three experiments of four, and the interval holds the true value in the fourth only.
# And: installed without pins, rliable cannot be imported: arch 7.2.0 does not work with pandas 3.1.1 (a TypeError from
# deprecate_kwarg), and neither package excludes it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rliable==1.2.0 arch==7.2.0 numpy==2.2.6 scipy==1.17.1 pandas==3.1.1 2> /dev/null
if "$work/venv/bin/python" -c "import rliable.library" 2> "$work/error"; then exit 1; fi
tail -n 1 "$work/error"
"$work/venv/bin/pip" install --quiet pandas==2.3.3 2> /dev/null

cat > "$work/separated.py" <<'PY'
import sys

import numpy as np
from rliable import library, metrics

rng = np.random.default_rng(0)
width_0 = holds = 0
for _ in range(100):
    pair = {"a,b": (rng.normal(2.0, 1.0, (3, 1)), rng.normal(0.0, 1.0, (3, 1)))}
    _, intervals = library.get_interval_estimates(pair, metrics.probability_of_improvement, reps=200)
    low, high = intervals["a,b"].ravel()
    width_0 += low == high
    holds += low <= 0.921 <= high
print(f"of 100 experiments, width 0: {width_0}, holding the true value: {holds}")
sys.exit(not (width_0 >= 60 and holds <= 40))
PY
"$work/venv/bin/python" "$work/separated.py"
