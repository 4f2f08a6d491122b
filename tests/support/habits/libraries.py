"""Sleds that use other libraries: pygame's values, MuJoCo's model, charts, tables, progress bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from tests.support.habits.sled import GymStream, Sled


class PygameRect(Sled):
    """A rectangle of pygame."""

    def begin(self) -> None:
        import pygame

        self.box = pygame.Rect(0, 0, 10, 10)

    def gust(self) -> float:
        self.box.x += 1
        return self.box.x / 100


class PygameVector(Sled):
    """A vector of pygame."""

    def begin(self) -> None:
        import pygame

        self.wind = pygame.Vector2(0, 0)

    def gust(self) -> float:
        self.wind.x += 0.1
        return self.wind.x / 10


class PygameSprite(Sled):
    """A sprite of pygame in a group."""

    def begin(self) -> None:
        import pygame

        self.ball = pygame.sprite.Sprite()
        self.ball.rect = pygame.Rect(0, 0, 1, 1)
        self.balls = pygame.sprite.Group(self.ball)

    def gust(self) -> float:
        for ball in self.balls:
            ball.rect.move_ip(1, 0)
        return self.ball.rect.x / 100


class BodyMoved(Sled):
    """MuJoCo: a target's place, a mass and gravity are in the model, and drawn at reset."""

    XML = """<mujoco><worldbody><body name='t' pos='0 0 0'><geom size='.1'/></body><body pos='0 0 1'>
      <joint type='slide' axis='1 0 0'/><geom size='.1'/></body></worldbody></mujoco>"""

    def __init__(self) -> None:
        super().__init__()
        import mujoco

        self.model = mujoco.MjModel.from_xml_string(self.XML)
        self.data = mujoco.MjData(self.model)

    def begin(self) -> None:
        import mujoco

        mujoco.mj_resetData(self.model, self.data)
        self.model.body_pos[1, 0] = self.np_random.uniform(-1, 1)
        self.model.body_mass[2] = self.np_random.uniform(1, 2)
        self.model.opt.gravity[0] = self.np_random.uniform(-1, 1)
        self.model.opt.timestep = self.np_random.uniform(0.001, 0.002)
        mujoco.mj_forward(self.model, self.data)

    def obs(self) -> np.ndarray:
        return np.array([self.data.qpos[0], self.data.xpos[1, 0]], np.float32)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        import mujoco

        self.data.qfrc_applied[0] = 50 * float(action[0])
        for _ in range(5):
            mujoco.mj_step(self.model, self.data)
        distance = float(self.data.qpos[0] - self.data.xpos[1, 0])
        return self.obs(), -(distance**2), abs(distance) > 3, False, {}


class Charted(GymStream):
    """Draws a chart with a formula at every reset; matplotlib and its dependencies keep what they have read."""

    def begin(self) -> None:
        chart = Figure((1.0, 1.0))
        chart.text(0.5, 0.5, f"$x_{{{self.np_random.integers(1000)}}}^2$")
        FigureCanvasAgg(chart).draw()


class Tabled(GymStream):
    """Puts its observation into a table first."""

    def obs(self) -> np.ndarray:
        return pd.DataFrame([{"place": self.place, "speed": self.speed}]).to_numpy(np.float32)[0]


class Barred(GymStream):
    """Shows its steps as a progress bar, as training does: tqdm's classes keep count of all bars."""

    def begin(self) -> None:
        with tqdm(total=1, disable=True) as bar:
            bar.update()
