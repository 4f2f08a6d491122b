"""A list of stacks that several processes train, such as the tasks of a sweep: each takes the next one.

It is a directory with the file `stacks.txt`, which has a line for each stack, the indices of its runs and their keys,
and an empty file for each stack, whose name is `<number>.<state>.<task>`. The task is the process that the stack has or
had, and "-" for a stack that waits.

    waits     no process has it
    taken     a process trains it
    done      a process has trained it
    failed    a process has tried it; no process tries it again

A process takes a stack by renaming its file. On every file system that clusters use, Lustre and NFS included, only one
process can rename a file. A process that is told to stop gives its stacks back, and others resume them from the
checkpoints of their runs. Stacks of a process that died stay with it: if it is started again, it takes them back. The
locks of runs (`utils.training.run_claims`) hold all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from utils.core.errors import BadInput
from utils.core.indices import format_indices, parse_indices
from utils.experiment.experiment import RunId
from utils.files.atomic import write_atomically

WAITS, TAKEN, DONE, FAILED = "waits", "taken", "done", "failed"
"""States of a stack."""

NOBODY = "-"
"""Task of a stack that waits."""

CONTENT = "stacks.txt"

LISTINGS = 5
"""Number of listings of a directory in one of which every file should be seen, although files are renamed meanwhile."""


class ListedStack(NamedTuple):
    """A stack of a common list.

    task: name of the process that it has or had.
    indices, keys: those of its runs, as text.
    """

    number: int
    state: str
    task: str
    indices: str
    keys: str


def write_list(folder: Path, stacks: Sequence[Sequence[RunId]]) -> None:
    """Write a new list; its stacks are taken in this order.  Raises OSError."""
    folder.mkdir(parents=True)
    lines = []
    for number, stack in enumerate(stacks):
        runs = sorted(stack)
        lines.append(f"{format_indices([run_id.index for run_id in runs])} {' '.join(run_id.key for run_id in runs)}\n")
        _path(folder, number, WAITS, NOBODY).touch()
    write_atomically(folder / CONTENT, "".join(lines).encode())


def read_list(folder: Path) -> list[ListedStack]:
    """Return the stacks of a list, in order.  Raises BadInput if there is none, or OSError."""
    try:
        lines = (folder / CONTENT).read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"--common-list: found no list in {folder}; schedule.py --common-list makes one") from error
    states = _read_states(folder, len(lines))
    stacks = []
    for number, line in enumerate(lines):
        indices, _, keys = line.partition(" ")
        stacks.append(ListedStack(number, *states.get(number, (TAKEN, NOBODY)), indices, keys))
    return stacks


def _read_states(folder: Path, count: int) -> dict[int, tuple[str, str]]:
    """Return the state and the task of each stack, by number.  count: number of stacks."""
    states: dict[int, tuple[str, str]] = {}
    for _ in range(LISTINGS):
        for path in folder.iterdir():
            number, _, rest = path.name.partition(".")
            state, _, task = rest.partition(".")
            if number.isdecimal() and state in (WAITS, TAKEN, DONE, FAILED):
                states[int(number)] = state, task
        if len(states) == count:
            break
    return states


def _path(folder: Path, number: int, state: str, task: str) -> Path:
    return folder / f"{number:05d}.{state}.{task}"


@dataclass(frozen=True)
class CommonList:
    """A common list as one process sees it.

    task: name of the process; unique, and the same when it is started again.
    """

    folder: Path
    task: str

    def take_back(self) -> None:
        """Make the stacks wait that an earlier start of this process had.  Raises BadInput or OSError."""
        for stack in read_list(self.folder):
            if (stack.state, stack.task) == (TAKEN, self.task):
                self.give_back(stack.number)

    def waiting(self) -> list[tuple[int, list[int]]]:
        """Return number and indices of the stacks that no process has, in order.  Raises BadInput or OSError."""
        stacks = read_list(self.folder)
        return [(stack.number, parse_indices(stack.indices, CONTENT)) for stack in stacks if stack.state == WAITS]

    def take(self, number: int) -> bool:
        """Take a stack, unless another process has taken it. Returns whether this process has it.  Raises OSError."""
        return self._rename(number, (WAITS, NOBODY), (TAKEN, self.task))

    def give_back(self, number: int) -> None:
        """Let other processes take a stack of this process.  Raises OSError."""
        self._rename(number, (TAKEN, self.task), (WAITS, NOBODY))

    def finish(self, number: int, failed: bool = False) -> None:
        """Mark a stack of this process as done or failed.  Raises OSError."""
        self._rename(number, (TAKEN, self.task), (FAILED if failed else DONE, self.task))

    def _rename(self, number: int, old: tuple[str, str], new: tuple[str, str]) -> bool:
        """Change the state of a stack. Returns whether it has the new one."""
        target = _path(self.folder, number, *new)
        try:
            _path(self.folder, number, *old).rename(target)
        except FileNotFoundError:
            return target.exists()  # NFS repeats a request whose answer was lost.
        return True
