"""Many stacks, one after the other or several at a time, each whatever becomes of the others."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import closing

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from utils.bundle import Run, named
from utils.pool import do_all
from utils.progress import Progress
from utils.worker import Work

log = logging.getLogger("policy_params")


def train_all(train_stack: Work, stacks: Sequence[Sequence[Run]], timesteps: int, jobs: int) -> bool:
    """Train the stacks, begun in order, `jobs` at a time. Returns whether none failed; those that did are named.

    timesteps: of each run.
    """
    failed: list[str] = []
    runs = [len(stack) for stack in stacks]
    bar = tqdm(total=sum(runs) * timesteps, unit="run-step", unit_scale=True, disable=not sys.stderr.isatty())
    progress = Progress(runs, timesteps, bar)
    with logging_redirect_tqdm(), bar, closing(do_all(train_stack, stacks, jobs, progress.stepped)) as outcomes:
        for number, failure in outcomes:
            progress.ended(number, failure is not None)
            if failure is not None:
                failed.append(f"failed: {named(stacks[number])}: {failure.reason}")
                log.error("%s%s", failed[-1], failure.traceback)
    log.info(progress.line())
    if len(stacks) > len(failed) > 0:  # Among so much else the lines above are easily missed.
        log.error("%d of %d stacks failed\n%s", len(failed), len(stacks), "\n".join(failed))
    return not failed
