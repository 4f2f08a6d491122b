"""Packages that are described as installed in a folder, and the source of an environment for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

LINE = """
import gymnasium as gym
import numpy as np

class Line(gym.Env):
    observation_space = action_space = gym.spaces.Box(-1.0, 1.0, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 0.0, False, False, {}
"""


def install(
    folder: Path, package: str, files: list[str], requires: str = "gymnasium>=1.0", version: str = "1.5",
    editable: bool = False,
) -> None:  # fmt: skip
    """Describe files in a folder as an installed package."""
    info = folder / f"{re.sub('[-_.]+', '_', package).lower()}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nRequires-Dist: {requires}\n"
    )
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    if editable:
        (info / "direct_url.json").write_text(json.dumps({"dir_info": {"editable": True}, "url": "file:///there"}))
