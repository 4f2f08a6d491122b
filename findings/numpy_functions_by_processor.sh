#!/usr/bin/env bash
# numpy 2.4.6, Python 3.11, on an x86-64 processor with AVX-512; 2026-11-27.
#
# Guess 1: numpy's float64 sin and cos come from vector code chosen by processor, so their bits differ between
# processors. What happens: they are the C library's, bit for bit, with every processor feature on or off.
# Guess 2: NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX" switches numpy's AVX-512 code off, as in numpy 2.3.5.
# What happens: it changes no bit. In 2.4.6 the features are named by level: with "X86_V4 AVX512_ICL AVX512_SPR" the
# bits of exp, log1p, expm1 and cbrt change in several per cent of the arguments, and without "X86_V3" those of tanh too.
set -euo pipefail
grep -q avx512bw /proc/cpuinfo || { echo "this processor has no AVX-512: nothing to see"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numpy==2.4.6 2> /dev/null

cat > "$work/bits.py" <<'PY'
import sys

import numpy as np

x = np.random.default_rng(0).uniform(0.1, 8.0, 100_000)
sys.stdout.buffer.write(b"".join(getattr(np, name)(x).tobytes() for name in sys.argv[1:]))
PY
cat > "$work/compare.py" <<'PY'
import math
import os
import subprocess
import sys

import numpy as np

NAMES = ["sin", "cos", "exp", "log1p", "expm1", "cbrt", "tanh"]
OFF = {"all on": "", "old names": "AVX512F AVX512CD AVX512_SKX", "V4 off": "X86_V4 AVX512_ICL AVX512_SPR",
       "V3 off": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
bits = {}
for title, features in OFF.items():
    command = [sys.executable, "-W", "ignore", sys.argv[1], *NAMES]
    done = subprocess.run(command, env=os.environ | {"NPY_DISABLE_CPU_FEATURES": features}, capture_output=True, check=True)
    bits[title] = np.frombuffer(done.stdout).reshape(len(NAMES), -1)
changed = {title: {n: int((a != b).sum()) for n, a, b in zip(NAMES, bits["all on"], rows)} for title, rows in bits.items()}
for title, counts in changed.items():
    print(f"{title}: results of 100000 with other bits: {counts}")
x = np.random.default_rng(0).uniform(0.1, 8.0, 100_000)
libm = int((bits["all on"][0] != [math.sin(v) for v in x]).sum())
print(f"sin: {libm} differ from the C library's")
holds = libm == 0 and not any(changed["old names"].values()) and changed["V4 off"]["exp"] > 0
holds = holds and all(changed[title][name] == 0 for title in changed for name in ("sin", "cos"))
holds = holds and changed["V4 off"]["tanh"] == 0 < changed["V3 off"]["tanh"]
sys.exit(not holds)
PY
"$work/venv/bin/python" "$work/compare.py" "$work/bits.py"
