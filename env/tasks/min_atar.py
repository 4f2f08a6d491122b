"""MinAtar<Game>: the five games of MinAtar (Young and Tian 2019, arXiv 1903.03176), from its package.

Observation: the game's channels of 10 by 10 cells, each 0 or 1, flattened row by row with the
channel fastest.  Action: an index into the package's list; without the minimal set 0 to 5: nothing,
left, up, right, down, fire.  With probability `sticky_action_prob` the previous action, at first
nothing, is repeated instead.  Reward, start and end: the game's own.

We load only the game's own file, because the package itself imports matplotlib and seaborn. The package
carries a sticky action over into the next episode; here an episode starts without one, so that no
episode depends on the previous one. All randomness comes from the environment's generator.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.canvas import BLACK, Canvas
from env.tasks.base import BaseEnv

GAMES = {
    "Asterix": "asterix", "Breakout": "breakout", "Freeway": "freeway",
    "Seaquest": "seaquest", "SpaceInvaders": "space_invaders",
}  # fmt: skip
"""The games' names in our environments' names, each with the package's name for it."""

NUM_ACTIONS = 6
CELLS = 10
"""Cells along each side of the screen."""

CHANNEL_COLORS = (
    (230, 60, 60), (240, 220, 70), (80, 180, 90), (80, 130, 230), (200, 110, 220),
    (90, 210, 210), (240, 150, 50), (170, 170, 170), (250, 180, 200), (140, 100, 60),
)  # fmt: skip
"""One color per channel; a later channel hides an earlier one."""


def load_game(game: str) -> Any:
    """Return the game's class from the installed package.  Raises ModuleNotFoundError if it is not installed."""
    package = find_spec("minatar")
    if package is None or package.submodule_search_locations is None:
        raise ModuleNotFoundError("MinAtar is not installed; pip install --no-deps minatar installs it")
    path = Path(package.submodule_search_locations[0]) / "environments" / f"{game}.py"
    spec = spec_from_file_location(f"minatar_{game}", path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{path} cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Env


class MinAtar(BaseEnv):
    """One of MinAtar's games."""

    view = (0.0, CELLS, 0.0, CELLS)

    def __init__(
        self, game: str, use_minimal_action_set: bool = True, sticky_action_prob: float = 0.1,
        difficulty_ramping: bool = True, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        """Load the game.

        use_minimal_action_set: leave out the actions that do nothing in this game.
        difficulty_ramping: whether the game gets harder over time, where it supports that.
        Raises ValueError for values that are not allowed, ModuleNotFoundError without the package.
        """
        if not 0 <= sticky_action_prob <= 1:
            raise ValueError(f"env_kwargs.sticky_action_prob: found {sticky_action_prob}; allowed: 0 to 1")
        self.game = load_game(game)(ramping=difficulty_ramping)
        super().__init__(render_mode)
        self.sticky_action_prob = sticky_action_prob
        self.actions = self.game.minimal_action_set() if use_minimal_action_set else list(range(NUM_ACTIONS))
        self.action_space = Discrete(len(self.actions))
        self.observation_space = Box(0.0, 1.0, (int(np.prod(self.game.state_shape())),), np.float32)
        self._last_action = 0

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Take an action, an index into `actions`. Returns obs (O,), reward, terminated, False, {}."""
        if self.np_random.random() >= self.sticky_action_prob:
            self._last_action = self.actions[action]
        reward, terminated = self.game.act(self._last_action)
        return self._get_obs(), float(reward), bool(terminated), False, {}

    def _start(self) -> None:
        # The games call numpy's old names (rand, randint); RandomState offers our generator under those.
        self.game.random = np.random.RandomState(self.np_random.bit_generator)
        self.game.reset()
        self._last_action = 0

    def _get_obs(self) -> np.ndarray:
        return self.game.state().ravel().astype(np.float32)

    def _draw(self, canvas: Canvas) -> None:
        """Draw the cells, one color per channel."""
        canvas.rectangle((0.0, CELLS), (0.0, CELLS), BLACK)
        state = self.game.state()
        for channel in range(state.shape[2]):
            for row, col in np.argwhere(state[:, :, channel]):
                canvas.rectangle((col, col + 1.0), (CELLS - row - 1.0, CELLS - row), CHANNEL_COLORS[channel])
