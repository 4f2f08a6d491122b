"""Script that checks if two results are the same run, to the bit: `python utils/compare_runs.py A.json B.json`.

The resolved configuration and every curve and array are compared; provenance, times and the index (an alias) are not.
If two runs of one protocol differ and their environments' rollout hashes differ too, the versions and CPU flags that
differ are printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input

EXIT_DIFFERENT = 1
"""Exit code if the runs differ."""


@click.command(
    help="Check whether two result files hold the same run, to the bit. Exit code: 0 identical, 1 different, "
    "2 bad input."
)
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
def main(first: Path, second: Path) -> None:
    """Run the command line."""
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
    main()
