"""What ran: protocol, grid, and the provenance of an experiment's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.analysis.number_format import value_name
from utils.core.sampled import SampledValues
from utils.results.foreign import FOREIGN, is_unknown
from utils.results.provenance_diff import Origin, describe_environment_differences

MAX_ITEM_VALUES = 8
"""Largest number of values listed for an item, the most frequent first."""

ALWAYS_LISTED = ("code", "processor", "engine", "environment hash")
"""Items that are listed even if no run recorded them."""

NOT_RECORDED = "not recorded"
"""Text for an item that a run did not record."""

ItemReader = tuple[str, Callable[[Origin], Any]]
"""An item's name, and the function that reads it from a run's provenance."""


@dataclass(frozen=True)
class ProvenanceItem:
    """An item of provenance.  values: each with its number of runs.  others: number of values that are not listed."""

    name: str
    values: list[tuple[str, int]]
    others: int


@dataclass(frozen=True)
class WhatRan:
    """Protocol, grid and provenance as text.

    protocol: key and value.  grid: key, its values, and whether there are several.
    period: from the first start to the last end.
    """

    protocol: list[tuple[str, str]]
    grid: list[tuple[str, str, bool]]
    items: list[ProvenanceItem]
    period: str
    warnings: list[str]


def summarize_what_ran(experiment: CombinedResults) -> WhatRan:
    """Return what a reader needs to know about the runs before their results."""
    parameters = experiment.tree["experiment"]["agent"]["parameters"]
    origins = experiment.origins
    return WhatRan(
        _protocol_texts(experiment.environment),
        [_grid_row(key, values) for key, values in parameters.items()],
        [
            _provenance_item(name, map(read, origins))
            for name, read in _item_readers(origins)
            if name in ALWAYS_LISTED or any(map(read, origins))
        ],
        _period(origins),
        describe_environment_differences(origins) + experiment.warnings,
    )


def _protocol_texts(protocol: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each key of a protocol and its value."""
    return [
        (key, NOT_RECORDED if is_unknown(protocol, key) else value_name(value))
        for key, value in protocol.items()
        if key != FOREIGN
    ]


def _grid_row(key: str, values: list[Any] | dict[str, Any]) -> tuple[str, str, bool]:
    """Return a hyperparameter, its values in the grid as text, and whether there are several."""
    if isinstance(values, dict):
        return key, SampledValues.model_validate(values).describe(), values["n"] > 1
    return key, ", ".join(map(value_name, values)), len(values) > 1


def _item_readers(origins: Iterable[Origin]) -> list[ItemReader]:
    """Return the items to list, with all packages that some run recorded."""
    packages = dict.fromkeys(name for origin in origins for name in origin.section("versions"))
    return [
        ("code", lambda origin: origin.code),
        *((name, _section_reader("versions", name)) for name in packages),
        ("processor", _section_reader("cpu", "model")),
        ("engine", _engine),
        ("begins from", describe_start),
        ("threads", lambda origin: origin.value("threads")),
        ("environment hash", lambda origin: origin.rollout_hash),
        ("host", lambda origin: origin.value("host")),
        ("cluster", _section_reader("slurm", "SLURM_CLUSTER_NAME")),
    ]


def _section_reader(section: str, name: str) -> Callable[[Origin], Any]:
    """Return a function that reads one value of a section of the provenance."""
    return lambda origin: origin.section(section).get(name)


def describe_start(origin: Origin) -> str | None:
    """Return the learned parameters that a run began from; None for a new initialization."""
    start = origin.section("start_from")
    if not start:
        return None
    return f"{start.get('path')} ({start.get('timesteps')} timesteps, SHA-256 {str(start.get('sha256'))[:12]})"


def _engine(origin: Origin) -> str | None:
    """Return the engine, and the reason if it is not the requested one."""
    fallback = origin.value("engine_fallback")
    return f"{origin.engine} ({fallback})" if fallback else origin.engine


def _provenance_item(name: str, values: Iterable[Any]) -> ProvenanceItem:
    counts = Counter(NOT_RECORDED if value is None else str(value) for value in values).most_common()
    return ProvenanceItem(name, counts[:MAX_ITEM_VALUES], len(counts[MAX_ITEM_VALUES:]))


def _period(origins: Iterable[Origin]) -> str:
    """Return the first start and the last end, UTC to the minute."""
    times = [str(found) for origin in origins for name in ("start_time", "end_time") if (found := origin.value(name))]
    return f"{min(times)[:16].replace('T', ' ')} to {max(times)[:16].replace('T', ' ')} UTC" if times else NOT_RECORDED
