"""Diagnostics averaged over the runs of a setting, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from utils.analysis.setting_choice import SettingChoice
from utils.results.diagnostics import RunDiagnostics, read_diagnostics

EXTREMES = ("_min", "_max")
"""Endings of the names of a quantity's extremes, which are drawn in its panel."""

LOG_RATIO = 100.0
"""Ratio of the largest to the smallest value from which the axis of a positive quantity is logarithmic."""

TITLES = {
    "critic_loss": "critic's loss",
    "actor_loss": "actor's loss",
    "q": "action value Q",
    "td_error": "mean TD error",
    "td_error_std": "TD error's standard deviation",
    "entropy": "entropy [nats]",
    "alpha": "temperature alpha",
    "scale": "policy's scale",
    "concentration": "policy's concentration",
    "greedy_probability": "greedy action's probability",
    "saturated": "saturated actions, share",
    "critic_grad_norm": "critic's gradient, norm",
    "actor_grad_norm": "actor's gradient, norm",
    "avg_reward": "average reward",
    "critic_trace_norm": "critic's traces, norm",
    "actor_trace_norm": "actor's traces, norm",
}
"""Titles of panels, in their order; other quantities follow under their own names."""


@dataclass(frozen=True)
class MeanDiagnostic:
    """A quantity over the windows of several runs.

    timesteps: (T,).  mean, low, high: (T,) over the runs that have a value in the window.
    """

    timesteps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


Line = Mapping[str, MeanDiagnostic]
"""A setting's quantities by name."""


def setting_diagnostics(choice: SettingChoice) -> Line:
    """Return every quantity over a setting's runs, diverged ones included.  Raises BadInput if one cannot be read."""
    runs = choice.experiment.tree["experiment_data"][str(choice.setting)]["runs"]
    found = (read_diagnostics(choice.experiment.path.parent, run) for run in runs)
    return mean_diagnostics([run for run in found if run is not None])


def mean_diagnostics(runs: Sequence[RunDiagnostics]) -> Line:
    """Return every quantity over some runs that has a value."""
    names = dict.fromkeys(name for run in runs for name in run.values)
    means = {name: mean_diagnostic(runs, name) for name in names}
    return {name: mean for name, mean in means.items() if mean is not None}


def order_quantities(lines: Iterable[Line]) -> list[str]:
    """Return the quantities of any line that have a panel, in the order of TITLES."""
    names = dict.fromkeys(name for line in lines for name in line)
    found = [name for name in names if not name.endswith(EXTREMES)]
    return [name for name in TITLES if name in found] + [name for name in found if name not in TITLES]


def shown_together(lines: Sequence[Line], name: str) -> list[MeanDiagnostic]:
    """Return a quantity of all lines, and its extremes: what one panel shows."""
    names = (name, *(name + ending for ending in EXTREMES))
    return [line[key] for line in lines for key in names if key in line]


def is_logarithmic(means: Sequence[MeanDiagnostic]) -> bool:
    """Return whether a quantity's axis should be logarithmic: positive, and over more than two decades."""
    low, high = min(float(np.min(one.low)) for one in means), max(float(np.max(one.high)) for one in means)
    return low > 0.0 and high / low > LOG_RATIO


def mean_diagnostic(runs: Sequence[RunDiagnostics], quantity: str) -> MeanDiagnostic | None:
    """Return the mean, the smallest and the largest value over runs; None if no window has a finite value."""
    having = [run for run in runs if quantity in run.values]
    if not having:
        return None
    timesteps = np.unique(np.concatenate([run.timesteps for run in having]))
    table = np.full((len(having), len(timesteps)), np.nan)
    for row, run in zip(table, having, strict=True):
        row[np.searchsorted(timesteps, run.timesteps)] = run.values[quantity]
    table[~np.isfinite(table)] = np.nan
    used = ~np.isnan(table).all(0)
    if not used.any():
        return None
    table = table[:, used]
    return MeanDiagnostic(timesteps[used], np.nanmean(table, 0), np.nanmin(table, 0), np.nanmax(table, 0))
