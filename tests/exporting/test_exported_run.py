"""What every tool gets of a run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.exported_runs import END, END_SECONDS
from tests.support.fake_results import ENVIRONMENT, fake_run
from utils.exporting.exported_run import ExportedRun, describe_run

EXPERIMENT: dict[str, Any] = {"environment": ENVIRONMENT, "agent": {"agent_name": "SAC"}}


def exported(params: dict[str, Any] | None = None, **changes: Any) -> ExportedRun:
    return describe_run(EXPERIMENT, 2, {"alpha": 0.1} if params is None else params, fake_run(2, 1, **changes), None)


def test_rows_are_in_order_and_complete():
    assert list(exported().rows()) == [
        (0, {"eval/return": -7.0}),
        (10, {"eval/return": -3.0, "train/return": -9.0, "train/steps": 10.0}),
        (20, {"train/return": -7.0, "train/steps": 10.0}),
        (30, {"train/return": -5.0, "train/steps": 10.0}),
        (40, {"train/return": -3.0, "train/steps": 10.0}),
    ]


def test_names():
    run = exported()
    assert run.name == "Pendulum-v1_SAC_000002000001"
    assert run.group.startswith("Pendulum-v1_SAC setting 2 (")
    assert exported({"policy_type": "Beta"}).group.startswith("Pendulum-v1_SAC_Beta setting 2 (")


def test_settings_of_other_grids_are_other_groups():
    assert exported(run_number=5).group == exported(run_number=6).group
    assert exported({"alpha": 0.2}).group != exported().group


def test_a_run_without_a_key_gets_one_from_what_it_is():
    """As in data.json files that other programs wrote."""
    keys = {exported(key=None, run_number=number).key for number in (0, 1)}
    assert {len(key) for key in keys} == {12}
    assert len(keys) == 2


def test_times():
    assert exported(provenance={"end_time": END}).time == END_SECONDS
    assert exported(provenance={}).time == 0.0
    assert exported(provenance=None).time == 0.0


def test_values_that_are_not_finite_are_left_out():
    run = exported(train_episode_rewards=[None, 1.0, None, 2.0], eval_episode_rewards=[[None, 1.0], []])
    series = {series.name: series.timesteps.tolist() for series in run.series}
    assert series == {"train/return": [20, 40], "train/steps": [10, 20, 30, 40]}


@pytest.mark.parametrize(
    "changes", [{"status": "diverged"}, {"train_episode_rewards": [-9.0, -7.0, -5.0, -3.0000000000000004]}]
)
def test_a_digest_is_of_what_is_exported(changes):
    assert exported(**changes).digest != exported().digest
    assert exported(train_time=9.0).digest == exported().digest
