"""data.json -> tidy tables for pandas: `runs.parquet`, one row a run, and `episodes.parquet`, one row an episode.

Both name a run by setting and run_number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput
from utils.files.atomic import open_atomically

RUNS, EPISODES = TABLES = ("runs.parquet", "episodes.parquet")

VALUES = 800_000
"""At least, of every row group but the last: what is held in memory at once."""

RUN_COLUMNS = {
    "env_name": "string", "agent_name": "string", "setting": "int64", "run_number": "int64", "index": "int64",
    "key": "string", "status": "string", "random_seed": "int64", "total_timesteps": "int64",
    "timesteps_done": "int64", "diverged_at_timestep": "int64", "nonfinite": "string",
    "total_train_episodes": "int64", "train_time": "float64", "eval_time": "float64",
    "rollout_hash": "string", "engine": "string", "host": "string", "peak_memory_mib": "float64",
}  # fmt: skip
"""As in a result and its provenance; beside them a column for each hyperparameter, `param_` before its name."""

EPISODE_COLUMNS = {
    "setting": "int64", "run_number": "int64", "phase": "string", "timestep": "int64", "episode": "int64",
    "episode_return": "float64", "episode_steps": "int64", "complete": "bool",
}  # fmt: skip
"""phase: "train" or "eval".  timestep: the training step with which a training episode ended, or at which an
evaluation took place.  episode: its number in the run, or in the evaluation."""

KINDS: dict[str, tuple[type, ...]] = {"int64": (int,), "float64": (float, int), "bool": (bool,), "string": (str,)}
"""Types of columns, and the values that fit them."""

Columns = dict[str, list[Any]]


def write_tables(data: Path, tree: dict[str, Any]) -> None:
    """Write both tables beside a data.json, of its tree, each whole or not at all.  Raises BadInput."""
    params = param_kinds(cell["agent_params"] for cell in tree["experiment_data"].values())
    runs = RUN_COLUMNS | params
    _write(data.with_name(RUNS), runs, run_rows(tree, runs))
    _write(data.with_name(EPISODES), EPISODE_COLUMNS, episode_rows(tree))


def param_kinds(settings: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Each hyperparameter's column and its type: one that all its values have, or text, their JSON."""
    found: dict[str, list[Any]] = {}
    for params in settings:
        for name, value in params.items():
            found.setdefault(f"param_{name}", []).append(value)
    return {
        name: next((kind for kind in KINDS if all(_fits(value, kind) for value in values)), "string")
        for name, values in found.items()
    }


def _fits(value: Any, kind: str) -> bool:
    return value is None or type(value) in KINDS[kind]


def run_rows(tree: dict[str, Any], kinds: dict[str, str]) -> Iterator[Columns]:
    """One row a run, of the columns in `kinds`."""
    experiment = tree["experiment"]
    named = {"env_name": experiment["environment"]["env_name"], "agent_name": experiment["agent"]["agent_name"]}
    for setting, cell in tree["experiment_data"].items():
        same = named | {"setting": int(setting)}
        same |= {f"param_{name}": value for name, value in cell["agent_params"].items()}
        for run in cell["runs"]:
            origin = run.get("provenance")
            row = (origin if isinstance(origin, dict) else {}) | run | same
            yield {name: [_fitted(row.get(name), kind)] for name, kind in kinds.items()}


def _fitted(value: Any, kind: str) -> Any:
    """The value, or its JSON where text is wanted, or null."""
    if _fits(value, kind):
        return value
    return orjson.dumps(value).decode() if kind == "string" else None


def episode_rows(tree: dict[str, Any]) -> Iterator[Columns]:
    """One row an episode: of each run those of training, then those of the evaluations."""
    for setting, cell in tree["experiment_data"].items():
        for run in cell["runs"]:
            for columns in (_training(run), _evaluations(run)):
                count = len(columns["episode"])
                yield {"setting": [int(setting)] * count, "run_number": [run["run_number"]] * count} | columns


def _training(run: dict[str, Any]) -> Columns:
    steps = run["train_episode_steps"]
    return {
        "phase": ["train"] * len(steps),
        "timestep": list(accumulate(steps)),
        "episode": list(range(len(steps))),
        "episode_return": run["train_episode_rewards"],
        "episode_steps": steps,
        "complete": [True] * (len(steps) - 1) + [run.get("last_episode_complete", True)] * bool(steps),
    }


def _evaluations(run: dict[str, Any]) -> Columns:
    """Of a run that does not tell how long they were, with null for it."""
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


def _write(path: Path, kinds: dict[str, str], rows: Iterable[Columns]) -> None:
    """Raises BadInput."""
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
            for columns in _grouped(kinds, rows):
                writer.write_table(pa.table(columns, schema=schema))
    except (OSError, OverflowError, pa.ArrowException) as error:
        raise BadInput(f"{path}: cannot be written: {' '.join(str(error).split())}") from error


def _grouped(names: Iterable[str], rows: Iterable[Columns]) -> Iterator[Columns]:
    """The rows, many at a time."""
    held: Columns = {name: [] for name in names}
    for columns in rows:
        for name, values in columns.items():
            held[name] += values
        if len(held["setting"]) * len(held) >= VALUES:
            yield held
            held = {name: [] for name in held}
    yield held
