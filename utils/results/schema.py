"""What the readers of results rely on: the shape of a result file's and a data.json's tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from utils.core.errors import BadInput
from utils.files.json_text import parse_json

if TYPE_CHECKING:
    pass

from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from utils.core.grid import Grid
from utils.core.indices import LARGEST_INDEX
from utils.files.archive import read_file

COMBINED = "data.json"

INCIDENTAL = ("provenance", "train_time", "eval_time", "index")
"""What may differ between two executions of the same run. The index is an alias, another in another grid."""


Number = Annotated[int, Field(ge=0, le=LARGEST_INDEX)]
"""Of a run, or a timestep."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Environment(_Strict):
    env_name: str
    total_timesteps: Annotated[int, Field(ge=1, le=LARGEST_INDEX)]
    eval_episodes: Annotated[int, Field(ge=0)]


class _Agent(_Strict):
    agent_name: str
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]]


class _Experiment(_Strict):
    environment: _Environment
    agent: _Agent


class _Run(_Strict):
    run_number: Number
    status: Literal["completed", "diverged"]
    timesteps_at_eval: list[Number]
    eval_episode_rewards: list[list[float | None]]
    train_episode_rewards: list[float | None]
    train_episode_steps: list[Annotated[int, Field(ge=1)]]
    eval_episode_steps: list[list[int]] | None = None
    last_episode_complete: bool = True

    @model_validator(mode="after")
    def _equally_long(self) -> _Run:
        if len(self.timesteps_at_eval) != len(self.eval_episode_rewards):
            raise ValueError("timesteps_at_eval and eval_episode_rewards differ in length")
        if self.eval_episode_steps is not None and (
            [len(steps) for steps in self.eval_episode_steps] != [len(returns) for returns in self.eval_episode_rewards]
        ):
            raise ValueError("eval_episode_steps and eval_episode_rewards differ in length")
        if len(self.train_episode_steps) != len(self.train_episode_rewards):
            raise ValueError("train_episode_steps and train_episode_rewards differ in length")
        return self

    @model_validator(mode="after")
    def _in_time(self) -> _Run:
        if any(later <= earlier for earlier, later in pairwise(self.timesteps_at_eval)):
            raise ValueError("timesteps_at_eval do not increase")
        if sum(self.train_episode_steps) > LARGEST_INDEX:
            raise ValueError(f"train_episode_steps add up to more than {LARGEST_INDEX}")
        return self


class _Cell(_Strict):
    agent_params: dict[str, Any]
    runs: Annotated[list[_Run], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_run_once(self) -> _Cell:
        if len({run.run_number for run in self.runs}) < len(self.runs):
            raise ValueError("a run_number occurs twice")
        return self


class _Tree(_Strict):
    """Anything else may stand beside these."""

    experiment: _Experiment
    experiment_data: dict[str, _Cell]


@dataclass(frozen=True)
class Result:
    """One result file, read."""

    path: Path
    experiment: dict[str, Any]
    setting: int
    agent_params: dict[str, Any]
    run: dict[str, Any]


def data_file(path: Path) -> Path:
    """The file itself, or the data.json in a directory.  Raises BadInput if it is not there."""
    try:
        file = path / COMBINED if path.is_dir() else path
        if file.exists():
            return file
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    raise BadInput(f"{file}: not found; allowed: what `python simple_combine.py {file.parent}` writes")


def read_checked(path: Path) -> dict[str, Any]:
    """The tree of a result or a data.json, its shape checked.  Raises BadInput if it is not one."""
    return parse_checked(path, _content(path))


def read_result(path: Path) -> Result:
    """A run's result, from its file or from its directory's archive.

    Raises BadInput if it is not the result of exactly one run.
    """
    return parse_result(path, _content(path))


def _content(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def parse_checked(path: Path, content: bytes) -> dict[str, Any]:
    """As `read_checked`, of a file's content.  path: for messages."""
    return checked(path, parse_json(path, content))


def checked(path: Path, tree: Any) -> dict[str, Any]:
    """As `read_checked`, of what was parsed.  path: for messages."""
    try:
        _Tree.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"key '{where}': {first['msg'].lower()}" if where else "found no JSON object"
        raise BadInput(f"{path}: not a result: {reason}") from error
    size = _grid_size(orjson.dumps(tree["experiment"]["agent"]["parameters"]))
    for setting in tree["experiment_data"]:
        if not _names_setting(setting, size):
            raise BadInput(f"{path}: not a result: found setting '{setting}'; allowed: 0 to {size - 1}, by its grid")
    return tree


@lru_cache(maxsize=64)
def _grid_size(parameters: bytes) -> int:
    """The number of settings; thousands of files have the same grid.  Raises BadInput."""
    return len(Grid(orjson.loads(parameters)))


def _names_setting(text: str, size: int) -> bool:
    """Whether it is a decimal number below size, without leading zeros. It may be too long for `int`."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(size))
    return plain and str(int(text)) == text and int(text) < size


def parse_result(path: Path, content: bytes) -> Result:
    """As `read_result`, of a file's content.  path: for messages."""
    tree = parse_checked(path, content)
    found = [(setting, cell, run) for setting, cell in tree["experiment_data"].items() for run in cell["runs"]]
    if len(found) != 1:
        raise BadInput(f"{path}: not a result: found {len(found)} runs; allowed: one")
    [(setting, cell, run)] = found
    return Result(path, tree["experiment"], int(setting), cell["agent_params"], run)


def runs_of(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All runs of a tree, setting by setting."""
    return (run for cell in tree["experiment_data"].values() for run in cell["runs"])


def grid_of(tree: dict[str, Any]) -> Grid:
    """The grid that a tree's settings are numbered by.  Raises BadInput."""
    return Grid(tree["experiment"]["agent"]["parameters"])


def essence(run: dict[str, Any]) -> dict[str, Any]:
    """What every execution of a run has to give again."""
    return {name: value for name, value in run.items() if name not in INCIDENTAL}


SCHEMA_VERSION = 1


def read_tree(path: Path) -> dict[str, Any]:
    """A result file's or a data.json's tree.  Raises OSError, or BadInput if it is not one."""
    return parse_tree(path, read_file(path))


def parse_tree(path: Path, content: bytes) -> dict[str, Any]:
    """As `read_tree`, of a file's content.  path: for messages."""
    tree = parse_json(path, content)
    if not _is_tree(tree):
        raise BadInput(f"{path}: not a result: 'experiment' and 'experiment_data' of settings with runs are required")
    return tree


def _is_tree(tree: Any) -> bool:
    """Whether the parts that every reader relies on are there."""
    if not isinstance(tree, dict) or not {"experiment", "experiment_data"} <= tree.keys():
        return False
    experiment, cells = tree["experiment"], tree["experiment_data"]
    if not _has_objects(experiment, "environment", "agent") or not isinstance(cells, dict):
        return False
    return all(map(_is_cell, cells.values()))


def _is_cell(cell: Any) -> bool:
    """Whether it is a setting with its runs."""
    if not _has_objects(cell, "agent_params") or not isinstance(cell.get("runs"), list):
        return False
    return all(isinstance(run, dict) for run in cell["runs"])


def _has_objects(value: Any, *names: str) -> bool:
    """Whether it is an object that has these objects."""
    return isinstance(value, dict) and all(isinstance(value.get(name), dict) for name in names)


def only_run(tree: dict[str, Any]) -> dict[str, Any]:
    """The run of a single run's tree.  Raises BadInput if it does not have exactly one."""
    runs = [run for cell in tree["experiment_data"].values() for run in cell["runs"]]
    if len(runs) != 1:
        raise BadInput(f"found {len(runs)} runs in a result; allowed: one")
    return runs[0]
