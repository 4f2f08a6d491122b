"""A sweep's status as a table with a row for each setting and a letter for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from utils.core.indices import format_indices
from utils.slurm.sweep_status import COMPLETED, DIVERGED, STATES, SweepStatus, failure_lines, format_time_left

MAX_SETTING_ROWS = 40
"""Largest number of settings listed; of more settings, only incomplete ones are listed."""

MAX_RUN_LETTERS = 60
"""Largest number of runs shown as letters; for more, only counts are shown."""


def format_status(status: SweepStatus) -> str:
    """Return the table, followed by notes, failures and the remaining time."""
    by_setting: dict[int, list[str]] = {}
    for run_id, state in zip(status.run_ids, status.states, strict=True):
        by_setting.setdefault(run_id.setting, []).append(state)
    runs = sorted({run_id.run for run_id in status.run_ids})
    letters = len(runs) <= MAX_RUN_LETTERS
    head = f"{'setting':>8}" + "".join(f"{name:>11}" for name in STATES.values())
    lines = [str(status.experiment.directory), head + (f"  runs {format_indices(runs)}" if letters else "")]
    listed = len(by_setting) <= MAX_SETTING_ROWS
    shown = [s for s, states in by_setting.items() if listed or not _is_complete(states)][:MAX_SETTING_ROWS]
    lines += [_format_row(str(setting), by_setting[setting], letters) for setting in shown]
    rest = [state for setting, states in by_setting.items() if setting not in set(shown) for state in states]
    if rest:
        lines.append(_format_row(f"+{len(by_setting) - len(shown)}", rest, False))
    lines.append(_format_row("all", status.states, False))
    if letters:
        lines.append("; ".join(f"{letter} {name}" for letter, name in STATES.items()))
    lines += status.blocked
    ending = [*failure_lines(status), *status.closings.lines, format_time_left(status)]
    return "\n".join(line for line in [*lines, *ending] if line)


def _is_complete(states: list[str]) -> bool:
    return all(state in (COMPLETED, DIVERGED) for state in states)


def _format_row(name: str, states: Sequence[str], letters: bool) -> str:
    """Return one row.

    states: states of its runs, in order.
    """
    counts = Counter(states)
    row = f"{name:>8}" + "".join(f"{counts[letter]:>11}" for letter in STATES)
    return f"{row}  {''.join(states)}" if letters else row
