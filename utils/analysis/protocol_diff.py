"""What an experiment's numbers depend on besides the agent: its protocol, and where that differs from another's.

Environment, evaluation and truncation stand in the environment's configuration; the networks and the other
hyperparameters in the agent's; versions, processors, rollout hashes, engine and code in the provenance of each run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput, suggestion
from utils.experiment.config import EnvironmentConfig
from utils.files.json_model import validate
from utils.files.json_text import canonical_json, read_json
from utils.results.provenance_diff import Origin
from utils.results.schema import validate_tree, find_data_file, grid_of_tree, all_runs

Facts = dict[str, list[Any]]
"""Each fact's values over an experiment, distinct: its settings' for a hyperparameter, its runs' for a version."""

AGENT = "agent."
FLAGS = "cpu.flags"


@dataclass(frozen=True)
class ExperimentProtocol:
    """agent_name: None for the configuration of an environment alone, whose facts are the environment's only."""

    path: Path
    agent_name: str | None
    runs: int
    facts: Facts

    def describe(self) -> str:
        """One line."""
        if self.agent_name is None:
            return f"{self.path}: an environment's configuration"
        return f"{self.path}: {self.agent_name}, {self.runs} run{'' if self.runs == 1 else 's'}"


def read_protocol(path: Path) -> ExperimentProtocol:
    """The protocol of a result, of a data.json or the directory it is in, or of an environment's configuration.

    Raises BadInput if it is none of them.
    """
    file = find_data_file(path) if os.path.isdir(path) else path
    content = read_json(file)
    if isinstance(content, dict) and "env_name" in content:
        environment = validate(EnvironmentConfig, content, str(file))
        return ExperimentProtocol(path, None, 0, _environment(environment.model_dump(mode="json")))
    tree = validate_tree(file, content)
    runs = list(all_runs(tree))
    facts = _environment(tree["experiment"]["environment"]) | _hyperparameters(tree) | _provenance(runs)
    return ExperimentProtocol(path, tree["experiment"]["agent"]["agent_name"], len(runs), facts)


def _environment(found: dict[str, Any]) -> Facts:
    """Key by key, those inside `rewards` too; a key that results are too old to have takes its default."""
    fields = EnvironmentConfig.model_fields
    known = {key: field.get_default() for key, field in fields.items() if not field.is_required()}
    protocol = known | {"rewards": known["rewards"].model_dump()} | found
    if isinstance(protocol["rewards"], dict):
        protocol |= {f"rewards.{key}": value for key, value in protocol.pop("rewards").items()}
    return {f"environment.{key}": [value] for key, value in protocol.items()}


def _hyperparameters(tree: dict[str, Any]) -> Facts:
    """Each one's values over the grid; those that the grid leaves out, from the settings that have been run."""
    grid, cells = grid_of_tree(tree), tree["experiment_data"]
    settings = [grid.setting(s) | cells.get(str(s), {"agent_params": {}})["agent_params"] for s in range(len(grid))]
    keys = dict.fromkeys(key for setting in settings for key in setting)
    return {f"{AGENT}{key}": _distinct(s[key] for s in settings if key in s) for key in keys}


def _provenance(runs: list[dict[str, Any]]) -> Facts:
    """What is recorded of where the runs were computed; None for a run of which it is not."""
    origins = [Origin("", run.get("provenance")) for run in runs]
    versions = [origin.part("versions") for origin in origins]
    packages = sorted({package for each in versions for package in each})
    return {
        **{f"versions.{package}": _distinct(each.get(package) for each in versions) for package in packages},
        FLAGS: _distinct(origin.flags for origin in origins),
        "rollout_hash": _distinct(origin.rollout_hash for origin in origins),
        "engine": _distinct(origin.engine for origin in origins),
        "code": _distinct(_code(origin.part("code")) for origin in origins),
    }


def _code(code: dict[str, Any]) -> str | None:
    """The commit, and whether files differed from it."""
    return f"{code['commit']}{' and changes' * bool(code.get('dirty'))}" if code.get("commit") else None


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Each once, in an order that does not depend on the runs'."""
    return [orjson.loads(text) for text in sorted({canonical_json(value) for value in values})]


def compared(a: ExperimentProtocol, b: ExperimentProtocol, excepted: Collection[str] = ()) -> list[str]:
    """The names of the facts to compare.

    An environment's configuration is compared with an environment only; the hyperparameters that one of two different
    agents does not have, with nothing.  excepted: names, or their beginnings up to a dot, to leave out.
    Raises BadInput for one that names nothing.
    """
    names = list(dict.fromkeys([*a.facts, *b.facts]))
    if None in (a.agent_name, b.agent_name):
        names = [name for name in names if name.startswith("environment.")]
    elif a.agent_name != b.agent_name:
        names = [name for name in names if not name.startswith(AGENT) or (name in a.facts and name in b.facts)]
    groups = {name.split(".")[0] for name in names}
    for name in excepted:
        if name not in names and name not in groups:
            raise BadInput(
                f"--except: found '{name}'; allowed: {', '.join(sorted(groups))}, or one fact of them, such as "
                f"{names[0]}{suggestion(name, names)}"
            )
    return [name for name in names if name not in excepted and name.split(".")[0] not in excepted]


def differences(a: ExperimentProtocol, b: ExperimentProtocol, names: Iterable[str]) -> Iterator[str]:
    """A line on each of the facts that is not the same in both."""
    for name in names:
        ours, theirs = a.facts.get(name, [None]), b.facts.get(name, [None])
        if json.dumps(ours) == json.dumps(theirs):
            continue
        yield f"{name}: {_flags(ours, theirs) if name == FLAGS else f'{_show(ours)} and {_show(theirs)}'}"


def _show(values: list[Any]) -> str:
    """One value as it is; several, of settings or runs that differ, as a set."""
    shown = ["nothing" if value is None else json.dumps(value) for value in values]
    return shown[0] if len(shown) == 1 else f"{{{', '.join(shown)}}}"


def _flags(ours: list[Any], theirs: list[Any]) -> str:
    """The flags that only one side has, as a list of all would fill the screen."""
    if None in (*ours, *theirs):
        return " and ".join("not recorded" if None in side else "recorded" for side in (ours, theirs))
    first, second = ({flag for kind in side for flag in kind} for side in (ours, theirs))
    sides = (("first", first - second), ("second", second - first))
    only = [f"of the {which} only: {' '.join(sorted(flags))}" for which, flags in sides if flags]
    return "; ".join(only) or f"{len(ours)} and {len(theirs)} kinds of processor, of the same flags together"
