"""What the scripts of peers share: sizes on the command line, and training on request.

A script prints one line of JSON when it has made its first update, with `compile_seconds`. Then it trains once for each
line that it reads, and prints a line with the run-steps (`steps`) and the `seconds` that they took. What a library
prints goes to standard error. The peer's environment has none of our requirements, so this module imports no package.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Sizes(NamedTuple):
    """Sizes of a task.

    runs: number of runs that train together.  hidden: units of each of the two hidden layers.
    batch: transitions per update.  replay: transitions that a replay holds.
    steps: training steps of each run per request.
    """

    runs: int
    hidden: int
    batch: int
    replay: int
    steps: int

    def words(self) -> list[str]:
        """Return the command line's options."""
        return [f"--{name}={value}" for name, value in self._asdict().items()]


class Training(NamedTuple):
    """A learner.  train: makes `Sizes.steps` training steps of each run.  compile_seconds: spent on compiling it."""

    train: Callable[[], object]
    compile_seconds: float


def parse_sizes(words: Sequence[str]) -> Sizes:
    """Return the sizes that a command line gives."""
    parser = argparse.ArgumentParser()
    for name in Sizes._fields:
        parser.add_argument(f"--{name}", type=int, required=True)
    return Sizes(**vars(parser.parse_args(words)))


def serve(make_training: Callable[[Sizes], Training]) -> None:
    """Train up to the first update, then once for each line of standard input.

    A learner makes its first update once it has more than `Sizes.batch` transitions.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sizes = parse_sizes(sys.argv[1:])
    training = make_training(sizes)
    for _ in range(sizes.batch // sizes.steps + 1):
        training.train()
    print(json.dumps({"compile_seconds": training.compile_seconds}), file=replies, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        training.train()
        reply = {"steps": sizes.runs * sizes.steps, "seconds": time.perf_counter() - start}
        print(json.dumps(reply), file=replies, flush=True)
