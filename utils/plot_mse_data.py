"""data.json -> learning curves of the best setting, as a figure and the keys of the runs behind it."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import click
import numpy as np

from utils.combined import read_combined
from utils.config import read_json
from utils.difference import first_difference
from utils.errors import BadInput
from utils.plot_utils import FATES, Curve, Experiment, Line, Outcome, formats, render
from utils.results import dump, write_atomically
from utils.shape import COMBINED
from utils.stats import FEW, FEWEST, bootstrap_interval

EXIT_BAD_INPUT = 2

DEFAULT_DATA = f"results/Pendulum-v1_SAC_SquashedGaussian/{COMBINED}"

RESAMPLES = 10_000
BOOTSTRAP_SEED = 0
"""The same data give the same figure."""

RETURN_KEYS = ("env_name", "env_kwargs", "steps_per_episode", "overwrite_rewards", "rewards", "start_state")
"""Keys of a protocol that decide what a return means: without the same, two curves share no axis."""


@dataclass(frozen=True)
class Shown:
    """One experiment's setting as the figure shows it."""

    experiment: Experiment
    setting: int
    selected: bool
    line: Line

    @property
    def outcomes(self) -> list[Outcome]:
        """The setting's runs."""
        return self.experiment.outcomes[self.setting]

    def caption(self) -> str:
        """How many runs are behind the line, which are not, and how the setting was chosen."""
        fates = Counter(outcome.fate for outcome in self.outcomes)
        always = {"diverged": fates["diverged"], "missing": fates["missing"]}
        excluded = ", ".join(f"{count} {FATES[fate]}" for fate, count in (always | dict(fates)).items() if fate)
        text = f"{self.line.label}: {fates['']} of {len(self.outcomes)} runs averaged; {excluded}."
        if self.line.band is None:
            text += f" No interval is drawn: it takes at least {FEWEST} runs."
        elif len(self.line.runs) < FEW:
            text += " Of so few runs, the interval holds the true mean less often than it states."
        if any(run.timesteps[-1] > self.line.mean.timesteps[-1] for run in self.line.runs):
            text += " The mean ends where the first run ends."
        return text + self._selection()

    def _selection(self) -> str:
        settings = self.experiment.outcomes
        if len(settings) == 1:
            return ""
        if not self.selected:
            return f" The setting was asked for, not selected among the {len(settings)}."
        half = "training" if self.experiment.training else "evaluations"
        failed = sum(any(outcome.fate for outcome in outcomes) for outcomes in settings)
        return (
            f" The setting was selected as the best of {len(settings)} by mean return over the last half of {half}, "
            "and is reported on the same seeds."
            + (f" Settings with a run that cannot be averaged, ranked below those without: {failed}." if failed else "")
        )

    def record(self) -> dict[str, Any]:
        """What the sidecar says."""
        tree, line = self.experiment.tree, self.line
        return {
            "data": "/".join(self.experiment.path.resolve().parts[-2:]),
            "sha256": _sha256(self.experiment.path),
            "agent_name": self.experiment.agent_name,
            "setting": self.setting,
            "selected_among": len(self.experiment.outcomes) if self.selected else None,
            "agent_params": tree["experiment_data"][str(self.setting)]["agent_params"],
            "runs": [
                {"run_number": outcome.number, "excluded": outcome.fate or None}
                | {name: outcome.run.get(name) for name in ("index", "key", "status")}
                for outcome in self.outcomes
            ],
            "timesteps": line.mean.timesteps,
            "mean": line.mean.returns,
            "interval": line.band and {"low": line.band[0], "high": line.band[1]},
        }


def _sha256(path: Path) -> str:
    """Of a file that may be larger than memory."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show(experiment: Experiment, setting: int | None, confidence: float) -> Shown:
    """One setting of an experiment, the best unless told.  Raises BadInput if it has no run to average."""
    chosen = experiment.best() if setting is None else setting
    settings = len(experiment.outcomes)
    if not 0 <= chosen < settings:
        raise BadInput(f"--setting: found {chosen}; allowed for {experiment.path}: 0 to {settings - 1}")
    outcomes = experiment.outcomes[chosen]
    runs = [outcome.curve for outcome in outcomes if not outcome.fate]
    if not runs:
        reasons = ", ".join(f"{count} {FATES[fate]}" for fate, count in Counter(o.fate for o in outcomes).items())
        raise BadInput(f"{experiment.path}: setting {chosen} has no run to average: {reasons}")
    excluded = [outcome.curve for outcome in outcomes if outcome.fate and len(outcome.curve.returns)]
    mean, band = summarise(runs, confidence)
    line = Line(_label(experiment, chosen, len(runs)), mean, band, runs, excluded)
    return Shown(experiment, chosen, setting is None, line)


def _label(experiment: Experiment, setting: int, n: int) -> str:
    """What the legend says."""
    tree = experiment.tree
    policy = tree["experiment_data"][str(setting)]["agent_params"].get("policy_type")
    names = [experiment.agent_name, *([policy] if policy else [])]
    return f"{', '.join(names)}, setting {setting} (n = {n})"


def distinct(shown: Sequence[Shown]) -> list[Shown]:
    """The same; where two bear one label, their directories' names are added."""
    count = Counter(each.line.label for each in shown)
    return [
        each
        if count[each.line.label] == 1
        else replace(each, line=replace(each.line, label=f"{each.line.label}, {each.experiment.path.parent.name}"))
        for each in shown
    ]


def summarise(runs: Sequence[Curve], confidence: float) -> tuple[Curve, tuple[np.ndarray, np.ndarray] | None]:
    """The mean over runs, and its interval if there are enough, at the timesteps that all runs have."""
    timesteps = reduce(np.intersect1d, [run.timesteps for run in runs])
    returns = np.stack([run.returns[np.isin(run.timesteps, timesteps)] for run in runs])  # (n, T)
    mean = Curve(timesteps, returns.mean(0))
    if len(runs) < FEWEST:
        return mean, None
    rng = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    return mean, bootstrap_interval(returns, confidence, RESAMPLES, rng=rng)


def read_experiments(paths: Sequence[Path]) -> list[Experiment]:
    """The experiments in some files or directories.  Raises BadInput, also if they share no axis."""
    files = [path / COMBINED if path.is_dir() else path for path in paths]
    for file in files:
        if not file.exists():
            raise BadInput(f"{file}: not found; allowed: what `python simple_combine.py {file.parent}` writes")
    trees = [read_combined(file) for file in files]
    protocols = [tree["experiment"]["environment"] for tree in trees]
    meanings = [{key: protocol.get(key) for key in RETURN_KEYS} for protocol in protocols]
    for file, meaning in zip(files[1:], meanings[1:], strict=True):
        difference = first_difference(meanings[0], meaning)
        if difference:
            raise BadInput(f"{files[0]} and {file} share no axis: {difference}; allowed: the same environment")
    training = any(protocol["eval_episodes"] == 0 for protocol in protocols)
    return [Experiment(file, tree, training) for file, tree in zip(files, trees, strict=True)]


def output_path(out: str | None, env_name: str) -> Path:
    """Where the figure goes.  Raises BadInput for a format that cannot be drawn, or over a foreign file."""
    path = Path(out) if out else Path("plots", "png", re.sub(r"[^\w.+-]", "-", env_name) + ".png")
    if path.suffix[1:] not in formats():
        raise BadInput(f"--out: found '{path}'; allowed: a name that ends in {', '.join('.' + f for f in formats())}")
    beside = path.with_suffix(".json")
    if beside.exists() and not _is_sidecar(read_json(beside)):
        raise BadInput(f"--out: '{path}' would replace {beside}, which no figure left; allowed: another name")
    return path


def _is_sidecar(content: Any) -> bool:
    return isinstance(content, dict) and {"figure", "experiments"} <= content.keys()


def plot(shown: Sequence[Shown], path: Path, confidence: float) -> None:
    """Write the figure and, beside it, what it shows and the runs behind it.  Raises BadInput."""
    experiment = shown[0].experiment
    protocol = experiment.environment
    episodes = " or ".join(str(n) for n in sorted({each.experiment.environment["eval_episodes"] for each in shown}))
    evaluation = f"Evaluation return, mean of {episodes} episode{'' if episodes == '1' else 's'}"
    ylabel = "Training return, step-weighted" if experiment.training else evaluation
    labels = {"title": protocol["env_name"], "ylabel": ylabel}
    figure = render(path.suffix[1:], [each.line for each in shown], labels, caption(shown, confidence))
    facts = {
        "figure": path.name,
        "env_name": protocol["env_name"],
        "returns": "training, step-weighted" if experiment.training else "evaluation",
        "interval": {"kind": "percentile bootstrap of the mean", "confidence": confidence, "resamples": RESAMPLES},
        "experiments": [each.record() for each in shown],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, figure)
        write_atomically(path.with_suffix(".json"), dump(facts))
    except OSError as error:
        raise BadInput(f"--out: '{path}' cannot be written ({error.strerror}); allowed: a writable place") from error


def caption(shown: Sequence[Shown], confidence: float) -> list[str]:
    """What the marks mean, then a paragraph an experiment."""
    several = any(len(each.line.runs) > 1 for each in shown)
    parts = ["Line: mean over runs" if several else "Line: one run"]
    if any(each.line.band for each in shown):
        kind = f"{100 * confidence:g}% percentile-bootstrap confidence interval of the mean over runs"
        parts.append(f"band: {kind} ({RESAMPLES:,} resamples)")
    if several:
        parts.append("thin lines: single runs")
    if any(each.line.excluded for each in shown):
        parts.append("dotted, to a cross: runs not averaged")
    return ["; ".join(parts) + ".", *(each.caption() for each in shown)]


@click.command(help="Plot mean return against training timesteps for the best setting of each data.json.")
@click.option(
    "--data", multiple=True, default=[DEFAULT_DATA], show_default=True,
    help="A data.json, or a directory that holds one. Give it again for more experiments on the same axes.",
)  # fmt: skip
@click.option("--out", help="The figure's file; its ending is its format.  [default: plots/png/<env_name>.png]")
@click.option("--setting", type=int, help="Plot this setting instead of the best.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the band, between 0 and 1.")
def main(data: tuple[str, ...], out: str | None, setting: int | None, confidence: float) -> None:
    """Entry point of the command line."""
    try:
        if not 0 < confidence < 1:
            raise BadInput(f"--confidence: found {confidence}; allowed: above 0 and below 1")
        experiments = read_experiments([Path(path) for path in data])
        path = output_path(out, experiments[0].environment["env_name"])
        plot(distinct([show(experiment, setting, confidence) for experiment in experiments]), path, confidence)
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    click.echo(path)


if __name__ == "__main__":
    main()
