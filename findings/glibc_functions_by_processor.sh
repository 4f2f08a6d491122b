#!/usr/bin/env bash
# glibc 2.36 (Debian 12), Python 3.11, on an x86-64 processor with AVX2 and FMA; 2026-11-28.
#
# Guess: one release of the C library gives sin, exp and pow the same bits on every x86-64 processor, as they are scalar
# code for the baseline of the architecture.
# What happens: when a program starts, glibc chooses versions that were compiled for FMA if the processor has both FMA
# and AVX2. They round otherwise in up to one of a thousand numbers: sin, cos, exp, expm1, pow, atan and sinh, among
# others; log and cbrt gave no difference. So Python's math module, and any simulation in C++, have other bits where a
# processor, an emulator or a virtual machine lacks FMA, or lacks AVX2 only.
set -euo pipefail
if ! grep -qw fma /proc/cpuinfo || ! grep -qw avx2 /proc/cpuinfo; then
    echo "this processor has no AVX2 or no FMA: nothing to see"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/bits.py" <<'PY'
import array
import math
import random
import sys

generator = random.Random(0)
numbers = [generator.uniform(0.1, 8.0) for _ in range(100_000)]
function = getattr(math, sys.argv[1])
results = [function(x, 1.7) if function is math.pow else function(x) for x in numbers]
sys.stdout.buffer.write(array.array("d", results).tobytes())
PY
cat > "$work/compare.py" <<'PY'
import array
import os
import subprocess
import sys

CHANGED, SAME = ["sin", "cos", "exp", "expm1", "pow", "atan", "sinh"], ["log", "cbrt", "sqrt"]
OFF = ("-FMA", "-AVX2")


def bits(name, tunables):
    environment = {key: value for key, value in os.environ.items() if key != "GLIBC_TUNABLES"} | tunables
    done = subprocess.run([sys.executable, sys.argv[1], name], env=environment, capture_output=True, check=True)
    return array.array("d", done.stdout)


print(os.confstr("CS_GNU_LIBC_VERSION"))
found = {}
for name in CHANGED + SAME:
    usual = bits(name, {})
    for off in OFF:
        others = bits(name, {"GLIBC_TUNABLES": f"glibc.cpu.hwcaps={off}"})
        found[name, off] = sum(a != b for a, b in zip(usual, others))
    without = " and ".join(f"{found[name, off]} with {off}" for off in OFF)
    print(f"{name}: of {len(usual)} results {without} differ")
changed, same = ([found[name, off] for name in names for off in OFF] for names in (CHANGED, SAME))
sys.exit(not all(changed) or any(same))
PY
python3 "$work/compare.py" "$work/bits.py"
