"""The page of a study: what was trained, the best settings, performance on fresh seeds, claims, figures, origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from utils.core.grid import Grid
from utils.core.markdown import markdown_table
from utils.stats.intervals import MIN_SAMPLES, mean_interval
from utils.stats.sample_warnings import list_warnings, sample_warnings
from utils.studies.choice import ArmInEnvironment, Known, is_complete
from utils.studies.claims import Verdict
from utils.studies.run_table import RunRow
from utils.studies.study import Study

OUTCOMES = ("re-obtained", "contradicted", "open")
"""Outcomes of claims, in the order in which they are counted."""


def page_text(
    name: str,
    study: Study,
    known: Known,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, Path],
    rows: Sequence[RunRow],
) -> str:
    """Return a study's page as Markdown.

    figures: paths, relative to the page, by what they show.  rows: all rows of the study; arms may share runs.
    """
    sections = [
        f"# {study.title}", study.source, *study.notes,
        _progress(study, known), _best_settings(study, known), _performance(study, known),
        _claims(study, known, verdicts),
        *(f"## {shown}\n\n![{shown}]({path.as_posix()})" for shown, path in figures.items()), _origin(name, rows),
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _each(known: Known) -> Iterator[ArmInEnvironment]:
    return (one for arms in known.values() for one in arms.values())


def _progress(study: Study, known: Known) -> str:
    """Return the numbers of runs that exist."""
    state = "All runs are there." if is_complete(study, known) else "**Not all runs are there yet**; see the table."
    lines = [
        [
            one.environment, one.arm,
            f"{one.found} of {len(Grid(study.grid(one.arm))) * study.choosing_runs}",
            f"{len(one.reporting)} of {study.reporting_runs}",
        ]
        for one in _each(known)
    ]  # fmt: skip
    text = (
        f"Each setting of an arm's grid is run on the seeds 0 to {study.choosing_runs - 1}. The setting with the best "
        "mean performance, which is the mean return over the last half of the evaluations, is run on "
        f"{study.reporting_runs} fresh seeds, and only these runs are reported."
    )
    return f"## Runs\n\n{text} {state}\n\n" + markdown_table(
        ["environment", "arm", "for choosing", "on fresh seeds"], lines
    )


def _best_settings(study: Study, known: Known) -> str:
    """Return the best setting of each arm whose grid is complete."""
    lines = []
    for one in _each(known):
        if one.best is None or one.choosing is None:
            continue
        grid = Grid(study.grid(one.arm))
        diverged = int(np.isnan(one.choosing).sum())
        text = grid.describe_varied(one.best) or "the only one"
        lines.append([one.environment, one.arm, text, f"{diverged} of {one.choosing.size}"])
    return "## Best settings\n\n" + markdown_table(["environment", "arm", "best setting", "runs that diverged"], lines)


def _performance(study: Study, known: Known) -> str:
    """Return the mean performance on fresh seeds, with its interval and the warnings about it."""
    lines = [[arm, *(_cell(known[name][arm].performance) for name in known)] for arm in study.arms]
    caption = "Mean of performance over runs, and the 95% interval of the mean; n: runs that it is of."
    text = f"## Performance on fresh seeds\n\n{markdown_table(['', *known], lines)}\n\n{caption}"
    finite = ((one, one.performance[np.isfinite(one.performance)]) for one in _each(known))
    warnings = list_warnings(
        (f"{one.arm}, {one.environment}", sample_warnings(runs)) for one, runs in finite if len(runs) >= MIN_SAMPLES
    )
    return "\n\n".join([text, *warnings])


def _cell(performance: np.ndarray) -> str:
    finite = performance[np.isfinite(performance)]
    if not len(finite):
        return "-"
    text = f"{finite.mean():.4g}"
    if len(finite) >= MIN_SAMPLES:
        low, high = mean_interval(finite)
        text += f" ({float(low):.4g} to {float(high):.4g})"
    failed = len(performance) - len(finite)
    return f"{text}, n = {len(finite)}" + (f", {failed} diverged" if failed else "")


def _claims(study: Study, known: Known, verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts, and how many claims were re-obtained."""
    if not study.claims:
        return "## Claims\n\nThis study tests none."
    counts = [sum(one.outcome == outcome for one in verdicts) for outcome in OUTCOMES]
    open_pairs = "; ".join(f"{count} {outcome}" for count, outcome in zip(counts, OUTCOMES, strict=True))
    lines = [
        [
            one.claim.claim, one.environment, f"{one.found.value:.4g}",
            f"{one.found.low:.4g} to {one.found.high:.4g}", f"{one.adjusted_p:.2g}", one.n, one.outcome,
        ]
        for one in verdicts
    ]  # fmt: skip
    head = ["claim", "environment", "statistic", "95% interval", "adjusted p", "n", "outcome"]
    text = (
        "A statistic above 0 is as claimed: a difference of mean performances, or of what is lost on average by "
        "leaving a hyperparameter to chance (utils/studies/claims.py). The outcomes follow from the p values, which "
        f"are adjusted for the study's {len(study.claims) * len(known)} claims by Holm's method: with 95% confidence, "
        "none is wrong. The intervals are of one claim in one environment each, without an adjustment."
    )
    return f"## Claims\n\n{len(verdicts)} tests: {open_pairs}. {text}\n\n{markdown_table(head, lines)}"


def _origin(name: str, rows: Sequence[RunRow]) -> str:
    """Return versions, processors, core-hours and the command."""
    facts: dict[str, Any] = {
        "versions of the code": sorted({row.code for row in rows}),
        "engines": sorted({row.engine for row in rows}),
        "processors": sorted({row.cpu for row in rows}),
    }
    lines = [f"- {what}: {', '.join(values)}" for what, values in facts.items() if values]
    runs = {row.key: row for row in rows}
    hours = sum(row.seconds for row in runs.values()) / 3600
    return (
        f"## Origin\n\n{len(runs):,} runs, {hours:.2g} core-hours of training and evaluation.\n\n"
        + "\n".join(lines)
        + f"\n\n`python utils/run_study.py config/studies/{name}.json` trains what is missing and writes this page "
        "again. The runs are in `runs.parquet`, a row each."
    )
