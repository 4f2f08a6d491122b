"""Verdicts on environments of other packages, from exit codes, differences and provenance; and the list of packages."""

from __future__ import annotations

import pytest

from tests.faults.third_party_environments import name_of, read_packages
from tests.faults.third_party_verdicts import Execution, Row, judge, update_table, write_table

DONE, STOPPED = Execution(0, ["4 of 4 runs done"]), Execution(75, ["SIGTERM: stopped"])
TRACEBACK = Execution(1, ["Traceback (most recent call last):", "KeyError: 'x'"])
IGNORED = Execution(0, ["Exception ignored in: <function Env.__del__>", "Traceback (most recent call last):"])


def verdict(executions, alone=None, resumed=None, again=None, said="exact", before="exact", deterministic=True):
    """Return the verdict on an environment whose runs trained, unless an execution says otherwise."""
    straight = {"resume": None, "env_resume": before, "env_notes": ["a note"], "deterministic": deterministic}
    origins = [straight], [straight | {"resume": said}]
    found = dict(executions=executions, alone=alone, resumed=resumed, again=again, origins=origins)
    return judge(["package==1.0"], "Name-v0", found).verdict


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("ok", {}),
        ("ok", dict(resumed="reward", said="approximate", before="approximate")),
        ("FALSE EXACT", dict(resumed="reward")),
        ("UNSAID APPROXIMATE", dict(resumed="reward", said="approximate")),
        ("SILENT NONDETERMINISM", dict(alone="reward", again="reward")),
        ("STACKS DIFFER", dict(alone="reward")),
        ("ok", dict(alone="reward", again="reward", deterministic=False, said="approximate", before="approximate")),
    ],
)
def test_promises_of_results_are_compared_with_bits(expected, found):
    assert verdict([DONE, DONE, STOPPED, DONE], **found) == expected


def test_tracebacks_and_unknown_exit_codes_are_crashes():
    assert verdict([TRACEBACK]) == "crash"
    assert verdict([Execution(-11, [])]) == "crash"
    assert verdict([Execution(137, [])]) == "too slow"
    assert verdict([DONE, DONE, DONE, DONE]) == "crash"
    assert verdict([IGNORED, DONE, STOPPED, DONE]) == "ok"


def test_a_refusal_is_quoted_without_its_time():
    refused = Execution(2, ["2026-11-28 03:00:00 a line", "error: env.json: env_name: no"])
    row = judge(["package==1.0"], "Name-v0", {"executions": [refused]})
    assert (row.verdict, row.reason) == ("refused", "error: env.json: env_name: no")


def test_a_row_of_the_table():
    row = Row(["package==1.0", "other==2"], "Name-v0", "ok", "", "", "same bits", "differs", "approximate", ["a | b"])
    last = write_table([row], "2026-11-28").splitlines()[-1]
    assert last == r"| package 1.0, other 2 | `Name-v0` | ok | same bits | differs | approximate | a \| b |"


def test_rows_of_a_page_are_replaced_and_new_ones_follow_their_package():
    old = [
        Row([package], name, "refused", "why")
        for package, name in (("a[x]==1.0", "One-v0"), ("a[x]==1.0", "Two-v0"), ("b==2", "One-v0"))
    ]
    page = f"Text.\n\n{write_table(old, 'a day')}"
    new = [Row(["b==3"], "One-v0", "ok"), Row(["a[x]==1.1"], "Two-v0", "ok"), Row(["a[x]==1.1"], "New-v0", "ok")]
    lines = update_table(page, [*new, Row(["c==1"], "One-v0", "ok")]).splitlines()
    assert lines[:6] == page.splitlines()[:6]
    assert [line.rstrip("| ") for line in lines[6:]] == [
        "| a[x] 1.0 | `One-v0` | refused |  |  |  | why",
        "| a[x] 1.1 | `Two-v0` | ok",
        "| a[x] 1.1 | `New-v0` | ok",
        "| b 3 | `One-v0` | ok",
        "| c 1 | `One-v0` | ok",
    ]


def test_packages_are_pinned_and_environments_have_names_of_their_own():
    packages = read_packages([])
    assert all("==" in requirement for package in packages for requirement in package.requirements)
    assert len({package.name for package in packages}) == len(packages) >= 25
    names = [(package.name, name_of(environment)) for package in packages for environment in package.environments]
    assert len(set(names)) == len(names) >= 40
