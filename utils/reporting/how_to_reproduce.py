"""The exact commands that reproduce an experiment."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.core.provenance import ROOT
from utils.experiment.main_command import MainCommand
from utils.experiment.shipped_configs import AGENTS, ENVIRONMENTS, find_config, read_protocol_tree
from utils.files.json_text import read_json
from utils.reporting.what_ran import describe_start
from utils.results.foreign import foreign_source
from utils.results.provenance_diff import common_engine

MAX_STARTS = 8
"""Largest number of results to begin from that are listed."""

AGENT_JSON, ENVIRONMENT_JSON = "agent.json", "environment.json"
"""Files that the commands write if no shipped configuration has the same content."""


def reproduction_commands(experiment: CombinedResults, missing: str) -> list[str]:
    """Return the lines of a shell script that is run in the project's directory.

    missing: indices of missing runs, in the form of --index; "" for none.
    """
    foreign = foreign_source(experiment.environment)
    if foreign:
        return [f"# Results of {foreign.program}: no command of this program reproduces them."]
    directory = experiment.path.parent
    agent, environment = experiment.tree["experiment"]["agent"], experiment.environment
    agent_json = _relative(find_config(ROOT / AGENTS, agent, read_json))
    environment_json = _relative(find_config(ROOT / ENVIRONMENTS, environment, read_protocol_tree))

    def train(**selection: Any) -> str:
        command = MainCommand(
            environment_json or ENVIRONMENT_JSON, agent_json or AGENT_JSON, save_dir=str(_save_dir(directory)),
            jobs="auto", engine=common_engine(experiment.origins), **selection,
        )  # fmt: skip
        return shlex.join(command.words())

    lines = [
        *(shlex.join(["git", "checkout", commit]) for commit in _most_common_commit(experiment)),
        "pip install -r requirements.txt",
        *_start_lines(experiment),
        *([] if agent_json else _here_document(AGENT_JSON, agent)),
        *([] if environment_json else _here_document(ENVIRONMENT_JSON, environment)),
        train(**_run_selection(experiment)),
        shlex.join(["python", "simple_combine.py", str(directory)]),
    ]
    return [*lines, "", "# Only the missing runs:", train(index=missing)] if missing else lines


def _relative(path: Path | None) -> str | None:
    """Return a path relative to the project's directory."""
    return None if path is None else str(path.relative_to(ROOT))


def _most_common_commit(experiment: CombinedResults) -> list[str]:
    """Return the commit that most runs recorded, or an empty list."""
    commits = (origin.section("code").get("commit") for origin in experiment.origins)
    return [commit for commit, _ in Counter(str(commit) for commit in commits if commit is not None).most_common(1)]


def _start_lines(experiment: CombinedResults) -> list[str]:
    """Return comments that say which results must be there for runs to begin from."""
    starts = dict.fromkeys(start for origin in experiment.origins if (start := describe_start(origin)))
    lines = [f"# {start}" for start in list(starts)[:MAX_STARTS]]
    more = [f"# and {len(starts) - MAX_STARTS} others"] if len(starts) > MAX_STARTS else []
    return ["# Runs begin from the learned parameters of these results, which must be there:", *lines, *more] * bool(
        lines
    )


def _here_document(name: str, content: Any) -> list[str]:
    """Return lines that write a configuration. The order of keys is kept: a grid's keys number its settings."""
    return [f"cat > {name} <<'END'", *_json_lines(content), "END"]


def _json_lines(content: Any, depth: int = 0) -> list[str]:
    """Return JSON with a line for each key."""
    if not isinstance(content, dict) or not content:
        return [json.dumps(content)]
    lines = []
    for key, value in content.items():
        first, *rest = _json_lines(value, depth + 1)
        lines += [f"{'  ' * (depth + 1)}{json.dumps(key)}: {first}", *rest]
        lines[-1] += ","
    return ["{", *lines[:-1], lines[-1][:-1], "  " * depth + "}"]


def _run_selection(experiment: CombinedResults) -> dict[str, Any]:
    """Return the option that selects all runs: --runs, or --index if the run numbers do not begin at 0."""
    numbers = [outcome.number for outcome in experiment.outcomes[0]]
    if not numbers or numbers[0] == 0:
        return {"runs": len(numbers)}
    first, last = experiment.grid.index(0, numbers[0]), experiment.grid.index(0, numbers[-1] + 1) - 1
    return {"index": f"{first}-{last}"}


def _save_dir(directory: Path) -> Path:
    """Return the --save-dir whose results are in this directory; a relative one is under results/."""
    parent = directory.parent
    return parent if parent.parts[:1] == ("results",) else parent.resolve()
