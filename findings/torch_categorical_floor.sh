#!/usr/bin/env bash
# torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: Categorical(probs=softmax(logits)) and Categorical(logits=logits) are one distribution, but for rounding.
# What happens: probabilities are clamped to float32's epsilon before their logarithm is taken. So with `probs` no action
# has a log probability below -15.94, an impossible one included, and rarer ones have no gradient: the score of an action
# with probability e^-20 is 0 in every logit where it should be -1 and 1, so nothing is learned from it, and its ratio in
# PPO is 1 whatever the logits do. KL of (1/2, 1/2) from softmax(0, -100) is 7.28 instead of 49.3, while for exact zeros
# it is infinite. The entropy of a policy that is nearly certain is never below 1e-7. float64 has the floor at -36.04.
# With `logits`, all of this is right, as are draws with both. Bernoulli(probs=...) has the floor too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/floor.py" <<'PY'
import math
import sys

import torch
from torch.distributions import Bernoulli, Categorical, kl_divergence

logits = torch.tensor([0.0, -20.0, -40.0], requires_grad=True)
rare = torch.tensor(1)
by = {"probs": Categorical(probs=torch.softmax(logits, 0)), "logits": Categorical(logits=logits)}
found, score = {}, {}
for name, policy in by.items():
    found[name] = [round(policy.log_prob(torch.tensor(action)).item(), 3) for action in range(3)]
    score[name] = torch.autograd.grad(policy.log_prob(rare), logits, retain_graph=True)[0].tolist()
    print(f"{name}: log probabilities {found[name]}; score of action 1 in each logit {score[name]}")
    print(f"  entropy {policy.entropy().item():.3g}")
moved = torch.tensor([0.0, -30.0, -40.0])
ratio = (Categorical(probs=torch.softmax(moved, 0)).log_prob(rare) - by["probs"].log_prob(rare)).exp().item()
true_ratio = (Categorical(logits=moved).log_prob(rare) - by["logits"].log_prob(rare)).exp().item()
print(f"ratio of action 1 after its logit fell by 10: by probs {ratio}, by logits {true_ratio:.3g}")
even, far = Categorical(probs=torch.tensor([0.5, 0.5])), torch.tensor([0.0, -100.0])
kl = [kl_divergence(even, other).item() for other in (Categorical(probs=torch.softmax(far, 0)), Categorical(logits=far))]
zero = kl_divergence(even, Categorical(probs=torch.tensor([1.0, 0.0]))).item()
print(f"KL of (1/2, 1/2) from softmax(0, -100): by probs {kl[0]:.3f}, by logits {kl[1]:.3f}; from (1, 0): {zero}")
double = Categorical(probs=torch.tensor([1.0, 0.0], dtype=torch.float64)).log_prob(rare).item()
coin = Bernoulli(probs=torch.tensor(1e-10)).log_prob(torch.tensor(1.0)).item()
print(f"an impossible action in float64: {double:.2f}; Bernoulli of 1e-10: {coin:.2f} instead of {math.log(1e-10):.2f}")
holds = found["probs"][1:] == [-15.942, -15.942] and found["logits"] == [0.0, -20.0, -40.0]
holds = holds and score["probs"] == [0.0, 0.0, 0.0] and abs(score["logits"][1] - 1) < 1e-6
holds = holds and ratio == 1.0 and true_ratio < 1e-4 and abs(kl[0] - 7.278) < 0.01 and abs(kl[1] - 49.307) < 0.01
sys.exit(not (holds and math.isinf(zero) and abs(double + 36.04) < 0.01 and abs(coin + 15.94) < 0.01))
PY
"$work/venv/bin/python" "$work/floor.py"
