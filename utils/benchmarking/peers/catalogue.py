"""All peers, and the calls that train them on a task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from utils.benchmarking.peers.installed import INSTALLED, make_installed_call
from utils.benchmarking.peers.processes import IsolatedPeer, PeerProcess, peer_sizes
from utils.benchmarking.timing import BenchmarkTask, TimedCall

HERE = Path(__file__).parent

ISOLATED = {
    "rejax": IsolatedPeer(
        HERE / "rejax_sac.py", HERE.parent / "requirements-rejax.txt", ("Pendulum-v1",), "gymnax",
        stacks=True, small_replay=1000,
    ),
    "RLtools": IsolatedPeer(
        HERE / "rltools_sac.py", HERE.parent / "requirements-rltools.txt", ("Pendulum-v1",), "own C++"
    ),
}  # fmt: skip
"""Peers with an environment of their own, by name."""


class PeerRuns(NamedTuple):
    """A number of runs that a peer trains.

    simulator: implementation of the task's environment.  replay: capacity.
    """

    peer: str
    simulator: str
    runs: int
    replay: int


def make_peer_calls(
    name: str, task: BenchmarkTask, stacks: Sequence[int], opened: ExitStack
) -> dict[PeerRuns, TimedCall]:
    """Return the calls that train a peer's SAC on a task; none if the peer does not have the task's environment.

    stacks: numbers of runs, for a peer that can train several.  opened: ends the processes that are started.
    Raises NotAvailable.
    """
    if name in INSTALLED:
        return {PeerRuns(name, "gymnasium", 1, task.replay_capacity): make_installed_call(name, task)}
    peer = ISOLATED[name]
    if task.env_name not in peer.env_names:
        return {}
    tasks = [(task, runs) for runs in (stacks if peer.stacks else (1,))]
    if peer.small_replay and peer.small_replay < task.replay_capacity:
        tasks.append((task._replace(replay_capacity=peer.small_replay), 1))
    calls = {}
    for one, runs in tasks:
        sizes = peer_sizes(one, runs)
        process = PeerProcess(peer, sizes)
        opened.callback(process.close)
        calls[PeerRuns(name, peer.simulator, runs, one.replay_capacity)] = TimedCall(process.train, runs * sizes.steps)
    return calls
