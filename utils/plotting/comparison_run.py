"""A comparison of agents: train them, combine their results, draw the figures and write the table."""

from __future__ import annotations

from pathlib import Path

import click

from utils.analysis.combined_results import CombinedResults, read_combined_results
from utils.analysis.comparison_table import (
    AgentInEnvironment,
    Comparison,
    agents_in_environment,
    comparison_table,
    read_comparison,
)
from utils.analysis.mean_curve import FigureOptions
from utils.analysis.setting_choice import choose_settings
from utils.core.errors import BadInput
from utils.core.run_script import run_script
from utils.experiment.main_command import MainCommand
from utils.files.overwrite import write_out
from utils.plotting.figures import plot_experiments
from utils.plotting.sidecar import write_figure
from utils.results.result_file import results_root

PLOTS = Path("plots")
"""Directory of figures and tables."""


def run_comparisons(paths: list[Path], save_dir: str, jobs: str, engine: str) -> None:
    """Run every comparison.  paths: their JSON files.  save_dir, jobs, engine: main.py's options.

    All files are read before the first comparison starts.  Raises BadInput; exits with main.py's code if it fails.
    """
    comparisons = {path: read_comparison(path) for path in paths}
    for path, comparison in comparisons.items():
        run_comparison(path.stem, comparison, results_root(save_dir) / path.stem, jobs, engine)


def run_comparison(name: str, comparison: Comparison, root: Path, jobs: str, engine: str) -> None:
    """Train and combine what is missing, draw the figures and write the table.

    name: name of the figures and the table.  root: directory of the results.  Raises BadInput.
    """
    columns = {}
    for env_json in comparison.environments:
        pairs = agents_in_environment(comparison, env_json, root)
        directories = [train_and_combine(pair, comparison.runs, jobs, engine) for pair in pairs]
        environment, experiments = Path(env_json).stem, read_combined_results(directories)
        columns[environment] = choose_settings(experiments, None, comparison.by)
        _draw_figures(f"{name}_{environment}", experiments, comparison)
    table = comparison_table(columns, comparison.runs)
    path = PLOTS / f"{name}.md"
    write_out(path, table.encode())
    click.echo(f"{path}\n\n{table}")


def train_and_combine(pair: AgentInEnvironment, runs: int, jobs: str, engine: str) -> Path:
    """Train the runs that have no result yet, combine all, and return the directory of the results.

    Raises BadInput if the directory holds another experiment; exits with the code of a command that fails.
    """
    save_dir = str(pair.save_dir.resolve())
    train = MainCommand(pair.env_json, pair.agent_json, runs=runs, save_dir=save_dir, jobs=jobs, engine=engine)
    run_script(train.words()[1:])
    found = [path for path in pair.save_dir.iterdir() if path.is_dir()]
    if len(found) != 1:
        raise BadInput(f"{pair.save_dir}: found {len(found)} experiments; allowed: one, the comparison's own")
    run_script(["simple_combine.py", str(found[0])])
    return found[0]


def _draw_figures(name: str, experiments: list[CombinedResults], comparison: Comparison) -> None:
    """Draw each kind of figure of one environment.  name: beginning of their names."""
    for kind in comparison.kinds:
        path = PLOTS / "png" / f"{name}_{kind}.png"
        plot = plot_experiments(kind, experiments, FigureOptions(by=comparison.by))
        write_figure(plot, path)
        for warning in plot.warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo(path)
