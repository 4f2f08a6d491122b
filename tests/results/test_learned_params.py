"""utils/results/learned_params.py: what runs have learned, their policies at each evaluation, and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.experiments import assert_same_bits, make_experiment, train
from tests.support.resuming import assert_resumes_exactly
from tests.support.starts import AGENTS, change_run, learn, protocol
from utils.core.errors import BadInput
from utils.results.learned_params import LearnedRun, read_learned_run
from utils.results.run_diff import first_run_difference, read_comparable
from utils.results.schema import Result
from utils.training.loop import Loop
from utils.wiring import build

POLICIES: dict[str, Any] = {"record": ["policies"]}


def test_the_hash_of_learned_parameters():
    """Names, types, shapes and values count, and not the order."""
    result = Result(Path(), {}, 0, {}, {})
    arrays = {"b": np.array([[1.0, 2.0]], np.float32), "a": np.array(3.0)}
    text = b"a <f8 []\n" + arrays["a"].tobytes() + b"b <f4 [1, 2]\n" + arrays["b"].tobytes()
    assert LearnedRun(result, arrays).sha256 == hashlib.sha256(text).hexdigest()
    others = [{"b": arrays["b"].T, "a": arrays["a"]}, {"b": -arrays["b"], "a": arrays["a"]}, {"b": arrays["b"]}]
    assert len({LearnedRun(result, each).sha256 for each in [arrays, *others]}) == 4


def test_training_behind_a_result_without_provenance(files):
    """As in results of earlier versions."""
    (learned,) = learn(files, "linearAC")
    change_run(learned.result.path, provenance=None)
    assert read_learned_run(learned.result.path).trained_timesteps == 60


def policy_at_end(agent: str, timesteps: int, folder: Path) -> dict[str, np.ndarray]:
    """Return what a run of some timesteps acts by at its end."""
    short = make_experiment(protocol(agent, total_timesteps=timesteps), AGENTS[agent], folder, agent)
    loop = Loop(build.build_stack(short, [short.run(0)]))
    loop.run()
    return loop.stack.agent.policy_params(0)


@pytest.mark.parametrize("agent", ["SAC", "GreedyAC", "linearAC"])
def test_policies_are_those_of_shorter_runs(agent, files, tmp_path):
    """At each evaluation, what a run that ends there acts by; the learned parameters are the last ones."""
    (learned,) = learn(files, agent, **POLICIES)
    assert learned.result.run["timesteps_at_eval"] == [0, 30, 60]
    assert learned.result.run["policies"]["arrays"].keys() == {
        f"policies/{name}" for name in policy_at_end(agent, 30, tmp_path)
    }
    for timestep in (30, 60):
        found = learned.at(timestep)
        assert found.timestep == timestep
        for name, array in policy_at_end(agent, timestep, tmp_path).items():
            np.testing.assert_array_equal(found.arrays[name], array, err_msg=name)
    first = next(name for name in learned.arrays if name.startswith("actor/"))
    assert (learned.at(0).arrays[first] != learned.arrays[first]).any()
    assert learned.at(0).arrays.keys() == learned.arrays.keys()


def test_recording_changes_no_bit_of_a_run(files):
    (recorded,) = learn(files, "SAC", **POLICIES)
    (plain,) = learn(files, "SAC")
    assert recorded.result.run["key"] != plain.result.run["key"]
    found, expected = (read_comparable(each.result.path) for each in (recorded, plain))
    for content in (found, expected):
        del content["key"], content["environment"], content["learned_params"]["file"], content["diagnostics"]["file"]
    more = {name for name in found if name.split("/")[0] == "policies"}
    assert len(more) == 1 + 8
    assert first_run_difference({name: value for name, value in found.items() if name not in more}, expected) is None


@pytest.mark.parametrize("agent", ["SAC", "linearAC"])
def test_policies_of_stacked_and_resumed_runs(agent, tmp_path):
    """Stopped before, at and after an evaluation."""
    experiment = make_experiment(protocol(agent, **POLICIES), AGENTS[agent], tmp_path, agent)
    records = assert_resumes_exactly(experiment, [2, 0], [17, 30, 41], tmp_path)
    for index, record in zip([2, 0], records, strict=True):
        assert_same_bits(train(experiment, [index])[0], record)
        assert all(len(rows) == 3 for name, rows in record.arrays.items() if name.startswith("policies/"))
        assert record.arrays


def test_without_evaluation_episodes_policies_are_kept_all_the_same(files):
    (learned,) = learn(files, "linearAC", eval_episodes=0, **POLICIES)
    assert (learned.at(30).arrays["actor/mu_0"] != learned.at(60).arrays["actor/mu_0"]).any()


def test_an_agent_that_learns_nothing_has_one_policy(files, tmp_path):
    experiment = make_experiment(protocol("linearAC", **POLICIES), {}, tmp_path, "Random")
    (record,) = train(experiment, [0])
    assert record.arrays == {}
    result = Result(Path("a.json"), {}, 0, {}, {"timesteps_at_eval": [0, 30], "policies": {}})
    assert LearnedRun(result, {}).at(0).arrays == {}


def test_a_policy_of_another_timestep_is_refused(files):
    (learned,) = learn(files, "linearAC", total_timesteps=130, **POLICIES)
    with pytest.raises(
        BadInput, match=r"found no evaluation at timestep 61; allowed: .* its 6 .* nearest are 30, 60, 90"
    ):
        learned.at(61)
    with pytest.raises(BadInput, match=r"found no evaluation at timestep 9999; .* the nearest are 90, 120, 130"):
        learned.at(9999)


def test_without_recorded_policies_there_is_only_the_last_one(files):
    (learned,) = learn(files, "linearAC")
    assert learned.at(60).arrays == learned.arrays
    with pytest.raises(BadInput, match=r"found no policy of timestep 30: its protocol's 'record' does not have 'polic"):
        learned.at(30)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"file": "a"}, "key 'policies': found neither {} nor 'file' and 'arrays'"),
        ({"file": "nowhere.npz", "arrays": {"policies/actor/mu_0": [3, 9]}}, "nowhere.npz: its arrays cannot be read"),
    ],
)
def test_damaged_policies_are_refused(value, message, files):
    (learned,) = learn(files, "linearAC", **POLICIES)
    change_run(learned.result.path, policies=value)
    with pytest.raises(BadInput, match=message):
        read_learned_run(learned.result.path).at(30)


def test_policies_of_other_evaluations_are_refused(files):
    (learned,) = learn(files, "linearAC", **POLICIES)
    path = learned.result.path.with_suffix(".npz")
    with np.load(path) as stored:
        arrays: dict[str, Any] = dict(stored)
    np.savez(path, **arrays | {"policies/actor/mu_0": arrays["policies/actor/mu_0"][:2]})
    with pytest.raises(BadInput, match="allowed: a row for each of its 3 evaluations"):
        learned.at(30)
