"""Steps of a stack's pendulums in machine code: the bits of one pendulum at a time, whatever happens between steps."""

from __future__ import annotations

import numpy as np
import pytest

from agent.engine.build import CannotCompile, find_compiler, instruction_flags, load_library
from env import EpisodeBatch, EpisodeProtocol, Episodes, make_env
from utils.core.transition import Step

RUNS = 5


def make_batch(**options: object) -> EpisodeBatch:
    protocol = EpisodeProtocol(**{"steps_per_episode": 7} | options)  # type: ignore[arg-type]
    return EpisodeBatch([Episodes(make_env("Pendulum-v1"), protocol, seed) for seed in range(RUNS)])


def compiled(batch: EpisodeBatch) -> EpisodeBatch:
    try:
        find_compiler(), instruction_flags()
    except CannotCompile as reason:
        pytest.skip(str(reason))
    batch.compile_steps(load_library)
    assert batch._stack_steps is not None
    return batch


def assert_same_bits(ours: Step, theirs: Step) -> None:
    for name, a, b in zip(Step._fields, ours, theirs, strict=True):
        np.testing.assert_array_equal(a.view(np.uint8), b.view(np.uint8), err_msg=name)
        assert a.dtype == b.dtype


@pytest.mark.parametrize(
    "options",
    [{}, {"start_state": (3.0, -7.5)}, {"overwrite_rewards": True, "rewards": {"timestep": -1.0, "goal": 0.0}}],
    ids=["plain", "start state", "other rewards"],
)
def test_has_the_bits_of_single_pendulums(options):
    """Over 3,000 steps with torques beyond the bounds, idle slots, and a state that is saved and loaded."""
    ours, theirs = compiled(make_batch(**options)), make_batch(**options)
    rng = np.random.Generator(np.random.PCG64(0))
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    for step in range(3000):
        action = rng.normal(0, 2, (RUNS, 1)).astype(np.float32)
        active = rng.random(RUNS) < 0.8
        assert_same_bits(ours.step(action, active), theirs.step(action, active))
        if step % 100 == 50:
            saved = theirs.state(1)
            for batch in (ours, theirs):
                assert batch.load_state(3, saved) is None
    np.testing.assert_array_equal(ours.obs, theirs.obs)


def test_a_saved_state_is_that_of_single_pendulums():
    ours, theirs = compiled(make_batch()), make_batch()
    action = np.full((RUNS, 1), 0.5, np.float32)
    for batch in (ours, theirs):
        batch.reset()
        batch.step(action, np.ones(RUNS, bool))
    for a, b in ((ours, theirs), (theirs, ours)):
        assert a.load_state(0, b.state(2)) is None
    assert_same_bits(*(batch.step(action, np.ones(RUNS, bool)) for batch in (ours, theirs)))


def test_a_rendered_pendulum_is_stepped_by_itself():
    protocol = EpisodeProtocol(steps_per_episode=7)
    batch = EpisodeBatch([Episodes(make_env("Pendulum-v1", render_mode="rgb_array"), protocol, 0)])
    batch.compile_steps(load_library)
    assert batch._stack_steps is None
