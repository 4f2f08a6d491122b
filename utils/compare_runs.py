"""Are two results the same run, to the bit?  python utils/compare_runs.py A.json B.json

Compared are the resolved configuration and every curve and array; provenance, times and the index
(an alias) are not. Where two runs of one protocol differ and so do their environments' rollout
hashes, that is said too, with the versions and CPU flags that differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input

EXIT_DIFFERENT = 1


@click.command(help="Say whether two result files hold the same run, to the bit; exit 1 where they do not.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
def compare(first: Path, second: Path) -> None:
    """Entry point of the command line."""
    from utils.results.run_diff import explain_difference, first_run_difference, read_comparable

    with exit_on_bad_input():
        difference = first_run_difference(read_comparable(first), read_comparable(second))
    if difference is None:
        click.echo("identical")
        sys.exit(0)
    click.echo(f"different: {difference}")
    for line in explain_difference(first, second):
        click.echo(line)
    sys.exit(EXIT_DIFFERENT)


if __name__ == "__main__":
    compare()
