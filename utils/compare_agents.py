"""Train agents in environments and compare them:  python utils/compare_agents.py COMPARISON.json"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import shlex
import subprocess
from typing import TYPE_CHECKING

import click

from utils.core.cli_types import DEFAULT_ENGINE, ENGINE_CHOICES
from utils.core.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from utils.analysis.comparison_table import Comparison, Pair

ROOT = Path(__file__).resolve().parents[1]
PLOTS = Path("plots")


def run(script: str, *arguments: object) -> None:
    """Say a command and run it; where it fails, end with its exit code."""
    words = [script, *map(str, arguments)]
    click.echo(shlex.join(["python", *words]))
    done = subprocess.run([sys.executable, ROOT / script, *words[1:]], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def results(pair: Pair, runs: int, options: list[str]) -> Path:
    """Train what is not trained yet, and combine it. Returns the directory of the results.  Raises BadInput."""
    files = ["--agent-json", pair.agent_json, "--env-json", pair.env_json]
    run("main.py", *files, "--runs", runs, *options, "--save-dir", pair.save_dir.resolve())
    found = [path for path in pair.save_dir.iterdir() if path.is_dir()]
    if len(found) != 1:
        raise BadInput(f"{pair.save_dir}: found {len(found)} experiments; allowed: one, which is this comparison's")
    run("simple_combine.py", found[0])
    return found[0]


def compare(name: str, comparison: Comparison, root: Path, options: list[str]) -> None:
    """Results, figures and the table.  Raises BadInput."""
    from utils.analysis.combined_results import read_combined_results
    from utils.analysis.comparison_table import pairs_in, table
    from utils.analysis.mean_curve import Options
    from utils.analysis.setting_choice import choose
    from utils.files.atomic import write_atomically
    from utils.plotting.figures import plot_of
    from utils.plotting.sidecar import write

    columns, shown = {}, Options(by=comparison.by)
    for env_json in comparison.environments:
        directories = [results(pair, comparison.runs, options) for pair in pairs_in(comparison, env_json, root)]
        environment, experiments = Path(env_json).stem, read_combined_results(directories)
        columns[environment] = choose(experiments, None, comparison.by)
        for kind in comparison.kinds:
            path = PLOTS / "png" / f"{name}_{environment}_{kind}.png"
            write(plot_of(kind, experiments, shown), path)
            click.echo(path)
    text = table(columns, comparison.runs)
    write_atomically(PLOTS / f"{name}.md", text.encode())
    click.echo(f"{PLOTS / name}.md\n\n{text}")


@click.command(
    help="Train the agents that each COMPARISON.json names, in its environments, draw figures for each environment "
    "and write a table, plots/COMPARISON.md. What has a result is not trained again. Exit code: main.py's where it "
    "fails; 2 bad input."
)
@click.argument("comparisons", metavar="COMPARISON...", nargs=-1, required=True)
@click.option("--jobs", default="1", show_default=True, help="main.py's.")
@click.option(
    "--engine", type=click.Choice(ENGINE_CHOICES), default=DEFAULT_ENGINE, show_default=True, help="main.py's."
)
@click.option(
    "--save-dir", default="comparison", show_default=True, help="As main.py's; a directory for each COMPARISON."
)
def main(comparisons: tuple[str, ...], jobs: str, engine: str, save_dir: str) -> None:
    """Entry point of the command line."""
    with exit_on_bad_input():
        from utils.analysis.comparison_table import read_comparison
        from utils.results.result_file import results_root

        paths = [Path(path) for path in comparisons]
        for path, comparison in [(path, read_comparison(path)) for path in paths]:
            compare(path.stem, comparison, results_root(save_dir) / path.stem, ["--jobs", jobs, "--engine", engine])


if __name__ == "__main__":
    main()
