"""A sweep's status as a table: a row for each setting, a letter for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from utils.core.indices import format_indices
from utils.slurm.sweep_status import COMPLETED, DIVERGED, STATES, Status, failure_lines, remaining

MOST_ROWS = 40
"""Of more settings than this, those that are not complete are shown, at most as many as this."""

MOST_LETTERS = 60
"""Of more runs than this, only the counts are shown."""


def status_report(status: Status) -> str:
    """The table and what is to be said of it."""
    by_setting: dict[int, list[str]] = {}
    for cell, state in zip(status.cells, status.states, strict=True):
        by_setting.setdefault(cell.setting, []).append(state)
    runs = sorted({cell.run for cell in status.cells})
    letters = len(runs) <= MOST_LETTERS
    head = f"{'setting':>8}" + "".join(f"{name:>11}" for name in STATES.values())
    lines = [str(status.experiment.directory), head + (f"  runs {format_indices(runs)}" if letters else "")]
    shown = [s for s, states in by_setting.items() if len(by_setting) <= MOST_ROWS or not _done(states)][:MOST_ROWS]
    lines += [_row(str(setting), by_setting[setting], letters) for setting in shown]
    rest = [state for setting, states in by_setting.items() if setting not in set(shown) for state in states]
    if rest:
        lines.append(_row(f"+{len(by_setting) - len(shown)}", rest, False))
    lines.append(_row("all", status.states, False))
    if letters:
        lines.append("; ".join(f"{letter} {name}" for letter, name in STATES.items()))
    lines += [f"held: {reason}" for reason in status.held]
    return "\n".join(line for line in [*lines, *failure_lines(status), remaining(status)] if line)


def _done(states: list[str]) -> bool:
    return all(state in (COMPLETED, DIVERGED) for state in states)


def _row(name: str, states: Sequence[str], letters: bool) -> str:
    """One row.  states: of its runs, in order."""
    counts = Counter(states)
    row = f"{name:>8}" + "".join(f"{counts[letter]:>11}" for letter in STATES)
    return f"{row}  {''.join(states)}" if letters else row
