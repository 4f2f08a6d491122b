"""Results that the runs of a call already have: found, compared with today's code, and copied where they belong.

A run's result is in the experiment's directory; or, if the grid had other policies then, in a directory of another
name; or it is the result of another setting that differs only in hyperparameters without effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.core.provenance import code_version, describe_cpu, package_versions, slurm_ids
from utils.experiment.experiment import Experiment, Run
from utils.files.archive import open_archive
from utils.files.json_text import encode_json
from utils.results.arrays import read_arrays
from utils.results.code_mixture import describe_code_difference
from utils.results.provenance_diff import Origin, describe_environment_difference, environments_differ
from utils.results.result_file import ResultFile
from utils.results.schema import Result
from utils.training.failure_files import remove_failure
from utils.training.run_claims import claim_runs, remove_leftovers

COMPARED = ("code", "versions", "cpu", "rollout_hash", "rollout_trace", "slurm")
"""Keys of the provenance that are compared with today's, or that explain a difference."""

log = logging.getLogger("policy_params")


class ExistingResult(NamedTuple):
    """A result that a run already has.

    file: its path; not the run's own if the result has to be copied.
    """

    run: Run
    file: ResultFile
    origin: Origin

    @property
    def is_own(self) -> bool:
        """Whether the result is where the run's result belongs."""
        return self.file == self.run.file


def find_results(experiment: Experiment, runs: Sequence[Run], no_copy: bool = False) -> list[ExistingResult]:
    """Return the results that runs already have, in the order of the runs.  Raises BadInput for a damaged archive.

    no_copy: only results of these runs, in the experiment's own directory.
    """
    chosen = {run.index for run in runs} if no_copy else None
    archive = open_archive(experiment.directory)
    order = {name: place for place, name in enumerate(archive.names_in_order())} if archive else {}
    found: dict[int, ExistingResult] = {}
    seen: dict[bytes, Any] = {}
    for run in sorted(runs, key=lambda run: order.get(run.file.json.name, -1)):  # Each frame is unpacked once.
        for file in _possible_files(experiment, run, chosen):
            result = file.read()
            if result is not None:
                found[run.index] = ExistingResult(run, file, _compact_origin(file, result, seen))
                break
    return [found[run.index] for run in runs if run.index in found]


def _compact_origin(file: ResultFile, result: Result, seen: dict[bytes, Any]) -> Origin:
    """Return where a result comes from, as far as it is compared.

    seen: values of earlier results, which are shared: thousands of results have the same versions and CPU flags.
    """
    origin = result.run.get("provenance")
    values = {name: origin.get(name) for name in COMPARED} if isinstance(origin, dict) else {}
    shared = {name: seen.setdefault(encode_json(value), value) for name, value in values.items()}
    return Origin(str(file.json), shared)


def _possible_files(experiment: Experiment, run: Run, chosen: Set[int] | None) -> Iterator[ResultFile]:
    """Yield the paths where the run's result may be, its own first.

    chosen: only the own paths of runs with these indices; None: of all runs, in all directories.
    """
    for same in (run, *experiment.same_runs(run)):
        if chosen is None or same.index in chosen:
            yield same.file
        if chosen is None:
            yield from experiment.other_files(same)


def check_same_code(
    existing: Sequence[ExistingResult], read_rollouts: Callable[[], dict[str, Any]], accept: bool
) -> None:
    """Check that results are of today's code and environment.

    read_rollouts: returns what a result records about the environment's behaviour today; may raise BadInput.
    accept: only warn.  Results of this SLURM task, from before it was requeued, are only warned of as well.
    Raises BadInput, naming the first result that differs and in what.
    """
    if not existing:
        return
    recorded = {name for each in existing for name in each.origin.section("versions")}
    today = Origin("today's", _provenance_today(read_rollouts) | {"versions": package_versions(recorded)})
    _warn_of_other_forms(existing, today)
    different = [(each, why) for each in existing if (why := _describe_difference(each.origin, today))]
    if not different:
        return
    (first, why), indices = different[0], sorted(each.run.index for each, _ in different)
    text = (
        f"{first.file.json}: {why}; so it is with {len(different)} of {len(existing)} existing results: "
        f"--index {format_indices(indices)}"
    )
    if accept or all(_is_of_this_task(each.origin) for each, _ in different):
        log.warning("results of several versions are mixed: %s", text)
        return
    raise BadInput(
        f"{text}; allowed: --force, which trains them again; --save-dir with another directory; or --accept-mixed, "
        "which keeps them as they are"
    )


def _warn_of_other_forms(existing: Sequence[ExistingResult], today: Origin) -> None:
    """Warn of results whose rollout hashes cannot be compared with today's."""
    if today.rollout_hash is None:
        return
    known = [each for each in existing if each.origin.rollout_hash is not None]
    other = [each for each in known if environments_differ(each.origin, today) is None]
    if other:
        log.warning(
            "%s: its rollout_hash %s cannot be compared with today's, %s, which is of another form, so its environment "
            "is taken to be the same; so it is with %d of %d existing results",
            other[0].file.json, other[0].origin.rollout_hash, today.rollout_hash, len(other), len(existing),
        )  # fmt: skip


def _provenance_today(read_rollouts: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    rollouts: dict[str, Any] = {}
    try:
        rollouts = read_rollouts()
    except BadInput as error:
        log.warning("the environment's behaviour is not compared with that of the existing results: %s", error)
    return {"code": code_version(), "cpu": describe_cpu()} | rollouts


def _describe_difference(origin: Origin, today: Origin) -> str | None:
    """Return how a result's code or environment differs from today's; None if it does not, as far as is recorded."""
    code = describe_code_difference(origin, today)
    if code is not None:
        return f"its code differs from today's: {code}"
    pair = (Origin("the result", origin.provenance), Origin("today", today.provenance))
    return describe_environment_difference(*pair) if environments_differ(*pair) else None


def _is_of_this_task(origin: Origin) -> bool:
    """Return whether a result is of the SLURM array task in which this process runs."""
    names = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")
    here, there = slurm_ids(), origin.section("slurm")
    return all(name in here and here[name] == there.get(name) for name in names)


def copy_of(run: Run, same: Run) -> ExistingResult:
    """Return the result of a run that is the same, to be copied as that of `run`."""
    return ExistingResult(run, same.file, Origin(str(same.file.json), None))


def copy_results(experiment: Experiment, existing: Sequence[ExistingResult], force: bool = False) -> bool:
    """Log which runs have a result, and copy results to where they belong. Returns whether all could be copied.

    force: replace the results that runs already have.
    Raises BadInput if the arrays of a result cannot be read.
    """
    copied = True
    for each in existing:
        run = each.run
        if each.is_own:
            log.info("index %d: skipped, %s exists (--force trains it again)", run.index, run.file.json)
            remove_leftovers(run)
            continue
        log.info("index %d: not trained, its result is copied from %s", run.index, each.file.json)
        try:
            _copy_result(experiment, each, force)
        except OSError as error:
            log.error("index %d: %s cannot be written: %s", run.index, run.file.json, error)
            copied = False
    return copied


def _copy_result(experiment: Experiment, existing: ExistingResult, force: bool) -> None:
    """Copy a result, unless another process has just written the run's own.  Raises OSError or BadInput."""
    with claim_runs([existing.run], force) as claims:
        result = existing.file.read()
        if claims and result is not None:
            _write_copy(experiment, existing.run, result)
            claims[0].remove_checkpoint()
            remove_failure(existing.run)


def _write_copy(experiment: Experiment, run: Run, result: Result) -> None:
    """Write a result as that of a run which is the same."""
    data = result.run | {"index": run.index, "key": run.key}
    arrays: dict[str, np.ndarray] = {}
    for name, part in result.run.items():
        if isinstance(part, dict) and "file" in part:
            arrays |= read_arrays(result.path.with_name(part["file"]), part["arrays"])
            data[name] = part | {"file": run.file.npz.name}
    origin = result.run.get("provenance")
    source = f"{result.path.parent.name}/{result.path.name}"
    data["provenance"] = (origin if isinstance(origin, dict) else {}) | {"copied_from": source}
    run.file.write(experiment.tree(run, data), arrays)


def separate_same_runs(experiment: Experiment, runs: Sequence[Run]) -> tuple[list[Run], list[tuple[Run, Run]]]:
    """Return the runs to train, and each other run with the one of these that is the same."""
    chosen: dict[int, Run] = {}
    same: list[tuple[Run, Run]] = []
    for run in runs:
        twin = next((chosen[each.index] for each in experiment.same_runs(run) if each.index in chosen), None)
        if twin is None:
            chosen[run.index] = run
            continue
        same.append((run, twin))
        without = run.hyperparameters.without_effect()
        reasons = ", ".join(f"{key} ({without[key]})" for key in experiment.grid.varied if key in without)
        log.info("index %d: not trained, the same run as index %d: without effect: %s", run.index, twin.index, reasons)
    return list(chosen.values()), same
