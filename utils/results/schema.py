"""The tree of a result file and of a data.json: its types, its one validator, and readers that use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import orjson
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.core.indices import MAX_INDEX
from utils.files.archive import read_file
from utils.files.json_text import parse_json
from utils.results.history import complete_tree

SCHEMA_VERSION = 1
"""Version of the result schema; docs/changelog.md lists what each version changed."""

DATA_JSON = "data.json"
"""File name of a directory's combined results."""

INCIDENTAL = ("provenance", "train_time", "eval_time", "index")
"""Keys that may differ between two executions of the same run. The index depends on the grid."""

STRICT = ConfigDict(strict=True)

Number = Annotated[int, Field(ge=0, le=MAX_INDEX)]
"""A run number or a timestep."""

Returns = list[float | None]
"""Episode returns; None for one that was not finite."""


@with_config(STRICT)
class EnvironmentTree(TypedDict):
    """A protocol as results hold it, with every key of `EnvironmentConfig`; readers rely on these."""

    env_name: str
    total_timesteps: Annotated[int, Field(ge=1, le=MAX_INDEX)]
    eval_episodes: Annotated[int, Field(ge=0)]


@with_config(STRICT)
class AgentTree(TypedDict):
    """An agent's grid: its name, and the values of each hyperparameter.

    not_allowed: in a data.json, the settings that cannot be trained.
    """

    agent_name: str
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)] | dict[str, Any]]
    start_from: NotRequired[str | None]
    not_allowed: NotRequired[list[int]]


@with_config(STRICT)
class ExperimentTree(TypedDict):
    """A grid and its protocol."""

    environment: EnvironmentTree
    agent: AgentTree


@with_config(STRICT)
class RunTree(TypedDict):
    """One run: the keys that every reader relies on. A result holds more (docs/results.md)."""

    run_number: Number
    status: Literal["completed", "diverged"]
    timesteps_at_eval: list[Number]
    eval_episode_rewards: list[Returns]
    train_episode_rewards: Returns
    train_episode_steps: list[Annotated[int, Field(ge=1)]]
    eval_episode_steps: NotRequired[list[list[int]] | None]
    last_episode_complete: NotRequired[bool]


def _check_lengths(run: RunTree) -> RunTree:
    """Check that lists about the same episodes are equally long."""
    if len(run["timesteps_at_eval"]) != len(run["eval_episode_rewards"]):
        raise ValueError("timesteps_at_eval and eval_episode_rewards differ in length")
    eval_steps = run.get("eval_episode_steps")
    if eval_steps is not None and [*map(len, eval_steps)] != [*map(len, run["eval_episode_rewards"])]:
        raise ValueError("eval_episode_steps and eval_episode_rewards differ in length")
    if len(run["train_episode_steps"]) != len(run["train_episode_rewards"]):
        raise ValueError("train_episode_steps and train_episode_rewards differ in length")
    return run


def _check_timesteps(run: RunTree) -> RunTree:
    """Check that timesteps increase and stay in the range of JSON integers."""
    if any(later <= earlier for earlier, later in pairwise(run["timesteps_at_eval"])):
        raise ValueError("timesteps_at_eval do not increase")
    if sum(run["train_episode_steps"]) > MAX_INDEX:
        raise ValueError(f"train_episode_steps add up to more than {MAX_INDEX}")
    return run


Run = Annotated[RunTree, AfterValidator(_check_lengths), AfterValidator(_check_timesteps)]


@with_config(STRICT)
class SettingTree(TypedDict):
    """A setting: its resolved hyperparameters and its runs."""

    agent_params: dict[str, Any]
    runs: Annotated[list[Run], Field(min_length=1)]


def _check_run_numbers(setting: SettingTree) -> SettingTree:
    """Check that each run number occurs once."""
    if len({run["run_number"] for run in setting["runs"]}) < len(setting["runs"]):
        raise ValueError("a run_number occurs twice")
    return setting


@with_config(STRICT)
class ResultTree(TypedDict):
    """A result file, which has one run, or a data.json, which has every run of an experiment."""

    experiment: ExperimentTree
    experiment_data: dict[str, Annotated[SettingTree, AfterValidator(_check_run_numbers)]]


_VALIDATOR = TypeAdapter(ResultTree)


@dataclass(frozen=True)
class Result:
    """One run's result file, read and validated."""

    path: Path
    experiment: dict[str, Any]
    setting: int
    agent_params: dict[str, Any]
    run: dict[str, Any]


def find_data_file(path: Path) -> Path:
    """Return the file itself, or the data.json of a directory.  Raises BadInput if there is no such file."""
    try:
        file = path / DATA_JSON if path.is_dir() else path
        if file.exists():
            return file
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    raise BadInput(f"{file}: not found; allowed: what `python simple_combine.py {file.parent}` writes")


def read_tree(path: Path) -> dict[str, Any]:
    """Read the tree of a result or a data.json; see `ResultTree`.  Raises BadInput if the file is not one."""
    return parse_tree(path, _read_content(path))


def read_result(path: Path | str) -> Result:
    """Read one run's result, from its file or from its directory's archive.

    Raises BadInput if it is not the result of exactly one run.
    """
    path = Path(path)
    return parse_result(path, _read_content(path))


def _read_content(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def parse_tree(path: Path, content: bytes) -> dict[str, Any]:
    """Parse and validate the content of a result or a data.json.  Raises BadInput if it is not valid.

    path: the file's path in messages.
    """
    return validate_tree(path, parse_json(path, content))


def validate_tree(path: Path, tree: Any) -> dict[str, Any]:
    """Return a parsed tree if it is a `ResultTree`, complete by `utils.results.history`; else raise BadInput.

    path: the file's path in messages.
    """
    try:
        _VALIDATOR.validate_python(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"key '{where}': {first['msg'].lower()}" if where else "found no JSON object"
        raise BadInput(f"{path}: not a result: {reason}") from error
    try:
        size = _grid_size(orjson.dumps(tree["experiment"]["agent"]["parameters"]))
    except BadInput as error:
        raise BadInput(f"{path}: not a result: {error}") from error
    for setting in tree["experiment_data"]:
        if not _is_setting_number(setting, size):
            raise BadInput(
                f"{path}: not a result: found setting '{setting}'; allowed: 0 to {size - 1}, the settings of its grid"
            )
    complete_tree(tree)
    return tree


@lru_cache(maxsize=64)
def _grid_size(parameters: bytes) -> int:
    """Return the number of settings of a grid; cached, as thousands of files share a grid.  Raises BadInput."""
    return len(Grid(orjson.loads(parameters)))


def _is_setting_number(text: str, size: int) -> bool:
    """Return whether a text is a decimal number below size, without leading zeros. It may be too long for `int`."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(size))
    return plain and str(int(text)) == text and int(text) < size


def parse_result(path: Path, content: bytes) -> Result:
    """Parse and validate the content of one run's result.  Raises BadInput if it is not valid.

    path: the file's path in messages.
    """
    tree = parse_tree(path, content)
    runs = [(setting, data, run) for setting, data in tree["experiment_data"].items() for run in data["runs"]]
    if len(runs) != 1:
        raise BadInput(f"{path}: not a result: found {len(runs)} runs; allowed: one")
    [(setting, data, run)] = runs
    return Result(path, tree["experiment"], int(setting), data["agent_params"], run)


def all_runs(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return all runs of a tree, setting by setting."""
    return (run for data in tree["experiment_data"].values() for run in data["runs"])


def grid_of_tree(tree: dict[str, Any]) -> Grid:
    """Return the grid that numbers a tree's settings.  Raises BadInput."""
    return Grid(tree["experiment"]["agent"]["parameters"])


def reproducible_part(run: dict[str, Any]) -> dict[str, Any]:
    """Return what every execution of a run must reproduce: all keys but the incidental ones."""
    return {name: value for name, value in run.items() if name not in INCIDENTAL}


def is_same_protocol(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Return whether two environment configurations are the same: equal values, whatever the order of their keys.

    Whether returns mean the same under two protocols depends on fewer keys: `utils.analysis.combined_results`.
    """
    return a == b
