"""The kinds of figures, and the path of a figure."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from utils.core.errors import BadInput
from utils.core.indices import MAX_INDEX

if TYPE_CHECKING:
    from utils.analysis.combined_results import CombinedResults
    from utils.analysis.mean_curve import FigureOptions
    from utils.plot_utils import Plot


class FigureKind(NamedTuple):
    """A kind of figure.  module: contains the kind's `make_plot`.  options: options that apply to it."""

    module: str
    options: frozenset[str]


TEXT = frozenset({"title", "no_caption"})
"""Options that apply to every kind of figure."""

LINES = TEXT | {"setting", "by", "confidence", "labels"}
"""Options that apply to the kinds of figures with a line or a row for each setting."""

KINDS = {
    "curves": FigureKind("utils.plotting.curves", LINES | {"band", "smooth"}),
    "sensitivity": FigureKind("utils.plotting.sensitivity", TEXT | {"keys", "confidence"}),
    "heat-map": FigureKind("utils.plotting.heat_map", TEXT | {"keys"}),
    "distribution": FigureKind("utils.plotting.distribution", LINES),
    "profile": FigureKind("utils.plotting.profile", LINES),
    "diagnostics": FigureKind("utils.plotting.diagnostics", TEXT | {"setting", "by", "labels"}),
}
"""The kinds of figures by their names on the command line."""


OPTION_NAMES = {"keys": "key", "labels": "label", "no_caption": "no-caption"}
"""Options on the command line whose field of `FigureOptions` has another name."""


def plot_files(kind: str, data: Sequence[str], given: dict[str, Any]) -> Plot:
    """Read results and return their figure, to be drawn.

    data: data.json files or their directories.  given: fields of `FigureOptions`.
    Raises BadInput if the results cannot be read or drawn.
    """
    from utils.analysis.combined_results import read_combined_results
    from utils.analysis.mean_curve import FigureOptions

    options = replace(FigureOptions(), **given)
    check_options(kind, options)
    return plot_experiments(kind, read_combined_results([Path(path) for path in data]), options)


def draw_figure(out: Path | str, *data: Path | str, kind: str = "curves", **options: Any) -> None:
    """Draw the figure of results, and write it and its sidecar.

    out: the figure's file.  data: data.json files or their directories.  options: fields of `FigureOptions`.
    Raises BadInput.
    """
    from utils.plotting.sidecar import check_figure_path, write_figure

    check_figure_path(Path(out))
    write_figure(plot_files(kind, list(map(str, data)), options), Path(out))


def plot_experiments(kind: str, experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return the figure of experiments, to be drawn.  kind: a key of KINDS.  Raises BadInput."""
    plot = importlib.import_module(KINDS[kind].module).make_plot(experiments, options)
    names = dict.fromkeys(experiment.environment["env_name"] for experiment in experiments)
    sidecar = {
        "kind": kind,
        "env_name": " ".join(names),
        "returns": "training, step-weighted" if experiments[0].training else "evaluation",
        **plot.sidecar,
    }
    warnings = tuple(warning for experiment in experiments for warning in experiment.warnings)
    sidecar |= {"warnings": list(warnings)} if warnings else {}
    name = "_".join([*names, *([plot.name] if plot.name else [])])
    sidecar |= {"title": options.title} if options.title is not None else {}
    sidecar |= {"caption": False} if options.no_caption else {}
    return replace(plot, name=name, sidecar=sidecar, warnings=warnings, has_caption=not options.no_caption)


def check_options(kind: str, options: FigureOptions) -> None:
    """Check that each option is in its range and changes this kind of figure.  Raises BadInput if not."""
    for field in fields(options):
        name = OPTION_NAMES.get(field.name, field.name)
        if getattr(options, field.name) != field.default and field.name not in KINDS[kind].options:
            having = ", ".join(other for other in KINDS if field.name in KINDS[other].options)
            raise BadInput(f"--{name}: found with --kind {kind}; allowed with: {having}")
    if not 0 < options.confidence < 1:
        raise BadInput(f"--confidence: found {options.confidence}; allowed: above 0 and below 1")
    if options.smooth is not None and not 1 <= options.smooth <= MAX_INDEX:
        raise BadInput(f"--smooth: found {options.smooth}; allowed: 1 to {MAX_INDEX} timesteps")
    if options.setting is not None and options.by is not None:
        raise BadInput("--by: found with --setting; allowed: one of the two")


def figure_path(out: str | None, plot: Plot) -> Path:
    """Return the path of a figure.  out: value of --out; None: the default.

    Raises BadInput for an unknown format, or if the sidecar would replace another file.
    """
    from utils.plotting.sidecar import check_figure_path

    path = Path(out) if out else Path("plots", "png", re.sub(r"[^\w.+-]", "-", plot.name) + ".png")
    check_figure_path(path)
    return path
