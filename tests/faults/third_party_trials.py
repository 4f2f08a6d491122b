"""Executions of main.py on one environment, as a user would start them, and what must agree between their results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.faults.third_party_verdicts import Execution
from utils.results.run_diff import first_run_difference, read_comparable

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

PROTOCOL: dict[str, Any] = {
    "total_timesteps": 600, "steps_per_episode": 70, "eval_interval_timesteps": 300, "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip

PARAMETERS = {"alpha": [0.05, 0.2], "batch_size": [16], "replay_capacity": [1000], "hidden_dim": [16]}

EXECUTION_SECONDS = 400
"""Limit of an execution."""


class Process(Protocol):
    """A process that runs main.py."""

    stdout: Any

    def terminate(self) -> None: ...

    def wait(self) -> int: ...


class Starter(Protocol):
    """Starts main.py with some arguments in a folder, and kills it after some seconds."""

    def start(self, arguments: Sequence[str], folder: Path, seconds: int) -> Process: ...


class Interpreter(NamedTuple):
    """A Python that runs main.py.  variables: environment variables that it needs."""

    python: Path
    variables: dict[str, str] | None = None

    def start(self, arguments: Sequence[str], folder: Path, seconds: int) -> Process:
        """Run main.py in a folder, for at most some seconds."""
        command = ["timeout", "--signal=KILL", str(seconds), str(self.python), str(ROOT / "main.py"), *arguments]
        variables = {**os.environ, **(self.variables or {}), "PYTHONPATH": str(HERE)}
        variables.pop("DISPLAY", None)
        return subprocess.Popen(
            command, cwd=folder, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            errors="replace",
        )  # fmt: skip


class Trial:
    """The executions of one environment, each with results in a folder of its own."""

    def __init__(self, interpreter: Starter, environment: dict[str, Any], folder: Path) -> None:
        """Write the configurations.

        environment: additions to PROTOCOL; "discrete": whether SACDiscrete trains instead of SAC.
        """
        protocol, agent = PROTOCOL | environment, "SACDiscrete" if environment.get("discrete") else "SAC"
        protocol.pop("discrete", None)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.interpreter, self.stop_at = folder, interpreter, protocol["total_timesteps"] // 2
        (folder / "env.json").write_text(json.dumps(protocol))
        (folder / "agent.json").write_text(json.dumps({"agent_name": agent, "parameters": PARAMETERS}))

    def execute(self, name: str, *options: str, stop: bool = False) -> Execution:
        """Run main.py, with results in a folder.  stop: send SIGTERM after the evaluation halfway."""
        arguments = ["--engine", "eager", *options, "--env-json", "env.json", "--agent-json", "agent.json"]
        arguments += ["--save-dir", str(self.folder / name)]
        process = self.interpreter.start(arguments, self.folder, EXECUTION_SECONDS)
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if stop and f": step {self.stop_at}: " in line:
                process.terminate()
                stop = False
        with (self.folder / f"{name}.log").open("a") as log:
            log.write("\n".join((*lines, "")))
        return Execution(process.wait(), lines)

    def results(self, name: str) -> dict[str, Path]:
        """Return the results in a folder, by file name."""
        return {path.name: path for path in (self.folder / name).glob("*/*.json")}

    def difference(self, one: str, other: str) -> str | None:
        """Return the first difference between the results that two folders have both, or None."""
        ones, others = self.results(one), self.results(other)
        names = sorted(ones.keys() & others.keys())
        if not names:
            return "no results"
        pairs = ((read_comparable(ones[name]), read_comparable(others[name])) for name in names)
        return next(filter(None, (first_run_difference(*pair) for pair in pairs)), None)

    def provenance(self, name: str) -> list[dict[str, Any]]:
        """Return the provenance of each result in a folder."""
        runs = []
        for path in self.results(name).values():
            (setting,) = json.loads(path.read_bytes())["experiment_data"].values()
            runs.append(setting["runs"][0])
        return [run["provenance"] for run in runs]


def measure(trial: Trial) -> dict[str, Any]:
    """Run all executions of an environment. Returns what `judge` needs."""
    stack = ("--runs", "2", "--stack", "4")
    executions = [trial.execute("stack", *stack)]
    found: dict[str, Any] = {"executions": executions}
    if executions[0].code == 0:
        executions.append(trial.execute("alone", "--index", "0,3", "--stack", "1"))
        found["alone"] = trial.difference("stack", "alone")
        if found["alone"]:
            executions.append(trial.execute("again", *stack))
            found["again"] = trial.difference("stack", "again")
        executions.append(trial.execute("resumed", *stack, stop=True))
        executions.append(trial.execute("resumed", *stack))
        found["resumed"] = trial.difference("stack", "resumed")
        found["origins"] = trial.provenance("stack"), trial.provenance("resumed")
    return found
