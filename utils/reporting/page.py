"""A report's page: what each part found, put into the templates.

The page is one file that asks for nothing: styles, script and charts stand in it, and its content security
policy forbids any other. Every text goes through the templates' escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from utils.analysis.combined_results import CombinedResults, meaning
from utils.analysis.mean_curve import BOOTSTRAP, Options
from utils.analysis.setting_choice import Choice
from utils.core.provenance import code_version
from utils.reporting.best_settings import BestSettings, best_settings
from utils.reporting.compute import Compute, compute
from utils.reporting.distributions import DistributionChart, distribution_chart
from utils.reporting.how_to_reproduce import commands
from utils.reporting.learning_curves import CurveChart, curve_chart, shown_choices
from utils.reporting.pairwise_comparison import Comparisons, comparisons
from utils.reporting.progress import GridProgress, grid_progress
from utils.reporting.sensitivity import Panel, panels
from utils.reporting.what_ran import Ran, ran

TEMPLATES = Path(__file__).parent / "templates"

GENERATOR = "policy-params report"
"""What the page says it is made by; a file that does not is not replaced."""


SECTIONS = (
    "what ran", "progress", "learning curves", "sensitivity", "distributions", "best settings", "pairwise comparison",
    "compute", "how to reproduce",
)  # fmt: skip
"""In their order; each has a template of its name."""


@dataclass(frozen=True)
class Part:
    """All that is said of one experiment by itself."""

    experiment: CombinedResults
    ran: Ran
    progress: GridProgress
    sensitivity: list[Panel]
    ranking: BestSettings
    compute: Compute
    commands: list[str]

    @property
    def title(self) -> str:
        """Agent and environment."""
        return f"{self.experiment.agent_name} on {self.experiment.environment['env_name']}"


@dataclass(frozen=True)
class Axis:
    """All that is said of the experiments whose returns mean the same."""

    title: str
    curves: CurveChart
    distribution: DistributionChart
    pairs: Comparisons


def page(experiments: Sequence[CombinedResults], confidence: float, own_command: str) -> str:
    """The report's HTML.  own_command: what makes it again."""

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    script = (TEMPLATES / "script.js").read_text()
    parts = [_part(experiment, confidence) for experiment in experiments]
    return templates.get_template("page.html").render(
        generator=GENERATOR,
        sections=SECTIONS,
        style=Markup((TEMPLATES / "style.css").read_text()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=_title(experiments),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=code_version()["commit"],
        percent=Options(confidence=confidence).percent,
        bootstrap=BOOTSTRAP,
        parts=parts,
        computed=[[part.title, *part.compute.words] for part in parts],
        axes=_axes(experiments, confidence),
        own_command=own_command,
    )


def _title(experiments: Sequence[CombinedResults]) -> str:
    """ "SAC, VAC on Pendulum-v1, Acrobot-v1"."""
    agents = dict.fromkeys(experiment.agent_name for experiment in experiments)
    environments = dict.fromkeys(experiment.environment["env_name"] for experiment in experiments)
    return f"{', '.join(agents)} on {', '.join(environments)}"


def _part(experiment: CombinedResults, confidence: float) -> Part:
    done = grid_progress(experiment)
    return Part(
        experiment,
        ran(experiment),
        done,
        panels(experiment, confidence),
        best_settings(experiment, confidence),
        compute(experiment),
        commands(experiment, done.missing),
    )


def _axes(experiments: Sequence[CombinedResults], confidence: float) -> list[Axis]:
    """Experiments with a run to show, put together by what their returns mean."""
    groups: list[tuple[dict[str, Any], list[CombinedResults]]] = []
    for experiment in experiments:
        protocol = meaning(experiment.environment)
        group = next((members for other, members in groups if other == protocol), None)
        if group is None:
            groups.append((protocol, [experiment]))
        else:
            group.append(experiment)
    shown = [(protocol["env_name"], shown_choices(members)) for protocol, members in groups]
    return [_axis(str(title), choices, confidence) for title, choices in shown if choices]


def _axis(title: str, choices: Sequence[Choice], confidence: float) -> Axis:
    options = Options(confidence=confidence)
    return Axis(
        title,
        curve_chart(choices, options),
        distribution_chart(choices, confidence),
        comparisons(choices, confidence),
    )
