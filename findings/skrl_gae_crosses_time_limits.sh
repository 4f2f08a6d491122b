#!/usr/bin/env bash
# skrl 2.1.1, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: without time_limit_bootstrap, its default, skrl's PPO takes a time limit for the end of an episode whose value
# is 0; either way, advantages of one episode do not depend on the next one.
# What happens: compute_gae then stops at terminated steps only, and goes on across a time limit into the next episode:
# it bootstraps from that episode's first value and adds its advantages, so what happens after a reset is credited to
# actions before it. With a value of 5 everywhere, the returns of an episode of four steps change from about 7 to about
# 800 when the next episode's values are 1,000. With time_limit_bootstrap=True, episodes are apart.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet skrl==2.1.1 torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/gae.py" <<'PY'
import sys

import torch
from skrl.agents.torch.ppo import PPO_CFG
from skrl.agents.torch.ppo.ppo import compute_gae


def first_returns(following, name, bootstrap):
    """Return the returns of four steps, up to an end of the given name, before an episode with given values."""
    ends = {each: torch.zeros(8, 1, dtype=torch.bool) for each in ("terminated", "truncated")}
    ends[name][3] = True
    values = torch.full((8, 1), 5.0)
    values[4:] = following
    returns, _ = compute_gae(
        rewards=torch.ones(8, 1),
        values=values,
        last_values=torch.full((1,), following),
        discount_factor=0.99,
        lambda_coefficient=0.95,
        time_limit_bootstrap=bootstrap,
        **ends,
    )
    return returns[:4, 0]


default = PPO_CFG().time_limit_bootstrap
print(f"time_limit_bootstrap is {default} by default")
holds = [default is False]
for name, bootstrap in (("truncated", False), ("truncated", True), ("terminated", False)):
    pair = [first_returns(following, name, bootstrap) for following in (0.0, 1000.0)]
    apart = torch.equal(*pair)
    print(f"{name} after four steps, time_limit_bootstrap={bootstrap}: returns before a next episode of", end=" ")
    print(f"value 0 {pair[0].tolist()}, of value 1000 {pair[1].tolist()}")
    holds.append(apart == (bootstrap or name == "terminated"))
    if not apart:
        holds.append(bool((pair[1] > 700).all()))
sys.exit(not all(holds))
PY
OMP_NUM_THREADS=1 "$work/venv/bin/python" -W ignore "$work/gae.py" 2> /dev/null
