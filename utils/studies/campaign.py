"""A study from its file to its page: training, choice, training of the best on fresh seeds, claims, figures, page."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl
from matplotlib.figure import Figure

from utils.core.source_hash import ROOT
from utils.experiment.train_command import Where
from utils.files.overwrite import write_out
from utils.plot_utils import DPI, STYLE
from utils.studies.choice import ArmInEnvironment, Known, survey
from utils.studies.claims import Verdict, adjust, judge
from utils.studies.figures import draw_curves, draw_sensitivity
from utils.studies.page import page_text
from utils.studies.run_table import CHOOSING, REPORTING, UNUSED, RunRow, read_rows, write_rows
from utils.studies.study import Study, read_study
from utils.studies.training import Part, complete_part, study_root

RUN_FAILED = 1
"""Exit code of main.py if a run failed."""


def run_study(path: Path, where: Where | None, agents: Mapping[str, Any], out: Path) -> None:
    """Run a study, or write the page of what is there.

    where: how missing runs are trained; None: train nothing.  agents: entries of `agent.AGENTS`, by name.
    out: directory of the page; its figures and the rows are in a subdirectory of the study's name.
    Raises BadInput. Exits with the code of a command that is stopped or refused; if only runs failed, at the end.
    """
    study, name = read_study(path), path.stem
    runs = _Runs(out / name / "runs.parquet", where)
    parts = {
        (env_json, arm): Part(study_root(name), study, CHOOSING, env_json, arm, None, agents)
        for env_json in study.environments
        for arm in study.arms
    }  # fmt: skip
    known: dict[str, dict[str, ArmInEnvironment]] = {}
    rows: list[RunRow] = []
    for (env_json, arm), part in parts.items():
        choosing = runs.complete(part)
        found = survey(study, part.environment, arm, part.settings, choosing)
        rows += choosing
        if found.best is not None:
            best = Part(study_root(name), study, REPORTING, env_json, arm, found.best, agents)
            found = replace(found, reporting=tuple(runs.complete(best)))
            rows += found.reporting
        known.setdefault(part.environment, {})[arm] = found
    if where is not None:
        runs.write_all(rows)
    verdicts = judge_all(study, known)
    figures = {shown: _write_figure(figure, out / name / file, out) for shown, file, figure in _figures(study, known)}
    page = out / f"{name}.md"
    write_out(page, page_text(_project_path(path), study, known, verdicts, figures, rows).encode())
    click.echo(page)
    if runs.has_failed:
        sys.exit(RUN_FAILED)


class _Runs:
    """The rows of a study's runs, which grow as runs are trained.

    has_failed: whether a run failed; the runs of other parts are trained all the same.
    """

    def __init__(self, table: Path, where: Where | None) -> None:
        """Read the rows.  table: their file.  where: see `run_study`.  Raises BadInput if they cannot be read."""
        self._table, self._where, self.has_failed = table, where, False
        self._kept = read_rows(table)

    def complete(self, part: Part) -> list[RunRow]:
        """Collect a part's runs, train those that are missing, if this is wanted, and return the rows of all.

        Exits with the code of a command that is stopped or refused; rows of runs that were completed are kept then.
        """
        before = len(self._kept)
        code = complete_part(part, self._kept, self._where)
        if len(self._kept) != before:
            self._add_others()
            write_rows(self._table, self._kept.values())
        if code not in (0, RUN_FAILED):
            sys.exit(code)
        self.has_failed |= code == RUN_FAILED
        return part.rows(self._kept)

    def write_all(self, rows: Sequence[RunRow]) -> None:
        """Write the rows of the study, and with the stage UNUSED those that are no longer part of it."""
        self._add_others()
        used = {row.key for row in rows}
        unused = (replace(row, stage=UNUSED) for key, row in self._kept.items() if key not in used)
        write_rows(self._table, [*rows, *unused])

    def _add_others(self) -> None:
        """Add the rows that another process, which works on the same study, has written meanwhile."""
        self._kept.update({key: row for key, row in read_rows(self._table).items() if key not in self._kept})


def judge_all(study: Study, known: Known) -> list[Verdict]:
    """Return the verdict on every claim in every environment that has the runs for it."""
    pairs = ((claim, arms) for claim in study.claims for arms in known.values())
    found = (judge(study, claim, arms[claim.a], arms[claim.b]) for claim, arms in pairs)
    return adjust([verdict for verdict in found if verdict is not None], len(study.claims) * len(known))


def _figures(study: Study, known: Known) -> list[tuple[str, str, Figure]]:
    """Return what each figure shows, the name of its file, and the figure."""
    drawn = [("Learning curves of the best settings on fresh seeds", "curves.png", draw_curves(study, known))]
    for to in dict.fromkeys(claim.to for claim in study.claims if claim.to is not None):
        arms = list(dict.fromkeys(arm for claim in study.claims if claim.to == to for arm in (claim.a, claim.b)))
        drawn.append((f"Sensitivity to {to}", f"sensitivity_{to}.png", draw_sensitivity(study, known, arms, to)))
    return [(shown, file, figure) for shown, file, figure in drawn if figure is not None]


def _project_path(path: Path) -> Path:
    """Return the path of a study's file from the project's directory, or as it was given if it is outside."""
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path


def _write_figure(figure: Figure, path: Path, relative_to: Path) -> Path:
    """Write a figure and return its path relative to the page.  Raises BadInput if it cannot be written."""
    content = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(content, dpi=DPI)
    write_out(path, content.getvalue())
    return path.relative_to(relative_to)
