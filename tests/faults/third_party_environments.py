"""Train on environments of other packages, and check what their results promise.

    python tests/faults/third_party_environments.py --cache ~/.cache/third_party --output table.md
    python tests/faults/third_party_environments.py minigrid nasim --cache ~/.cache/third_party --page page.md

`third_party_environments.json` has the packages and their environments. Each package is installed in a virtual
environment of its own, in which the product's requirements are those of the interpreter that runs this script. Four
runs (two settings, two seeds) of 600 steps are then trained with main.py:

1. in one stack;
2. again, two of them in a stack of their own each: equal bits mean that executions repeat and stacks do not matter;
3. again, stopped by SIGTERM after step 300 and resumed: equal bits are required where the result says `exact`.

Rows are kept in the cache; a row that exists is not measured again.
"""

from __future__ import annotations

import functools
import json
import platform
import re
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

from tests.faults.third_party_trials import Interpreter, Trial, measure
from tests.faults.third_party_verdicts import Row, judge, keep_row, update_table, write_table

HERE = Path(__file__).resolve().parent

INSTALL_SECONDS = 600
"""Limit of an installation."""


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


def name_of(environment: dict[str, Any]) -> str:
    """Return the name of an environment, with what the bridge adds."""
    added = dict(environment.get("env_kwargs", {}))
    name = added.pop("name", environment["env_name"])
    return " ".join(
        [name, *(f"{key}={value}" for key, value in added.items() if value and key not in ("module", "call"))]
    )


def make_row(package: Package, environment: dict[str, Any], cache: Path) -> Row:
    """Measure an environment."""
    venv = Venv(cache / "venvs" / package.name, package)
    name = name_of(environment)
    versions = [requirement.partition("[")[0].partition("==")[0] for requirement in package.requirements]
    start, failure = time.monotonic(), venv.install()
    if failure is not None:
        return Row(package.requirements, name, "not installed", failure)
    trial = Trial(
        Interpreter(venv.python, package.variables),
        environment,
        cache / "trials" / package.name / re.sub(r"\W+", "-", name),
    )
    row = judge(package.requirements, name, measure(trial))
    others = venv.versions([*versions, "gymnasium", "numpy"])
    return row._replace(versions=others, seconds=round(time.monotonic() - start))


def rows(packages: Sequence[Package], cache: Path) -> Iterator[Row]:
    """Yield a row for each environment, from the cache where it has one."""
    for package in packages:
        for number, environment in enumerate(package.environments):
            kept = cache / "rows" / f"{package.name}-{number}.json"
            yield keep_row(kept, environment, functools.partial(make_row, package, environment, cache))


@click.command(help="Train on environments of other packages, and check what their results promise.")
@click.argument("names", metavar="[PACKAGE]...", nargs=-1)
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder of installations and rows.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the table to this file.")
@click.option("--page", type=click.Path(path_type=Path, exists=True), help="Replace the rows in this page's table.")
def main(names: tuple[str, ...], cache: Path, output: Path | None, page: Path | None) -> None:
    """Run the command line."""
    table = []
    for row in rows(read_packages(names), cache.resolve()):
        table.append(row)
        click.echo(f"{row.verdict:15} {row.name}: {row.reason}")
    if output is not None:
        date = datetime.now(UTC).date()
        output.write_text(write_table(table, f"{date}, Python {platform.python_version()}, {platform.machine()}"))
    if page is not None:
        page.write_text(update_table(page.read_text(), table))


if __name__ == "__main__":
    main()
