#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64 with AVX2 or AVX-512; 2026-11-28.
#
# Guess: the bits of an activation function depend on its argument only; it is sums and products that depend on shapes.
# What happens: for sigmoid, silu, softplus, elu and mish they depend on the position. A vector exponential computes 32
# numbers at a time (AVX2: 16); for the last few of a tensor, and for all with a stride, the C library's exponential is
# used, which rounds otherwise: 4% of the results of silu and a third of those of mish differ. Above 32,768 elements,
# each thread has last elements of its own, so bits change with the number of threads. tanh, relu and logsigmoid do not
# differ; gelu does for a single element or with a stride. So an observation alone and in a batch may get other
# activations from equal inputs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/activations.py" <<'PY'
import sys

import torch
import torch.nn.functional as F

x = torch.randn(8192, generator=torch.Generator().manual_seed(0))
wide = torch.randn(100_000, generator=torch.Generator().manual_seed(1))


def with_threads(function, threads):
    torch.set_num_threads(threads)
    return function(wide)


found = {}
for name in ("tanh", "relu", "logsigmoid", "gelu", "sigmoid", "silu", "softplus", "elu", "mish"):
    function = getattr(F, name)
    together = function(x)
    alone = torch.cat([function(each) for each in x.split(1)])
    stride = function(x.repeat_interleave(2)[::2])
    ends = torch.cat([function(each)[-1:] for each in x.unfold(0, 65, 1)])
    threads = sum(int((with_threads(function, n) != with_threads(function, 1)).sum()) for n in range(2, 8))
    others = [int((each != together[-len(each) :]).sum()) for each in (alone, ends, stride)]
    found[name] = [*others, threads]
    print(f"{name}: of {len(x)} results differ: alone {others[0]}, last of 65 {others[1]}, strided {others[2]}; "
          f"other numbers of threads: {threads} of 6 x {len(wide)}")
never, always = ("tanh", "relu", "logsigmoid"), ("sigmoid", "silu", "softplus", "elu", "mish")
holds = not any(any(found[name]) for name in never) and all(all(found[name]) for name in always)
sys.exit(not (holds and found["gelu"][2]))
PY
"$work/venv/bin/python" "$work/activations.py"
