"""Script that trains rejax's SAC on gymnax's Pendulum-v1; runs train together by `jax.vmap`.

rejax always tunes the temperature. Everything that is not set here is its default.
"""

from __future__ import annotations

import time
from typing import Any

import gymnax
import jax
import rejax

from utils.benchmarking.peers.serving import Sizes, Training, serve


def make_learner(sizes: Sizes) -> Any:
    """Return a learner that trains for `sizes.steps` steps at a time and never evaluates."""
    env, params = gymnax.make("Pendulum-v1")
    learner = rejax.get_algo("sac").create(
        env=env, env_params=params.replace(max_steps_in_episode=1000), num_envs=1, num_epochs=1,
        hidden_layer_sizes=(sizes.hidden, sizes.hidden), batch_size=sizes.batch, buffer_size=sizes.replay,
        fill_buffer=sizes.batch, learning_rate=1e-3, gamma=0.99, polyak=0.995, skip_initial_evaluation=True,
        eval_freq=sizes.steps, total_timesteps=sizes.steps,
    )  # fmt: skip
    return learner.replace(eval_callback=lambda learner, state, key: 0.0)


def make_training(sizes: Sizes) -> Training:
    """Compile the training of all runs."""
    learner = make_learner(sizes)

    def train_one(state: Any) -> Any:
        return learner.train(train_state=state)[0]

    def train_all(states: Any) -> Any:
        """Train each run. They share the count of steps, so that vmap keeps its conditions instead of both branches."""
        count = states.global_step[0]
        return jax.vmap(lambda state: train_one(state.replace(global_step=count)))(states)

    keys = jax.random.split(jax.random.PRNGKey(0), sizes.runs)
    alone = sizes.runs == 1
    state = jax.jit(learner.init_state)(keys[0]) if alone else jax.jit(jax.vmap(learner.init_state))(keys)
    start = time.perf_counter()
    compiled = jax.jit(train_one if alone else train_all, donate_argnums=0).lower(state).compile()
    compile_seconds = time.perf_counter() - start

    def train() -> None:
        nonlocal state
        state = jax.block_until_ready(compiled(state))

    return Training(train, compile_seconds)


if __name__ == "__main__":
    serve(make_training)
