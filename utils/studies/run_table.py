"""A study's runs, a row each, in one Parquet file that is small enough to be kept with the page.

A row holds the mean return of each evaluation, not single episodes, and what a page says of where a run comes from.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.errors import BadInput, describe_error
from utils.core.provenance import exact_versions
from utils.files.overwrite import write_out
from utils.results.schema import Result
from utils.stats.curves import final_performance

CHOOSING, REPORTING = "choosing", "reporting"
"""Stages of a study, on seeds of their own."""

UNUSED = "unused"
"""In place of a stage: the run was part of the study before its file was changed."""


@dataclass(frozen=True)
class RunRow:
    """One run.

    stage: CHOOSING, REPORTING or UNUSED.  environment: stem of its configuration's file.
    setting: number in the arm's grid.  run: its seed.  key: see docs/results.md.  status: "completed" or "diverged".
    timesteps, returns: of each evaluation, the return a mean over its episodes, NaN if it was not finite.
    seconds: of training and evaluation.  code, engine, cpu: see provenance.
    packages: those that determine a run's bits, with their versions.
    """

    stage: str
    environment: str
    arm: str
    setting: int
    run: int
    key: str
    status: str
    timesteps: list[int]
    returns: list[float]
    seconds: float
    code: str
    engine: str
    cpu: str
    packages: str

    @property
    def performance(self) -> float:
        """Mean return over the last half of the evaluations; NaN if the run diverged or a return was not finite."""
        if self.status != "completed" or not self.returns:
            return float("nan")
        return final_performance(np.array(self.returns), np.array(self.timesteps))


def make_row(stage: str, environment: str, arm: str, setting: int, result: Result) -> RunRow:
    """Return the row of a result."""
    run, origin = result.run, result.run.get("provenance") or {}
    returns = [_mean(episodes) for episodes in run["eval_episode_rewards"]]
    engine = f"{origin.get('engine')}, arithmetic {origin.get('arithmetic')}" if origin.get("arithmetic") else "eager"
    code = (origin.get("code") or {}).get("sources") or "unknown"
    cpu = (origin.get("cpu") or {}).get("model") or "unknown"
    versions = exact_versions(origin.get("versions") or {})
    packages = ", ".join(f"{name} {version}" for name, version in versions.items() if version) or "unknown"
    seconds = float(run.get("train_time") or 0.0) + float(run.get("eval_time") or 0.0)
    return RunRow(
        stage, environment, arm, setting, run["run_number"], run["key"], run["status"], run["timesteps_at_eval"],
        returns, seconds, str(code), engine, str(cpu), packages,
    )  # fmt: skip


def _mean(episodes: list[float | None]) -> float:
    """Return the mean return of an evaluation; NaN if one was not finite."""
    return float(np.mean([np.nan if value is None else value for value in episodes])) if episodes else float("nan")


def read_rows(path: Path) -> dict[str, RunRow]:
    """Return a study's rows by key, one of each if arms share a run; none if there is no file.

    Raises BadInput if it cannot be read, is damaged, or has other columns or missing values.
    """
    from pyarrow import ArrowException, parquet

    if not path.exists():
        return {}
    try:
        found = parquet.read_table(path, page_checksum_verification=True).cast(_schema())
        if any(column.null_count for column in found.columns):
            raise ValueError("values are missing")
        rows = [RunRow(**row) for row in found.to_pylist()]
    except (OSError, ArrowException, ValueError) as error:
        raise BadInput(
            f"{path}: not a study's runs, or damaged: {describe_error(error)}; put back an earlier version, or remove "
            "it: the rows of runs that have results are collected again"
        ) from error
    return {row.key: row for row in rows}


def _schema() -> Any:
    """Return the columns and their types, as pyarrow has them."""
    import pyarrow as pa

    kinds: dict[str, Any] = {"timesteps": pa.list_(pa.int64()), "returns": pa.list_(pa.float64())}
    names = {"setting": pa.int64(), "run": pa.int64(), "seconds": pa.float64()}
    return pa.schema([(name, (kinds | names).get(name, pa.string())) for name in RunRow.__dataclass_fields__])


def write_rows(path: Path, rows: Iterable[RunRow]) -> None:
    """Write a study's rows, in one order, atomically, with checksums.  Raises BadInput if they cannot be written."""
    import pyarrow as pa
    from pyarrow import parquet

    ordered = sorted(rows, key=lambda row: (row.environment, row.arm, row.stage, row.setting, row.run))
    table = pa.Table.from_pylist([vars(row) for row in ordered], _schema())
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    write_out(path, buffer.getvalue())
