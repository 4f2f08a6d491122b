#!/usr/bin/env bash
# flashbax 0.1.3, jax 0.10.2 (CPU), numpy 2.4.6, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a prioritized replay of flashbax draws a transition with its share of all priorities, to about float32's
# precision, as its sum tree is updated exactly along the path from each transition to the root.
# What happens: an update adds the difference of new and old priority, in float32, to each sum on the path. With a million
# transitions near priority 1, differences below 0.03 are lost in the root, and those below 0.015 one level below. So
# when each update lowers a priority by 3%, as errors do that shrink, the root never changes: after ten updates of each
# transition it is a third too large. Draws beyond the true sum go to the end of the replay: its last eighth gets 39% of
# the draws. The probabilities in the sample, for importance weights, are a quarter too small. If one large update takes
# the place of ten small ones, errors are below 2%, and with 16,384 transitions below 0.1%.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet flashbax==0.1.3 jax==0.10.2 numpy==2.4.6 2> /dev/null

cat > "$work/replay.py" <<'PY'
import sys

import flashbax
import jax
import jax.numpy as jnp
import numpy as np

BATCH = 2**14


def after_updates(size, factors):
    """Fill a replay with transitions of priority 1, multiply all priorities by each factor; return root and draws."""
    replay = flashbax.make_prioritised_flat_buffer(
        max_length=size,
        min_length=1,
        sample_batch_size=1000,
        add_sequences=True,
        priority_exponent=1.0,
        device="cpu",
    )
    add, update = (jax.jit(f, donate_argnums=0) for f in (replay.add, replay.set_priorities))
    state = replay.init(jnp.zeros((), jnp.int32))
    for start in range(0, size, BATCH):
        state = add(state, jnp.arange(start, start + BATCH, dtype=jnp.int32))
    priority = 1.0
    for factor in factors:
        priority *= factor
        for start in range(0, size, BATCH):
            state = update(state, jnp.arange(start, start + BATCH), jnp.full(BATCH, priority))
    samples = [replay.sample(state, jax.random.key(number)) for number in range(10)]
    places = np.concatenate([sample.indices for sample in samples])
    root = float(state.sum_tree_state.nodes[0]) / (priority * (size - 1))
    reported = float(np.mean([sample.probabilities for sample in samples])) * (size - 1)
    return root, reported, np.histogram(places, 8, (0, size))[0] / len(places)


found = {}
for size, factors in ((2**20, [0.97] * 10), (2**20, [0.97**10]), (2**14, [0.97] * 10)):
    root, reported, eighths = found[size, len(factors)] = after_updates(size, factors)
    print(f"{size} transitions, {len(factors)} updates of each: root / sum of priorities {root:.4f};", end=" ")
    print(f"reported / true probability {reported:.4f}; draws by eighths of the replay {eighths.round(3)}")
root, reported, eighths = found.pop((2**20, 10))
wrong = root > 1.3 and reported < 0.8 and eighths[7] > 0.3
right = all(abs(r - 1) < 0.03 and abs(p - 1) < 0.03 and abs(e - 0.125).max() < 0.02 for r, p, e in found.values())
sys.exit(not (wrong and right and abs(found[2**14, 10][0] - 1) < 1e-3))
PY
JAX_PLATFORMS=cpu "$work/venv/bin/python" "$work/replay.py"
