"""The page that shows runs while they train: how far they are, what they have learned, where they run, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from utils.analysis.live_runs import (
    COMPLETED,
    DIVERGED,
    ENDED,
    FAILED,
    RUNNING,
    SILENT,
    STATES,
    STOPPED,
    WAITING,
    LiveRun,
    LiveSetting,
    LiveSweep,
)
from utils.analysis.number_format import NO_VALUE, format_number, format_thousands
from utils.core.indices import format_indices
from utils.reporting.diagnostics import DiagnosticCharts, draw_diagnostics
from utils.reporting.learning_curves import CurveChart
from utils.reporting.line_styles import LineStyles
from utils.reporting.live_curves import live_curve_chart
from utils.reporting.templating import fill_template
from utils.results.diagnostics import warning_signs

SECTIONS = ("progress", "learning curves", "diagnostics", "settings", "processes", "problems")
"""The sections in order; each has a template of its name."""

MAX_LINES, MAX_ROWS = 12, 60
"""Largest numbers of settings that are drawn, and of rows of a table."""

MAX_SIGNS = 12
"""Largest number of runs whose warning signs are listed."""


@dataclass(frozen=True)
class LiveProgress:
    """How far an experiment is.  counts: of runs by state.  percentages: widths of a bar's parts, by state."""

    title: str
    directory: str
    counts: dict[str, int]
    percentages: dict[str, float]
    done: str
    left: str
    notes: Sequence[str]


@dataclass(frozen=True)
class LiveAxis:
    """The charts of the experiments whose returns mean the same."""

    title: str
    curves: CurveChart | None
    diagnostics: DiagnosticCharts | None
    note: str


@dataclass(frozen=True)
class PageTimes:
    """When a page is made, and what follows.

    now: seconds since the epoch.  reload: seconds until it reloads itself; None: it is the last one.
    """

    now: float
    reload: float | None = None

    @property
    def text(self) -> str:
        """The time in UTC."""
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def render_live_page(sweeps: Sequence[LiveSweep], styles: LineStyles, times: PageTimes) -> str:
    """Return the page's HTML.  styles: of the lines of earlier pages, which stay the same."""
    groups = _group_by_returns(sweeps)
    chosen = [_chosen_settings(group) for group in groups]
    styles.keep({setting.label for settings in chosen for setting in settings})
    return fill_template(
        "live.html",
        ("script.js", "live.js"),
        folder="live/",
        sections=SECTIONS,
        title=_title(sweeps),
        times=times,
        states=STATES,
        progress=[_progress(sweep) for sweep in sweeps],
        signs=_signs([setting for settings in chosen for setting in settings]),
        axes=[_axis(*each, styles) for each in zip(chosen, groups, strict=True)],
        settings=[(sweep.title, *_setting_rows(sweep)) for sweep in sweeps],
        processes=[row for sweep in sweeps for row in _process_rows(sweep)],
        problems=[row for sweep in sweeps for row in _problem_rows(sweep)],
    )


def describe_counts(sweeps: Sequence[LiveSweep]) -> str:
    """Return the number of runs in each state, such as "3 completed, 1 failed"."""
    counts = {state: sum(sweep.counts.get(state, 0) for sweep in sweeps) for state in STATES}
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)


def _title(sweeps: Sequence[LiveSweep]) -> str:
    agents = dict.fromkeys(sweep.agent_name for sweep in sweeps)
    environments = dict.fromkeys(str(sweep.environment["env_name"]) for sweep in sweeps)
    return f"{', '.join(agents)} on {', '.join(environments)}"


def _group_by_returns(sweeps: Sequence[LiveSweep]) -> list[list[LiveSweep]]:
    """Group experiments whose returns mean the same, in the order of each group's first."""
    groups: list[list[LiveSweep]] = []
    for sweep in sweeps:
        group = next((group for group in groups if group[0].returns == sweep.returns), None)
        if group is None:
            groups.append([sweep])
        else:
            group.append(sweep)
    return groups


def _chosen_settings(group: Sequence[LiveSweep]) -> list[LiveSetting]:
    """Return the settings to draw: those with the best mean so far, of each experiment equally many, by number."""
    share = max(1, MAX_LINES // len(group))
    chosen = []
    for sweep in group[:MAX_LINES]:
        ranked = sorted(sweep.settings, key=lambda setting: -setting.performance)[:share]
        chosen += sorted(ranked, key=lambda setting: setting.setting)
    return chosen


def _progress(sweep: LiveSweep) -> LiveProgress:
    left = sweep.seconds_left
    return LiveProgress(
        sweep.title,
        sweep.directory.name,
        {state: sweep.counts.get(state, 0) for state in STATES},
        _percentages(sweep),
        f"{100 * sweep.fraction_done:.1f}%",
        NO_VALUE if left is None else format_seconds(left),
        sweep.notes,
    )


def _percentages(sweep: LiveSweep) -> dict[str, float]:
    """Return the timesteps that are made, as percentages of all: of ended runs by state, of others as running."""
    shares = {state: 100 * sweep.counts.get(state, 0) / len(sweep.runs) for state in ENDED}
    return shares | {RUNNING: max(0.0, 100 * sweep.fraction_done - sum(shares.values()))}


def format_seconds(seconds: float) -> str:
    """Format a time as "2 d 3 h", "3 h 20 min", "5 min" or "40 s"."""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _axis(settings: Sequence[LiveSetting], group: Sequence[LiveSweep], styles: LineStyles) -> LiveAxis:
    drawn = [setting for setting in settings if setting.mean is not None]
    curves = live_curve_chart(drawn, [styles.style(setting.label) for setting in drawn]) if drawn else None
    measured = [setting for setting in settings if setting.diagnostics]
    labels = [(setting.label, styles.style(setting.label)) for setting in measured]
    charts = draw_diagnostics([setting.diagnostics for setting in measured], labels, "") if measured else None
    every = sum(len(sweep.settings) for sweep in group)
    note = f"The best {len(settings)} of {every} settings so far are drawn." if every > len(settings) else ""
    return LiveAxis(str(group[0].environment["env_name"]), curves, charts, note)


def _signs(settings: Sequence[LiveSetting]) -> list[str]:
    """Return a line for each run, of those drawn, that has warning signs."""
    lines = []
    for setting in settings:
        for run in setting.runs:
            found = run.diagnostics()
            if found is not None and (signs := warning_signs(found.values)):
                lines.append(f"index {run.index} ({setting.label}, run {run.run_number}): {'; '.join(signs)}")
    more = [f"and {len(lines) - MAX_SIGNS} more runs"] if len(lines) > MAX_SIGNS else []
    return lines[:MAX_SIGNS] + more


def _setting_rows(sweep: LiveSweep) -> tuple[list[str], list[list[str]], str]:
    """Return the columns and rows of a table of settings, the best so far first, and a note."""
    keys = list(sweep.grid.varied)
    columns = ["setting", *keys, "mean so far", "timesteps", "completed", "running", "waiting", "other"]
    ranked = sorted(sweep.settings, key=lambda setting: -setting.performance)
    rows = []
    for setting in ranked[:MAX_ROWS]:
        states = [run.state for run in setting.runs]
        counts = [states.count(state) for state in (COMPLETED, RUNNING, WAITING)]
        values, mean = sweep.grid.setting(setting.setting), setting.performance
        cells = [str(setting.setting), *(str(values[key]) for key in keys)]
        cells += [format_number(mean) if mean > float("-inf") else NO_VALUE, format_thousands(setting.timestep)]
        rows.append([*cells, *map(str, counts), str(len(states) - sum(counts))])
    return columns, rows, f"The best {MAX_ROWS} of {len(ranked)} settings." if len(ranked) > MAX_ROWS else ""


def _process_rows(sweep: LiveSweep) -> list[list[str]]:
    """Return a row for each process that trains runs: where, its runs, timesteps, steps per second, last sign."""
    by_place: dict[str, list[LiveRun]] = {}
    for run in sweep.in_state(RUNNING, SILENT):
        by_place.setdefault(run.place, []).append(run)
    rows = []
    for place, runs in by_place.items():
        made, rate = sorted({run.timestep for run in runs}), max(run.rate for run in runs)
        extent = [format_thousands(timestep) for timestep in dict.fromkeys((made[0], made[-1]))]
        silence = format_seconds(min(run.silence for run in runs))
        speed = format_number(rate) if rate else NO_VALUE
        indices = format_indices(sorted(run.index for run in runs))
        rows.append([place, sweep.title, indices, " to ".join(extent), speed, f"{silence} ago"])
    return rows


def _problem_rows(sweep: LiveSweep) -> list[list[str]]:
    """Return a row for each run that failed, diverged, stopped or is silent, with the reason."""
    found = sweep.in_state(FAILED, DIVERGED, STOPPED, SILENT)
    rows = [
        [
            str(run.index), sweep.title, f"{run.setting} {sweep.grid.describe_varied(run.setting)}".strip(), run.state,
            format_thousands(run.timestep), run.place or NO_VALUE, run.reason or NO_VALUE,
        ]
        for run in found[:MAX_ROWS]
    ]  # fmt: skip
    return rows + ([[f"and {len(found) - MAX_ROWS} more"] + [""] * 6] if len(found) > MAX_ROWS else [])
