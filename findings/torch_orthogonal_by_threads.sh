#!/usr/bin/env bash
# torch 2.13.0 (CPU, with MKL), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: with one seed and one version of torch, a network is initialized to the same weights, whatever the number of
# threads is: drawing numbers is sequential, and 64 x 64 weights are too few to be worth sharing out.
# What happens: orthogonal initialization, the usual one of PPO and A2C, draws a normal matrix and takes the Q of its QR
# decomposition, which MKL computes by other blocks with two threads than with one. From a layer of 64 x 64 on, the weights
# differ in their last bits, and the run with them. The drawn numbers, and Xavier's and Kaiming's initialization, do not.
# So a run is repeated to the bit only if torch.set_num_threads, or the number of cores that a job gets, is the same before
# the network is made, not only while it is trained.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/threads.py" <<'PY'
import sys

import torch

INITIALIZERS = ("orthogonal_", "xavier_uniform_", "kaiming_uniform_")


def weights(name, shape, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return getattr(torch.nn.init, name)(torch.empty(shape))


print("MKL:", torch.backends.mkl.is_available())
found = {}
for name in INITIALIZERS:
    for shape in ((64, 64), (256, 256), (512, 512)):
        one, again, two = (weights(name, shape, threads) for threads in (1, 1, 2))
        assert torch.equal(one, again)
        found[name, shape] = float((one - two).abs().max())
        print(f"{name:17} {shape}: largest difference between one thread and two {found[name, shape]:.1e}")
orthogonal = [difference for (name, _), difference in found.items() if name == "orthogonal_"]
others = [difference for (name, _), difference in found.items() if name != "orthogonal_"]
sys.exit(not (min(orthogonal) > 0 and max(others) == 0))
PY
"$work/venv/bin/python" "$work/threads.py"
