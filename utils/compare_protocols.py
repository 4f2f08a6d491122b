"""Do two experiments' numbers compare?  python utils/compare_protocols.py A B"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input

EXIT_DIFFERENT = 1


@click.command(
    help="List every difference between the protocols of A and B, each a directory with a data.json, a data.json, a "
    "result or an environment's configuration. Exit code: 0 the same, 1 different, 2 bad input."
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--except", "excepted", multiple=True, metavar="NAME",
    help="What is meant to differ, as the list names it: agent.policy_type, or a whole group such as versions. "
    "Give it again for more.",
)  # fmt: skip
def main(first: str, second: str, excepted: tuple[str, ...]) -> None:
    """Entry point of the command line."""
    from utils.analysis.protocol_diff import compared, differences, read_protocol

    with exit_on_bad_input():
        a, b = read_protocol(Path(first)), read_protocol(Path(second))
        names = compared(a, b, excepted)
    found = list(differences(a, b, names))
    click.echo(f"{a.describe()}\n{b.describe()}")
    if None in (a.agent_name, b.agent_name):
        click.echo("compared: the environments' configurations alone")
    click.echo("\n".join(found or ["the same protocol"]))
    sys.exit(EXIT_DIFFERENT if found else 0)


if __name__ == "__main__":
    main()
