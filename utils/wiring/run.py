"""Trains and verifies runs for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from utils.core.errors import BadInput
from utils.wiring.build import build_env, check_buildable, make_experiment, makers

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment, Run
    from utils.training.stack_trainer import Choices


def monitored_after(experiment: Experiment, monitor: bool, after: int | None, jobs: int | None) -> int | None:
    """The timesteps after which monitoring begins; None: it never does.  Raises BadInput."""
    if after is not None and not monitor:
        raise BadInput(f"-a/--after: found {after} without -m/--monitor; allowed: both, -m alone or neither")
    if not monitor:
        return None
    if jobs != 1:
        raise BadInput(f"-m/--monitor: found --jobs {jobs or 'auto'}; allowed with it: --jobs 1")
    total = experiment.environment.total_timesteps
    if after is not None and after >= total:
        raise BadInput(f"-a/--after: found {after}; allowed: less than the {total} of total_timesteps")
    build_env(experiment, 0, pictures=True)
    return after or 0


def chosen_indices(experiment: Experiment, index: str | None, runs: int | None) -> list[int]:
    """The indices that the options name.  Raises BadInput."""
    from utils.core.indices import parse_indices

    if runs is not None and index is not None:
        raise BadInput("--index and --runs: found both; allowed: one of them")
    return list(range(len(experiment.grid) * runs)) if runs is not None else parse_indices(index or "0")


def train(experiment: Experiment, wanted: list[Run], choices: Choices) -> int:
    """Train every wanted run that has no result. Returns an exit code.  Raises BadInput before anything is trained."""
    from utils.core.interrupt import interruptible
    from utils.files.atomic import check_writable
    from utils.training.sweep import absent, train_missing

    missing = absent(wanted, choices.force)
    if missing:
        check_buildable(experiment, missing)
        check_writable(experiment.directory)
    with interruptible() as interruption:
        return train_missing(experiment, missing, makers(), choices, interruption)


def verify_all(results: Sequence[str], choices: Choices) -> int:
    """Execute results again and say what comes of it. Returns an exit code.  Raises BadInput."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from agent import AGENTS
    from utils.training.sweep import DONE, FAILED
    from utils.training.verify import by_kind, read_recorded, run_of, verdict

    if not results:
        raise BadInput("--verify: found no RESULT; allowed: one or more result files")
    identical = True
    for group in by_kind([read_recorded(Path(path), AGENTS) for path in results]):
        with TemporaryDirectory() as folder:
            source = str(group[0].path)
            experiment = make_experiment(group[0].environment, group[0].agent, (source, source), folder)
            runs = {recorded.key: run_of(recorded, experiment) for recorded in group}
            code = train(experiment, list(runs.values()), replace(choices, engine=group[0].engine))
            for recorded in group:
                same, lines = verdict(recorded, runs[recorded.key].file.json)
                identical = identical and same
                click.echo("\n".join(lines))
        if code not in (DONE, FAILED):
            click.echo("interrupted", err=True)
            return FAILED
    return DONE if identical else FAILED
