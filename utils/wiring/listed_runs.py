"""Training of the stacks of a common list until none waits: the work of a SLURM task with --common-list."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from utils.wiring.run import chosen_runs, train_missing_runs

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment
    from utils.training.common_list import CommonList
    from utils.training.stack_trainer import TrainingOptions

log = logging.getLogger("policy_params")


def train_listed_runs(experiment: Experiment, common_list: CommonList, options: TrainingOptions) -> int:
    """Train stacks of a list until none waits. Returns an exit code.  Raises BadInput or OSError.

    Stacks that other processes give back meanwhile are taken, too.
    """
    from utils.training.sweep import DONE

    common_list.take_back()
    code, before = DONE, None
    while code == DONE and (waiting := common_list.waiting()) and waiting != before:
        before = waiting
        runs = chosen_runs(experiment, sorted(index for _, indices in waiting for index in indices))
        code = train_missing_runs(experiment, runs, replace(options, common_list=common_list))
        finish_complete_stacks(experiment, common_list)
    if code == DONE and before is None:
        log.info("no stack of the list waits")
    return code


def finish_complete_stacks(experiment: Experiment, common_list: CommonList) -> None:
    """Mark the waiting stacks as done whose runs all have results.  Raises BadInput or OSError."""
    for number, indices in common_list.waiting():
        if all(experiment.run(index).file.exists() for index in indices) and common_list.take(number):
            common_list.finish(number)
