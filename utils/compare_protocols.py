"""Script that lists the differences between two protocols: `python utils/compare_protocols.py A B`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input

EXIT_DIFFERENT = 1
"""Exit code if the protocols differ."""


@click.command(
    help="List every difference between the protocols of A and B. Each is a data.json or its "
    "directory, a result, or an environment's configuration. Exit code: 0 the same, 1 different, 2 bad input."
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--except", "excepted", multiple=True, metavar="NAME",
    help="Name of a fact that is meant to differ, such as agent.policy_type, or of a group of facts, such as "
    "versions. May be given more than once.",
)  # fmt: skip
def main(first: str, second: str, excepted: tuple[str, ...]) -> None:
    """Run the command line."""
    from utils.analysis.protocol_diff import comparable_facts, describe_fact_differences, read_protocol

    with exit_on_bad_input():
        a, b = read_protocol(Path(first)), read_protocol(Path(second))
        names = comparable_facts(a, b, excepted)
    differences = list(describe_fact_differences(a, b, names))
    click.echo(f"{a.describe()}\n{b.describe()}")
    if None in (a.agent_name, b.agent_name):
        click.echo("compared: only the environments' configurations")
    click.echo("\n".join(differences or ["the same protocol"]))
    sys.exit(EXIT_DIFFERENT if differences else 0)


if __name__ == "__main__":
    main()
