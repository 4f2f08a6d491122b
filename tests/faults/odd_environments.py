"""Train on environments with odd habits and on sound ones, and check what their results promise.

    python tests/faults/odd_environments.py --cache ~/.cache/odd_environments --page docs/odd_environments.md
    python tests/faults/odd_environments.py Clock Sled --cache ~/.cache/odd_environments

The environments with habits are those of `tests/support/habits`. Each is trained for 200 steps, otherwise as
`third_party_environments.py` trains an environment of another package. One that is refused because it is no function of
its seed is trained again with `"allow_nondeterminism": true`. `--page` replaces the table in a page.

Rows are kept in the cache; a row that exists is not measured again.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click

from tests.faults.forked_main import ForkedInterpreter
from tests.faults.third_party_trials import Starter, Trial, measure
from tests.faults.third_party_verdicts import BROKEN_PROMISES, Row, explain, judge, keep_row
from tests.support.habits.catalog import ALL
from utils.core.markdown import markdown_table
from utils.wiring import environments

REGISTERED = "tests.support.habits.registered"

NEEDS_PACKAGE = "LibraryClient"
"""The version that needs a package which is not required: environments of pybullet are among the third-party ones."""

SOUND: dict[str, str] = {
    "Pendulum-v1": "", "MountainCarContinuous-v0": "", "PuddleWorld-v1": "", "Bimodal": "", "Reacher-v5": "",
    "Hopper-v5": "", "HalfCheetah-v5": "", "Humanoid-v5": "", "CartPole-v1": "discrete", "Acrobot-v1": "discrete",
    "FrozenLake-v1": "discrete", "Gridworld": "discrete", "MinAtarBreakout": "discrete",
}  # fmt: skip
"""Sound environments, and those of them whose actions are discrete."""

FLAGS = (
    (environments.OWN_STREAMS, "streams of its own"),
    (environments.EVERY_EPISODE, "a seed at every reset"),
    (environments.SMALL_SEEDS, "small seeds"),
    ("not a function of its seed", "not repeatable"),
    (environments.CARRIED, "outlives a reset"),
    (environments.INEXACT, "not restored"),
)
"""What the probe flags: how a note in the results begins, and the table's words for it."""

SHORT = {"total_timesteps": 200, "eval_interval_timesteps": 100, "steps_per_episode": 50}
"""Additions to the protocol."""

NOT_REPEATABLE = "is not a function of its seed"
"""Words in a refusal that the protocol can overrule."""


class Subject(NamedTuple):
    """An environment to train on.  habit: what is odd about it, or empty.  protocol: additions to the protocol."""

    name: str
    habit: str
    protocol: dict[str, Any]

    def allowed(self) -> Subject:
        """Return the environment with nondeterminism allowed."""
        return self._replace(name=f"{self.name}, allowed", protocol=self.protocol | {"allow_nondeterminism": True})


def list_subjects(names: Sequence[str]) -> list[Subject]:
    """Return the environments with these names, or all.  Raises click.BadParameter for an unknown name."""
    found = [
        Subject(name, str(make.__doc__).splitlines()[0], {"env_name": f"{REGISTERED}:{name}-v0"})
        for name, make in ALL.items()
        if name != NEEDS_PACKAGE
    ]
    found += [Subject(name, "", {"env_name": name, "discrete": kind == "discrete"}) for name, kind in SOUND.items()]
    known = [subject.name for subject in found]
    unknown = set(names) - {*known}
    if unknown:
        raise click.BadParameter(f"found {min(unknown)}; allowed: {', '.join(known)}")
    return [subject for subject in found if not names or subject.name in names]


def rows(subjects: Sequence[Subject], interpreter: Starter, cache: Path) -> Iterator[tuple[Subject, Row]]:
    """Yield each environment with its row, and again where it is refused but can be allowed."""
    for subject in subjects:
        row = _find_row(subject, interpreter, cache)
        yield subject, row
        if row.verdict == "refused" and NOT_REPEATABLE in row.reason:
            yield subject.allowed(), _find_row(subject.allowed(), interpreter, cache)


def _find_row(subject: Subject, interpreter: Starter, cache: Path) -> Row:
    """Return the row of an environment from the cache, or measure it."""

    def make() -> Row:
        trial = Trial(interpreter, SHORT | subject.protocol, cache / "trials" / subject.name)
        return judge([], subject.name, measure(trial))

    return keep_row(cache / "rows" / f"{subject.name}.json", subject.protocol, make)


def flags_of(row: Row) -> str:
    """Return what the probe found, in words: "sound", or everything that it flags."""
    if row.verdict == "refused":
        return "not repeatable" if NOT_REPEATABLE in row.reason else "refused"
    found = [word for start, word in FLAGS if any(note.startswith(start) for note in row.notes)]
    return ", ".join(found) or "sound"


def table_cells(subject: Subject, row: Row) -> tuple[str, ...]:
    """Return the cells of an environment's line."""
    text = explain(row).replace(f"{REGISTERED}:", "")
    return (
        f"`{subject.name}`", subject.habit or "none", flags_of(row), row.verdict, row.stacked, row.resumes, row.said,
        text,
    )  # fmt: skip


def write_page(page: Path, found: Sequence[tuple[Subject, Row]], title: str) -> None:
    """Replace what follows the heading "The table" in a page."""
    head = ("environment", "habit", "probe", "verdict", "alone", "resumed", "`resume`", "what main.py says")
    table = markdown_table(head, [table_cells(*pair) for pair in found])
    text, heading, _ = page.read_text().partition("## The table\n")
    page.write_text(f"{text}{heading}\nMeasured on {title}. {count_rows(found)}\n\n{table}\n")


def count_rows(found: Sequence[tuple[Subject, Row]]) -> str:
    """Return a sentence that counts the rows."""
    exact = sum(row.verdict == "ok" and row.said == "exact" for _, row in found)
    approximate = sum(row.verdict == "ok" and row.said == "approximate" for _, row in found)
    refused = sum(row.verdict == "refused" for _, row in found)
    broken = sum(row.verdict in BROKEN_PROMISES for _, row in found)
    return (
        f"{len(found)} rows: {exact} resumed exactly, {approximate} approximately, {refused} refused; {broken} broke a "
        "promise."
    )


@click.command(help="Train on environments with odd habits and on sound ones, and check what their results promise.")
@click.argument("names", metavar="[ENVIRONMENT]...", nargs=-1)
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder of trials and rows.")
@click.option("--page", type=click.Path(path_type=Path, exists=True), help="Replace the table in this page.")
def main(names: tuple[str, ...], cache: Path, page: Path | None) -> None:
    """Run the command line."""
    found = []
    for subject, row in rows(list_subjects(names), ForkedInterpreter(), cache.resolve()):
        found.append((subject, row))
        click.echo(f"{row.verdict:15} {subject.name}: {flags_of(row)}; {row.said}; {row.reason}")
    if page is not None:
        write_page(page, found, f"{datetime.now(UTC).date()}, Python {platform.python_version()}, {platform.machine()}")


if __name__ == "__main__":
    main()
