"""Progress in a report: what is complete, diverged and missing, and how to run the rest."""

from __future__ import annotations

from dataclasses import dataclass

from utils.analysis.combined_results import CombinedResults, RunOutcome
from utils.analysis.number_format import value_name
from utils.core.indices import format_indices

MOST_ROWS = 40
"""Settings listed, of those that lack a run."""

Counts = tuple[int, int, int]
"""Runs completed, diverged, missing."""


@dataclass(frozen=True)
class GridProgress:
    """rows: of the settings that lack a run: number, varied values, counts.  unlisted: those of them left out."""

    settings: int
    runs: int
    counts: Counts
    keys: list[str]
    rows: list[list[str]]
    unlisted: int
    missing: str
    diverged: str

    @property
    def expected(self) -> int:
        """Runs that there should be."""
        return self.settings * self.runs

    @property
    def shares(self) -> tuple[float, float, float]:
        """The counts as percentages of the runs that there should be."""
        done, diverged, missing = (100 * count / max(self.expected, 1) for count in self.counts)
        return done, diverged, missing


def grid_progress(experiment: CombinedResults) -> GridProgress:
    """Of one experiment.  Its runs are taken to go from the lowest to the highest number present."""
    counts = [_counts(outcomes) for outcomes in experiment.outcomes]
    lacking = [setting for setting, (_, diverged, missing) in enumerate(counts) if diverged or missing]
    rows = [
        [str(setting), *(value_name(experiment.settings[setting][key]) for key in experiment.varied)]
        + [str(count) for count in counts[setting]]
        for setting in lacking[:MOST_ROWS]
    ]
    done, diverged, missing = (sum(column) for column in zip(*counts, strict=True))
    return GridProgress(
        len(counts),
        len(experiment.outcomes[0]),
        (done, diverged, missing),
        list(experiment.varied),
        rows,
        len(lacking[MOST_ROWS:]),
        _indices(experiment, "missing"),
        _indices(experiment, "diverged"),
    )


def _counts(outcomes: list[RunOutcome]) -> Counts:
    diverged, missing = (sum(outcome.fate == fate for outcome in outcomes) for fate in ("diverged", "missing"))
    return len(outcomes) - diverged - missing, diverged, missing


def _indices(experiment: CombinedResults, fate: str) -> str:
    """The runs of one fate, as `main.py --index` reads them; "" for none."""
    indices = sorted(
        experiment.grid.index(setting, outcome.number)
        for setting, outcomes in enumerate(experiment.outcomes)
        for outcome in outcomes
        if outcome.fate == fate
    )
    return format_indices(indices) if indices else ""
