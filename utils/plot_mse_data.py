"""data.json -> a figure of one of several kinds, and beside it the keys of the runs behind it."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import Any

import click

from utils.core.errors import exit_on_bad_input
from utils.plotting.figures import KINDS, is_current, make, place

EXIT_STALE = 1

DEFAULT_DATA = "results/Pendulum-v1_SAC_SquashedGaussian/data.json"


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
    with exit_on_bad_input():
        plot = make(kind, data, given)
        paths = [place(each, plot) for each in out or (None,)]
        if checking:
            current = [is_current(plot, path) for path in paths]
            sys.exit(0 if all(current) else EXIT_STALE)
        from utils.plotting.sidecar import write

        for path in paths:
            write(plot, path)
            click.echo(path)


if __name__ == "__main__":
    main()
