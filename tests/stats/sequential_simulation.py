"""Simulated studies whose number of runs depends on the runs.  Usage: python -m tests.stats.sequential_simulation

The first agent is better than the others, which are equal. The command writes the tables into docs/statistics.md.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from tests.stats.battery import LAWS
from tests.stats.tables import percent, write_table
from utils.core.markdown import markdown_table
from utils.stats.intervals import mean_interval
from utils.stats.looks import Looks, sequential_interval
from utils.stats.sequential import decision_looks

STUDIES = 2000
"""Number of studies in a cell of a table."""

DRAWS = 999
"""Number of arrangements that are drawn, instead of 9,999."""

DECISION, FIXED, WIDTH = Looks(5, 30), Looks(30, 30), Looks(10, 100)
"""Looks of decisions, of the decisions with a fixed number of runs, and of intervals."""

AGENTS, EFFECTS = (2, 4), (0.0, 0.5, 1.0, 1.5)
"""Numbers of agents, and by how many standard deviations the first is better."""

DECIDED = ("normal", "lognormal, s = 1")
"""Distributions of returns of the decisions."""

NEEDED = (12, 25, 50)
"""Numbers of runs that a 95% interval of the asked half-width needs, if the standard deviation is known."""


class Decided(NamedTuple):
    """Rates of several studies.

    error: of those with any decision between equal agents, or for the worse of two.  power: pairs of which the better
    one is found, of all pairs that differ; NaN if none does.  runs: mean number of runs of an agent.
    """

    error: float
    power: float
    runs: float


def deviation(name: str) -> float:
    """Return the standard deviation of a distribution, to 1%."""
    return float(LAWS[name].draw(np.random.Generator(np.random.PCG64(0)), (1_000_000,)).std())


def decide_studies(
    name: str, agents: int, effect: float, looks: Looks, studies: int, rng: np.random.Generator
) -> Decided:
    """Return the rates of studies of some agents.  effect: in standard deviations."""
    runs = LAWS[name].draw(rng, (studies, looks.count, agents, looks.group))
    runs[:, :, 0] += effect * deviation(name)
    found = decision_looks(runs, looks.count, draws=DRAWS)
    first = np.where(found > 0, found, looks.count)
    used = np.stack([np.delete(first[:, agent], agent, axis=1).max(1) for agent in range(agents)], axis=1)
    wrong, right = np.zeros(studies, bool), []
    for a, b in combinations(range(agents), 2):
        decided = found[:, a, b] > 0
        if a or not effect:
            wrong |= decided
            continue
        # The means when the decision is made: of the groups up to it.
        until = np.arange(looks.count) < first[:, a, b, None]
        better = (((runs[:, :, a] - runs[:, :, b]).mean(2)) * until).sum(1) > 0
        wrong |= decided & ~better
        right.append(decided & better)
    power = float(np.mean(right)) if right else float("nan")
    return Decided(float(wrong.mean()), power, float(used.mean() * looks.group))


def decisions_table(rng: np.random.Generator) -> str:
    """Return the table of decisions: with looks, and with a fixed number of runs."""
    rows = []
    for name in DECIDED:
        for agents in AGENTS:
            for effect in EFFECTS:
                cells = [decide_studies(name, agents, effect, looks, STUDIES, rng) for looks in (DECISION, FIXED)]
                rows.append([name, str(agents), f"{effect:g} sd", *_decision_cells(*cells)])
    head = ["returns", "agents", "the first is better by", "errors, %", "power, %", "runs of an agent",
            f"errors with {FIXED.most}, %", f"power with {FIXED.most}, %"]  # fmt: skip
    return markdown_table(head, rows)


def _decision_cells(looks: Decided, fixed: Decided) -> list[str]:
    power = ["-" if np.isnan(each.power) else percent(each.power) for each in (looks, fixed)]
    return [f"{100 * looks.error:.1f}", power[0], f"{looks.runs:.1f}", f"{100 * fixed.error:.1f}", power[1]]


def hold_intervals(
    name: str, needed: int, corrected: bool, studies: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how often the interval where the rule stops holds the mean, and the mean number of runs.

    needed: see NEEDED.  corrected: whether the interval is that of the rule, or the one of a single look.
    """
    law = LAWS[name]
    runs = law.draw(rng, (WIDTH.most, studies))
    half_width = 1.96 * deviation(name) / np.sqrt(needed)
    held, used = np.zeros(studies, bool), np.zeros(studies, int)
    for look in range(1, WIDTH.count + 1):
        own = runs[: look * WIDTH.group]
        low, high = sequential_interval(own, WIDTH.count) if corrected else mean_interval(own)
        mean = own.mean(0)
        stops = (np.maximum(high - mean, mean - low) <= half_width) | (look == WIDTH.count)
        stops &= used == 0
        held[stops] = ((low <= law.mean) & (law.mean <= high))[stops]
        used[stops] = len(own)
    return float(held.mean()), float(used.mean())


def intervals_table(rng: np.random.Generator) -> str:
    """Return the table of intervals; in parentheses those that are not corrected for the looks."""
    rows = []
    for name in LAWS:
        if name == "Student, 2 degrees":
            continue  # It has no standard deviation.
        cells = []
        for needed in NEEDED:
            (held, used), (plain, fewer) = (hold_intervals(name, needed, own, STUDIES, rng) for own in (True, False))
            cells.append(f"{percent(held)} ({percent(plain)}), {used:.0f} ({fewer:.0f}) runs")
        rows.append([name, *cells])
    return markdown_table(["returns", *(f"{needed} runs needed" for needed in NEEDED)], rows)


def main() -> None:
    """Write the tables; takes a few minutes."""
    write_table("errors of sequential decisions", decisions_table(np.random.Generator(np.random.PCG64(0))))
    write_table("coverage of sequential intervals", intervals_table(np.random.Generator(np.random.PCG64(1))))


if __name__ == "__main__":
    main()
