"""Other libraries as candidates of the benchmark, by a stand-in for their module."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import torch

from utils.benchmarking import other_libraries as peers
from utils.benchmarking.timing import BenchmarkTask


class FakeSAC:
    """Notes how it was made, and that it learns with gradients on."""

    made: dict[str, Any]
    learned: list[tuple[int, bool]]

    def __init__(self, policy: str, env: Any, **options: Any) -> None:
        FakeSAC.made = {"policy": policy, "limit": env.spec.max_episode_steps} | options
        FakeSAC.learned = []

    def learn(self, steps: int, log_interval: int, reset_num_timesteps: bool) -> None:
        assert not reset_num_timesteps
        FakeSAC.learned.append((steps, torch.is_grad_enabled()))


def test_a_peer_learns_our_task_with_gradients(monkeypatch):
    module = ModuleType("stable_baselines3")
    module.SAC = FakeSAC
    monkeypatch.setitem(sys.modules, "stable_baselines3", module)
    candidate = peers.make_peer("SB3", BenchmarkTask("SAC", "Pendulum-v1", 48, 16, 5000))
    candidate.step()
    assert FakeSAC.made["policy_kwargs"] == {"net_arch": [48, 48]}
    assert (FakeSAC.made["batch_size"], FakeSAC.made["buffer_size"], FakeSAC.made["limit"]) == (16, 5000, 1000)
    assert FakeSAC.learned == [(500, True), (100, True)]
    assert candidate.run_steps == 100


def test_only_what_is_installed_is_a_peer(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {"here": "json", "not here": "no_such_module"})
    assert peers.installed() == ["here"]
