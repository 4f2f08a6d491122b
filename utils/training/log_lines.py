"""Lines of the log about runs in training: their evaluations, and their diagnostics when they end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from utils.experiment.experiment import Experiment, Run, stack_label
from utils.results.diagnostics import warning_signs
from utils.training.progress import Evaluation

log = logging.getLogger("policy_params")

SUMMARIZED = ("q", "td_error", "td_error_std", "entropy", "alpha", "saturated", "avg_reward")
"""Diagnostics that the log shows when a run ends."""


def summarize_diagnostics(diagnostics: Mapping[str, Sequence[float]]) -> str:
    """Return the last values of the quantities in SUMMARIZED, and warning signs; "" if there are none.

    diagnostics: the values of each window, by quantity.
    """
    found = [f"{name} {diagnostics[name][-1]:.4g}" for name in SUMMARIZED if diagnostics.get(name)]
    return ", ".join([*found, *(f"WARNING: {sign}" for sign in warning_signs(diagnostics))])


class LoggedRuns(NamedTuple):
    """The runs of a stack that were evaluated."""

    experiment: Experiment
    runs: Sequence[Run]


def log_evaluation(logged: LoggedRuns, timestep: int, returns: Sequence[float]) -> None:
    """Log an evaluation: the mean return if all runs are of one setting, else the worst and the best setting's mean.

    returns: mean evaluation return of each run.
    """
    experiment, runs = logged
    by_setting: dict[int, list[float]] = {}
    for run, value in zip(runs, returns, strict=True):
        by_setting.setdefault(run.setting, []).append(value)
    means = {setting: sum(values) / len(values) for setting, values in by_setting.items()}
    worst, best = (pick(means, key=lambda setting: means[setting]) for pick in (min, max))
    extra = {"evaluation": Evaluation(timestep, means[worst], means[best])}
    if len(means) == 1:
        spread = f", runs {min(returns):.1f} to {max(returns):.1f}" if len(returns) > 1 else ""
        log.info("%s: step %d: evaluation return %.1f%s", stack_label(runs), timestep, means[best], spread, extra=extra)
        return
    log.info(
        "%s: step %d: evaluation returns of %d settings: from %.1f (%s) to %.1f (%s)",
        stack_label(runs), timestep, len(means), means[worst], experiment.setting_name(worst), means[best],
        experiment.setting_name(best), extra=extra,
    )  # fmt: skip
