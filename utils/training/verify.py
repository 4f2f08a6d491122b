"""Repetition of recorded runs, which reports the first difference and what differs between the machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from utils.core.cli_types import ENGINES
from utils.core.errors import BadInput
from utils.core.indices import MAX_INDEX
from utils.core.provenance import ARITHMETIC, describe_cpu, package_versions
from utils.experiment.config import AgentConfig, EnvironmentConfig, recorded_agent_config
from utils.experiment.experiment import Experiment, Run
from utils.files.json_model import validate
from utils.results.run_diff import first_run_difference, read_comparable
from utils.results.schema import read_result


@dataclass(frozen=True)
class RecordedRun:
    """What a result records that is needed to repeat its run."""

    path: Path
    environment: EnvironmentConfig
    agent: AgentConfig
    index: int
    key: str
    origin: dict[str, Any]

    @property
    def engine(self) -> str:
        """Engine that computed the result."""
        return str(self.origin["engine"])

    @property
    def group(self) -> bytes:
        """Identity of the experiment and the engine."""
        tree = [self.environment.model_dump(mode="json"), self.agent.model_dump(mode="json"), self.engine]
        return orjson.dumps(tree)


def read_recorded_run(path: Path, agents: Mapping[str, Any]) -> RecordedRun:
    """Read a result that can be repeated.  Raises BadInput if the file is not one.

    agents: entries of `agent.AGENTS`, by name.
    """
    result = read_result(path)
    read_comparable(path)
    run, experiment = result.run, result.experiment
    try:
        index, key, origin = run["index"], run["key"], run["provenance"]
        environment, agent = experiment["environment"], experiment["agent"]
        sound = isinstance(index, int) and 0 <= index <= MAX_INDEX and origin["engine"] in ENGINES
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a result: found no {error}; allowed: a result of main.py") from error
    if not sound:
        raise BadInput(
            f"{path}: not a result: found index {index!r} and engine {origin['engine']!r}; "
            f"allowed: an integer from 0, and {' or '.join(ENGINES)}"
        )
    if origin["engine"] == "compiled" and origin.get("arithmetic") != ARITHMETIC:
        raise BadInput(
            f"{path}: cannot be repeated: the compiled engine computed it with arithmetic "
            f"{origin.get('arithmetic')!r}; this version's is {ARITHMETIC!r}"
        )
    protocol = validate(EnvironmentConfig, environment, f"{path}: environment")
    grid = recorded_agent_config(agent, result.agent_params, f"{path}: agent", agents)
    if grid.start_from is not None:  # The very result, which may have been one of a directory.
        grid = grid.model_copy(update={"start_from": _recorded_start(path, origin)["path"]})
    return RecordedRun(path, protocol, grid, index, key, origin)


def _recorded_start(path: Path, origin: dict[str, Any]) -> dict[str, Any]:
    """Return what a result records about the learned parameters that its run began from.  Raises BadInput."""
    start = origin.get("start_from")
    if not isinstance(start, dict) or not all(isinstance(start.get(name), str) for name in ("path", "sha256")):
        raise BadInput(f"{path}: cannot be repeated: it does not record the learned parameters that it began from")
    return start


def group_by_experiment(recorded: Sequence[RecordedRun]) -> list[list[RecordedRun]]:
    """Group recorded runs by experiment and engine."""
    groups: dict[bytes, list[RecordedRun]] = {}
    for one in recorded:
        groups.setdefault(one.group, []).append(one)
    return list(groups.values())


def run_to_repeat(recorded: RecordedRun, experiment: Experiment) -> Run:
    """Return the run to repeat.  Raises BadInput if its index is another run now, or its start is not there."""
    if recorded.agent.start_from is not None:
        _check_start(recorded, experiment)
    run = experiment.run(recorded.index)
    if run.key != recorded.key:
        raise BadInput(
            f"{recorded.path}: its index {recorded.index} is now the run with key {run.key}, but {recorded.key} was "
            "recorded; allowed: a result of this version's configuration"
        )
    return run


def _check_start(recorded: RecordedRun, experiment: Experiment) -> None:
    """Check that the learned parameters that a run began from are where they were.  Raises BadInput."""
    was = _recorded_start(recorded.path, recorded.origin)
    try:
        start = experiment.run(recorded.index).start
    except BadInput as error:
        raise BadInput(f"{recorded.path}: cannot be repeated without the result that it began from: {error}") from error
    if start is not None and start.sha256 != was["sha256"]:
        raise BadInput(
            f"{recorded.path}: cannot be repeated: it began from learned parameters with SHA-256 {was['sha256']}, but "
            f"those of {start.path} are now {start.sha256}; allowed: the result that it began from, at that path"
        )


def compare_repetition(recorded: RecordedRun, fresh: Path) -> tuple[bool, list[str]]:
    """Compare a result with its repetition. Returns whether they are identical, and lines to print."""
    if not fresh.exists():
        return False, [f"{recorded.path}: not verified: its repetition has no result"]
    origin = read_result(fresh).run["provenance"]
    if origin["engine"] != recorded.engine:
        reason = f"engine {recorded.engine} was recorded, but here it is {origin['engine']}"
        return False, [f"{recorded.path}: not verified: {reason}: {origin['engine_fallback']}"]
    difference = first_run_difference(read_comparable(recorded.path), read_comparable(fresh))
    if difference is None:
        return True, [f"{recorded.path}: identical"]
    expected = "" if recorded.origin.get("deterministic", True) else "; its environment is not a function of its seed"
    return False, [
        f"{recorded.path}: different: {difference} (recorded and present){expected}",
        *format_circumstances(recorded.origin),
    ]


def format_circumstances(origin: dict[str, Any]) -> list[str]:
    """Return a table of versions and processor, recorded and present; a star marks differences."""
    then, now = (
        _collect_circumstances(origin.get("versions"), origin.get("cpu")),
        _collect_circumstances(package_versions(origin.get("versions") or ()), describe_cpu()),
    )
    rows = [("", "recorded", "present"), *((name, then.get(name, "-"), now.get(name, "-")) for name in then | now)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [
        f"  {'*' if i and a != b else ' '} {name:{widths[0]}}  {a:{widths[1]}}  {b}".rstrip()
        for i, (name, a, b) in enumerate(rows)
    ]


def _collect_circumstances(versions: Any, processor: Any) -> dict[str, str]:
    """Return versions and processor as text, by name."""
    found = {str(name): str(version) for name, version in versions.items()} if isinstance(versions, dict) else {}
    processor = processor if isinstance(processor, dict) else {}
    flags = processor.get("flags")
    flag_text = " ".join(map(str, flags)) if isinstance(flags, list) else str(flags)
    return found | {"CPU": str(processor.get("model")), "CPU flags": flag_text}
