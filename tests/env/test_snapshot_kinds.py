"""Every kind of state that environments have: restored to the same bits, or refused with the reason."""

from __future__ import annotations

import hashlib
import importlib.machinery
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from env.episodes.batch import EpisodeBatch
from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.snapshot import Unsavable, restore, save
from env.episodes.snapshot.fingerprints import fingerprint
from tests.support.habits import catalog, containers, generators, libraries, objects, out_of_reach, seeds, shared
from tests.support.habits.sled import Sled
from utils.checkpoint.checkpoint import Checkpoint
from utils.checkpoint.state_codec import EncodedState, decode_state


def shared_values() -> list[Any]:
    """Return fingerprints of what all environments share."""
    modules = (containers, generators, libraries, objects, out_of_reach, seeds, shared)
    classes = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    return [fingerprint(value) for holder in (*modules, *classes) for value in vars(holder).values()]


def advance(env: gym.Env[Any, Any], steps: int, seed: int = 0) -> list[bytes]:
    """Return the bits of some steps, across episodes."""
    rng, seen = np.random.Generator(np.random.PCG64(seed)), []
    for _ in range(steps):
        obs, reward, terminated, _, _ = env.step(rng.uniform(-1, 1, 1).astype(np.float32))
        seen += [obs.tobytes(), np.float64(reward).tobytes(), bytes((bool(terminated),))]
        if terminated:
            seen.append(env.reset()[0].tobytes())
    return seen


def begun(make: Any, seed: int, steps: int) -> Any:
    """Return a new environment some steps after its reset."""
    env = make()
    env.reset(seed=seed)
    advance(env, steps)
    return env


def stored(state: Any) -> Any:
    """Return a state as a checkpoint holds it."""
    encoded = EncodedState(state)
    assert not encoded.rows
    return decode_state(encoded.text, {name: array.copy() for name, array in encoded.arrays.items()}, {})


@pytest.mark.parametrize("make", catalog.EXACT, ids=lambda make: make.__name__)
def test_a_fresh_environment_continues_with_the_same_bits(make):
    env, undisturbed = begun(make, 5, 6), begun(make, 5, 6)
    other = begun(make, 8, 3)
    shared = shared_values()
    state = stored(save(env))
    restore(other, state)
    assert shared_values() == shared
    again = begun(make, 9, 2)
    expected = advance(env, 80, 1)
    assert advance(other, 80, 1) == expected
    restore(again, state)
    assert advance(again, 80, 1) == expected
    if make not in (seeds.OwnEntropy, seeds.SeedDropped):  # No two of these are equal.
        assert advance(undisturbed, 80, 1) == expected


SAVE_IN_ANOTHER_PROCESS = """
import hashlib, sys
from pathlib import Path
from env.episodes.snapshot import save
from tests.env.test_snapshot_kinds import advance, begun
from tests.support.habits import catalog
from utils.checkpoint.checkpoint import Checkpoint

for make in catalog.EXACT:
    env = begun(make, 5, 6)
    Checkpoint(Path(sys.argv[1]) / make.__name__, {}).save(save(env), 6)
    print(make.__name__, hashlib.sha256(b"".join(advance(env, 80, 1))).hexdigest())
"""


def test_another_process_continues_with_the_same_bits(tmp_path):
    command = [sys.executable, "-c", SAVE_IN_ANOTHER_PROCESS, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    environ = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environ, cwd=root, capture_output=True, text=True, check=True)
    hashes = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    for make in catalog.EXACT:
        env = begun(make, 8, 3)
        restore(env, Checkpoint(tmp_path / make.__name__, {}).load())
        found = hashlib.sha256(b"".join(advance(env, 80, 1))).hexdigest()
        assert (make.__name__, found) == (make.__name__, hashes[make.__name__])


@pytest.mark.parametrize(
    ("make", "reason"), catalog.UNSAVABLE.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_state_out_of_reach_is_refused(make, reason):
    env = begun(make, 5, 6)
    with pytest.raises(Unsavable, match=reason):
        save(env)


@pytest.mark.parametrize(("make", "reason"), catalog.CHANGED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_shared_state_that_has_changed_is_refused(make, reason):
    state = save(begun(make, 5, 6))
    other = begun(make, 8, 3)
    with pytest.raises(Unsavable, match=reason):
        restore(other, state)


@pytest.mark.parametrize(("make", "reason"), catalog.STREAMS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_process_streams_are_noticed(make, reason):
    batch = EpisodeBatch([Episodes(make(), EpisodeProtocol(50), 3)])
    batch.reset()
    batch.step(np.zeros((1, 1), np.float32), np.ones(1, bool))
    assert batch.state(0) == {"unsavable": reason}


def test_a_client_of_a_module_in_c_is_refused(monkeypatch):
    module: Any = types.ModuleType("pybullet")
    loader = importlib.machinery.ExtensionFileLoader("pybullet", "pybullet.so")
    module.__spec__ = importlib.machinery.ModuleSpec("pybullet", loader)
    module.stepSimulation = float
    monkeypatch.setitem(sys.modules, "pybullet", module)
    with pytest.raises(Unsavable, match="its code uses pybullet, a module in C whose state is out of reach"):
        save(begun(out_of_reach.LibraryClient, 5, 6))
    monkeypatch.setattr(shared, "left", module)
    with pytest.raises(Unsavable, match="its code uses pybullet, a module in C whose state is out of reach"):
        save(begun(Pushed, 5, 6))
    save(begun(generators.OwnStandard, 5, 6))


class Pushed(Sled):
    """An environment that names a module of its module."""

    def gust(self) -> float:
        return shared.left.__doc__ is not None


class Jealous(dict):
    """A dictionary whose methods all fail."""

    def _fail(self, *arguments: Any) -> Any:
        raise SystemError("broken")

    __init__ = __setitem__ = items = __iter__ = __reduce_ex__ = __getattr__ = __setattr__ = _fail


class Broken:
    """An object that tells nothing about itself."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemError("broken")


class Failing(Sled):
    """An environment with an attribute of great depth."""

    def begin(self) -> None:
        self.deep: Any = []
        for _ in range(20_000):
            self.deep = [self.deep]


def test_an_error_while_saving_is_a_reason():
    batch = EpisodeBatch([Episodes(Failing(), EpisodeProtocol(50), 3)])
    batch.reset()
    (reason,) = batch.state(0).values()
    assert reason.startswith("Failing cannot be saved (RecursionError: ")


def test_no_code_of_an_attribute_is_run():
    env = begun(Sled, 5, 6)
    env.jealous = dict.__new__(Jealous)
    dict.__setitem__(env.jealous, "a", 1)
    other = begun(Sled, 6, 2)
    restore(other, save(env))
    assert type(other.jealous) is Jealous
    assert dict.items(other.jealous) == {"a": 1}.items()


def test_an_attribute_that_fails_is_a_reason():
    env = begun(Sled, 5, 6)
    env.broken = Broken()
    with pytest.raises(Unsavable, match=r"Sled cannot be saved \(SystemError: broken\)"):
        save(env)


def test_a_frozen_dataclass_can_be_restored_again_and_again():
    env = begun(objects.Dataclasses, 5, 6)
    for _ in range(3):
        other = begun(objects.Dataclasses, 8, 3)
        pose = other.pose
        restore(other, save(env))
        assert pose == objects.Pose(pose.x, (1, 1, 1))
        assert other.pose == env.pose
        env = other


def test_a_member_of_an_enumeration_keeps_its_name():
    env = begun(objects.EnumState, 5, 1)
    env.gear = objects.Gear.HIGH
    other = begun(objects.EnumState, 8, 0)
    assert other.gear is objects.Gear.LOW
    restore(other, save(env))
    assert other.gear is objects.Gear.HIGH
    assert [gear.name for gear in objects.Gear] == ["LOW", "MID", "HIGH"]


def test_objects_of_a_module_are_referred_to_and_must_be_the_same(monkeypatch):
    env, other = begun(shared.ModuleObject, 5, 7), begun(shared.ModuleObject, 8, 2)
    state = save(env)
    restore(other, state)
    assert other.goal is env.goal is shared.GOALS[1]
    assert other.gains is shared.TABLE["gains"]
    monkeypatch.setitem(shared.TABLE, "gains", np.array([0.1, 0.3]))
    with pytest.raises(Unsavable, match=r"shared\.TABLE(\['gains'\])?, which environments share, has changed"):
        restore(other, state)


def test_models_in_a_module_are_not_written_to(monkeypatch):
    env, other = begun(libraries.BodyMoved, 5, 7), begun(libraries.BodyMoved, 8, 2)
    monkeypatch.setattr(libraries, "MODEL", env.model, raising=False)
    state = save(env)
    env.reset(seed=2)
    mass = env.model.body_mass.tobytes()
    with pytest.raises(Unsavable, match=r"libraries\.MODEL, which environments share, has changed"):
        restore(other, state)
    assert env.model.body_mass.tobytes() == mass


def test_a_set_whose_order_cannot_be_restored_is_refused():
    env = begun(Sled, 5, 1)
    env.seen = set(range(100))
    for number in range(2, 99):
        env.seen.discard(number)
    env.seen.add(1 << 7)
    with pytest.raises(Unsavable, match=r"Sled\.seen is a set whose order depends on what it contained before"):
        save(env)


def test_a_failed_restoration_leaves_the_environment_as_its_reset_did():
    env, other = begun(libraries.BodyMoved, 5, 7), begun(libraries.BodyMoved, 8, 2)
    state = save(env)
    state["shared"] = (("odd", ("value",), "0"),)
    expected = begun(libraries.BodyMoved, 0, 0)
    with pytest.raises(Unsavable, match=r"odd\.value, which environments share, has changed"):
        restore(other, state)
    assert other.model.body_mass.tobytes() == expected.model.body_mass.tobytes()
    assert advance(other, 20) == advance(expected, 20)


def test_an_object_that_draws_and_has_no_place_is_refused():
    import pygame

    env, other = begun(libraries.PygameSprite, 5, 3), begun(libraries.PygameSprite, 8, 2)
    env.ball.image = pygame.Surface((2, 2))
    env.balls = pygame.sprite.Group(env.ball)
    del env.ball
    state = save(env)
    with pytest.raises(Unsavable, match=r"PygameSprite\.balls\.\S* is not there; it was a pygame\.\S*Surface"):
        restore(other, state)


def test_objects_that_draw_are_kept():
    import pygame

    env, other = begun(libraries.PygameSprite, 5, 3), begun(libraries.PygameSprite, 8, 2)
    env.ball.image, env.screen = pygame.Surface((2, 2)), pygame.Surface((3, 3))
    image = other.ball.image = pygame.Surface((2, 2))
    other.reset = lambda seed: None  # It would make another ball.
    restore(other, save(env))
    assert other.ball.image is image
    assert not hasattr(other, "screen")
