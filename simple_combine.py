"""Result files -> data.json, and a table of what is there and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from utils.errors import BadInput

if TYPE_CHECKING:
    from utils.combine import Result

EXIT_LEFT_OUT, EXIT_BAD_INPUT = 1, 2

MOST_ROWS = 20
"""Of a grid with more settings than this, only the incomplete ones are listed, at most as many as this."""

Counts = tuple[int, int, int]
"""Runs completed, diverged, missing."""


@click.command(
    help="Merge the result files in each DIR into DIR/data.json, and say which runs are missing. Exit code: 0 done, "
    "1 a file was no result and was left out, 2 nothing written: a DIR is missing, empty or contradicts itself."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
def main(directories: tuple[str, ...]) -> None:
    """Entry point of the command line."""
    try:
        left_out = combine([Path(directory) for directory in directories])
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    sys.exit(EXIT_LEFT_OUT if left_out else 0)


def combine(directories: Iterable[Path]) -> int:
    """Combine all directories or, if one of them is at fault, none.

    Returns how many files were left out.  Raises BadInput.
    """
    from utils.combine import merge, read_directory, write_combined

    trees, left_out = {}, 0
    for directory in directories:
        results, complaints = read_directory(directory)
        for complaint in complaints:
            click.echo(f"left out: {complaint}", err=True)
        left_out += len(complaints)
        if not results:
            raise BadInput(f"{directory}: found no result; allowed: a directory with results of main.py")
        warn_of_unlike_environments(results)
        trees[directory] = merge(results)
    for directory, tree in trees.items():
        click.echo(f"{write_combined(directory, tree)}\n{report(tree)}")
    if left_out:
        click.echo(f"left out: {left_out} of the JSON files, named above", err=True)
    return left_out


def warn_of_unlike_environments(results: Sequence[Result]) -> None:
    """Say so where results of one protocol come from environments that behave differently.

    They are said before results are merged, as this is a cause of results that contradict each other.
    """
    from utils.origins import Origin, unlike_environments

    protocol = results[0].experiment["environment"]
    alike = [result for result in results if result.experiment["environment"] == protocol]
    for line in unlike_environments(Origin(str(result.path), result.run.get("provenance")) for result in alike):
        click.echo(f"warning: {line}", err=True)


def report(tree: dict[str, Any]) -> str:
    """Completed, diverged and missing runs of each setting, and the indices still to run."""
    from utils.combine import index_ranges, missing_runs

    missing = missing_runs(tree)
    counts = {setting: _counts(tree, setting, len(runs)) for setting, runs in missing.items()}
    lines = [f"{name:>12}{done:>12}{diverged:>12}{absent:>12}" for name, (done, diverged, absent) in _rows(counts)]
    indices = [run * len(counts) + setting for setting, runs in missing.items() for run in runs]
    closing = f"still to run: --index {index_ranges(indices)}" if indices else "nothing is missing"
    return "\n".join([f"{'setting':>12}{'completed':>12}{'diverged':>12}{'missing':>12}", *lines, closing])


def _counts(tree: dict[str, Any], setting: int, missing: int) -> Counts:
    """Of one setting."""
    runs = tree["experiment_data"].get(str(setting), {"runs": []})["runs"]
    diverged = sum(run["status"] == "diverged" for run in runs)
    return len(runs) - diverged, diverged, missing


def _rows(counts: dict[int, Counts]) -> list[tuple[str, Counts]]:
    """The table's rows: settings, those too many to list, and all."""
    listed = [s for s, (_, diverged, absent) in counts.items() if len(counts) <= MOST_ROWS or diverged or absent]
    listed = listed[:MOST_ROWS]
    rows = [(str(setting), counts[setting]) for setting in listed]
    rest = [counts[setting] for setting in counts.keys() - set(listed)]
    if rest:
        rows.append((f"{len(rest)} others", _sums(rest)))
    return [*rows, ("all", _sums(counts.values()))]


def _sums(counts: Iterable[Counts]) -> Counts:
    """Column sums."""
    done, diverged, missing = (sum(column) for column in zip(*counts, strict=True))
    return done, diverged, missing


if __name__ == "__main__":
    main()
