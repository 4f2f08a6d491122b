"""Missing runs that main.py would not train: their result is elsewhere, or they are equal to another missing run.

Results that are elsewhere are copied when a plan is submitted. A run that is equal to another one is in the same task,
which copies the other's result; it takes no time there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from functools import cache
from pathlib import Path

from utils.experiment.experiment import Experiment, RunId
from utils.slurm.missing_runs import result_names
from utils.training.existing_results import ExistingResult, find_results

Twins = Mapping[str, Sequence[RunId]]
"""By key of a run, the other runs that are equal to it."""


def find_copies(experiment: Experiment, missing: Sequence[RunId]) -> list[ExistingResult]:
    """Return the results that missing runs have in other directories, or as those of equal runs.

    Raises BadInput if an archive is damaged.
    """
    names = cache(result_names)
    places = {setting: _places(experiment, setting, names) for setting in {run_id.setting for run_id in missing}}
    likely = [
        run_id.index
        for run_id in missing
        if any(
            experiment.file(experiment.key(setting, run_id.run)).json.name in names(directory)
            for setting, directory in places[run_id.setting]
        )
    ]
    return find_results(experiment, [experiment.run(index) for index in likely])


def _places(experiment: Experiment, setting: int, names: Callable[[Path], Set[str]]) -> list[tuple[int, Path]]:
    """Return where a setting's results may be besides their own place: as those of which setting, in which directory.

    names: returns the names of the files in a directory; empty ones are left out.
    """
    equal = experiment.equal_settings(setting)
    places = [(other, experiment.directory) for other in equal]
    places += [(other, path) for other in (setting, *equal) for path in experiment.other_directories(other)]
    return [(other, path) for other, path in places if names(path)]


def separate_equal_runs(
    experiment: Experiment, missing: Sequence[RunId], live: Collection[str]
) -> tuple[list[RunId], Twins, list[RunId]]:
    """Return the runs to train, those that are equal to one of them, and those that are equal to a live run.

    missing: in the order of their indices.  live: keys of queued or running runs.
    """
    trained: list[RunId] = []
    waiting: list[RunId] = []
    twins: dict[str, list[RunId]] = {}
    chosen: set[str] = set()
    for run_id in missing:
        equal = [experiment.key(setting, run_id.run) for setting in experiment.equal_settings(run_id.setting)]
        twin = next((key for key in equal if key in chosen), None)
        if twin is not None:
            twins.setdefault(twin, []).append(run_id)
        elif any(key in live for key in equal):
            waiting.append(run_id)
        else:
            chosen.add(run_id.key)
            trained.append(run_id)
    return trained, twins, waiting
