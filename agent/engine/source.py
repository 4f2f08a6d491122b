"""The C++ source of one function of an agent: a loop over runs, in which each run's steps follow one another."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import fx

from agent.engine import rules_elementwise, rules_sums, rules_views  # noqa: F401 - They register their rules.
from agent.engine.code import Source
from agent.engine.emit import emit, plan_memory
from agent.engine.operations import COPY
from agent.engine.schedule import schedule, writes
from agent.engine.translate import Translation
from agent.engine.views import Buffer, Distance, View, row_major

INDENT = "        "


@dataclass(frozen=True)
class Input:
    """A tensor that the code reads or changes.

    name: in C++.  shape: for one run.  run_axis: the dimension of the runs; None if all runs share it.
    is_argument: whether it is given at each call, with any distance between runs.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    run_axis: int | None
    is_argument: bool = False

    @property
    def view(self) -> View:
        """The view of one run's part."""
        buffer = Buffer(self.name, self.dtype, math.prod(self.shape), "input")
        plain = row_major(buffer, self.shape)
        axis = self.run_axis or 0
        before = (Distance(0, stride.fixed) for stride in plain.strides[:axis])
        return View(buffer, self.shape, (*before, *plain.strides[axis:]))

    @property
    def run_distance(self) -> int:
        """Number of elements from one run's part to the next."""
        return 0 if self.run_axis is None else math.prod(self.shape[self.run_axis :])


def write_source(name: str, graph: fx.Graph, inputs: Sequence[Input]) -> Source:
    """Translate a graph, traced for one run, to a C++ function for R runs.  Raises NotTranslatable."""
    views = [one.view for one in inputs]
    translation = Translation(graph, views)
    outputs = []
    for i, view in enumerate(translation.outputs):
        buffer = Buffer(f"output_{i}", view.dtype, view.numel, "output")
        outputs.append(translation.pointwise(f"output_{i}", COPY, [view], row_major(buffer, view.shape)))
    steps = schedule(translation.operations)
    scratch = plan_memory(steps)
    used = {view.buffer for step in steps for view in [*step.reads, *writes(step)]}
    before, restore = _shared_inputs(inputs, views, {view.buffer for step in steps for view in writes(step)})
    lines = [
        f'extern "C" __attribute__((visibility("default"))) void {name}(',
        "    int64_t runs, void* const* tensors, const int64_t* distances, char* scratch)",
        "{",
        "    const SubnormalsAreZero mode;",
        *_scratch_pointers(used),
        *before,
        "    for (int64_t r = 0; r < runs; r++) {",
        *_run_pointers(inputs, views, used),
        *_output_pointers(outputs, len(inputs)),
        *restore,
    ]
    for step in steps:
        comment, *code = emit(step, steps)
        lines += ["", INDENT + comment, INDENT + "{", *(INDENT + "    " + line for line in code), INDENT + "}"]
    lines += ["    }", "}", ""]
    shapes, types = [view.shape for view in outputs], [str(view.dtype).removeprefix("torch.") for view in outputs]
    return Source("\n".join(lines), scratch, sum(one.is_argument for one in inputs), shapes, types)


def _scratch_pointers(used: Iterable[Buffer]) -> list[str]:
    """Return the pointers to scratch memory, which every run uses in turn."""
    placed = sorted((b for b in used if b.place is not None), key=lambda b: (b.place or 0, b.name))
    return [f"    {b.c_type}* const {b.name} = ({b.c_type}*)(scratch + {b.place});" for b in placed]


def _run_pointers(inputs: Sequence[Input], views: Sequence[View], used: Container[Buffer]) -> list[str]:
    """Return the pointers to one run's part of the inputs."""
    lines = []
    for i, (one, view) in enumerate(zip(inputs, views, strict=True)):
        if view.buffer in used:
            distance = f"distances[{i}]" if one.is_argument else str(one.run_distance)
            c_type = view.buffer.c_type
            lines.append(f"{INDENT}{c_type}* const {one.name} = ({c_type}*)tensors[{i}] + r * {distance};")
    return lines


def _output_pointers(outputs: Sequence[View], first: int) -> list[str]:
    """Return the pointers to one run's part of the outputs, which follow the inputs."""
    return [
        f"{INDENT}{v.buffer.c_type}* const {v.buffer.name} = ({v.buffer.c_type}*)tensors[{i}] + r * {v.numel};"
        for i, v in enumerate(outputs, first)
    ]


def _shared_inputs(
    inputs: Sequence[Input], views: Sequence[View], changed: Container[Buffer]
) -> tuple[list[str], list[str]]:
    """Return lines before the loop over runs and at its start, so that each run finds shared numbers as they were.

    Such a number, as Adam's count of steps, is the same for all runs, and every run advances it.
    """
    before, restore = [], []
    for i, (one, view) in enumerate(zip(inputs, views, strict=True)):
        if one.run_axis is None and view.buffer in changed:
            c_type, name = view.buffer.c_type, one.name
            before.append(f"    const {c_type} {name}_before = *({c_type}*)tensors[{i}];")
            restore.append(f"{INDENT}*{name} = {name}_before;")
    return before, restore
