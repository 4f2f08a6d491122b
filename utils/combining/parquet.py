"""Tidy tables for pandas.

`runs.parquet` has a row per run, `episodes.parquet` a row per episode, and `diagnostics.parquet` a row per run and
window of training. All identify a run by setting and run_number, and by its key. docs/combining.md lists the columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from utils.core.errors import BadInput, describe_error
from utils.files.atomic import open_atomically
from utils.results.diagnostics import TIMESTEP, diagnostic_arrays, read_diagnostics
from utils.results.schema import all_runs, grid_of_tree

RUNS, EPISODES, DIAGNOSTICS = TABLES = ("runs.parquet", "episodes.parquet", "diagnostics.parquet")

ROW_GROUP_VALUES = 800_000
"""Smallest number of values in a row group, except the last one; a row group is held in memory."""

RUN_COLUMNS = {
    "env_name": "string", "agent_name": "string", "setting": "int64", "run_number": "int64", "index": "int64",
    "key": "string", "status": "string", "random_seed": "int64", "total_timesteps": "int64",
    "timesteps_done": "int64", "diverged_at_timestep": "int64", "nonfinite": "string",
    "total_train_episodes": "int64", "train_time": "float64", "eval_time": "float64",
    "rollout_hash": "string", "engine": "string", "host": "string", "peak_memory_mib": "float64",
}  # fmt: skip
"""Columns from a result and its provenance. Each hyperparameter also has a column, prefixed by `param_`."""

EPISODE_RUN_COLUMNS = {"setting": "int64", "run_number": "int64", "key": "string", "status": "string"}
"""Columns of an episode that identify its run. Each hyperparameter that differs between settings has one as well."""

EPISODE_COLUMNS = EPISODE_RUN_COLUMNS | {
    "phase": "string", "timestep": "int64", "episode": "int64",
    "episode_return": "float64", "episode_steps": "int64", "complete": "bool",
}  # fmt: skip
"""Columns of an episode. phase: "train" or "eval". timestep: training timestep at which a training episode ended or an
evaluation took place. episode: its number in the run or in the evaluation."""

DIAGNOSTIC_COLUMNS = EPISODE_RUN_COLUMNS | {"timestep": "int64"}
"""Columns of a window of diagnostics besides a column for each quantity.  timestep: at which the window ends."""

COLUMN_TYPES: dict[str, tuple[type, ...]] = {
    "int64": (int,),
    "float64": (float, int),
    "bool": (bool,),
    "string": (str,),
}
"""Column types, and the Python types of their values."""

Columns = dict[str, list[Any]]


def write_tables(data: Path, tree: dict[str, Any]) -> None:
    """Write the tables of a tree next to its data.json, each atomically.

    Raises BadInput if one cannot be written, or diagnostics cannot be read.
    """
    params = param_types(cell["agent_params"] for cell in tree["experiment_data"].values())
    runs = RUN_COLUMNS | params
    _write_table(data.with_name(RUNS), runs, run_rows(tree, runs))
    differing = {f"param_{name}": params[f"param_{name}"] for name in differing_params(tree)}
    _write_table(data.with_name(EPISODES), EPISODE_COLUMNS | differing, episode_rows(tree, differing))
    quantities = diagnostic_names(tree)
    columns = DIAGNOSTIC_COLUMNS | dict.fromkeys(quantities, "float64") | differing
    _write_table(data.with_name(DIAGNOSTICS), columns, diagnostic_rows(data.parent, tree, differing, quantities))


def differing_params(tree: dict[str, Any]) -> list[str]:
    """Return the hyperparameters that differ between settings: those with several values in the grid or in results."""
    cells = [cell["agent_params"] for cell in tree["experiment_data"].values()]
    varied = grid_of_tree(tree).varied
    names = dict.fromkeys(name for cell in cells for name in cell)
    return [name for name in names if name in varied or any(cell.get(name) != cells[0].get(name) for cell in cells)]


def param_types(settings: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the column of each hyperparameter and its type: a type that fits all values, or JSON text."""
    found: dict[str, list[Any]] = {}
    for params in settings:
        for name, value in params.items():
            found.setdefault(f"param_{name}", []).append(value)
    return {
        name: next((kind for kind in COLUMN_TYPES if all(_fits_type(value, kind) for value in values)), "string")
        for name, values in found.items()
    }


def _fits_type(value: Any, kind: str) -> bool:
    return value is None or type(value) in COLUMN_TYPES[kind]


def run_rows(tree: dict[str, Any], kinds: dict[str, str]) -> Iterator[Columns]:
    """Yield a row per run with the given columns.

    kinds: types by column.
    """
    experiment = tree["experiment"]
    named = {"env_name": experiment["environment"]["env_name"], "agent_name": experiment["agent"]["agent_name"]}
    for setting, cell in tree["experiment_data"].items():
        same = named | {"setting": int(setting)}
        same |= {f"param_{name}": value for name, value in cell["agent_params"].items()}
        for run in cell["runs"]:
            origin = run.get("provenance")
            row = (origin if isinstance(origin, dict) else {}) | run | same
            yield {name: [_fit_value(row.get(name), kind)] for name, kind in kinds.items()}


def _fit_value(value: Any, kind: str) -> Any:
    """Return a value that fits the column: the value, its JSON for a text column, or None."""
    if _fits_type(value, kind):
        return value
    return orjson.dumps(value).decode() if kind == "string" else None


def episode_rows(tree: dict[str, Any], params: dict[str, str]) -> Iterator[Columns]:
    """Yield a row per episode: for each run its training episodes, then those of its evaluations.

    params: columns of hyperparameters, with their types.
    """
    for row, run in _identified_runs(tree, params):
        for columns in (_training_columns(run), _evaluation_columns(run)):
            count = len(columns["episode"])
            yield {name: [value] * count for name, value in row.items()} | columns


def diagnostic_names(tree: dict[str, Any]) -> list[str]:
    """Return the quantities that any run has diagnostics of."""
    quantities = dict.fromkeys(name for run in all_runs(tree) for name in diagnostic_arrays(run))
    return [name for name in quantities if name != TIMESTEP]


def diagnostic_rows(
    directory: Path, tree: dict[str, Any], params: dict[str, str], quantities: Sequence[str]
) -> Iterator[Columns]:
    """Yield a row per window of each run.

    directory: of the results.  params: columns of hyperparameters, with their types.  quantities: columns of values.
    Raises BadInput if a run's arrays cannot be read.
    """
    for row, run in _identified_runs(tree, params):
        found = read_diagnostics(directory, run)
        if found is None:
            continue
        windows = len(found.timesteps)
        absent = np.full(windows, np.nan)
        values = {name: _finite_or_none(found.values.get(name, absent)) for name in quantities}
        same = {name: [value] * windows for name, value in row.items()}
        yield same | {TIMESTEP: found.timesteps.tolist()} | values


def _identified_runs(tree: dict[str, Any], params: dict[str, str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each run with the columns that identify it.  params: columns of hyperparameters, with their types."""
    kinds = EPISODE_RUN_COLUMNS | params
    for setting, cell in tree["experiment_data"].items():
        same = {f"param_{name}": value for name, value in cell["agent_params"].items()} | {"setting": int(setting)}
        for run in cell["runs"]:
            yield {name: _fit_value((run | same).get(name), kind) for name, kind in kinds.items()}, run


def _finite_or_none(array: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in array.tolist()]


def _training_columns(run: dict[str, Any]) -> Columns:
    steps = run["train_episode_steps"]
    return {
        "phase": ["train"] * len(steps),
        "timestep": list(accumulate(steps)),
        "episode": list(range(len(steps))),
        "episode_return": run["train_episode_rewards"],
        "episode_steps": steps,
        "complete": [True] * (len(steps) - 1) + [run.get("last_episode_complete", True)] * bool(steps),
    }


def _evaluation_columns(run: dict[str, Any]) -> Columns:
    """Return the columns of a run's evaluation episodes; steps are None if the run does not record them."""
    returns = run["eval_episode_rewards"]
    steps = run.get("eval_episode_steps") or [[None] * len(episodes) for episodes in returns]
    timesteps = zip(run["timesteps_at_eval"], returns, strict=True)
    flat = list(chain.from_iterable(returns))
    return {
        "phase": ["eval"] * len(flat),
        "timestep": [timestep for timestep, episodes in timesteps for _ in episodes],
        "episode": [number for episodes in returns for number in range(len(episodes))],
        "episode_return": flat,
        "episode_steps": list(chain.from_iterable(steps)),
        "complete": [True] * len(flat),
    }


def _write_table(path: Path, kinds: dict[str, str], rows: Iterable[Columns]) -> None:
    """Write a table atomically.  Raises BadInput if it cannot be written."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise BadInput(
            "--parquet: needs the package pyarrow: pip install -r requirements.txt, or, on the Alliance's clusters, "
            "module load arrow"
        ) from error
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in kinds.items()])
    try:
        with open_atomically(path) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for columns in _group_rows(kinds, rows):
                writer.write_table(pa.table(columns, schema=schema))
    except (OSError, OverflowError, pa.ArrowException) as error:
        raise BadInput(f"{path}: cannot be written: {describe_error(error)}") from error


def _group_rows(names: Iterable[str], rows: Iterable[Columns]) -> Iterator[Columns]:
    """Collect rows into groups of at least ROW_GROUP_VALUES values."""
    held: Columns = {name: [] for name in names}
    for columns in rows:
        for name, values in columns.items():
            held[name] += values
        if len(held["setting"]) * len(held) >= ROW_GROUP_VALUES:
            yield held
            held = {name: [] for name in held}
    yield held
