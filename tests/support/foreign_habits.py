"""Sleds with habits that environments of other packages were found to have."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pandas as pd
from gymnasium.spaces import Box
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from tests.support.habits import GymStream, Sled


class Charted(GymStream):
    """Draws a chart with a formula at every reset; matplotlib and its dependencies keep what they have read."""

    def start(self) -> float:
        chart = Figure((1.0, 1.0))
        chart.text(0.5, 0.5, f"$x_{{{self.np_random.integers(1000)}}}^2$")
        FigureCanvasAgg(chart).draw()
        return 0.0


class Tabled(GymStream):
    """Puts its observation into a table first."""

    def obs(self) -> np.ndarray:
        return pd.DataFrame([{"place": self.place, "speed": self.speed}]).to_numpy(np.float32)[0]


class Barred(GymStream):
    """Shows its steps as a progress bar, as training does: tqdm's classes keep count of all bars."""

    def start(self) -> float:
        with tqdm(total=1, disable=True) as bar:
            bar.update()
        return 0.0


class SeededTooLate(GymStream):
    """Draws its start before it passes the seed on, so that the seed counts from the next episode on."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.wind = float(self.np_random.uniform(-1.0, 1.0))
        return super().reset(seed=seed)

    def gust(self) -> float:
        return self.wind


class SystemEntropy(Sled):
    """Draws from the operating system's entropy, which has no state."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.SystemRandom()

    def gust(self) -> float:
        return self.rng.uniform(-1.0, 1.0)


class Board(Sled):
    """Observes an array of numbers, and counts with an iterator, which cannot be saved."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Box(-50.0, 50.0, (1, 2), np.float32)
        self.clock = itertools.count()

    def obs(self) -> np.ndarray:
        return super().obs().reshape(1, 2)
