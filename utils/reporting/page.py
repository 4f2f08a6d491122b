"""The report's page: the content of each part, put into the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from utils.analysis.combined_results import CombinedResults, group_by_returns
from utils.analysis.environment_scores import AGENT_COLUMNS, IMPROVEMENT_COLUMNS, SCORE_NOTE
from utils.analysis.mean_curve import INTERVAL_NAME, FigureOptions
from utils.analysis.pairwise import PAIR_COLUMNS, SUPERIORITY_NOTE
from utils.analysis.ranking import SettingRanking
from utils.analysis.setting_choice import SettingChoice
from utils.core.provenance import code_version
from utils.reporting.best_settings import BestSettings, list_best_settings
from utils.reporting.compute import ComputeUse, sum_compute
from utils.reporting.diagnostics import DiagnosticCharts, diagnostic_panels
from utils.reporting.distributions import DistributionChart, distribution_chart
from utils.reporting.how_to_reproduce import reproduction_commands
from utils.reporting.learning_curves import CurveChart, choose_for_report, curve_chart
from utils.reporting.line_styles import LineStyles, line_names
from utils.reporting.pairwise_comparison import PairwiseComparison, compare_all_pairs
from utils.reporting.progress import GridProgress, grid_progress
from utils.reporting.sensitivity import WAY_STYLES, SensitivityPanel, sensitivity_panels
from utils.reporting.several_environments import compare_over_environments
from utils.reporting.templating import fill_template
from utils.reporting.what_ran import WhatRan, summarize_what_ran

SECTIONS = (
    "learning curves", "best settings", "pairwise comparison", "several environments", "distributions", "sensitivity",
    "diagnostics", "progress", "compute", "what ran", "how to reproduce",
)  # fmt: skip
"""The sections in order, results first; each has a template of its name. Some pages lack one."""

Axis = tuple[str, list[SettingChoice]]
"""Title of an axis, and the settings on it."""


@dataclass(frozen=True)
class ExperimentContent:
    """Everything the page shows of one experiment."""

    experiment: CombinedResults
    what_ran: WhatRan
    progress: GridProgress
    sensitivity: list[SensitivityPanel]
    best: BestSettings
    compute: ComputeUse
    commands: list[str]

    @property
    def title(self) -> str:
        """Agent and environment."""
        return f"{self.experiment.agent_name} on {self.experiment.environment['env_name']}"


@dataclass(frozen=True)
class AxisContent:
    """Everything the page shows of experiments whose returns mean the same, and so share an axis."""

    title: str
    curves: CurveChart
    diagnostics: DiagnosticCharts
    distribution: DistributionChart
    pairs: PairwiseComparison


def render_page(experiments: Sequence[CombinedResults], confidence: float, own_command: str) -> str:
    """Return the report's HTML.  own_command: the command that makes it."""
    axes = _axes(experiments)
    contents = [_experiment_content(experiment, confidence) for experiment in experiments]
    return fill_template(
        "page.html",
        ("script.js",),
        folder="",
        sections=[name for name in SECTIONS if len(axes) > 1 or name != "several environments"],
        title=_title(experiments),
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=code_version()["commit"],
        percent=FigureOptions(confidence=confidence).percent,
        interval_name=INTERVAL_NAME,
        way_styles=WAY_STYLES,
        experiments=contents,
        computed=[[content.title, *content.compute.cells] for content in contents],
        axes=_axis_contents(axes, confidence),
        over_environments=compare_over_environments([choices for _, choices in axes], confidence),
        pair_columns=PAIR_COLUMNS,
        agent_columns=AGENT_COLUMNS,
        improvement_columns=IMPROVEMENT_COLUMNS,
        score_note=SCORE_NOTE,
        superiority_note=SUPERIORITY_NOTE,
        own_command=own_command,
    )


def _title(experiments: Sequence[CombinedResults]) -> str:
    """Return the page's title, such as "SAC, VAC on Pendulum-v1, Acrobot-v1"."""
    agents = dict.fromkeys(experiment.agent_name for experiment in experiments)
    environments = dict.fromkeys(experiment.environment["env_name"] for experiment in experiments)
    return f"{', '.join(agents)} on {', '.join(environments)}"


def _experiment_content(experiment: CombinedResults, confidence: float) -> ExperimentContent:
    progress = grid_progress(experiment)
    return ExperimentContent(
        experiment,
        summarize_what_ran(experiment),
        progress,
        sensitivity_panels(experiment, confidence),
        list_best_settings(SettingRanking(experiment), confidence),
        sum_compute(experiment),
        reproduction_commands(experiment, progress.missing),
    )


def _axes(experiments: Sequence[CombinedResults]) -> list[Axis]:
    """Return the title of each axis with a run to show, and the settings on it."""
    groups = group_by_returns(experiments)
    axes = [(str(group[0].environment["env_name"]), choose_for_report(group)) for group in groups]
    return [(title, choices) for title, choices in axes if choices]


def _axis_contents(axes: Sequence[Axis], confidence: float) -> list[AxisContent]:
    """Return the content of each axis."""
    pairs = compare_all_pairs([choices for _, choices in axes], confidence)
    options, styles = FigureOptions(confidence=confidence), LineStyles()
    contents = []
    for (title, choices), found in zip(axes, pairs, strict=True):
        own = [styles.style(name) for name in line_names(choices)]
        curves, diagnostics = curve_chart(choices, options, own), diagnostic_panels(choices, own)
        contents.append(AxisContent(title, curves, diagnostics, distribution_chart(choices, confidence, own), found))
    return contents
