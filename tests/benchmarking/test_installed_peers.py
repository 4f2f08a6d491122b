"""utils/benchmarking/peers/installed.py, with a stand-in for a library's module."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
import torch

from utils.benchmarking.peers import installed
from utils.benchmarking.peers.environments import NotAvailable
from utils.benchmarking.timing import BenchmarkTask


class FakeSAC:
    """A learner that records its arguments, and whether gradients are on when it learns."""

    arguments: dict[str, Any]
    learned: list[tuple[int, bool]]

    def __init__(self, policy: str, env: Any, **options: Any) -> None:
        FakeSAC.arguments = {"policy": policy, "limit": env.spec.max_episode_steps} | options
        FakeSAC.learned = []

    def learn(self, steps: int, log_interval: int, reset_num_timesteps: bool) -> None:
        assert not reset_num_timesteps
        FakeSAC.learned.append((steps, torch.is_grad_enabled()))


def test_a_peer_learns_our_task_with_gradients(monkeypatch):
    module = ModuleType("stable_baselines3")
    module.SAC = FakeSAC
    module.__spec__ = ModuleSpec("stable_baselines3", None)
    monkeypatch.setitem(sys.modules, "stable_baselines3", module)
    call = installed.make_installed_call("SB3", BenchmarkTask("SAC", "Pendulum-v1", 48, 16, 5000))
    call.function()
    arguments = FakeSAC.arguments
    assert arguments["policy_kwargs"] == {"net_arch": [48, 48]}
    assert (arguments["batch_size"], arguments["buffer_size"], arguments["limit"]) == (16, 5000, 1000)
    assert FakeSAC.learned == [(500, True), (100, True)]
    assert call.run_steps == 100


def test_a_peer_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(installed.INSTALLED, "SB3", "no_such_module")
    with pytest.raises(NotAvailable, match=r"not installed; pip install -r requirements-benchmark\.txt"):
        installed.make_installed_call("SB3", BenchmarkTask("SAC", "Pendulum-v1", 48, 16))
