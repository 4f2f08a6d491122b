"""Progress of a grid: completed, diverged and missing runs, and the indices of those to run."""

from __future__ import annotations

from dataclasses import dataclass

from utils.analysis.combined_results import CombinedResults, RunOutcome
from utils.analysis.number_format import value_name
from utils.combining.coverage import RunCounts, add_counts, count_runs
from utils.core.indices import format_indices

MAX_INCOMPLETE_SETTINGS = 40
"""Largest number of incomplete settings listed."""


@dataclass(frozen=True)
class GridProgress:
    """The progress of a grid.

    settings: number of settings.  runs: number of runs that each should have.  counts: over all settings.
    keys: hyperparameters that vary.  rows: incomplete settings, each with number, values of the keys, and counts.
    unlisted: number of incomplete settings left out.  missing, diverged: indices, in the form of --index.
    """

    settings: int
    runs: int
    counts: RunCounts
    keys: list[str]
    rows: list[list[str]]
    unlisted: int
    missing: str
    diverged: str

    @property
    def expected(self) -> int:
        """Number of runs that there should be."""
        return sum(self.counts)

    @property
    def percentages(self) -> dict[str, float]:
        """The counts as percentages of the expected runs, by status."""
        return {status: 100 * count / max(self.expected, 1) for status, count in self.counts._asdict().items()}


def grid_progress(experiment: CombinedResults) -> GridProgress:
    """Return the progress of an experiment; runs are expected from the lowest number present to the highest."""
    counts = [_count_outcomes(outcomes) for outcomes in experiment.outcomes]
    incomplete = [setting for setting, count in enumerate(counts) if count.diverged or count.missing]
    rows = [
        [str(setting), *(value_name(experiment.settings[setting][key]) for key in experiment.varied)]
        + [str(count) for count in counts[setting]]
        for setting in incomplete[:MAX_INCOMPLETE_SETTINGS]
    ]
    return GridProgress(
        len(counts),
        len(experiment.outcomes[0]),
        add_counts(counts),
        list(experiment.varied),
        rows,
        len(incomplete[MAX_INCOMPLETE_SETTINGS:]),
        _indices(experiment, "missing"),
        _indices(experiment, "diverged"),
    )


def _count_outcomes(outcomes: list[RunOutcome]) -> RunCounts:
    wanted = [outcome for outcome in outcomes if outcome.exclusion != "not allowed"]
    statuses = [outcome.identity["status"] for outcome in wanted if outcome.exclusion != "missing"]
    return count_runs(statuses, len(wanted))


def _indices(experiment: CombinedResults, exclusion: str) -> str:
    """Return the indices of the runs excluded for a reason, in the form of --index; "" if there are none."""
    indices = sorted(
        experiment.grid.index(setting, outcome.number)
        for setting, outcomes in enumerate(experiment.outcomes)
        for outcome in outcomes
        if outcome.exclusion == exclusion
    )
    return format_indices(indices) if indices else ""
