"""Script that draws data.json files as a figure, with a sidecar that lists the runs behind it."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import Any

import click

from utils.core.errors import exit_on_bad_input
from utils.plotting.figures import KINDS, figure_path, plot_files

EXIT_STALE = 1
"""Exit code if --check finds a figure that would be drawn differently now."""

DEFAULT_DATA = "results/Pendulum-v1_SAC_SquashedGaussian/data.json"
"""Default of --data."""


@click.command(
    help="Draw the results in one or more data.json files: learning curves of each one's best setting, or another kind "
    "of figure. Exit code: 0 done, 1 --check found a stale figure, 2 bad input."
)
@click.option(
    "--data", multiple=True, default=[DEFAULT_DATA], show_default=True,
    help="A data.json, or a directory that holds one. Give it again for more experiments on the same axes.",
)  # fmt: skip
@click.option("--kind", type=click.Choice(list(KINDS)), default="curves", show_default=True, help="Kind of figure.")
@click.option(
    "--out", multiple=True,
    help="The figure's file, .png, .pdf or .svg. May be given more than once.  "
    "[default: plots/png/<env_name>[_<kind>].png]",
)  # fmt: skip
@click.option("--setting", type=int, help="Show this setting instead of the best.")
@click.option("--by", metavar="KEY", help="Show the best setting for each value of this hyperparameter.")
@click.option(
    "--key", "keys", metavar="KEY", multiple=True,
    help="Show only this hyperparameter. May be given more than once.",
)  # fmt: skip
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, help="Confidence of intervals, between 0 and 1."
)
@click.option(
    "--band", type=click.Choice(["confidence", "tolerance", "none"]), default="confidence", show_default=True,
    help="Band around the mean: confidence, the mean's confidence interval; tolerance, a range that holds 90% of all "
    "possible runs.",
)  # fmt: skip
@click.option("--smooth", type=int, metavar="TIMESTEPS", help="Average each run's returns over this many timesteps.")
@click.option(
    "--label", "labels", metavar="TEXT", multiple=True,
    help="Label of a line, instead of its agent and hyperparameters. Give one for each line, in their order.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Title of the figure.  [default: the environment's name]")
@click.option("--no-caption", is_flag=True, help="Leave the caption out; the sidecar has its numbers.")
@click.option(
    "--check", "checking", is_flag=True, help="Draw nothing; fail if a figure would be drawn differently now."
)
def main(data: tuple[str, ...], kind: str, out: tuple[str, ...], checking: bool, **given: Any) -> None:
    """Run the command line."""
    with exit_on_bad_input():
        plot = plot_files(kind, data, given)
        paths = [figure_path(each, plot) for each in out or (None,)]
        from utils.plotting.sidecar import describe_staleness, write_figure

        for warning in plot.warnings:
            click.echo(f"warning: {warning}", err=True)
        if checking:
            reasons = [describe_staleness(plot, path) for path in paths]
            for path, reason in zip(paths, reasons, strict=True):
                click.echo(f"{path}: up to date" if reason is None else f"{path}: stale: {reason}")
            sys.exit(EXIT_STALE if any(reasons) else 0)
        for path in paths:
            write_figure(plot, path)
            click.echo(path)


if __name__ == "__main__":
    main()
