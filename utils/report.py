"""data.json files -> one page that says what ran, what came of it, how sure that is and how to make it again."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import BadInput, exit_on_bad_input, unwritable_out

REPORT = "report.html"


def place(out: str | None, data: Sequence[str]) -> Path:
    """Where the page goes: by default the directory that holds all the data.  Raises BadInput over a foreign file."""
    from utils.reporting.page import GENERATOR

    directories = [Path(each).parent if Path(each).is_file() else Path(each) for each in data]
    if any(directory.is_absolute() for directory in directories):
        directories = [directory.resolve() for directory in directories]
    path = Path(out) if out else Path(os.path.commonpath(directories), REPORT)
    if path.suffix != ".html":
        raise BadInput(f"--out: found '{path}'; allowed: a name that ends in .html")
    try:
        foreign = path.is_file() and f'content="{GENERATOR}"' not in path.read_text(errors="replace")[:1000]
    except OSError as error:
        raise unwritable_out(path, error) from error
    if foreign:
        raise BadInput(f"--out: '{path}' is there and is no report; allowed: another name")
    return path


def write(data: Sequence[str], out: str | None, confidence: float) -> Path:
    """Make the report and return where it is.  Raises BadInput."""
    from utils.analysis.combined_results import read_combined_results
    from utils.files.atomic import write_atomically
    from utils.reporting.page import page

    if not 0 < confidence < 1:
        raise BadInput(f"--confidence: found {confidence}; allowed: above 0 and below 1")
    experiments = read_combined_results([Path(each) for each in data])
    path = place(out, data)
    content = page(experiments, confidence, shlex.join(["python", "utils/report.py", *data])).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise unwritable_out(path, error) from error
    return path


@click.command(
    help="Write a report on the results in each DIR, or data.json, as one HTML file that needs no network. "
    "Exit code: 0 done, 2 bad input."
)
@click.argument("data", metavar="DIR...", nargs=-1, required=True)
@click.option("--out", help=f"The page's file.  [default: {REPORT} in DIR, or in the folder that holds every DIR]")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of intervals, between 0 and 1.")
def main(data: tuple[str, ...], out: str | None, confidence: float) -> None:
    """Entry point of the command line."""
    with exit_on_bad_input():
        click.echo(write(data, out, confidence))


if __name__ == "__main__":
    main()
