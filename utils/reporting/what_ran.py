"""What ran: protocol, grid, and where the results of an experiment come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.analysis.number_format import value_name
from utils.results.provenance_diff import Origin, unlike_environments

MOST_VALUES = 8
"""Of one item, by how many runs have them."""

ALWAYS = ("code", "processor", "engine", "environment hash")
"""Items that are named even where no run says anything of them."""

ABSENT = "not recorded"

Item = tuple[str, Callable[[Origin], Any]]


@dataclass(frozen=True)
class Fact:
    """An item of provenance.  values: what was found, and in how many runs."""

    name: str
    values: list[tuple[str, int]]
    others: int


@dataclass(frozen=True)
class Ran:
    """protocol: key and value.  grid: key, its values, and whether they are several."""

    protocol: list[tuple[str, str]]
    grid: list[tuple[str, str, bool]]
    facts: list[Fact]
    period: str
    warnings: list[str]


def ran(experiment: CombinedResults) -> Ran:
    """Everything a reader needs to know of the runs before looking at what they did."""
    parameters = experiment.tree["experiment"]["agent"]["parameters"]
    origins = experiment.origins
    return Ran(
        [(key, value_name(value)) for key, value in experiment.environment.items()],
        [(key, ", ".join(map(value_name, values)), len(values) > 1) for key, values in parameters.items()],
        [
            _fact(name, map(read, origins))
            for name, read in _items(origins)
            if name in ALWAYS or any(map(read, origins))
        ],
        _period(origins),
        unlike_environments(origins),
    )


def recorded(experiment: CombinedResults, name: str) -> list[str]:
    """The distinct values of "commit" or "engine" among the runs, most frequent first."""
    read = {"commit": lambda origin: origin.part("code").get("commit"), "engine": lambda origin: origin.engine}
    values = (read[name](origin) for origin in experiment.origins)
    return [value for value, _ in Counter(value for value in values if value is not None).most_common()]


def _items(origins: Iterable[Origin]) -> list[Item]:
    """What is tallied of each run's provenance."""
    packages = dict.fromkeys(name for origin in origins for name in origin.part("versions"))
    return [
        ("code", _code),
        *((name, _of("versions", name)) for name in packages),
        ("processor", _of("cpu", "model")),
        ("engine", _engine),
        ("threads", lambda origin: _top(origin, "threads")),
        ("environment hash", lambda origin: origin.rollout_hash),
        ("host", lambda origin: _top(origin, "host")),
        ("cluster", _of("slurm", "SLURM_CLUSTER_NAME")),
    ]


def _of(part: str, name: str) -> Callable[[Origin], Any]:
    """Reads one value of one of the provenance's objects."""
    return lambda origin: origin.part(part).get(name)


def _top(origin: Origin, name: str) -> Any:
    return origin.provenance.get(name) if isinstance(origin.provenance, dict) else None


def _code(origin: Origin) -> str | None:
    """The commit, and whether there were changes to it."""
    code = origin.part("code")
    if code.get("commit") is None:
        return None
    return f"{code['commit']}{' with uncommitted changes' if code.get('dirty') else ''}"


def _engine(origin: Origin) -> str | None:
    """What computed, and why if it was not what was asked for."""
    fallback = _top(origin, "engine_fallback")
    return f"{origin.engine} ({fallback})" if fallback else origin.engine


def _fact(name: str, values: Iterable[Any]) -> Fact:
    counts = Counter(ABSENT if value is None else str(value) for value in values).most_common()
    return Fact(name, counts[:MOST_VALUES], len(counts[MOST_VALUES:]))


def _period(origins: Iterable[Origin]) -> str:
    """From the first start to the last end, UTC to the minute."""
    times = [str(found) for origin in origins for name in ("start_time", "end_time") if (found := _top(origin, name))]
    return f"{min(times)[:16].replace('T', ' ')} to {max(times)[:16].replace('T', ' ')} UTC" if times else ABSENT
