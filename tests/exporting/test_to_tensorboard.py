"""TensorBoard's own reader finds every value, in float32, and the hyperparameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.exported_runs import END_SECONDS, SERIES, group_of, run_export, setting_name, write_run

pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install -r requirements-export.txt")


def read_events(directory: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(directory), size_guidance={"scalars": 0})
    reader.Reload()
    return reader


def place(setting: int, key: str) -> str:
    name = setting_name(setting).replace(" ", "_").replace("(", "").replace(")", "")
    return f"Pendulum-v1_SAC_Beta/{name}/{key}"


def test_values_are_ours_in_float32(tmp_path):
    key = write_run(tmp_path / "results", 1)
    assert run_export(tmp_path / "results", "--to", "tensorboard", "--output", tmp_path / "out").exit_code == 0
    reader = read_events(tmp_path / "out" / place(1, key))
    assert sorted(reader.Tags()["scalars"]) == sorted(SERIES)
    for name, expected in SERIES.items():
        events = reader.Scalars(name)
        assert [(event.step, event.value) for event in events] == [(t, float(np.float32(v))) for t, v in expected]
        assert {event.wall_time for event in events} == {END_SECONDS}


def test_hyperparameters_and_group(tmp_path):
    from tensorboard.plugins.hparams import api_pb2, metadata

    keys = {"completed": write_run(tmp_path / "results", 2), "diverged": write_run(tmp_path / "results", 0)}
    write_run(tmp_path / "results", 0, status="diverged")
    run_export(tmp_path / "results", "--to", "tensorboard", "--output", tmp_path / "out")
    for (status, key), setting, ended in zip(keys.items(), (2, 0), ("STATUS_SUCCESS", "STATUS_FAILURE"), strict=True):
        reader = read_events(tmp_path / "out" / place(setting, key))
        start, end = (
            reader.SummaryMetadata(tag).plugin_data.content
            for tag in (metadata.SESSION_START_INFO_TAG, metadata.SESSION_END_INFO_TAG)
        )
        session = metadata.parse_session_start_info_plugin_data(start)
        assert session.group_name == group_of(setting)
        values = {name: value.string_value or value.number_value for name, value in session.hparams.items()}
        assert values == {
            "env_name": "Pendulum-v1", "agent_name": "SAC", "setting": setting, "policy_type": "Beta",
            "critic_lr": (0.1, 0.01, 0.001)[setting],
        }  # fmt: skip
        assert metadata.parse_session_end_info_plugin_data(end).status == api_pb2.Status.Value(ended)
        [text] = reader.Tensors("config")[0].tensor_proto.string_val
        config = json.loads(text.decode().removeprefix("```json\n").removesuffix("\n```"))
        assert (config["status"], config["random_seed"], config["environment.total_timesteps"]) == (status, 0, 40)


def test_a_run_is_replaced(tmp_path):
    key = write_run(tmp_path / "results")
    run_export(tmp_path / "results", "--to", "tensorboard", "--output", tmp_path / "out")
    later = {"end_time": "2026-11-28T11:00:00+00:00"}
    write_run(tmp_path / "results", train_episode_rewards=[0.0, 1.0, 2.0, 3.0], provenance=later)
    done = run_export(tmp_path / "results", "--to", "tensorboard", "--output", tmp_path / "out")
    assert done.output.endswith("0 added, 1 replaced, 0 unchanged\n")
    assert len(list((tmp_path / "out" / place(0, key)).iterdir())) == 1
    assert [event.value for event in read_events(tmp_path / "out" / place(0, key)).Scalars("train/return")] == [0, 1, 2]
