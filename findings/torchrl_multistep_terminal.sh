#!/usr/bin/env bash
# torchrl 0.14.1, tensordict 0.14.3, torch 2.13.0 (CPU), Python 3.11, x86-64; 2026-11-28.
#
# Guess: an n-step transition whose n steps reach a terminal state is marked as terminated, as in other libraries, so
# its target is the sum of its rewards.
# What happens: MultiStep and MultiStepTransform move the next observation and sum the rewards, but leave the flags of
# the first step: only the last transition of an episode is marked. The n - 1 transitions before it have the terminal
# state as their next observation and are not terminated, so TorchRL's own estimators bootstrap from a state whose value
# is 0 and is never learned: from a network that says 100, the target two steps before the end is 82.9 instead of 1.9.
# The mask "nonterminal" that MultiStep adds is true for them, too. (Transitions up to a time limit are right.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torchrl==0.14.1 tensordict==0.14.3 torch==2.13.0 numpy==2.4.6 2> /dev/null

cat > "$work/steps.py" <<'PY'
import sys

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.data import LazyTensorStorage, ReplayBuffer
from torchrl.data.postprocs import MultiStep
from torchrl.envs.transforms.rb_transforms import MultiStepTransform
from torchrl.objectives.value import TD0Estimator

LENGTH, STEPS, GAMMA, VALUE = 6, 3, 0.9, 100.0


def episode():
    """Return an episode from state 0 to state 6, which is terminal, with a reward of 1 in each step."""
    obs = torch.arange(float(LENGTH))[:, None]
    end, never = obs == LENGTH - 1, obs < 0
    after = {"observation": obs + 1, "reward": torch.ones_like(obs), "done": end, "terminated": end, "truncated": never}
    return TensorDict({"observation": obs, "next": after}, [LENGTH])


def targets(data):
    value = TensorDictModule(lambda obs: obs * 0 + VALUE, in_keys=["observation"], out_keys=["state_value"])
    estimates = TD0Estimator(gamma=GAMMA, value_network=value).value_estimate(data)
    return [round(float(estimate), 2) for estimate in estimates.flatten()]


def expected(state):
    count = min(STEPS, LENGTH - state)
    rewards = sum(GAMMA**step for step in range(count))
    return round(rewards + (GAMMA**count * VALUE if state + count < LENGTH else 0.0), 2)


processed = MultiStep(gamma=GAMMA, n_steps=STEPS)(episode()[None])[0]
buffer = ReplayBuffer(storage=LazyTensorStorage(100), transform=MultiStepTransform(n_steps=STEPS, gamma=GAMMA))
buffer.extend(episode())
buffer.extend(episode())
stored = buffer[:LENGTH]
right = [expected(state) for state in range(LENGTH)]
found = targets(processed), targets(stored)
print(f"next states: {[int(obs) for obs in processed['next', 'observation'].flatten()]}, of which {LENGTH} is terminal")
print(f"terminated: {processed['next', 'terminated'].flatten().int().tolist()}")
print(f"nonterminal: {processed['nonterminal'].flatten().int().tolist()}")
print(f"targets after MultiStep: {found[0]}, from a replay with MultiStepTransform: {found[1]}")
print(f"expected: {right}")
wrong = [[state for state in range(LENGTH) if abs(row[state] - right[state]) > 0.1] for row in found]
sys.exit(wrong != [[3, 4], [3, 4]])
PY
"$work/venv/bin/python" -W ignore "$work/steps.py" 2> /dev/null | grep -v INFO
