"""tests/faults/odd_environments.py: its list of environments, what the probe's notes mean, and the page's table."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.faults.odd_environments import (
    NEEDS_PACKAGE,
    SOUND,
    Subject,
    count_rows,
    flags_of,
    list_subjects,
    rows,
    table_cells,
    write_page,
)  # fmt: skip
from tests.faults.third_party_trials import Interpreter
from tests.faults.third_party_verdicts import BROKEN_PROMISES, Row, keep_row
from tests.support.habits.catalog import ALL
from utils.wiring import environments

PAGE = Path(__file__).resolve().parents[2] / "docs" / "odd_environments.md"

REFUSAL = "error: env.json: env_name: 'tests.support.habits.registered:Clock-v0' is not a function of its seed: why"


def row(verdict: str = "ok", reason: str = "", notes: tuple[str, ...] = (), said: str = "exact") -> Row:
    return Row([], "Clock", verdict, reason, "", "same bits", "same bits", said, notes)


@pytest.mark.parametrize(
    ("found", "flags"),
    [
        (row(), "sound"),
        (row(notes=(environments.OWN_STREAMS, environments.EVERY_EPISODE)), "streams of its own, a seed at every "
         "reset"),
        (row(notes=(environments.SMALL_SEEDS,)), "small seeds"),
        (row(notes=(f"{environments.CARRIED} (reward)", f"{environments.INEXACT}: why")), "outlives a reset, not "
         "restored"),
        (row(notes=("not a function of its seed: why",)), "not repeatable"),
        (row("refused", REFUSAL), "not repeatable"),
        (row("refused", "error: env.json: env_name: 'X' fails as configured (ValueError: no)"), "refused"),
    ],
)  # fmt: skip
def test_flags_are_the_probes_in_words(found: Row, flags: str) -> None:
    assert flags_of(found) == flags


def test_every_version_and_more_than_ten_sound_environments_are_listed() -> None:
    subjects = list_subjects([])
    assert {subject.name for subject in subjects} == ({*ALL} | {*SOUND}) - {NEEDS_PACKAGE}
    assert all(subject.habit for subject in subjects if subject.name in ALL)
    (clock,) = list_subjects(["Clock"])
    assert clock == Subject("Clock", "Reads the clock.", {"env_name": "tests.support.habits.registered:Clock-v0"})
    assert len(SOUND) >= 10
    with pytest.raises(click.BadParameter, match="found Watch; allowed: Sled, "):
        list_subjects(["Watch"])


def test_a_refused_environment_is_tried_again_where_it_can_be_allowed(tmp_path: Path) -> None:
    clock, sled = (Subject(name, "odd", {"env_name": name}) for name in ("Clock", "Sled"))
    kept = [(clock, row("refused", REFUSAL)), (clock.allowed(), row(said="approximate")), (sled, row())]
    for subject, one in kept:
        keep_row(tmp_path / "rows" / f"{subject.name}.json", subject.protocol, lambda one=one: one)  # type: ignore[misc]
    found = list(rows([clock, sled], Interpreter(tmp_path), tmp_path))
    assert [subject.name for subject, _ in found] == ["Clock", "Clock, allowed", "Sled"]
    assert [one.verdict for _, one in found] == ["refused", "ok", "ok"]
    assert found[1][0].protocol == {"env_name": "Clock", "allow_nondeterminism": True}
    assert count_rows(found) == "3 rows: 1 resumed exactly, 1 approximately, 1 refused; 0 broke a promise."


def test_a_line_of_the_table_and_its_place_in_a_page(tmp_path: Path) -> None:
    cells = ("`Clock`", "odd", "not repeatable", "refused", "same bits", "same bits", "exact",
             "error: env.json: env_name: 'Clock-v0' is not a function of its seed: why")  # fmt: skip
    subject = Subject("Clock", "odd", {})
    assert table_cells(subject, row("refused", REFUSAL)) == cells
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nText.\n\n## The table\n\nold\n")
    write_page(page, [(subject, row("refused", REFUSAL))], "a day")
    head, _, table = page.read_text().partition("## The table\n")
    assert head == "# Title\n\nText.\n\n"
    assert table.splitlines()[1] == f"Measured on a day. {count_rows([(subject, row('refused', REFUSAL))])}"
    assert table.splitlines()[-1] == f"| {' | '.join(cells)} |"


def test_the_page_has_a_row_for_each_environment_and_no_broken_promise() -> None:
    lines = PAGE.read_text().partition("## The table\n")[2].splitlines()[5:]
    cells = {line.split(" | ")[0].strip("|` "): line.split(" | ") for line in lines}
    assert {name for name in cells if not name.endswith(", allowed")} == ({*ALL} | {*SOUND}) - {NEEDS_PACKAGE}
    assert not {line[3] for line in cells.values()} & {*BROKEN_PROMISES}
    assert {cells[name][2] for name in SOUND} == {"sound"}
