"""Processes of peers that train in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from utils.benchmarking.peers.environments import NotAvailable, last_error, peer_python
from utils.benchmarking.peers.serving import Sizes
from utils.benchmarking.timing import BenchmarkTask
from utils.core.provenance import ROOT

RUN_STEPS_PER_CALL = 480
"""Run-steps per request: enough to make its fixed cost a small part."""


class IsolatedPeer(NamedTuple):
    """A library with an environment of its own.

    script: trains it (see `serving`).  requirements: packages of its environment.  env_names: tasks that it can train.
    simulator: implementation of the task's environment.
    stacks: whether it can train several runs together.
    small_replay: capacity of a second replay that is timed, for a library whose step's cost depends on it.
    """

    script: Path
    requirements: Path
    env_names: tuple[str, ...]
    simulator: str
    stacks: bool = False
    small_replay: int | None = None


class PeerProcess:
    """A process that trains a peer's SAC, and has made its first update."""

    def __init__(self, peer: IsolatedPeer, sizes: Sizes) -> None:
        """Install the peer if needed, start its script and wait for its first update.  Raises NotAvailable."""
        python = peer_python(peer.requirements)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - It is open while the process runs.
        self._process = subprocess.Popen(
            [python, peer.script, *sizes.words()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            text=True, env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        )  # fmt: skip
        self.compile_seconds = float(self._read()["compile_seconds"])

    def _read(self) -> dict[str, Any]:
        """Return the next reply.  Raises NotAvailable if the process has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            reason = last_error(self._errors.read())
            self.close()
            raise NotAvailable(reason)
        return json.loads(line)

    def train(self) -> int:
        """Train once and return the number of run-steps.  Raises NotAvailable if the process has ended."""
        assert self._process.stdin
        with suppress(BrokenPipeError):  # `_read` reports why the process has ended.
            print(file=self._process.stdin, flush=True)
        return int(self._read()["steps"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def peer_sizes(task: BenchmarkTask, runs: int, steps: int | None = None) -> Sizes:
    """Return the sizes of a task.  steps: of each run per request; None: so many that all make RUN_STEPS_PER_CALL."""
    return Sizes(runs, task.hidden, task.batch, task.replay_capacity, steps or max(1, RUN_STEPS_PER_CALL // runs))
