"""The report's file: where it is written, and what it may replace."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from utils.analysis.combined_results import read_combined_results
from utils.core.errors import BadInput, unwritable_out
from utils.files.overwrite import check_replaceable, write_out
from utils.reporting.page import render_page
from utils.reporting.templating import GENERATOR

REPORT = "report.html"
"""Default name of the file."""

GENERATOR_WITHIN = 1000
"""Number of characters at the beginning of a page in which its generator must be named."""


def write_report(data: Sequence[str], out: str | None, confidence: float) -> Path:
    """Write the report on some results and return its path.

    data: data.json files or their directories.  out: value of --out; None: the default path.
    Raises BadInput if an option is invalid, the data cannot be read, or the report cannot be written.
    """
    if not 0 < confidence < 1:
        raise BadInput(f"--confidence: found {confidence}; allowed: above 0 and below 1")
    experiments = read_combined_results([Path(each) for each in data])
    path = Path(out) if out else default_path(data)
    check_report_path(path)
    own_command = shlex.join(["python", "utils/report.py", *data])
    write_out(path, render_page(experiments, confidence, own_command).encode())
    for warning in (warning for experiment in experiments for warning in experiment.warnings):
        click.echo(f"warning: {warning}", err=True)
    return path


def default_path(data: Sequence[str]) -> Path:
    """Return the default path, in the directory that holds all the data."""
    directories = [Path(each).parent if Path(each).is_file() else Path(each) for each in data]
    if any(directory.is_absolute() for directory in directories):
        directories = [directory.resolve() for directory in directories]
    return Path(os.path.commonpath(directories), REPORT)


def check_report_path(path: Path) -> None:
    """Check that a path ends in .html and that its file, if it exists, is a report.  Raises BadInput."""
    if path.suffix != ".html":
        raise BadInput(f"--out: found '{path}'; allowed: a name that ends in .html")
    try:
        check_replaceable(path, _is_report, "--out", "a report")
    except OSError as error:
        raise unwritable_out(path, error) from error


def _is_report(path: Path) -> bool:
    return f'content="{GENERATOR}"' in path.read_text(errors="replace")[:GENERATOR_WITHIN]
