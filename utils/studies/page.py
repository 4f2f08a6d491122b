"""The page of a study: what was trained, the best settings, performance on fresh seeds, claims, figures, origin."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

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
    study_json: Path,
    study: Study,
    known: Known,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, Path],
    rows: Sequence[RunRow],
) -> str:
    """Return a study's page as Markdown.

    study_json: the study's file.  figures: paths, relative to the page, by what they show.
    rows: all rows of the study; arms may share runs.
    """
    sections = [
        f"# {study.title}", study.source, *study.notes,
        _progress(study, known), _best_settings(study, known), _performance(study, known),
        _claims(study, known, verdicts),
        *(_figure(study, known, shown, path) for shown, path in figures.items()), _origin(study_json, rows),
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
    seeds = "seed 0" if study.choosing_runs == 1 else f"seeds 0 to {study.choosing_runs - 1}"
    text = (
        f"Each setting of an arm's grid is run on the {seeds}. The setting with the best "
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
        text = (grid.describe_varied(one.best) or "the only one") + _ties(one.choosing, one.best)
        mean = f"{np.nanmean(one.choosing[one.best]):.4g}" if np.isfinite(one.choosing[one.best]).any() else "-"
        lines.append([one.environment, one.arm, text, mean, f"{diverged} of {one.choosing.size}"])
    caption = (
        "Mean when chosen: the best setting's mean performance on the seeds for choosing. The highest of many means of "
        "few runs is too high; on fresh seeds, it is what the next table has."
    )
    columns = ["environment", "arm", "best setting", "mean when chosen", "runs that diverged"]
    return f"## Best settings\n\n{markdown_table(columns, lines)}\n\n{caption}"


def _ties(choosing: np.ndarray, best: int) -> str:
    """Return how many other settings are as good as the best.  choosing: (settings, runs), NaN where one diverged."""
    failed, total = np.isnan(choosing).sum(1), np.nansum(choosing, 1)
    others = int(((failed == failed[best]) & (total == total[best])).sum()) - 1
    return f" (the first of {others + 1} equally good ones)" if others else ""


def _performance(study: Study, known: Known) -> str:
    """Return the mean performance on fresh seeds, with its interval and the warnings about it."""
    lines = [[arm, *(_cell(known[name][arm].performance) for name in known)] for arm in study.arms]
    caption = "Mean of performance over runs, and the 95% interval of the mean; n: runs that it is of."
    if any(np.isnan(one.performance).any() for one in _each(known)):
        caption += " Runs that diverged are left out here; in claims they count as the worst."
    text = f"## Performance on fresh seeds\n\n{markdown_table(['', *known], lines)}\n\n{caption}"
    finite = ((one, one.performance[np.isfinite(one.performance)]) for one in _each(known))
    warnings = list_warnings(
        (f"{one.arm}, {one.environment}", sample_warnings(runs)) for one, runs in finite if len(runs) >= MIN_SAMPLES
    )
    return "\n\n".join([text, *warnings])


def _cell(performance: np.ndarray) -> str:
    finite = performance[np.isfinite(performance)]
    if not len(finite):
        return f"all {len(performance)} diverged" if len(performance) else "-"
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
            "none" if np.isnan(one.found.low) else f"{one.found.low:.4g} to {one.found.high:.4g}",
            f"{one.adjusted_p:.2g}", one.n, one.outcome,
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
    if any(np.isnan(one.found.low) for one in verdicts):
        text += " Where no run, or no seed, differs from the others, there is no interval: nothing shows how they vary."
    return f"## Claims\n\n{len(verdicts)} tests: {open_pairs}. {text}\n\n{markdown_table(head, lines)}"


def _figure(study: Study, known: Known, shown: str, path: Path) -> str:
    """Return a figure and its caption."""
    failures = any(np.isnan(one.performance).any() for one in _each(known))
    text = "Lines: means over the runs. Shading: 95% interval of the mean at each evaluation." + (
        " Runs that diverged are left out." if failures else ""
    )
    if shown.startswith("Sensitivity"):
        text = (
            "For each value, the mean performance of the best setting with it, on the seeds for choosing, "
            f"n = {study.choosing_runs}. The same runs chose this setting, so that the mean is optimistic."
        )
    return f"## {shown}\n\n![{shown}]({path.as_posix()})\n\n{text}"


def _count_runs(values: Iterable[str]) -> str:
    """Return the different values, and how many runs have each if there are several.  values: one of each run."""
    counts = Counter(values)
    return "; ".join(value if len(counts) == 1 else f"{value} ({counts[value]:,} runs)" for value in sorted(counts))


def _origin(study_json: Path, rows: Sequence[RunRow]) -> str:
    """Return versions, processors, core-hours and the command."""
    runs = {row.key: row for row in rows}
    facts = {
        "versions of the code": _count_runs(row.code for row in runs.values()),
        "packages that determine the bits": _count_runs(row.packages for row in runs.values()),
        "engines": _count_runs(row.engine for row in runs.values()),
        "processors": _count_runs(row.cpu for row in runs.values()),
    }
    lines = [f"- {what}: {values}" for what, values in facts.items() if values]
    hours = sum(row.seconds for row in runs.values()) / 3600
    return (
        f"## Origin\n\n{len(runs):,} runs, {hours:.2g} core-hours of training and evaluation.\n\n"
        + "\n".join(lines)
        + f"\n\n`python utils/run_study.py {shlex.quote(study_json.as_posix())}` trains what is missing and writes "
        "this page again. The runs are in `runs.parquet`, a row each."
    )
