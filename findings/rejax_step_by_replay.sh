#!/usr/bin/env bash
# rejax 0.1.3, gymnax 0.0.9, jax 0.5.3 (CPU), Python 3.11; 2026-11-28.
#
# Guess: a training step of rejax's SAC takes as long with a replay of 100,000 transitions as with one of 1,000, since a
# step adds one transition and reads a batch of 32.
# What happens: it takes about six times as long. The batch is drawn without replacement (ReplayBuffer.sample:
# jax.random.choice with replace=False and p), which draws and ranks a number for each place of the replay, in each step.
# With a sample drawn with replacement, the capacity makes no difference.
# So speeds of rejax are comparable only if the capacity of the replay is the same.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rejax==0.1.3 gymnax==0.0.9 jax==0.5.3 jaxlib==0.5.3 flax==0.10.6 optax==0.2.8 \
    chex==0.1.90 distrax==0.1.5 numpy==2.4.6 2> /dev/null

cat > "$work/replay.py" <<'PY'
import sys
import time

import jax
import rejax
from rejax.buffers import ReplayBuffer

STEPS = 300


def microseconds_per_step(capacity):
    learner = rejax.get_algo("sac").create(
        env="Pendulum-v1", hidden_layer_sizes=(64, 64), batch_size=32, buffer_size=capacity, fill_buffer=32,
        num_envs=1, skip_initial_evaluation=True, eval_freq=STEPS, total_timesteps=STEPS,
    ).replace(eval_callback=lambda learner, state, key: 0.0)
    state = jax.jit(learner.init_state)(jax.random.PRNGKey(0))
    train = jax.jit(lambda state: learner.train(train_state=state)[0], donate_argnums=0)
    times = []
    for _ in range(6):
        start = time.process_time()
        state = jax.block_until_ready(train(state))
        times.append((time.process_time() - start) / STEPS * 1e6)
    return min(times[1:])


def sample_with_replacement(self, num, key):
    index = jax.random.randint(key, (num,), 0, self.num_entries)
    return jax.tree.map(lambda array: array[index], self.data)


small, large = microseconds_per_step(1_000), microseconds_per_step(100_000)
print(f"microseconds of CPU time per step: replay of 1,000: {small:.0f}, of 100,000: {large:.0f}")
ReplayBuffer.sample = sample_with_replacement
other = microseconds_per_step(100_000)
print(f"with replacement, replay of 100,000: {other:.0f}")
sys.exit(not (large > 3 * small and other < 1.5 * small))
PY
export JAX_PLATFORMS=cpu XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
"$work/venv/bin/python" "$work/replay.py"
