"""Training of the stacks of a common list, one of which a process takes whenever it is idle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from utils.core.interrupt import Interruption, Stopped
from utils.experiment.experiment import Run, stack_label
from utils.training.common_list import CommonList
from utils.training.stack_sizes import split_into_stacks
from utils.training.stack_trainer import StackTrainer

log = logging.getLogger("policy_params")


def group_by_stack(runs: Sequence[Run], waiting: Sequence[tuple[int, list[int]]]) -> dict[int, list[Run]]:
    """Return the runs of each waiting stack, by its number; without stacks that have none of the runs.

    waiting: number and indices of each stack.
    """
    by_index = {run.index: run for run in runs}
    groups = {number: [by_index[index] for index in indices if index in by_index] for number, indices in waiting}
    return {number: group for number, group in groups.items() if group}


@dataclass(frozen=True)
class ListTrainer:
    """A trainer of stacks of a common list.

    numbers: number of the listed stack that each run is in, by index.
    largest: largest number of runs that train in lock-step, for each listed stack.
    """

    trainer: StackTrainer
    common_list: CommonList
    numbers: Mapping[int, int]
    largest: Mapping[int, int]

    def train(self, runs: Sequence[Run], stepped: Callable[[int], object], interruption: Interruption) -> str | None:
        """Train the runs of a listed stack, unless another process has taken it: the work of a pool's task.

        Returns what failed, or None.  Raises Stopped.
        """
        number = self.numbers[runs[0].index]
        if not self.common_list.take(number):
            log.info("stack %d of the list: skipped, another task has it", number)
            return None
        log.info("stack %d of the list: taken, %s", number, stack_label(runs))
        parts = split_into_stacks(runs, lambda run: self.largest[number])
        try:
            failures = [self.trainer.train(part, stepped, interruption) for part in parts]
        except Stopped:
            self.common_list.give_back(number)
            raise
        except Exception:
            self.common_list.finish(number, failed=True)
            raise
        self.common_list.finish(number, failed=any(failures))
        return "; ".join(failure for failure in failures if failure) or None
