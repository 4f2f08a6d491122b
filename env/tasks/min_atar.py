"""MinAtar<Game>: the five games of MinAtar (Young and Tian 2019, arXiv 1903.03176), from its package.

Observation: the game's channels of 10 by 10 cells, each 0 or 1, flattened row by row with the
channel fastest.  Action: a number, in the order that the package gives; without the minimal set
0 to 5: nothing, left, up, right, down, fire.  With probability `sticky_action_prob` the action
before, at first doing nothing, is repeated instead.  Reward, start and end: the game's own.

Only a game's own file is loaded, as the package's front door imports matplotlib and seaborn. The
package's stickiness carries an action over into the next episode; here an episode begins with none,
so that no episode depends on the one before. All chance is drawn from the environment's generator.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete

from env.drawing.picture import BLACK, METADATA, SIZE, checked_mode

GAMES = {
    "Asterix": "asterix", "Breakout": "breakout", "Freeway": "freeway",
    "Seaquest": "seaquest", "SpaceInvaders": "space_invaders",
}  # fmt: skip
"""Names as environments bear them, and the package's names."""

NUM_ACTIONS = 6
COLOURS = np.array([
    (230, 60, 60), (240, 220, 70), (80, 180, 90), (80, 130, 230), (200, 110, 220),
    (90, 210, 210), (240, 150, 50), (170, 170, 170), (250, 180, 200), (140, 100, 60),
], np.uint8)  # fmt: skip
"""One for each channel; a later channel hides an earlier one."""


def load_game(game: str) -> Any:
    """The game's class, from the installed package.  Raises ModuleNotFoundError if there is none."""
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


class MinAtar(gym.Env[np.ndarray, Any]):
    """One game.

    use_minimal_action_set: leave out the actions that do nothing in this game.
    difficulty_ramping: the game grows harder while it goes well, where it knows how.
    """

    metadata = METADATA

    def __init__(
        self, game: str, use_minimal_action_set: bool = True, sticky_action_prob: float = 0.1,
        difficulty_ramping: bool = True, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if not 0 <= sticky_action_prob <= 1:
            raise ValueError(f"sticky_action_prob is {sticky_action_prob}; allowed: 0 to 1")
        self.game = load_game(game)(ramping=difficulty_ramping)
        self.sticky_action_prob = sticky_action_prob
        self.render_mode = checked_mode(render_mode)
        self.actions = self.game.minimal_action_set() if use_minimal_action_set else list(range(NUM_ACTIONS))
        self.action_space = Discrete(len(self.actions))
        self.observation_space = Box(0.0, 1.0, (int(np.prod(self.game.state_shape())),), np.float32)
        self._last_action = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (O,)."""
        super().reset(seed=seed)
        # The games call the old names (rand, randint); this gives them our generator under those.
        self.game.random = np.random.RandomState(self.np_random.bit_generator)
        self.game.reset()
        self._last_action = 0
        return self._get_obs(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """A number out of `actions` -> obs (O,), reward, terminated, truncated, info."""
        if self.np_random.random() >= self.sticky_action_prob:
            self._last_action = self.actions[action]
        reward, terminated = self.game.act(self._last_action)
        return self._get_obs(), float(reward), bool(terminated), False, {}

    def _get_obs(self) -> np.ndarray:
        return self.game.state().ravel().astype(np.float32)

    def render(self) -> Any:
        """The cells, one colour a channel."""
        if self.render_mode is None:
            return None
        state = self.game.state()
        cells = np.full((10, 10, 3), BLACK, np.uint8)
        for channel in range(state.shape[2]):
            cells[state[:, :, channel]] = COLOURS[channel]
        return cells.repeat(SIZE // 10, axis=0).repeat(SIZE // 10, axis=1)
