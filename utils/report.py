"""Script that writes a report on data.json files: the results, how certain they are, and how to reproduce them."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input


@click.command(
    help="Write a report on the results in each DIR, or data.json, as one HTML file that needs no network. "
    "Exit code: 0 done, 2 bad input."
)
@click.argument("data", metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--out", help="The report's file.  [default: report.html in DIR, or in the common parent directory of all DIR]"
)
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, help="Confidence of intervals, between 0 and 1."
)
def main(data: tuple[str, ...], out: str | None, confidence: float) -> None:
    """Run the command line."""
    from utils.reporting.report_file import write_report

    with exit_on_bad_input():
        click.echo(write_report(data, out, confidence))


if __name__ == "__main__":
    main()
