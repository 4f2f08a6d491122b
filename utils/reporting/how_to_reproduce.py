"""The exact commands that make an experiment again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.experiment.shipped_configs import AGENTS, ENVIRONMENTS, read_protocol_tree, find_config
from utils.files.json_text import read_json
from utils.reporting.what_ran import recorded

ROOT = Path(__file__).resolve().parents[2]

AGENT_JSON, ENVIRONMENT_JSON = "agent.json", "environment.json"
"""Written by the commands, where the project has no configuration that says the same."""


def commands(experiment: CombinedResults, missing: str) -> list[str]:
    """Lines of a shell, to be run in the project's folder.  missing: indices, as `--index` reads them."""
    directory = experiment.path.parent
    agent, environment = experiment.tree["experiment"]["agent"], experiment.environment
    agent_json = _relative(find_config(ROOT / AGENTS, agent, read_json))
    environment_json = _relative(find_config(ROOT / ENVIRONMENTS, environment, read_protocol_tree))
    train = f"python main.py --agent-json {agent_json or AGENT_JSON} --env-json {environment_json or ENVIRONMENT_JSON}"
    options = f"{_engine(experiment)} --jobs auto --save-dir {shlex.quote(str(_save_dir(directory)))}"
    lines = [
        *(f"git checkout {commit}" for commit in recorded(experiment, "commit")[:1]),
        "pip install -r requirements.txt",
        *([] if agent_json else _here(AGENT_JSON, agent)),
        *([] if environment_json else _here(ENVIRONMENT_JSON, environment)),
        f"{train} {_runs(experiment)}{options}",
        f"python simple_combine.py {shlex.quote(str(directory))}",
    ]
    if missing:
        lines += ["", "# Only the runs that are missing:", f"{train} --index {missing}{options}"]
    return lines


def _relative(path: Path | None) -> Path | None:
    """As seen from the project's folder."""
    return path and path.relative_to(ROOT)


def _here(name: str, content: Any) -> list[str]:
    """Writes a configuration.  The order of a grid's keys numbers its settings, so they stay in it."""
    return [f"cat > {name} <<'END'", *_written(content), "END"]


def _written(content: Any, depth: int = 0) -> list[str]:
    """JSON with a line for each key."""
    if not isinstance(content, dict) or not content:
        return [json.dumps(content)]
    lines = []
    for key, value in content.items():
        first, *rest = _written(value, depth + 1)
        lines += [f"{'  ' * (depth + 1)}{json.dumps(key)}: {first}", *rest]
        lines[-1] += ","
    return ["{", *lines[:-1], lines[-1][:-1], "  " * depth + "}"]


def _runs(experiment: CombinedResults) -> str:
    """The option for all runs that there should be: fresh seeds do not begin at 0."""
    numbers = [outcome.number for outcome in experiment.outcomes[0]]
    if not numbers or numbers[0] == 0:
        return f"--runs {len(numbers)}"
    first, last = experiment.grid.index(0, numbers[0]), experiment.grid.index(0, numbers[-1] + 1) - 1
    return f"--index {first}-{last}"


def _engine(experiment: CombinedResults) -> str:
    """The option for the engine that the runs had, if it was the same one for all."""
    found = recorded(experiment, "engine")
    return f" --engine {found[0]}" if len(found) == 1 else ""


def _save_dir(directory: Path) -> Path:
    """The --save-dir from which main.py makes this directory: a relative one lies under results/."""
    parent = directory.parent
    return parent if parent.parts[:1] == ("results",) else parent.resolve()
