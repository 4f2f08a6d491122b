"""A comparison of agents: train them, combine their results, draw the figures and write the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from utils.analysis.combined_results import CombinedResults, read_combined_results
from utils.analysis.comparison_table import (
    AgentInEnvironment,
    Comparison,
    agents_in_environment,
    comparison_table,
    read_comparison,
)
from utils.analysis.growing_runs import GrowingRuns
from utils.analysis.mean_curve import FigureOptions
from utils.analysis.sequential_comparison import Stopped, add_groups, check_settings, stop_record
from utils.analysis.setting_choice import choose_settings
from utils.analysis.stop_record import write_stop
from utils.core.errors import BadInput
from utils.core.run_script import run_script
from utils.experiment.main_command import MainCommand
from utils.experiment.train_command import TrainCommand, Where
from utils.files.overwrite import write_out
from utils.plotting.figures import plot_experiments
from utils.plotting.sidecar import write_figure
from utils.results.result_file import results_root

PLOTS = Path("plots")
"""Directory of figures and tables."""


def run_comparisons(paths: list[Path], save_dir: str, where: Where, agents: Mapping[str, Any]) -> None:
    """Run every comparison.  paths: their JSON files.  save_dir: of main.py.  agents: entries of `agent.AGENTS`.

    All files are read before the first comparison starts.  Raises BadInput; exits with main.py's code if it fails.
    """
    comparisons = {path: read_comparison(path) for path in paths}
    for path, comparison in comparisons.items():
        if where.cluster is not None and comparison.until is None:
            raise BadInput(f"--schedule: found with {path}, which has no key 'until'; allowed: with it")
    for path, comparison in comparisons.items():
        run_comparison(path.stem, comparison, results_root(save_dir) / path.stem, where, agents)


def run_comparison(name: str, comparison: Comparison, root: Path, where: Where, agents: Mapping[str, Any]) -> None:
    """Train and combine what is missing, draw the figures and write the table.

    name: name of the figures and the table.  root: directory of the results.  Raises BadInput.
    Of a comparison whose next runs have been submitted, nothing is drawn.
    """
    columns, stops = {}, {}
    every = {env_json: agents_in_environment(comparison, env_json, root) for env_json in comparison.environments}
    if comparison.stop_rule is not None:
        found = {env_json: _add_groups(pairs, comparison, where, agents) for env_json, pairs in every.items()}
        stops = {Path(env_json).stem: stopped for env_json, stopped in found.items() if stopped is not None}
        if len(stops) < len(every):
            return
    for env_json, pairs in every.items():
        if not stops:
            for pair in pairs:
                _train(pair, comparison.runs, where)
        directories = [_combine(pair) for pair in pairs]
        environment, experiments = Path(env_json).stem, read_combined_results(directories)
        columns[environment] = choose_settings(experiments, None, comparison.by)
        _draw_figures(f"{name}_{environment}", experiments, comparison)
    table = comparison_table(columns, comparison.runs, stops)
    path = PLOTS / f"{name}.md"
    write_out(path, table.encode())
    click.echo(f"{path}\n\n{table}")


def _add_groups(
    pairs: Sequence[AgentInEnvironment], comparison: Comparison, where: Where, agents: Mapping[str, Any]
) -> Stopped | None:
    """Add runs in one environment until the rule stops, and record it; None if runs have been submitted."""
    rule = comparison.stop_rule
    assert rule is not None
    files = [TrainCommand(pair.env_json, pair.agent_json, str(pair.save_dir.resolve())) for pair in pairs]
    experiments = [GrowingRuns(each, agents) for each in files]
    check_settings(experiments, comparison.by, decides=rule.half_width is None)
    stopped = add_groups(experiments, rule, where)
    if stopped is None:
        return None
    place = 0
    for each in experiments:
        places = range(place, place := place + len(each.experiment.grid))
        largest = max(places, key=lambda one: len(stopped.performance[one]))
        write_stop(each.experiment.directory, stop_record(stopped, len(comparison.environments), largest))
    return stopped


def _train(pair: AgentInEnvironment, runs: int, where: Where) -> None:
    """Train the runs that have no result yet.  Exits with main.py's code if it fails."""
    train = MainCommand(
        pair.env_json, pair.agent_json, runs=runs, save_dir=str(pair.save_dir.resolve()), jobs=where.jobs,
        engine=where.engine,
    )  # fmt: skip
    run_script(train.words()[1:])


def _combine(pair: AgentInEnvironment) -> Path:
    """Combine an agent's results in an environment, and return their directory.

    Raises BadInput if there is another experiment; exits with the code of a command that fails.
    """
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
