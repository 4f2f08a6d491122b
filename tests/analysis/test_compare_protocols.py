"""utils/compare_protocols.py: every difference is listed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.fake_results import ENVIRONMENT, PARAMETERS, assert_refused, combine, write_result
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
    """Combine two runs of two settings and return their directory."""
    for number in range(2):
        for setting in range(2):
            write_result(folder, setting, number, provenance=provenance, experiment=changes)
    combine(folder)
    return folder


def compare(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def differences_in(result: Result) -> list[str]:
    """Return the differences, which follow the lines that name A and B."""
    return result.stdout.splitlines()[2:]


def differ(tmp_path: Path, **changes: Any) -> list[str]:
    result = compare(experiment(tmp_path / "a"), experiment(tmp_path / "b", **changes))
    assert result.exit_code == 1
    return differences_in(result)


def test_the_same_protocol(tmp_path: Path) -> None:
    a = experiment(tmp_path / "a")
    b = experiment(tmp_path / "b", ORIGIN | {"host": "there", "start_time": "later"})
    result = compare(a, b)
    assert (result.exit_code, result.stdout) == (0, f"{a}: SAC, 4 runs\n{b}: SAC, 4 runs\nthe same protocol\n")


@pytest.mark.parametrize(
    ("changes", "lines"),
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
def test_configurations(changes: dict[str, Any], lines: list[str], tmp_path: Path) -> None:
    assert differ(tmp_path, **changes) == lines


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"versions": {"torch": "2.11.0", "mujoco": "3.3.7"}}, ['versions.torch: "2.13.0" and "2.11.0"']),
        ({"versions": {"torch": "2.13.0"}}, ['versions.mujoco: "3.3.7" and nothing']),
        ({"cpu": {"flags": ["avx", "avx512f"]}}, ["cpu.flags: only in the first: fma; only in the second: avx512f"]),
        ({"cpu": None}, ["cpu.flags: recorded and not recorded"]),
        ({"rollout_hash": "22"}, ['rollout_hash: "11" and "22": by how much is not recorded']),
        ({"rollout_hash": "2:11"}, ['rollout_hash: "11" and "2:11": their hashes are of forms 1 and 2']),
        ({"engine": "compiled"}, ['engine: "eager" and "compiled"']),
        ({"code": {"commit": "abc", "dirty": True}}, ['code: "abc" and "abc with uncommitted changes"']),
    ],
)
def test_provenance(changes: dict[str, Any], lines: list[str], tmp_path: Path) -> None:
    assert differ(tmp_path, provenance=ORIGIN | changes) == lines


def test_the_size_of_a_difference_between_environments(tmp_path: Path) -> None:
    trace = {"steps": [10], "dtype": "float64"}
    ours = ORIGIN | {"rollout_hash": "2:11", "rollout_trace": trace | {"sums": [[[1.0, 10.0]]]}}
    theirs = ORIGIN | {"rollout_hash": "2:22", "rollout_trace": trace | {"sums": [[[1.5, 10.0]]]}}
    result = compare(experiment(tmp_path / "a", ours), experiment(tmp_path / "b", theirs))
    assert differences_in(result) == ['rollout_hash: "2:11" and "2:22": another task (0.05 after 10 steps)']


def test_runs_of_several_origins(tmp_path: Path) -> None:
    a, b = experiment(tmp_path / "a"), experiment(tmp_path / "b")
    other = {"rollout_hash": "22", "cpu": {"flags": ["avx"]}}
    write_result(b, 0, 2, provenance=ORIGIN | other)
    combine(b)
    lines = [
        "cpu.flags: 1 and 2 kinds of processor, which together have the same flags",
        'rollout_hash: "11" and {"11", "22"}',
    ]
    assert differences_in(compare(a, b)) == lines


@pytest.mark.parametrize("provenance", [None, [3], {"versions": [], "cpu": {"flags": 3}, "engine": {}, "code": "abc"}])
def test_missing_or_odd_provenance(provenance: Any, tmp_path: Path) -> None:
    assert differ(tmp_path, provenance=provenance) == [
        'versions.mujoco: "3.3.7" and nothing',
        'versions.torch: "2.13.0" and nothing',
        "cpu.flags: recorded and not recorded",
        'rollout_hash: "11" and nothing',
        'engine: "eager" and nothing',
        'code: "abc" and nothing',
    ]


def test_odd_rewards(tmp_path: Path) -> None:
    lines = differ(tmp_path, environment={"rewards": 3})
    assert lines[-1] == "environment.rewards: nothing and 3"


class TestAgents:
    """Two agents can share a protocol: hyperparameters of only one of them are not compared."""

    def test_own_hyperparameters_are_not_compared(self, tmp_path: Path) -> None:
        a = experiment(tmp_path / "a")
        b = experiment(tmp_path / "b", agent_name="VAC", parameters=PARAMETERS | {"num_samples": [30]})
        result = compare(a, b)
        assert (result.exit_code, differences_in(result)) == (0, ["the same protocol"])

    def test_shared_hyperparameters_are_compared(self, tmp_path: Path) -> None:
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
        assert (some.exit_code, differences_in(some)) == (1, ['engine: "eager" and "compiled"'])
        everything = compare(a, b, "--except", "agent", "--except", "versions", "--except", "engine")
        assert (everything.exit_code, differences_in(everything)) == (0, ["the same protocol"])

    def test_an_unknown_name_is_refused(self, tmp_path: Path) -> None:
        a = experiment(tmp_path / "a")
        assert_refused(compare(a, a, "--except", "agent.policy_typ"), "did you mean 'agent.policy_type'?")


class TestEnvironments:
    def test_two(self) -> None:
        folder = ROOT / "config/environment"
        result = compare(folder / "PendulumContinuous-v0.json", folder / "PendulumDiscrete-v0.json")
        assert result.exit_code == 1
        assert differences_in(result) == [
            "compared: only the environments' configurations",
            "environment.continuous: true and false",
        ]

    def test_an_environment_and_results(self, tmp_path: Path) -> None:
        """Only the environment is compared."""
        path = tmp_path / "environment.json"
        path.write_text(json.dumps(ENVIRONMENT | {"gamma": 0.9}))
        result = compare(path, experiment(tmp_path / "a", environment={"gamma": 0.9}))
        assert (result.exit_code, differences_in(result)[-1]) == (0, "the same protocol")


def test_a_result_and_a_data_json(tmp_path: Path) -> None:
    a = experiment(tmp_path / "a", parameters={"critic_lr": [0.1, 0.2]})
    result = compare(next(a.glob("Pendulum*.json")), a / "data.json")
    assert (result.exit_code, differences_in(result)) == (0, ["the same protocol"])
    assert result.stdout.splitlines()[0].endswith(": SAC, 1 run")


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (None, "cannot be read"),
        ("{", "not valid JSON"),
        ("[]", "not a result"),
        ("{}", "not a result"),
        ('{"env_name": "Pendulum-v1"}', "key 'total_timesteps' is missing"),
    ],
)
def test_bad_input(content: str | None, lines: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    assert_refused(compare(experiment(tmp_path / "a"), bad), "bad.json", lines)


def test_a_directory_that_is_not_combined(tmp_path: Path) -> None:
    assert_refused(compare(tmp_path, tmp_path), "data.json: not found", "python simple_combine.py")
