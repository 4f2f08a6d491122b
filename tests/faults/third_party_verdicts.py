"""Verdicts on what main.py did with an environment of another package, and the table of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utils.core.markdown import markdown_table

EXIT_CODES = (0, 1, 2, 75)

KILLED = 137
"""Exit code of an execution that took too long."""

BROKEN_PROMISES = ("crash", "FALSE EXACT", "SILENT NONDETERMINISM", "UNSAID APPROXIMATE")
"""Verdicts that are defects of the product."""


class Execution(NamedTuple):
    """One execution of main.py: its exit code and its lines of output."""

    code: int
    lines: list[str]

    def message(self) -> str:
        """Return the last line that is an error of main.py, without its time."""
        lines = [line for line in self.lines if line.startswith(("Error", "error")) or ": failed" in line]
        return re.sub(r"^[\d-]+ [\d:]+ ", "", (lines or self.lines or ["no output"])[-1])


class Row(NamedTuple):
    """A row of the table.

    repeats, resumes: "same bits", "differs" or empty.  said: `provenance.resume` of the resumed runs.
    """

    requirements: list[str]
    name: str
    verdict: str
    reason: str = ""
    repeats: str = ""
    stacked: str = ""
    resumes: str = ""
    said: str = ""
    notes: Sequence[str] = ()
    versions: dict[str, str] | None = None
    seconds: int = 0


def judge(requirements: list[str], name: str, found: dict[str, Any]) -> Row:
    """Return the row of an environment.

    found: "executions"; if the first one trained, "alone" and "resumed" (a difference or None), perhaps "again", and
    "origins", the provenance of the uninterrupted and of the resumed runs.
    """
    executions: list[Execution] = found["executions"]
    if KILLED in [one.code for one in executions]:
        return Row(requirements, name, "too slow", "an execution did not end within the time limit")
    broken = next((one for one in executions if one.code not in EXIT_CODES or _is_traceback(one)), None)
    if broken is not None:
        return Row(requirements, name, "crash", f"exit code {broken.code}: {broken.message()}")
    if executions[0].code == 2:
        return Row(requirements, name, "refused", executions[0].message())
    if executions[0].code == 1:
        return Row(requirements, name, "run fails", executions[0].message())
    codes = [one.code for one in executions]
    straight, resumed = found["origins"]
    said = sorted({str(origin["resume"]) for origin in resumed})
    row = Row(
        requirements, name, "ok", "", _same(found.get("again")), _same(found["alone"]), _same(found["resumed"]),
        " and ".join(said), straight[0]["env_notes"] if straight else [],
    )  # fmt: skip
    if codes[-2:] != [75, 0]:
        return row._replace(verdict="crash", reason=f"stopped and resumed with exit codes {codes[-2:]}")
    if found["alone"] and all(origin["deterministic"] for origin in straight):
        kind = "SILENT NONDETERMINISM" if found["again"] else "STACKS DIFFER"
        return row._replace(verdict=kind, reason=found["again"] or found["alone"])
    if found["resumed"] and "exact" in said:
        return row._replace(verdict="FALSE EXACT", reason=found["resumed"])
    if "approximate" in said and any(origin["env_resume"] == "exact" for origin in straight):
        return row._replace(verdict="UNSAID APPROXIMATE", reason="said exact before training")
    return row


def _same(difference: str | None) -> str:
    return "differs" if difference else "same bits"


def _is_traceback(execution: Execution) -> bool:
    """Return whether main.py ended with a traceback: one that is not of an ignored exception."""
    lines = execution.lines
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback")]
    return any(i == 0 or not lines[i - 1].startswith("Exception ignored") for i in starts)


def keep_row(kept: Path, environment: dict[str, Any], make: Callable[[], Row]) -> Row:
    """Return the row of an environment that a file keeps, or make it and keep it there."""
    if kept.exists() and json.loads(kept.read_bytes())["environment"] == environment:
        return Row(**json.loads(kept.read_bytes())["row"])
    row = make()
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"environment": environment, "row": row._asdict()}))
    return row


def explain(row: Row) -> str:
    """Return the reason for a row's verdict, or the notes in its results, as a cell of a table."""
    return (row.reason or "; ".join(row.notes)).replace("|", "\\|")


def _cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row's line."""
    package = ", ".join(row.requirements).replace("==", " ")
    return package, f"`{row.name}`", row.verdict, row.stacked, row.resumes, row.said, explain(row)


def write_table(table: Sequence[Row], title: str) -> str:
    """Return the rows as Markdown."""
    head = ("package", "environment", "verdict", "alone", "resumed", "`resume`", "what main.py says")
    return f"Measured on {title}.\n\n{markdown_table(head, map(_cells, table))}\n"


def update_table(text: str, table: Sequence[Row]) -> str:
    """Return a page with the lines of some rows replaced, whatever the package's version was.

    A row that the page does not have follows its package's other rows, or is last.
    """
    lines = text.splitlines()
    for row in table:
        cells = _cells(row)
        packages, names = zip(*map(_find_key, lines), strict=True)
        package, name = _find_key(f"| {' | '.join(cells)} |")
        matches = [i for i in range(len(lines)) if (packages[i], names[i]) == (package, name)]
        own = [i for i in range(len(lines)) if packages[i] == package]
        place = matches[0] if matches else (own[-1] if own else len(lines) - 1) + 1
        lines[place : place + len(matches)] = [f"| {' | '.join(cells)} |"]
    return "\n".join((*lines, ""))


def _find_key(line: str) -> tuple[str, str]:
    """Return the packages, without versions, and the environment of a table's line; for other lines, empty ones."""
    package, separator, rest = line.removeprefix("| ").partition(" | ")
    if not separator or not line.startswith("| "):
        return "", ""
    return re.sub(r" \S+(?=,|$)", "", package), rest.partition(" | ")[0]
