"""Combination of several directories, or of none if one has an error, and a report of what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import click

from utils.combining.archive_results import archive_results
from utils.combining.combine import Combination, open_directory
from utils.combining.parquet import write_tables
from utils.combining.selection import WantedRuns


def combine_directories(
    directories: Iterable[Path], wanted: WantedRuns, parquet: bool = False, archive: bool = False
) -> int:
    """Combine all directories or, if one of them has an error, none.

    parquet: also write tables.
    archive: then move the result files into the archive.
    Returns the number of files left out.  Raises BadInput if a directory has an error.
    """
    left_out, chosen = 0, []
    with ExitStack() as stack:
        for directory in directories:
            combination = Combination(stack.enter_context(open_directory(directory)), wanted)
            left_out += report_left_out(combination)
            chosen.append((combination, combination.select()))
        for combination, selection in chosen:
            combination.write(selection)
            if parquet:
                write_tables(combination.path, combination.tree())
            if archive:
                left_out += archive_combination(combination)
            click.echo(f"{combination.path}\n{selection.coverage().format_report()}")
    if left_out:
        click.echo(f"left out: {left_out} of the JSON files, listed above", err=True)
    return left_out


def report_left_out(combination: Combination) -> int:
    """Report files that are not in data.json, and environments that differ. Returns how many files are not results."""
    for complaint in combination.complaints:
        click.echo(f"left out: {complaint}", err=True)
    if combination.outside:
        click.echo(f"{combination.directory}: {combination.outside} results of another grid or protocol", err=True)
    for line in combination.environment_warnings():
        click.echo(f"warning: {line}", err=True)
    mixed = combination.code_warning()
    if mixed:
        click.echo(f"warning: {combination.directory}: {mixed}", err=True)
    return len(combination.complaints)


def archive_combination(combination: Combination) -> int:
    """Move the combined results into the archive and report it. Returns how many results could not be moved."""
    report = archive_results(combination.directory, combination.packable_results())
    for line in report.left:
        click.echo(f"left out: {line}", err=True)
    click.echo(f"{combination.directory}: {report.removed} files moved into the archive")
    return len(report.left)
