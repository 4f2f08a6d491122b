"""Environments with habits, trained: alone as in a stack, resumed as the result states, refused, or failed by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, MultiDiscrete

from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.habits.catalog import HABITS
from tests.support.habits.seeds import NumpyStream
from tests.support.habits.sled import GymStream, Sled
from tests.support.resuming import CONDITIONS, make_loop, run_to, save_checkpoints
from utils.checkpoint.checkpoint import Checkpoint
from utils.core.errors import BadInput
from utils.core.random_streams import env_seed
from utils.results.schema import Result
from utils.training.resume import resume_loop
from utils.wiring import build
from utils.wiring.environments import build_env, check_environment
from utils.wiring.run import TrainingFailed
from utils.wiring.run import train as train_files

PROTOCOL = {
    "total_timesteps": 90, "steps_per_episode": 23, "eval_interval_timesteps": 40, "eval_episodes": 2, "gamma": 0.9,
    "record": ["train_states", "eval_states"],
}  # fmt: skip
SMALL = {"hidden_dim": [16], "batch_size": [8]}
REFUSED = ("MadeFromEntropy", "OwnEntropy", "SeedDropped", "Clock", "Curriculum", "CommonBuffer")


class NanPlace(GymStream):
    """Its observation is not a number at step 5 of an episode."""

    def obs(self) -> np.ndarray:
        return np.array((np.nan if getattr(self, "steps", 0) == 5 else self.place, self.speed), np.float32)


class InfiniteReward(GymStream):
    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, *rest = super().step(action)
        return obs, (-np.inf if self.steps == 5 else reward), *rest


class LateGear(GymStream):
    """Shifts at some step into a gear that its space does not have."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.steps = at, 0
        parts: Any = {"speed": Box(-9.0, 9.0, (1,)), "gears": MultiDiscrete([3, 2])}
        self.observation_space: Any = gym.spaces.Dict(parts)

    def obs(self) -> Any:
        return {"speed": np.array([self.speed], np.float32), "gears": np.array([3 * (self.steps == self.at), 1])}

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, _, *rest = super().step(action)
        return obs, reward, False, *rest


class Licensed(GymStream):
    """Takes one of few licences, which `close` gives back."""

    taken: ClassVar[int] = 0

    def __init__(self, most: int = 4) -> None:
        super().__init__()
        Licensed.taken += 1
        self.open = True
        if Licensed.taken > most:
            raise RuntimeError(f"{Licensed.taken} sleds want {most} licences")

    def close(self) -> None:
        Licensed.taken -= self.open
        self.open = False


@pytest.fixture(autouse=True)
def _registered():
    made: dict[str, Any] = HABITS | {kind.__name__: kind for kind in (NanPlace, InfiniteReward, LateGear, Licensed)}
    for name, kind in made.items():
        gym.register(f"{name}-v0", kind)
    Licensed.taken = 0
    yield
    for name in made:
        del gym.registry[f"{name}-v0"]


def experiment_on(name, tmp_path, agent="SAC", **protocol):
    return make_experiment(
        PROTOCOL | {"env_name": f"{name}-v0"} | protocol, SMALL if agent == "SAC" else {}, tmp_path, agent
    )


@dataclass
class Files:
    """Paths of two configuration files."""

    agent_json: str
    env_json: str

    def train(self, out: Path, **options: Any) -> list[Result]:
        """Train runs and return their results."""
        return train_files(self.agent_json, self.env_json, save_dir=str(out), **options)


@pytest.fixture
def files(tmp_path):
    """Return a function that writes configuration files for an environment."""

    def write(name: str, agent: str = "SAC", **protocol: Any) -> Files:
        agent_json, env_json = tmp_path / "agent.json", tmp_path / "environment.json"
        agent_json.write_text(json.dumps({"agent_name": agent, "parameters": SMALL if agent == "SAC" else {}}))
        env_json.write_text(json.dumps(PROTOCOL | {"env_name": f"{name}-v0"} | protocol))
        return Files(str(agent_json), str(env_json))

    return write


@pytest.mark.parametrize("habit", [name for name in HABITS if name not in REFUSED])
def test_a_run_is_the_same_alone_and_resumed_exactly_or_approximately_as_it_states(habit, tmp_path):
    experiment = experiment_on(habit, tmp_path)
    straight = train(experiment, [0, 1])
    assert_same_bits(train(experiment, [1])[0], straight[1])
    loop = make_loop(experiment, [0, 1])
    run_to(loop, 52)
    save_checkpoints(loop, [0, 1], tmp_path)
    resumed = make_loop(experiment, [1])
    reasons = resume_loop(resumed, [Checkpoint(tmp_path / "1", CONDITIONS).load()])
    (record,) = resumed.run()
    exact = check_environment(experiment).exact_resume
    assert (reasons == {}) == exact
    assert record.resume_provenance() == {"resume": "exact" if exact else "approximate", "resumed_at": [52]}
    assert record.timesteps == 90
    if exact:
        assert_same_bits(record, straight[1])


def test_the_habits_that_no_checkpoint_can_hold_are_known(tmp_path):
    """Others may become exact when more can be saved."""
    assert not check_environment(experiment_on("Memo", tmp_path)).exact_resume
    for habit in (
        "Counted",
        "Sled",
        "GymStream",
        "NumpyStream",
        "NumpyStreamReseeded",
        "TorchStream",
        "History",
        "LegacySeed",
    ):
        assert check_environment(experiment_on(habit, tmp_path)).exact_resume


@pytest.mark.parametrize("habit", REFUSED)
def test_what_is_not_a_function_of_its_seed_is_refused(habit, tmp_path):
    experiment = experiment_on(habit, tmp_path)
    message = (
        f"environment.json: env_name: '{habit}-v0' is not a function of its seed: .* likely cause: .*; allowed: .*"
    )
    with pytest.raises(BadInput, match=message + '"allow_nondeterminism": true'):
        build.check_buildable(experiment, [experiment.run(0)])


@pytest.mark.parametrize("habit", ["OwnEntropy", "Curriculum"])
def test_it_trains_where_that_is_allowed_and_the_result_states_it(habit, files, tmp_path, caplog):
    (result,) = files(habit, allow_nondeterminism=True).train(tmp_path / "out", index=0)
    origin = result.run["provenance"]
    assert origin["deterministic"] is False
    assert (origin["env_resume"], origin["rollout_hash"]) == ("approximate", None)
    assert "not a function of its seed: two instances" in origin["env_notes"][0]
    assert origin["env_notes"][0] in caplog.text
    assert result.experiment["environment"]["allow_nondeterminism"] is True


def test_a_sound_environment_has_nothing_to_note(files, tmp_path, caplog):
    (result,) = files("GymStream").train(tmp_path / "out", index=0)
    origin = result.run["provenance"]
    assert origin["deterministic"] is True
    assert (origin["env_resume"], origin["env_notes"]) == ("exact", [])
    assert origin["env_seed"] == env_seed(0, "env") >= 2**31
    assert "environment '" not in caplog.text
    assert "allow_nondeterminism" not in result.experiment["environment"]


def test_evaluations_that_depend_on_earlier_ones_are_noted(files, tmp_path):
    (result,) = files("Counted").train(tmp_path / "out", index=0)
    first, *_ = result.run["provenance"]["env_notes"]
    assert first.startswith("a reset with a seed does not undo what happened before, so that evaluations depend on")


def test_a_reduced_seed_and_own_streams_are_noted(files, tmp_path, caplog):
    (result,) = files("LegacySeed").train(tmp_path / "out", index=1)
    assert result.run["provenance"]["env_seed"] == env_seed(1, "env") % (2**31 - 1)
    assert "environment 'LegacySeed-v0': its reset refuses seeds of 64 bits" in caplog.text
    files("NumpyStream").train(tmp_path / "out", index=0)
    assert "environment 'NumpyStream-v0': draws from global random streams" in caplog.text
    files("Memo").train(tmp_path / "out", index=0)
    assert "environment 'Memo-v0': a run that is interrupted will resume approximately: " in caplog.text


def test_the_new_key_of_a_protocol_does_not_change_the_keys_of_runs(tmp_path):
    def key(**protocol):
        return experiment_on("Sled", tmp_path, **protocol).run(3).key

    assert key() == key(allow_nondeterminism=False) != key(allow_nondeterminism=True)
    tree = experiment_on("Sled", tmp_path)._protocol
    assert [*tree][-1] == "use_full_tile_coding"


@pytest.mark.parametrize("agent", ["SAC", "linearAC"])
@pytest.mark.parametrize(
    ("name", "entry"), [("NanPlace", "observation[0] = nan"), ("InfiniteReward", "reward = -inf")]
)  # fmt: skip
def test_what_is_not_finite_is_blamed_on_the_environment(name, entry, agent, files, tmp_path):
    """In training at step 5, or in the evaluation before it."""
    for episodes, timestep, where in ((0, 4, ""), (1, 0, " in an evaluation")):
        out = tmp_path / f"out{episodes}"
        with pytest.raises(TrainingFailed):
            files(name, agent, eval_episodes=episodes).train(out, index=0)
        assert not [*out.glob("*/*.json")]
        (path,) = out.glob("*/failures/*.json")
        failure = json.loads(path.read_text())
        assert failure["reason"] == f"its environment '{name}-v0' returned {entry} at step 5 of an episode{where}"
        assert (failure["status"], failure["timesteps_done"]) == ("failed", timestep)


GEAR = "returned observation['gears'][0] = 3 at step {} of an episode; allowed: an integer from 0 to 2"


def test_an_observation_outside_its_space_is_blamed_on_the_environment(files, tmp_path):
    """No episode before training has 250 steps."""
    late = files("LateGear", env_kwargs={"at": 250}, total_timesteps=260, steps_per_episode=260, eval_episodes=0)
    with pytest.raises(TrainingFailed):
        late.train(tmp_path / "out", index=0)
    (path,) = tmp_path.glob("out/*/failures/*.json")
    failure = json.loads(path.read_text())
    assert failure["reason"] == f"its environment 'LateGear-v0' {GEAR.format(250)}"
    assert (failure["status"], failure["timesteps_done"]) == ("failed", 249)


def test_an_observation_outside_its_space_is_refused_if_the_probe_meets_it(tmp_path):
    with pytest.raises(BadInput) as refusal:
        check_environment(experiment_on("LateGear", tmp_path, env_kwargs={"at": 12}))
    assert str(refusal.value) == f"environment.json: env_name: 'LateGear-v0' {GEAR.format(12)}"


def test_environments_are_closed_at_the_end_of_every_stack(files, tmp_path):
    results = files("Licensed").train(tmp_path / "out", runs=6, stack=2)
    assert [result.run["status"] for result in results] == ["completed"] * 6
    assert Licensed.taken == 0


def test_environments_are_closed_if_one_of_a_stack_cannot_be_made(tmp_path):
    experiment = experiment_on("Licensed", tmp_path)
    check_environment(experiment)
    with pytest.raises(BadInput, match="5 sleds want 4 licences"):
        build.build_stack(experiment, [experiment.run(i) for i in range(3)])
    assert Licensed.taken == 1  # The one that raised an error in its constructor.


def test_environments_are_closed_after_a_failed_start_state(tmp_path):
    with pytest.raises(BadInput, match="start_state"):
        build_env(experiment_on("Licensed", tmp_path, start_state=[0.0]), 0)
    assert Licensed.taken == 0


def test_a_reset_without_a_pair_is_refused(tmp_path):
    class Old(Sled):
        def reset(self, **options: Any) -> Any:
            return super().reset(**options)[0]

    made: Any = Old
    gym.register("Old-v0", made)
    try:
        with pytest.raises(BadInput, match=r"'Old-v0' fails as configured \(WrongReturn: Old.reset returned an array"):
            check_environment(experiment_on("Old", tmp_path))
    finally:
        del gym.registry["Old-v0"]


def test_runs_beside_it_change_no_bit_though_both_draw_from_one_stream(tmp_path):
    """Global streams that the process itself disturbs do not matter either."""
    experiment = experiment_on("NumpyStream", tmp_path)
    straight = train(experiment, [0])
    np.random.seed(5)  # noqa: NPY002
    assert_same_bits(straight[0], train(experiment, [3, 0, 1])[1])
    assert straight[0].train_episode_rewards != train(experiment, [1])[0].train_episode_rewards
    assert NumpyStream.__name__ in HABITS
