"""Script that writes a report on data.json files, or keeps a page up to date about runs while they train."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import BadInput, exit_on_bad_input


@click.command(
    help="Write a report on the results in each DIR, or data.json, as one HTML file that needs no network. With "
    "--watch: keep a page up to date about the runs in each DIR while they train. "
    "Exit code: 0 done, 2 bad input; with --watch also 1 a run failed or was stopped, 75 watching was stopped."
)
@click.argument("data", metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--out", help="The page's file.  [default: report.html, or live.html with --watch, in DIR or in the common parent "
    "directory of all DIR]",
)  # fmt: skip
@click.option("--confidence", type=float, help="Confidence of intervals, between 0 and 1.  [default: 0.95]")
@click.option("--watch", is_flag=True, help="Show runs while they train, until all have ended or you press Ctrl-C.")
@click.option(
    "--interval", type=click.FloatRange(min=1), metavar="S", help="Seconds between two pages; only with --watch.  "
    "[default: 10]",
)  # fmt: skip
def main(data: tuple[str, ...], out: str | None, confidence: float | None, watch: bool, interval: float | None) -> None:
    """Run the command line."""
    from utils.reporting.report_file import write_report

    with exit_on_bad_input():
        if not watch:
            if interval is not None:
                raise BadInput(f"--interval: found {interval:g} without --watch; allowed: both or neither")
            click.echo(write_report(data, out, 0.95 if confidence is None else confidence))
            return
        if confidence is not None:
            raise BadInput(f"--confidence: found {confidence:g} with --watch; allowed: one of them")
        from utils.reporting.live_watch import watch as watch_runs
        from utils.slurm.queued_runs import QueueReader

        sys.exit(watch_runs(data, out, interval or 10.0, QueueReader()))


if __name__ == "__main__":
    main()
