"""Simulated calibration of win probabilities, and coverage of the interval of the selected setting.

Usage: python -m tests.stats.selection_simulation

The command writes the tables into docs/statistics.md and the figure plots/png/win_probability_calibration.png.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tests.stats.battery import FAILURE
from tests.stats.tables import percent, write_table
from utils.core.markdown import markdown_table
from utils.core.provenance import ROOT
from utils.stats.intervals import mean_interval
from utils.stats.selection import selected_mean
from utils.stats.settings import win_probability
from utils.stats.shrinkage import ROUNDING

GRIDS, DRAWS = 40, 500
"""Numbers of grids of each kind, and of draws of a win probability."""

SIZES, SELECTED_RUNS = (10, 36, 150), (5, 10, 30)
"""Numbers of settings, and of runs of each."""

MEANS = {
    "normal, 0.3 sd": lambda rng, count: rng.normal(0.0, 0.3, count),
    "normal, 1 sd": lambda rng, count: rng.normal(0.0, 1.0, count),
    "normal, 3 sd": lambda rng, count: rng.normal(0.0, 3.0, count),
    "crowded at the top": lambda rng, count: -rng.exponential(1.0, count),
    "half of them bad": lambda rng, count: rng.normal(0.0, 0.5, count) - 10.0 * (rng.random(count) < 0.5),
    "a plateau": lambda rng, count: -np.maximum(0.0, rng.normal(0.0, 2.0, count)) + rng.normal(0.0, 0.05, count),
}
"""Distributions of the settings' true means, in standard deviations of a run."""

NOISES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "10% failures": lambda rng, shape: rng.normal(size=shape) - FAILURE * ((rng.random(shape) < 0.1) - 0.1),
    "settings vary differently": lambda rng, shape: (
        rng.normal(size=shape) * np.exp(rng.normal(0.0, 0.7, (shape[0], 1)))
    ),
}
"""Distributions of runs around their setting's mean."""

EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0)
"""Bounds of the win probabilities in the table."""


class Sweep(NamedTuple):
    """A simulated sweep.  performance: (S, N).  best: the setting that is truly best.  chosen: the first-ranked one."""

    performance: np.ndarray
    means: np.ndarray
    best: int
    chosen: int


def simulate_sweep(means: str, noise: str, settings: int, runs: int, rng: np.random.Generator) -> Sweep:
    """Return a sweep with the given distributions."""
    true = MEANS[means](rng, settings)
    return _sweep(true, true[:, None] + NOISES[noise](rng, (settings, runs)))


def simulate_unstable_sweep(settings: int, runs: int, rng: np.random.Generator) -> Sweep:
    """Return a sweep in which each setting fails at a rate of its own: bad settings vary more than good ones."""
    levels, rates = rng.normal(0.0, 0.5, settings), rng.beta(0.3, 1.0, settings)
    failed = rng.random((settings, runs)) < rates[:, None]
    performance = levels[:, None] + rng.normal(0.0, 0.5, (settings, runs)) - FAILURE * failed
    return _sweep(levels - FAILURE * rates, performance)


def simulate_sweeps(grids: int, rng: np.random.Generator) -> Iterator[Sweep]:
    """Yield sweeps of every kind, `grids` of each size."""
    for settings in SIZES:
        for runs in SELECTED_RUNS:
            for means in MEANS:
                for noise in NOISES:
                    yield from (simulate_sweep(means, noise, settings, runs, rng) for _ in range(grids))
            yield from (simulate_unstable_sweep(settings, runs, rng) for _ in range(len(NOISES) * grids))


def _sweep(true: np.ndarray, performance: np.ndarray) -> Sweep:
    return Sweep(performance, true, int(true.argmax()), int(performance.mean(1).argmax()))


def resampled_wins(performance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the former win probabilities: how often each setting's resampled mean is the highest.  Returns (S,)."""
    n = performance.shape[1]
    means = np.stack([runs[rng.integers(n, size=(DRAWS, n))].mean(1) for runs in performance])
    best = np.isclose(means, means.max(0), rtol=ROUNDING, atol=0.0)
    return (best / best.sum(0)).mean(1)


def win_rates(grids: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the win probability of each sweep's first-ranked setting, now and formerly, and whether it is best."""
    now, before, best = [], [], []
    for sweep in simulate_sweeps(grids, rng):
        now.append(win_probability(sweep.performance, rng, DRAWS)[sweep.chosen])
        before.append(resampled_wins(sweep.performance, rng)[sweep.chosen])
        best.append(sweep.chosen == sweep.best)
    return {"now": np.array(now), "before": np.array(before), "best": np.array(best, float)}


def calibration(stated: np.ndarray, best: np.ndarray) -> list[tuple[float, float, int]]:
    """Return for each bin of EDGES the mean probability, how often the setting was best, and the number of sweeps."""
    places = np.digitize(stated, EDGES[1:-1])
    return [
        (float(stated[places == k].mean()), float(best[places == k].mean()), int((places == k).sum()))
        for k in range(len(EDGES) - 1)
        if (places == k).any()
    ]


def selected_coverage(
    noise: str, settings: int, runs: int, grids: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how often `selected_mean` holds the chosen setting's true mean, and how often `mean_interval` does."""
    held = np.zeros(2)
    for means in MEANS:
        for _ in range(grids):
            sweep = simulate_sweep(means, noise, settings, runs, rng)
            true = sweep.means[sweep.chosen]
            _, low, high = selected_mean(sweep.performance, resamples=DRAWS, rng=rng)
            naive = mean_interval(sweep.performance[sweep.chosen])
            held += low <= true <= high, naive[0] <= true <= naive[1]
    now, before = held / (grids * len(MEANS))
    return float(now), float(before)


def calibration_table(found: dict[str, np.ndarray]) -> str:
    """Return the table of win probabilities."""
    rows = []
    for low, high in pairwise(EDGES):
        inside = [(found[name] >= low) & ((found[name] < high) | (high == 1.0)) for name in ("now", "before")]
        cells = [f"{percent(found['best'][each].mean())} ({each.sum():,})" if each.any() else "-" for each in inside]
        rows.append([f"{100 * low:.0f} to {100 * high:.0f}", *cells])
    return markdown_table(["stated, %", "truly best, %", "before, %"], rows)


def coverage_table(rng: np.random.Generator) -> str:
    """Return the table of the selected setting's interval; in parentheses the interval of its runs alone."""
    rows = []
    for noise in NOISES:
        for settings in (2, *SIZES):
            cells = [selected_coverage(noise, settings, runs, GRIDS, rng) for runs in SELECTED_RUNS]
            rows.append([noise, str(settings), *(f"{percent(now)} ({percent(alone)})" for now, alone in cells)])
    return markdown_table(["runs", "settings", *(f"n = {n}" for n in SELECTED_RUNS)], rows)


def draw_calibration(found: dict[str, np.ndarray]) -> None:
    """Draw how often the first-ranked setting is best against its win probability."""
    import matplotlib as mpl

    from utils.plot_utils import DPI, STYLE, line_style, new_figure

    sizes, runs = (", ".join(map(str, numbers)) for numbers in (SIZES, SELECTED_RUNS))
    caption = (
        f"Each point: sweeps whose first-ranked setting has a win probability in a tenth of the axis. "
        f"{len(found['best']):,} simulated sweeps of {sizes} settings with {runs} runs each, of every kind."
        " On the diagonal, a probability is what it says."
    )
    with mpl.rc_context(STYLE):
        figure = new_figure([caption])
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1.0)
        for number, (name, label) in enumerate({"now": "shrunk, as printed", "before": "resampled, as before"}.items()):
            stated, rate, _ = zip(*calibration(found[name], found["best"]), strict=True)
            axes.plot(stated, rate, label=label, **line_style(number))
        axes.set_xlabel("Win probability of the first-ranked setting")
        axes.set_ylabel("Fraction that is truly best")
        axes.legend(frameon=False)
        figure.savefig(ROOT / "plots" / "png" / "win_probability_calibration.png", dpi=DPI)


def main() -> None:
    """Write the tables and the figure; takes a few minutes."""
    found = win_rates(GRIDS, np.random.Generator(np.random.PCG64(0)))
    write_table("calibration of win probabilities", calibration_table(found))
    draw_calibration(found)
    write_table("coverage of the selected setting", coverage_table(np.random.Generator(np.random.PCG64(1))))


if __name__ == "__main__":
    main()
