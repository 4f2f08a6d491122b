"""gymnasium's environments: classic control, MuJoCo, a user's own module, and errors for unknown names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import mujoco
import numpy as np
import pytest

from env import EpisodeProtocol, Episodes, UnknownEnvironment, make_env
from env.registered import MUJOCO_CHANGES
from utils.core.errors import suggestion
from utils.results.schema import read_result

ROOT = Path(__file__).resolve().parents[2]
CLASSIC = [name for name, spec in gym.registry.items() if "envs.classic_control." in str(spec.entry_point)]
RUNNING = [f"{base}-v{version}" for base in MUJOCO_CHANGES for version in (4, 5) if (base, version) != ("Pusher", 4)]
OLD = [name for name in gym.registry if name.rpartition("-")[0] in MUJOCO_CHANGES and name not in RUNNING]


def test_the_lists_match_gymnasiums_registry():
    assert sorted(CLASSIC) == [
        "Acrobot-v1", "CartPole-v0", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1",
    ]  # fmt: skip
    assert set(RUNNING) <= gym.registry.keys()
    assert {name.rpartition("-")[0] for name in OLD} == set(MUJOCO_CHANGES)
    assert {name[-3:] for name in OLD} == {"-v2", "-v3", "-v4"}
    assert int(mujoco.__version__.split(".")[0]) in (3, 4)


@pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date")
@pytest.mark.parametrize("name", [*CLASSIC, *RUNNING])
def test_it_runs(name):
    episodes = Episodes(make_env(name), EpisodeProtocol(20), seed=0)
    rng, env_ = np.random.default_rng(0), episodes.env
    obs = episodes.reset()
    for _ in range(25):
        assert obs.shape == env_.observation_space.shape
        assert np.isfinite(obs).all()
        if episodes.discrete:
            action: np.ndarray = rng.integers(env_.action_space.n, size=1)
        else:
            assert episodes.action_bounds is not None
            action = rng.uniform(*episodes.action_bounds)
        obs, _, terminated, truncated = episodes.step(action)
        if terminated or truncated:
            obs = episodes.reset()


def test_why_mujoco_cannot_be_imported_is_stated(tmp_path):
    """As after an upgrade in place from 3.3.7 to 4.0.0, of which Gymnasium says that MuJoCo is not installed."""
    (tmp_path / "mujoco.py").write_text("raise ImportError('its core is missing.\\nRepair it')")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\nfrom env import make_env\n"
        "try:\n    make_env('Hopper-v5')\nexcept ValueError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    start, end = (
        "env_name: 'Hopper-v5' cannot be made (MuJoCo is not installed, ",
        "; reason: its core is missing. Repair it)\n",
    )
    assert (done.stdout[: len(start)], done.stdout[-len(end) :]) == (start, end)


@pytest.mark.parametrize("name", [*OLD, "Hopper-v0", "Ant-v1"])
def test_old_mujoco_is_refused_with_a_list_of_changes(name):
    base = name.rpartition("-")[0]
    with pytest.raises(ValueError, match=rf"'{name}' cannot be made .* allowed: '{base}-v5' \(new in it: ") as caught:
        make_env(name)
    assert "\n" not in str(caught.value)
    assert MUJOCO_CHANGES[base] in str(caught.value)
    assert (f"or '{base}-v4'" in str(caught.value)) == (base != "Pusher")


def test_the_changes_in_v5():
    """The environments differ as the messages say."""
    sizes = {
        n: np.prod(make_env(n).observation_space.shape or ()) for n in ("Ant-v4", "Ant-v5", "Reacher-v4", "Reacher-v5")
    }
    assert sizes == {"Ant-v4": 27, "Ant-v5": 105, "Reacher-v4": 11, "Reacher-v5": 10}
    frictions = [make_env(name).model.geom("foot_left_geom").friction[0] for name in ("Walker2d-v4", "Walker2d-v5")]
    assert frictions == [1.9, 1.9]
    assert make_env("Walker2d-v4").model.geom("foot_geom").friction[0] == 0.9
    assert make_env("Walker2d-v5").model.geom("foot_geom").friction[0] == 1.9
    for name, alive in (("InvertedPendulum-v4", 1.0), ("InvertedPendulum-v5", 0.0)):
        fallen = Episodes(make_env(name), EpisodeProtocol(10, start_state=[0.0, 0.5, 0.0, 0.0]), seed=0)
        fallen.reset()
        assert fallen.step(np.zeros(1))[1:3] == (alive, True)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("MinAtarBreakot", "MinAtarBreakout"),
        ("MinAtar/Breakout-v1", "MinAtarBreakout"),
        ("puddleworld", "PuddleWorld-v1"),
        ("Hopper", "Hopper-v5"),
        ("Pendulum-v11", "Pendulum-v1"),
        ("cgw", "CGW"),
        ("MountainCarContinuous-v1", "MountainCarContinuous-v0"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(name, near):
    with pytest.raises(UnknownEnvironment, match=rf"'{re.escape(name)}' cannot be made") as caught:
        make_env(name)
    assert suggestion(caught.value.name, caught.value.allowed) == f"; did you mean '{near}'?"


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Ant-v5", {"xml_file": "nothing.xml"}, "nothing.xml does not exist"),
        ("FrozenLake-v1", {"map_name": "9x9"}, "9x9"),
        ("Pendulum-v1", {"gravity": 9.8}, "unexpected keyword argument 'gravity'"),
    ],
)
def test_arguments_that_the_environment_refuses(name, kwargs, message):
    with pytest.raises(ValueError, match=f"'{name}' cannot be made with .*{message}"):
        make_env(name, **kwargs)


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("Bimodal", {"reward_variance": "no"}, "env_kwargs.reward_variance: found 'no'; allowed: true or false"),
        ("MinAtarAsterix", {"difficulty_ramping": 1}, "env_kwargs.difficulty_ramping: found 1; allowed: true or"),
        ("ContinuousGridWorld", {"noise": True}, "env_kwargs.noise: found True; allowed: neither true nor false"),
    ],
)
def test_booleans_are_accepted_for_boolean_arguments_only(name, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_env(name, **kwargs)


OWN_MODULE = """
import gymnasium as gym
import numpy as np

class Corridor(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gym.spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, length=10.0, render_mode=None):
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = 0.0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.position += float(action[0])
        return np.array([self.position], np.float32), -1.0, self.position >= self.length, False, {}

gym.register("CorridorOfAUser-v0", entry_point="module_of_a_user:Corridor")
"""


def test_an_environment_in_a_users_own_module(files, tmp_path):
    """The module is on PYTHONPATH; "module:Name-v0" imports it, in worker processes too."""
    (tmp_path / "module_of_a_user.py").write_text(OWN_MODULE)
    protocol = files.environment(env_name="module_of_a_user:CorridorOfAUser-v0", env_kwargs={"length": 5.0})
    agent = files.write("random.json", {"agent_name": "Random", "parameters": {}})
    arguments = ["--env-json", protocol, "--agent-json", agent, "--save-dir", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "main.py", *arguments, "--runs", "2", "--jobs", "2"], cwd=ROOT, check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "module_of_a_user-CorridorOfAUser-v0_Random"
    assert len(list(folder.glob("*.json"))) == 2


ORDERED_MODULE = """
import gymnasium as gym
import numpy as np


class Ordered(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.parts = {f"part {number}" for number in range(50)}
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), float(next(iter(self.parts))[5:]), False, False, {}


gym.register("OrderedByHashes-v0", entry_point="module_with_a_set:Ordered")
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_order_of_a_set_of_strings_is_the_same_in_every_process(jobs, files, tmp_path):
    """The reward is the number of the first of 50 strings, so that two orders agree in it by chance rarely."""
    (tmp_path / "module_with_a_set.py").write_text(ORDERED_MODULE)
    protocol = files.environment(env_name="module_with_a_set:OrderedByHashes-v0")
    agent = files.write("random.json", {"agent_name": "Random", "parameters": {}})
    returns = set()
    for seed in ("1", "2", "random"):
        out = tmp_path / seed
        arguments = ["--env-json", protocol, "--agent-json", agent, "--save-dir", str(out), "--runs", "2"]
        done = subprocess.run(
            [sys.executable, "main.py", *arguments, "--jobs", jobs], cwd=ROOT, check=False, capture_output=True,
            env=os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": seed}, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        returns |= {str(read_result(path).run["train_episode_rewards"]) for path in out.glob("*/*.json")}
    assert len(returns) == 1
