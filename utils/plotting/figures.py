"""The kinds of figures, and where a figure is written."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from utils.core.errors import BadInput
from utils.core.indices import MAX_INDEX

if TYPE_CHECKING:
    from utils.analysis.combined_results import CombinedResults
    from utils.analysis.mean_curve import Options
    from utils.plot_utils import Plot


class Kind(NamedTuple):
    """A kind of figure: the module whose `make` makes it, and the options that change it."""

    module: str
    options: frozenset[str]


KINDS = {
    "curves": Kind("utils.plotting.curves", frozenset({"setting", "by", "confidence", "band", "smooth"})),
    "sensitivity": Kind("utils.plotting.sensitivity", frozenset({"keys", "confidence"})),
    "heat-map": Kind("utils.plotting.heat_map", frozenset({"keys"})),
    "distribution": Kind("utils.plotting.distribution", frozenset({"setting", "by", "confidence"})),
    "profile": Kind("utils.plotting.profile", frozenset({"setting", "by", "confidence"})),
}


def make(kind: str, data: Sequence[str], given: dict[str, Any]) -> Plot:
    """The figure, not drawn yet.  given: the options that are not at their defaults.  Raises BadInput."""
    from utils.analysis.combined_results import read_combined_results
    from utils.analysis.mean_curve import Options

    options = replace(Options(), **given)
    check(kind, options)
    return plot_of(kind, read_combined_results([Path(path) for path in data]), options)


def plot_of(kind: str, experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """The figure of experiments that are read already, not drawn yet.  Raises BadInput."""
    plot = importlib.import_module(KINDS[kind].module).make(experiments, options)
    names = dict.fromkeys(experiment.environment["env_name"] for experiment in experiments)
    facts = {
        "kind": kind,
        "env_name": " ".join(names),
        "returns": "training, step-weighted" if experiments[0].training else "evaluation",
        **plot.facts,
    }
    return replace(plot, name="_".join([*names, *([plot.name] if plot.name else [])]), facts=facts)


def check(kind: str, options: Options) -> None:
    """Raises BadInput for an option that does not change this kind of figure, or out of range."""
    for field in fields(options):
        name = "key" if field.name == "keys" else field.name
        if getattr(options, field.name) != field.default and field.name not in KINDS[kind].options:
            having = ", ".join(other for other in KINDS if field.name in KINDS[other].options)
            raise BadInput(f"--{name}: found with --kind {kind}; allowed with: {having}")
    if not 0 < options.confidence < 1:
        raise BadInput(f"--confidence: found {options.confidence}; allowed: above 0 and below 1")
    if options.smooth is not None and not 1 <= options.smooth <= MAX_INDEX:
        raise BadInput(f"--smooth: found {options.smooth}; allowed: 1 to {MAX_INDEX} timesteps")
    if options.setting is not None and options.by is not None:
        raise BadInput("--by: found with --setting; allowed: one of the two")


def place(out: str | None, plot: Plot) -> Path:
    """Where the figure goes.  Raises BadInput for a format that cannot be drawn, or over a foreign file."""
    from utils.plotting.sidecar import check_place

    path = Path(out) if out else Path("plots", "png", re.sub(r"[^\w.+-]", "-", plot.name) + ".png")
    check_place(path)
    return path


def is_current(plot: Plot, path: Path) -> bool:
    """Say whether the figure at a path is the one that would be drawn now.  Raises BadInput."""
    from utils.plotting.sidecar import staleness

    reason = staleness(plot, path)
    click.echo(f"{path}: up to date" if reason is None else f"{path}: stale: {reason}")
    return reason is None
