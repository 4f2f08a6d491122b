"""All runs of directories as pandas DataFrames: a row per run, or a row per evaluation (docs/python.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utils.analysis.combined_results import evaluation_curve
from utils.combining.parquet import RUN_COLUMNS, param_types, run_rows
from utils.combining.result_trees import read_result_trees
from utils.stats.curves import final_performance

if TYPE_CHECKING:
    from pandas import DataFrame

PANDAS_TYPES = {"int64": "Int64", "float64": "float64", "bool": "boolean", "string": "str"}
"""pandas's types of the columns of tables; each has a missing value."""

RUN_ID_COLUMNS = ("env_name", "agent_name", "setting", "run_number", "key")
"""Columns that identify a run in every table."""

EVALUATION_COLUMNS = {"timestep": "int64", "episodes": "int64", "mean_return": "float64", "mean_steps": "float64"}
"""Columns of an evaluation besides those of its run."""


def runs_frame(*paths: Path | str) -> DataFrame:
    """Return a table with a row for each run.

    paths: directories of results, or data.json files.
    Columns: those of `utils.combining.parquet.RUN_COLUMNS`; `performance`, the mean return over the last half of the
    evaluations, missing for a run that diverged or has no evaluations; and `param_<name>` for each hyperparameter.
    Raises BadInput for a file that is not a result, and for a path without results.
    """
    trees = _read_trees(paths)
    params = _param_columns(trees)
    kinds = RUN_COLUMNS | {"performance": "float64"} | params
    rows = ({**row, "performance": performance(run)} for row, run in _rows_with_runs(trees, RUN_COLUMNS | params))
    return _make_frame(kinds, rows)


def evaluations_frame(*paths: Path | str) -> DataFrame:
    """Return a table with a row for each evaluation of each run.

    paths: directories of results, or data.json files.
    Columns: `env_name`, `agent_name`, `setting`, `run_number`, `key`; `timestep`; `episodes`, their number;
    `mean_return`, missing if a return was not finite; `mean_steps`; and `param_<name>` for each hyperparameter.
    Raises BadInput for a file that is not a result, and for a path without results.
    """
    trees = _read_trees(paths)
    params = _param_columns(trees)
    of_run = {name: RUN_COLUMNS[name] for name in RUN_ID_COLUMNS}
    rows = (
        row | evaluation for row, run in _rows_with_runs(trees, of_run | params) for evaluation in evaluation_rows(run)
    )
    return _make_frame(of_run | EVALUATION_COLUMNS | params, rows)


def performance(run: dict[str, Any]) -> float:
    """Return the mean return over the last half of a run's evaluations; NaN if it diverged or there are none."""
    curve = evaluation_curve(run)
    return (
        final_performance(curve.returns, curve.timesteps)
        if run["status"] == "completed" and len(curve.returns)
        else np.nan
    )


def evaluation_rows(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the columns of each evaluation of a run."""
    curve, steps = evaluation_curve(run), run.get("eval_episode_steps")
    for i, episodes in enumerate(run["eval_episode_rewards"]):
        yield {
            "timestep": curve.timesteps[i],
            "episodes": len(episodes),
            "mean_return": curve.returns[i],
            "mean_steps": np.mean(steps[i]) if steps and steps[i] else np.nan,
        }


def _read_trees(paths: Iterable[Path | str]) -> list[dict[str, Any]]:
    return [tree for path in paths for tree in read_result_trees(path)]


def _param_columns(trees: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the column of each hyperparameter and its type."""
    return param_types(cell["agent_params"] for tree in trees for cell in tree["experiment_data"].values())


def _rows_with_runs(
    trees: Iterable[dict[str, Any]], kinds: dict[str, str]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the row of each run, with the given columns, and the run itself."""
    for tree in trees:
        runs = (run for cell in tree["experiment_data"].values() for run in cell["runs"])
        for columns, run in zip(run_rows(tree, kinds), runs, strict=True):
            yield {name: value for name, [value] in columns.items()}, run


def _make_frame(kinds: dict[str, str], rows: Iterable[dict[str, Any]]) -> DataFrame:
    """Return a table, sorted by run.  kinds: types of its columns.  rows: values by column."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in kinds}
    for row in rows:
        for name, values in columns.items():
            values.append(row[name])
    table = pd.DataFrame({name: pd.Series(values, dtype=PANDAS_TYPES[kinds[name]]) for name, values in columns.items()})
    return table.sort_values(list(RUN_ID_COLUMNS), kind="stable", ignore_index=True)
