"""Result files -> data.json: one tree with every run of a grid, and what the grid still lacks.

One directory holds the results of one grid under one protocol. Files are taken in the order of
their names, settings and runs in the order of their numbers, so the bytes written depend on what the
files say and not on how the file system lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from utils.config import read_json
from utils.errors import BadInput
from utils.grid import Grid
from utils.results import dump, write_atomically

COMBINED = "data.json"

INCIDENTAL = ("provenance", "train_time", "eval_time")
"""What may differ between two executions of the same run."""

ALLOWED = "allowed in one directory: one grid, one protocol, and files that agree on a run"


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Environment(_Strict):
    env_name: str
    total_timesteps: Annotated[int, Field(ge=1)]
    eval_episodes: Annotated[int, Field(ge=0)]


class _Agent(_Strict):
    agent_name: str
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]]


class _Experiment(_Strict):
    environment: _Environment
    agent: _Agent


class _Run(_Strict):
    run_number: Annotated[int, Field(ge=0)]
    status: Literal["completed", "diverged"]
    timesteps_at_eval: list[int]
    eval_episode_rewards: list[list[float | None]]
    train_episode_rewards: list[float | None]
    train_episode_steps: list[Annotated[int, Field(ge=1)]]

    @model_validator(mode="after")
    def _equally_long(self) -> _Run:
        if len(self.timesteps_at_eval) != len(self.eval_episode_rewards):
            raise ValueError("timesteps_at_eval and eval_episode_rewards differ in length")
        if len(self.train_episode_steps) != len(self.train_episode_rewards):
            raise ValueError("train_episode_steps and train_episode_rewards differ in length")
        return self


class _Cell(_Strict):
    agent_params: dict[str, Any]
    runs: Annotated[list[_Run], Field(min_length=1)]


class _Tree(_Strict):
    """What the readers of results rely on; anything else may stand beside it."""

    experiment: _Experiment
    experiment_data: dict[str, _Cell]


def read_checked(path: Path) -> dict[str, Any]:
    """The tree of a result or a data.json, its shape checked.  Raises BadInput if it is not one."""
    tree = read_json(path)
    try:
        _Tree.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"key '{where}': {first['msg'].lower()}" if where else "found no JSON object"
        raise BadInput(f"{path}: not a result: {reason}") from error
    size = len(grid_of(tree))
    for setting in tree["experiment_data"]:
        if not setting.isdecimal() or str(int(setting)) != setting or int(setting) >= size:
            raise BadInput(f"{path}: not a result: found setting '{setting}'; allowed: 0 to {size - 1}, by its grid")
    return tree


def grid_of(tree: dict[str, Any]) -> Grid:
    """The grid that a tree's settings are numbered by.  Raises BadInput."""
    return Grid(tree["experiment"]["agent"]["parameters"])


@dataclass(frozen=True)
class Result:
    """One result file, read."""

    path: Path
    experiment: dict[str, Any]
    setting: int
    agent_params: dict[str, Any]
    run: dict[str, Any]


def read_result(path: Path) -> Result:
    """Raises BadInput if the file is not the result of exactly one run."""
    tree = read_checked(path)
    found = [(setting, cell, run) for setting, cell in tree["experiment_data"].items() for run in cell["runs"]]
    if len(found) != 1:
        raise BadInput(f"{path}: not a result: found {len(found)} runs; allowed: one")
    [(setting, cell, run)] = found
    return Result(path, tree["experiment"], int(setting), cell["agent_params"], run)


def read_directory(directory: Path) -> tuple[list[Result], list[str]]:
    """A directory's results by name, and one line on each JSON file that is none.

    Raises BadInput if the directory cannot be listed.
    """
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise BadInput(f"{directory}: cannot be read: {error.strerror}; allowed: a directory of results") from error
    results, complaints = [], []
    for name in names:
        if not name.endswith(".json") or name.startswith(".") or name == COMBINED:
            continue
        try:
            results.append(read_result(directory / name))
        except BadInput as error:
            complaints.append(str(error))
    return results, complaints


def merge(results: Sequence[Result]) -> dict[str, Any]:
    """One tree of all results.

    Raises BadInput if two of them belong to different grids or protocols, or contradict each other.
    """
    first = results[0]
    settings: dict[int, dict[int, Result]] = {}
    for result in results:
        _agree(first, result, "experiment", first.experiment, result.experiment)
        runs = settings.setdefault(result.setting, {})
        kept = runs.setdefault(result.run["run_number"], result)
        what = f"setting {result.setting}, run {result.run['run_number']}"
        _agree(kept, result, what, _essence(kept.run), _essence(result.run))
        other = next(iter(runs.values()))
        params = f"setting {result.setting}, agent_params"
        _agree(other, result, params, other.agent_params, result.agent_params)
    return {
        "experiment": first.experiment,
        "experiment_data": {str(setting): _cell(settings[setting]) for setting in sorted(settings)},
    }


def _cell(runs: dict[int, Result]) -> dict[str, Any]:
    """One setting of the tree, its runs by number."""
    ordered = [runs[number] for number in sorted(runs)]
    return {"agent_params": ordered[0].agent_params, "runs": [result.run for result in ordered]}


def _essence(run: dict[str, Any]) -> dict[str, Any]:
    """What every execution of a run has to give again."""
    return {name: value for name, value in run.items() if name not in INCIDENTAL}


def _agree(a: Result, b: Result, what: str, in_a: dict[str, Any], in_b: dict[str, Any]) -> None:
    """Raises BadInput, naming both files, if they say different things."""
    difference = None if a is b else first_difference(in_a, in_b)
    if difference is not None:
        raise BadInput(f"{a.path} and {b.path}: {what} differs: {difference}; {ALLOWED}")


def first_difference(a: Any, b: Any, where: str = "") -> str | None:
    """The first key, dotted, in which two trees differ, and what each has there; None if they are equal.

    The order of the keys counts for `agent.parameters`: it numbers the settings.
    """
    if not isinstance(a, dict) or not isinstance(b, dict):
        return None if a == b else f"key '{where}': found {_show(a)} and {_show(b)}"
    for key in [*a, *(key for key in b if key not in a)]:
        inside = f"{where}.{key}" if where else key
        if key not in a or key not in b:
            return f"key '{inside}': only in the {'first' if key in a else 'second'}"
        difference = first_difference(a[key], b[key], inside)
        if difference:
            return difference
    if where == "agent.parameters" and list(a) != list(b):
        return f"key '{where}': found its keys in different orders"
    return None


def _show(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def missing_runs(tree: dict[str, Any]) -> dict[int, list[int]]:
    """For each setting of the grid, the runs it lacks among those from the smallest to the largest number present.

    Not from 0: what reports a setting on fresh seeds begins where the seeds that chose it end.
    """
    present = {int(s): {run["run_number"] for run in cell["runs"]} for s, cell in tree["experiment_data"].items()}
    numbers = set().union(*present.values())
    wanted = range(min(numbers), max(numbers) + 1) if numbers else range(0)
    return {
        setting: [run for run in wanted if run not in present.get(setting, ())] for setting in range(len(grid_of(tree)))
    }


def index_ranges(indices: Iterable[int]) -> str:
    """[0, 1, 2, 5] -> "0-2,5": what `main.py --index` reads."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def write_combined(directory: Path, tree: dict[str, Any]) -> Path:
    """The tree as the directory's data.json, whole or not at all.  Raises BadInput if it cannot be written."""
    path = directory / COMBINED
    try:
        write_atomically(path, dump(tree))
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error
    return path
