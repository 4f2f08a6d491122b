#!/usr/bin/env bash
# numpy 2.4.6 and g++ 12.2 (glibc 2.36), Python 3.11, x86-64; 2026-11-28.
#
# Guess: x**2 is x * x, so a formula has the same bits for a number, for each element of an array, and in C++.
# What happens: for a number, Python's or numpy's, x**2 is the C library's pow(x, 2), which differs from x * x for about
# one number in a thousand; for an array, numpy computes x * x. The same holds for x**0.5 and the root. g++ replaces
# pow(x, 2) by x * x, at -O1 already, unless it cannot see that the exponent is 2. So an environment written for one
# state at a time, the same one for arrays of states, and a port of it to C++ part ways after some thousand steps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numpy==2.4.6 2> /dev/null

cat > "$work/power.cpp" <<'CPP'
#include <math.h>
extern "C" void squares(long n, const double* x, double* known, double* unknown, double exponent)
{
    for (long i = 0; i < n; i++) known[i] = pow(x[i], 2.0), unknown[i] = pow(x[i], exponent);
}
CPP
g++ -O1 -ffp-contract=off -shared -fPIC "$work/power.cpp" -o "$work/power.so"
cat > "$work/powers.py" <<'PY'
import ctypes
import sys

import numpy as np

x = np.random.default_rng(0).uniform(0.1, 3.2, 300_000)
known, unknown = np.empty_like(x), np.empty_like(x)
pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, known, unknown)]
ctypes.CDLL(sys.argv[1]).squares(ctypes.c_long(len(x)), *pointers, ctypes.c_double(2.0))
found = {
    "Python's number**2": [v**2 for v in x.tolist()],
    "numpy's number**2": [v**2 for v in x],
    "C++ pow(x, y), y = 2": unknown,
    "numpy's array**2": x**2,
    "C++ pow(x, 2.0)": known,
}
counts = {name: int((np.array(values) != x * x).sum()) for name, values in found.items()}
roots = int((np.array([v**0.5 for v in x]) != x**0.5).sum())
for name, count in counts.items():
    print(f"{name}: {count} of {len(x):,} differ from x * x")
print(f"numpy's number**0.5: {roots} differ from array**0.5")
first = list(counts.values())
sys.exit(not (all(first[:3]) and not any(first[3:]) and roots))
PY
"$work/venv/bin/python" "$work/powers.py" "$work/power.so"
