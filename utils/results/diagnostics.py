"""Diagnostics of finished runs, read from the arrays beside their results (docs/results.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.results.arrays import read_arrays

DIAGNOSTICS = "diagnostics"
"""Key of a run's diagnostics in its result, and beginning of the names of their arrays."""

TIMESTEP = "timestep"
"""Name of the array of the windows' ends."""


TEMPERATURE = "alpha"
"""Name of the temperature among the diagnostics."""

GROWTH, LARGE_TEMPERATURE = 10.0, 10.0
"""Ratio to its first value, and value, from which a temperature that grows is a warning sign."""

LARGE_VALUE = 1e6
"""Absolute value of any quantity that is a warning sign."""


@dataclass(frozen=True)
class RunDiagnostics:
    """A run's windows.  timesteps: (W,) at which each ends.  values: (W,) by quantity, NaN where a window has none."""

    timesteps: np.ndarray
    values: dict[str, np.ndarray]


def diagnostic_arrays(run: dict[str, Any]) -> dict[str, str]:
    """Return the names of a run's arrays of diagnostics, by quantity and `TIMESTEP`; {} if it has none."""
    named = (run.get(DIAGNOSTICS) or {}).get("arrays", ())
    return {name.removeprefix(f"{DIAGNOSTICS}/"): name for name in named}


def read_diagnostics(directory: Path, run: dict[str, Any]) -> RunDiagnostics | None:
    """Return a run's diagnostics; None if it has none.

    directory: of the run's result.  Raises BadInput if its arrays cannot be read.
    """
    names = diagnostic_arrays(run)
    if not names:
        return None
    arrays = read_arrays(directory / Path(str(run[DIAGNOSTICS]["file"])).name, names.values())
    values = {quantity: arrays[name] for quantity, name in names.items()}
    return RunDiagnostics(values.pop(TIMESTEP), values)


def warning_signs(diagnostics: Mapping[str, Sequence[float] | np.ndarray]) -> list[str]:
    """Return what suggests that a run diverges, such as "alpha has grown from 1 to 5.7e+06".

    diagnostics: (W,) values of each window, by quantity; NaN is left out.
    """
    signs = []
    for name, values in diagnostics.items():
        finite = np.asarray(values, float)[np.isfinite(values)]
        if not len(finite):
            continue
        first, last = float(finite[0]), float(finite[-1])
        if name == TEMPERATURE and last >= max(LARGE_TEMPERATURE, GROWTH * first):
            signs.append(f"{name} has grown from {first:.3g} to {last:.3g}")
        elif abs(last) >= LARGE_VALUE:
            signs.append(f"{name} is {last:.3g}")
    return signs
