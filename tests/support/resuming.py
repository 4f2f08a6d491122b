"""Training that is interrupted at chosen timesteps, saved, and resumed by other loops in the same process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.support.experiments import assert_same_bits, train
from utils.checkpoint.checkpoint import Checkpoint
from utils.experiment.experiment import Experiment
from utils.training.loop import Loop
from utils.training.resume import resume_loop, run_states
from utils.training.run_record import RunRecord
from utils.wiring import build

CONDITIONS = {"run": "this one"}


def make_loop(experiment: Experiment, indices: Sequence[int]) -> Loop:
    """Return a loop at timestep 0."""
    return Loop(build.build_stack(experiment, [experiment.run(i) for i in indices]))


def run_to(loop: Loop, timestep: int) -> None:
    """Train until a timestep or the end."""
    loop.run(lambda: loop.timestep >= timestep)


def save_checkpoints(loop: Loop, indices: Sequence[int], folder: Path) -> None:
    """Save checkpoints of the runs that have not ended, each in a folder of its own."""
    for slot, state in run_states(loop).items():
        checkpoint = Checkpoint(folder / str(indices[slot]), CONDITIONS)
        if checkpoint.exists():
            checkpoint.load()
        checkpoint.save(state, loop.timestep)


def restore_loop(experiment: Experiment, indices: Sequence[int], folder: Path) -> Loop:
    """Return a loop that resumes from the checkpoints."""
    loop = make_loop(experiment, indices)
    assert resume_loop(loop, [Checkpoint(folder / str(i), CONDITIONS).load() for i in indices]) == {}
    return loop


def train_in_parts(
    experiment: Experiment, indices: Sequence[int], stops: Sequence[int], folder: Path
) -> list[RunRecord]:
    """Train one stack, interrupted at the given timesteps, each part in a loop of its own."""
    records: dict[int, RunRecord] = {}
    loop, left = make_loop(experiment, indices), list(indices)
    for stop in stops:
        run_to(loop, stop)
        save_checkpoints(loop, left, folder)
        records |= {left[slot]: loop.records[slot] for slot in range(len(left)) if not loop.active[slot]}
        left = [index for slot, index in enumerate(left) if loop.active[slot]]
        loop = restore_loop(experiment, left, folder)
    records |= dict(zip(left, loop.run(), strict=True))
    return [records[index] for index in indices]


def assert_resumes_exactly(
    experiment: Experiment, indices: Sequence[int], stops: Sequence[int], folder: Path
) -> list[RunRecord]:
    """Check that interruptions change no bit of any run. Returns the records."""
    parts = train_in_parts(experiment, indices, stops, folder)
    for straight, record in zip(train(experiment, list(indices)), parts, strict=True):
        assert_same_bits(straight, record)
    return parts
