"""data.json -> a figure of one of several kinds, and beside it the keys of the runs behind it."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import importlib
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from utils.errors import BadInput, bad_input_exits
from utils.grid import LARGEST_INDEX

if TYPE_CHECKING:
    from utils.experiment import Experiment
    from utils.plot_utils import Plot
    from utils.summary import Options

EXIT_STALE = 1

DEFAULT_DATA = "results/Pendulum-v1_SAC_SquashedGaussian/data.json"


class Kind(NamedTuple):
    """A kind of figure: the module whose `make` makes it, and the options that change it."""

    module: str
    options: frozenset[str]


KINDS = {
    "curves": Kind("utils.plot_curves", frozenset({"setting", "by", "confidence", "band", "smooth"})),
    "sensitivity": Kind("utils.plot_sensitivity", frozenset({"keys", "confidence"})),
    "heat-map": Kind("utils.plot_heat_map", frozenset({"keys"})),
    "distribution": Kind("utils.plot_distribution", frozenset({"setting", "by", "confidence"})),
    "profile": Kind("utils.plot_profile", frozenset({"setting", "by", "confidence"})),
}


def make(kind: str, data: Sequence[str], given: dict[str, Any]) -> Plot:
    """The figure, not drawn yet.  given: the options that are not at their defaults.  Raises BadInput."""
    from utils.experiment import read_experiments
    from utils.summary import Options

    options = replace(Options(), **given)
    check(kind, options)
    return plot_of(kind, read_experiments([Path(path) for path in data]), options)


def plot_of(kind: str, experiments: Sequence[Experiment], options: Options) -> Plot:
    """The figure of experiments that are read already, not drawn yet.  Raises BadInput."""
    plot = importlib.import_module(KINDS[kind].module).make(experiments, options)
    names = dict.fromkeys(experiment.environment["env_name"] for experiment in experiments)
    facts = {
        "kind": kind,
        "env_name": " ".join(names),
        "returns": "training, step-weighted" if experiments[0].training else "evaluation",
        **plot.facts,
    }
    return replace(plot, name="_".join([*names, *([plot.name] if plot.name else [])]), facts=facts)


def check(kind: str, options: Options) -> None:
    """Raises BadInput for an option that does not change this kind of figure, or out of range."""
    for field in fields(options):
        name = "key" if field.name == "keys" else field.name
        if getattr(options, field.name) != field.default and field.name not in KINDS[kind].options:
            having = ", ".join(other for other in KINDS if field.name in KINDS[other].options)
            raise BadInput(f"--{name}: found with --kind {kind}; allowed with: {having}")
    if not 0 < options.confidence < 1:
        raise BadInput(f"--confidence: found {options.confidence}; allowed: above 0 and below 1")
    if options.smooth is not None and not 1 <= options.smooth <= LARGEST_INDEX:
        raise BadInput(f"--smooth: found {options.smooth}; allowed: 1 to {LARGEST_INDEX} timesteps")
    if options.setting is not None and options.by is not None:
        raise BadInput("--by: found with --setting; allowed: one of the two")


def place(out: str | None, plot: Plot) -> Path:
    """Where the figure goes.  Raises BadInput for a format that cannot be drawn, or over a foreign file."""
    from utils.sidecar import check_place

    path = Path(out) if out else Path("plots", "png", re.sub(r"[^\w.+-]", "-", plot.name) + ".png")
    check_place(path)
    return path


def is_current(plot: Plot, path: Path) -> bool:
    """Say whether the figure at a path is the one that would be drawn now.  Raises BadInput."""
    from utils.sidecar import staleness

    reason = staleness(plot, path)
    click.echo(f"{path}: up to date" if reason is None else f"{path}: stale: {reason}")
    return reason is None


@click.command(
    help="Draw the results in one or more data.json: learning curves of the best setting of each, or another kind. "
    "Exit code: 0 done, 1 --check found a figure stale, 2 bad input."
)
@click.option(
    "--data", multiple=True, default=[DEFAULT_DATA], show_default=True,
    help="A data.json, or a directory that holds one. Give it again for more experiments on the same axes.",
)  # fmt: skip
@click.option("--kind", type=click.Choice(list(KINDS)), default="curves", show_default=True, help="Of figure.")
@click.option(
    "--out", multiple=True,
    help="The figure's file, .png, .pdf or .svg; may be given again.  [default: plots/png/<env_name>[_<kind>].png]",
)  # fmt: skip
@click.option("--setting", type=int, help="Show this setting instead of the best.")
@click.option("--by", metavar="KEY", help="Show the best setting for each value of this hyperparameter.")
@click.option("--key", "keys", metavar="KEY", multiple=True, help="Only this hyperparameter; may be given again.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of intervals, between 0 and 1.")
@click.option(
    "--band", type=click.Choice(["bootstrap", "tolerance", "none"]), default="bootstrap", show_default=True,
    help="Around the mean: its confidence interval, or what holds 90% of all runs there could be.",
)  # fmt: skip
@click.option("--smooth", type=int, metavar="TIMESTEPS", help="Average each run's returns over so many timesteps.")
@click.option("--check", "checking", is_flag=True, help="Draw nothing; fail if a figure would not be the same now.")
def main(data: tuple[str, ...], kind: str, out: tuple[str, ...], checking: bool, **given: Any) -> None:
    """Entry point of the command line."""
    with bad_input_exits():
        plot = make(kind, data, given)
        paths = [place(each, plot) for each in out or (None,)]
        if checking:
            current = [is_current(plot, path) for path in paths]
            sys.exit(0 if all(current) else EXIT_STALE)
        from utils.sidecar import write

        for path in paths:
            write(plot, path)
            click.echo(path)


if __name__ == "__main__":
    main()
