"""utils/compare_protocols.py: every difference is listed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.fakes import ENVIRONMENT, PARAMETERS, assert_refused, combine, write_result
from utils.compare_protocols import main

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = {
    "versions": {"torch": "2.13.0", "mujoco": "3.3.7"},
    "cpu": {"model": "Some", "flags": ["avx", "fma"]},
    "rollout_hash": "11",
    "engine": "eager",
    "code": {"commit": "abc", "dirty": False},
    "host": "here",
}


def experiment(folder: Path, provenance: Any = ORIGIN, **changes: Any) -> Path:
    """A directory with two settings' results, combined."""
    for number in range(2):
        for setting in range(2):
            write_result(folder, setting, number, provenance=provenance, experiment=changes)
    combine(folder)
    return folder


def compare(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def found(result: Result) -> list[str]:
    """The differences, after the lines that name the two."""
    return result.stdout.splitlines()[2:]


def differ(tmp_path: Path, **changes: Any) -> list[str]:
    result = compare(experiment(tmp_path / "a"), experiment(tmp_path / "b", **changes))
    assert result.exit_code == 1
    return found(result)


def test_the_same(tmp_path: Path) -> None:
    a = experiment(tmp_path / "a")
    b = experiment(tmp_path / "b", ORIGIN | {"host": "there", "start_time": "later"})
    result = compare(a, b)
    assert (result.exit_code, result.stdout) == (0, f"{a}: SAC, 4 runs\n{b}: SAC, 4 runs\nthe same protocol\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"environment": {"steps_per_episode": 20}}, ["environment.steps_per_episode: 10 and 20"]),
        ({"environment": {"eval_policy": "sample"}}, ['environment.eval_policy: "mode" and "sample"']),
        ({"environment": {"bootstrap_on_truncation": False}}, ["environment.bootstrap_on_truncation: true and false"]),
        (
            {"environment": {"rewards": {"timestep": -1.0, "goal": None}}},
            ["environment.rewards.timestep: nothing and -1.0"],
        ),
        ({"parameters": PARAMETERS | {"policy_type": ["Student"]}}, ['agent.policy_type: "Beta" and "Student"']),
        (
            {"parameters": PARAMETERS | {"critic_lr": [0.1, 0.02]}},
            ["agent.critic_lr: {0.001, 0.01, 0.1} and {0.02, 0.1}"],
        ),
        ({"parameters": PARAMETERS | {"hidden_dim": [64]}}, ["agent.hidden_dim: nothing and 64"]),
    ],
)
def test_configurations(changes: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    assert differ(tmp_path, **changes) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"versions": {"torch": "2.11.0", "mujoco": "3.3.7"}}, ['versions.torch: "2.13.0" and "2.11.0"']),
        ({"versions": {"torch": "2.13.0"}}, ['versions.mujoco: "3.3.7" and nothing']),
        ({"cpu": {"flags": ["avx", "avx512f"]}}, ["cpu.flags: only in the first: fma; only in the second: avx512f"]),
        ({"cpu": None}, ["cpu.flags: recorded and not recorded"]),
        ({"rollout_hash": "22"}, ['rollout_hash: "11" and "22"']),
        ({"engine": "compiled"}, ['engine: "eager" and "compiled"']),
        ({"code": {"commit": "abc", "dirty": True}}, ['code: "abc" and "abc with uncommitted changes"']),
    ],
)
def test_provenance(changes: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    assert differ(tmp_path, provenance=ORIGIN | changes) == said


def test_runs_of_several_origins(tmp_path: Path) -> None:
    a, b = experiment(tmp_path / "a"), experiment(tmp_path / "b")
    other = {"rollout_hash": "22", "cpu": {"flags": ["avx"]}}
    write_result(b, 0, 2, provenance=ORIGIN | other)
    combine(b)
    said = [
        "cpu.flags: 1 and 2 kinds of processor, which together have the same flags",
        'rollout_hash: "11" and {"11", "22"}',
    ]
    assert found(compare(a, b)) == said


@pytest.mark.parametrize("provenance", [None, [3], {"versions": [], "cpu": {"flags": 3}, "engine": {}, "code": "abc"}])
def test_without_provenance_or_an_odd_one(provenance: Any, tmp_path: Path) -> None:
    assert differ(tmp_path, provenance=provenance) == [
        'versions.mujoco: "3.3.7" and nothing',
        'versions.torch: "2.13.0" and nothing',
        "cpu.flags: recorded and not recorded",
        'rollout_hash: "11" and nothing',
        'engine: "eager" and nothing',
        'code: "abc" and nothing',
    ]


def test_odd_rewards(tmp_path: Path) -> None:
    said = differ(tmp_path, environment={"rewards": 3})
    assert said[-1] == "environment.rewards: nothing and 3"


class TestAgents:
    """Two agents can share a protocol: what only one of them has is not compared."""

    def test_same_otherwise(self, tmp_path: Path) -> None:
        a = experiment(tmp_path / "a")
        b = experiment(tmp_path / "b", agent_name="VAC", parameters=PARAMETERS | {"num_samples": [30]})
        result = compare(a, b)
        assert (result.exit_code, found(result)) == (0, ["the same protocol"])

    def test_what_both_have(self, tmp_path: Path) -> None:
        parameters = PARAMETERS | {"policy_type": ["Gaussian"]}
        assert differ(tmp_path, agent_name="VAC", parameters=parameters) == ['agent.policy_type: "Beta" and "Gaussian"']


class TestExcept:
    def test_a_fact_or_a_group(self, tmp_path: Path) -> None:
        a = experiment(tmp_path / "a")
        b = experiment(
            tmp_path / "b",
            ORIGIN | {"versions": {}, "engine": "compiled"},
            parameters=PARAMETERS | {"policy_type": ["Student"]},
        )
        some = compare(a, b, "--except", "agent.policy_type", "--except", "versions")
        assert (some.exit_code, found(some)) == (1, ['engine: "eager" and "compiled"'])
        everything = compare(a, b, "--except", "agent", "--except", "versions", "--except", "engine")
        assert (everything.exit_code, found(everything)) == (0, ["the same protocol"])

    def test_what_names_nothing(self, tmp_path: Path) -> None:
        a = experiment(tmp_path / "a")
        assert_refused(compare(a, a, "--except", "agent.policy_typ"), "did you mean 'agent.policy_type'?")


class TestEnvironments:
    def test_two(self) -> None:
        folder = ROOT / "config/environment"
        result = compare(folder / "PendulumContinuous-v0.json", folder / "PendulumDiscrete-v0.json")
        assert result.exit_code == 1
        assert found(result) == [
            "compared: only the environments' configurations",
            "environment.continuous: true and false",
        ]

    def test_with_results_of_it(self, tmp_path: Path) -> None:
        """Whatever stands in the results besides."""
        path = tmp_path / "environment.json"
        path.write_text(json.dumps(ENVIRONMENT | {"gamma": 0.9}))
        result = compare(path, experiment(tmp_path / "a", environment={"gamma": 0.9}))
        assert (result.exit_code, found(result)[-1]) == (0, "the same protocol")


def test_a_result_and_a_data_json(tmp_path: Path) -> None:
    a = experiment(tmp_path / "a", parameters={"critic_lr": [0.1, 0.2]})
    result = compare(next(a.glob("Pendulum*.json")), a / "data.json")
    assert (result.exit_code, found(result)) == (0, ["the same protocol"])
    assert result.stdout.splitlines()[0].endswith(": SAC, 1 run")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ("[]", "not a result"),
        ("{}", "not a result"),
        ('{"env_name": "Pendulum-v1"}', "key 'total_timesteps' is missing"),
    ],
)
def test_bad_input(content: str | None, said: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    assert_refused(compare(experiment(tmp_path / "a"), bad), "bad.json", said)


def test_a_directory_that_is_not_combined(tmp_path: Path) -> None:
    assert_refused(compare(tmp_path, tmp_path), "data.json: not found", "python simple_combine.py")
