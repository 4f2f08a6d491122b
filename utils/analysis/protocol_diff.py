"""Differences between the protocols of two experiments: everything their numbers depend on besides the agent.

Environment, evaluation and truncation are in the environment's configuration; networks and other hyperparameters in
the agent's; versions, processors, rollout hashes, engine and code in the provenance of each run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from utils.core.errors import BadInput, suggestion
from utils.experiment.config import EnvironmentConfig, Rewards
from utils.files.json_model import validate
from utils.files.json_text import canonical_json, read_json
from utils.results.foreign import FOREIGN, OWN_KEYS, ForeignSource, foreign_source, is_unknown
from utils.results.provenance_diff import Origin, describe_flag_differences
from utils.results.rollout_diff import describe_rollouts
from utils.results.schema import all_runs, find_data_file, grid_of_tree, validate_tree

Facts = dict[str, list[Any]]
"""The distinct values of each fact over an experiment: over settings for a hyperparameter, over runs for a version."""

AGENT = "agent."
"""Prefix of the facts that are hyperparameters."""

ENVIRONMENT = "environment."
"""Prefix of the facts that are keys of the environment's configuration."""

ROLLOUT_HASH = "rollout_hash"
"""Name of the fact that is the fingerprint of the environment's behaviour."""

START = "start_from"
"""Name of the fact that is the SHA-256 of the learned parameters that runs began from, if any did."""

FLAGS = "cpu.flags"
"""Name of the fact that lists the CPU flags."""


@dataclass(frozen=True)
class ExperimentProtocol:
    """The protocol of an experiment, or of an environment's configuration.

    agent_name: None for the configuration of an environment, which has no facts about agents and runs.
    runs: number of runs.
    traces: a trace of the environment's behaviour for each rollout hash.
    foreign: where results of another program come from. A value that it did not record is None.
    """

    path: Path
    agent_name: str | None
    runs: int
    facts: Facts
    traces: dict[str, Any] = field(default_factory=dict)
    foreign: ForeignSource | None = None

    def describe(self) -> str:
        """Return a line that states where the protocol comes from."""
        if self.agent_name is None:
            return f"{self.path}: an environment's configuration"
        text = f"{self.path}: {self.agent_name}, {self.runs} run{'' if self.runs == 1 else 's'}"
        return f"{text}, {self.foreign.describe(())}" if self.foreign else text

    def values(self, name: str) -> list[Any]:
        """Return the distinct values of a fact."""
        return self.facts.get(name, [None])

    def is_unknown(self, name: str) -> bool:
        """Return whether another program did not record a fact about its environment."""
        return self.foreign is not None and name.startswith(ENVIRONMENT) and self.values(name) == [None]

    def values_text(self, name: str) -> str:
        """Return one value of a fact as JSON, or several as a set."""
        values = self.values(name)
        return "unknown" if self.foreign and values == [None] else _values_text(values)


def read_protocol(path: Path) -> ExperimentProtocol:
    """Read the protocol of a result, of a data.json or its directory, or of an environment's configuration.

    Raises BadInput if the path is none of these.
    """
    file = find_data_file(path) if os.path.isdir(path) else path
    content = read_json(file)
    if isinstance(content, dict) and "env_name" in content:
        environment = validate(EnvironmentConfig, content, str(file))
        return ExperimentProtocol(path, None, 0, _environment_facts(environment.model_dump(mode="json")))
    tree = validate_tree(file, content)
    runs = list(all_runs(tree))
    environment_facts = _environment_facts(tree["experiment"]["environment"])
    origins = [Origin("", run.get("provenance")) for run in runs]
    facts = environment_facts | _hyperparameter_facts(tree) | _provenance_facts(origins)
    traces = {origin.rollout_hash: origin.value("rollout_trace") for origin in origins if origin.rollout_hash}
    agent_name, foreign = tree["experiment"]["agent"]["agent_name"], foreign_source(tree["experiment"]["environment"])
    return ExperimentProtocol(path, agent_name, len(runs), facts, traces, foreign)


def _environment_facts(found: dict[str, Any]) -> Facts:
    """Return the value of each key, also inside `rewards`; keys newer than the results have their default."""
    fields = EnvironmentConfig.model_fields
    known = {key: field.get_default() for key, field in fields.items() if not field.is_required()}
    protocol = known | {"rewards": known["rewards"].model_dump()} | found
    if foreign_source(found):
        protocol = {key: found.get(key) for key in protocol if key not in (FOREIGN, *OWN_KEYS)}
    if is_unknown(found, "rewards"):
        protocol["rewards"] = dict.fromkeys(Rewards.model_fields)
    if isinstance(protocol["rewards"], dict):
        protocol |= {f"rewards.{key}": value for key, value in protocol.pop("rewards").items()}
    return {f"{ENVIRONMENT}{key}": [value] for key, value in protocol.items()}


def _hyperparameter_facts(tree: dict[str, Any]) -> Facts:
    """Return each hyperparameter's values over the grid; keys not in the grid, from the settings that have runs."""
    grid, cells = grid_of_tree(tree), tree["experiment_data"]
    settings = [grid.setting(s) | cells.get(str(s), {"agent_params": {}})["agent_params"] for s in range(len(grid))]
    keys = dict.fromkeys(key for setting in settings for key in setting)
    return {f"{AGENT}{key}": _distinct_values(s[key] for s in settings if key in s) for key in keys}


def _provenance_facts(origins: list[Origin]) -> Facts:
    """Return the recorded provenance of the runs; None for a run that lacks it."""
    versions = [origin.section("versions") for origin in origins]
    packages = sorted({package for each in versions for package in each})
    return {
        **{f"versions.{package}": _distinct_values(each.get(package) for each in versions) for package in packages},
        FLAGS: _distinct_values(origin.cpu_flags for origin in origins),
        ROLLOUT_HASH: _distinct_values(origin.rollout_hash for origin in origins),
        "engine": _distinct_values(origin.engine for origin in origins),
        "code": _distinct_values(origin.code for origin in origins),
        **({START: _distinct_values(origin.start for origin in origins)} if any(o.start for o in origins) else {}),
    }


def _distinct_values(values: Iterable[Any]) -> list[Any]:
    """Return each value once, in an order that does not depend on the order of the runs."""
    return [orjson.loads(text) for text in sorted({canonical_json(value) for value in values})]


def comparable_facts(a: ExperimentProtocol, b: ExperimentProtocol, excepted: Collection[str] = ()) -> list[str]:
    """Return the names of the facts to compare.

    With an environment's configuration, only facts about environments are compared; between two different agents,
    only hyperparameters that both have; with results of another program, no key that only this one has.
    excepted: names, or their beginnings up to a dot, to leave out.
    Raises BadInput if an excepted name does not exist.
    """
    names = list(dict.fromkeys([*a.facts, *b.facts]))
    if a.foreign or b.foreign:
        names = [name for name in names if name.removeprefix(ENVIRONMENT) not in OWN_KEYS]
    if None in (a.agent_name, b.agent_name):
        names = [name for name in names if name.startswith(ENVIRONMENT)]
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


def describe_fact_differences(a: ExperimentProtocol, b: ExperimentProtocol, names: Iterable[str]) -> Iterator[str]:
    """Yield a line for each fact that differs."""
    for name in names:
        ours, theirs = a.values(name), b.values(name)
        if json.dumps(ours) == json.dumps(theirs) and a.is_unknown(name) == b.is_unknown(name):
            continue
        both = f"{a.values_text(name)} and {b.values_text(name)}"
        if name == FLAGS:
            both = _describe_flags(ours, theirs)
        yield f"{name}: {both}{_describe_behaviours(a, b) if name == ROLLOUT_HASH else ''}"


def _describe_behaviours(a: ExperimentProtocol, b: ExperimentProtocol) -> str:
    """Return how the behaviours of two environments differ, after a colon; "" unless each side has one hash."""
    hashes = [*a.traces, *b.traces]
    if (len(a.traces), len(b.traces)) != (1, 1) or hashes[0] == hashes[1]:
        return ""
    return f": {describe_rollouts((hashes[0], hashes[1]), (a.traces[hashes[0]], b.traces[hashes[1]]))}"


def _values_text(values: list[Any]) -> str:
    """Return one value as JSON, or several as a set."""
    texts = ["nothing" if value is None else json.dumps(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{{{', '.join(texts)}}}"


def _describe_flags(ours: list[Any], theirs: list[Any]) -> str:
    """Return only the flags that one side lacks: a list of all flags would fill the screen."""
    if None in (*ours, *theirs):
        return " and ".join("not recorded" if None in side else "recorded" for side in (ours, theirs))
    first, second = ({flag for kind in side for flag in kind} for side in (ours, theirs))
    differences = "; ".join(describe_flag_differences(first, second))
    return differences or f"{len(ours)} and {len(theirs)} kinds of processor, which together have the same flags"
