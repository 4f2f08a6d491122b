"""Train on environments of other packages, and check what their results promise.

    python tests/faults/third_party_environments.py --cache ~/.cache/third_party --output table.md
    python tests/faults/third_party_environments.py highway-env minigrid --cache ~/.cache/third_party

`third_party_environments.json` has the packages and their environments. Each package is installed in a virtual
environment of its own, in which the product's requirements are those of the interpreter that runs this script. Four
runs (two settings, two seeds) of 600 steps are then trained with main.py:

1. in one stack;
2. again, two of them in a stack of their own each: equal bits mean that executions repeat and stacks do not matter;
3. again, stopped by SIGTERM after step 300 and resumed: equal bits are required where the result says `exact`.

Rows are kept in the cache; a row that exists is not measured again.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click

from tests.faults.third_party_verdicts import Execution, Row, judge, write_table
from utils.results.run_diff import first_run_difference, read_comparable

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

PROTOCOL: dict[str, Any] = {
    "total_timesteps": 600, "steps_per_episode": 70, "eval_interval_timesteps": 300, "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip

PARAMETERS = {"alpha": [0.05, 0.2], "batch_size": [16], "replay_capacity": [1000], "hidden_dim": [16]}

INSTALL_SECONDS, EXECUTION_SECONDS = 600, 400
"""Limits of an installation and of an execution."""


class Package(NamedTuple):
    """A package and its environments.

    name: of the virtual environment.  requirements: what is installed, pinned.
    environments: additions to PROTOCOL; "discrete": whether SACDiscrete trains instead of SAC.
    variables: environment variables that the package needs.
    """

    name: str
    requirements: list[str]
    environments: list[dict[str, Any]]
    variables: dict[str, str] | None = None


def read_packages(names: Sequence[str]) -> list[Package]:
    """Return the packages with these names, or all.  Raises click.BadParameter for an unknown name."""
    packages = [Package(**entry) for entry in json.loads((HERE / "third_party_environments.json").read_bytes())]
    unknown = set(names) - {package.name for package in packages}
    if unknown:
        raise click.BadParameter(f"found {min(unknown)}; allowed: {', '.join(package.name for package in packages)}")
    return [package for package in packages if not names or package.name in names]


class Venv:
    """A virtual environment with a package, next to the product's requirements."""

    def __init__(self, folder: Path, package: Package) -> None:
        self.folder, self.package = folder, package
        self.python = folder / "bin" / "python"

    def install(self) -> str | None:
        """Install the package, at the first call. Returns why that failed, or None."""
        outcome = self.folder / "outcome.json"
        if not outcome.exists():
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder], check=True)
            (site,) = self.folder.glob("lib/python*/site-packages")
            (site / "product.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
            command = [sys.executable, "-m", "pip", "--python", self.python, "install", *self.package.requirements]
            outcome.write_text(json.dumps(self._run(command)))
        return json.loads(outcome.read_bytes())

    def _run(self, command: Sequence[Any]) -> str | None:
        """Run an installation. Returns its last error, or None."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"not installed after {INSTALL_SECONDS} s"
        errors = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        return None if done.returncode == 0 else (errors or ["pip fails"])[-1]

    def versions(self, names: Sequence[str]) -> dict[str, str]:
        """Return the versions of distributions as they are imported."""
        code = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
        done = subprocess.run([self.python, "-c", code, *names], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


class Trial:
    """The executions of one environment, each with results in a folder of its own."""

    def __init__(self, venv: Venv, environment: dict[str, Any], folder: Path) -> None:
        """Write the configurations."""
        protocol, agent = PROTOCOL | environment, "SACDiscrete" if environment.get("discrete") else "SAC"
        protocol.pop("discrete", None)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.venv, self.stop_at = folder, venv, protocol["total_timesteps"] // 2
        (folder / "env.json").write_text(json.dumps(protocol))
        (folder / "agent.json").write_text(json.dumps({"agent_name": agent, "parameters": PARAMETERS}))

    def execute(self, name: str, *options: str, stop: bool = False) -> Execution:
        """Run main.py, with results in a folder.  stop: send SIGTERM after the evaluation halfway."""
        command: list[str | Path] = [self.venv.python, ROOT / "main.py", "--engine", "eager", *options]
        command += ["--env-json", "env.json", "--agent-json", "agent.json", "--save-dir", self.folder / name]
        variables = {**os.environ, **(self.venv.package.variables or {}), "PYTHONPATH": str(HERE)}
        variables.pop("DISPLAY", None)
        process = subprocess.Popen(
            ["timeout", "--signal=KILL", str(EXECUTION_SECONDS), *command], cwd=self.folder, env=variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
        )  # fmt: skip
        assert process.stdout is not None
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


def name_of(environment: dict[str, Any]) -> str:
    """Return the name of an environment, with what the bridge adds."""
    added = dict(environment.get("env_kwargs", {}))
    name = added.pop("name", environment["env_name"])
    return " ".join([name, *(f"{key}={value}" for key, value in added.items() if key not in ("module", "call"))])


def make_row(package: Package, environment: dict[str, Any], cache: Path) -> Row:
    """Measure an environment."""
    venv = Venv(cache / "venvs" / package.name, package)
    name = name_of(environment)
    versions = [requirement.partition("[")[0].partition("==")[0] for requirement in package.requirements]
    start, failure = time.monotonic(), venv.install()
    if failure is not None:
        return Row(package.requirements, name, "not installed", failure)
    trial = Trial(venv, environment, cache / "trials" / package.name / re.sub(r"\W+", "-", name))
    row = judge(package.requirements, name, measure(trial))
    others = venv.versions([*versions, "gymnasium", "numpy"])
    return row._replace(versions=others, seconds=round(time.monotonic() - start))


def rows(packages: Sequence[Package], cache: Path) -> Iterator[Row]:
    """Yield a row for each environment, from the cache where it has one."""
    for package in packages:
        for number, environment in enumerate(package.environments):
            kept = cache / "rows" / f"{package.name}-{number}.json"
            if kept.exists() and json.loads(kept.read_bytes())["environment"] == environment:
                yield Row(**json.loads(kept.read_bytes())["row"])
                continue
            row = make_row(package, environment, cache)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({"environment": environment, "row": row._asdict()}))
            yield row


@click.command(help="Train on environments of other packages, and check what their results promise.")
@click.argument("names", metavar="[PACKAGE]...", nargs=-1)
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder of installations and rows.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the table to this file.")
def main(names: tuple[str, ...], cache: Path, output: Path | None) -> None:
    """Run the command line."""
    table = []
    for row in rows(read_packages(names), cache.resolve()):
        table.append(row)
        click.echo(f"{row.verdict:15} {row.name}: {row.reason}")
    if output is not None:
        date = datetime.now(UTC).date()
        output.write_text(write_table(table, f"{date}, Python {platform.python_version()}, {platform.machine()}"))


if __name__ == "__main__":
    main()
