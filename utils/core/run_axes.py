"""How each part of an agent declares which entries of its state belong to single runs.

An agent's state is that of the R runs of its stack. A checkpoint holds one run, which may be resumed next to other
runs. So a part with a `state_dict` declares `run_axes` next to it: a mapping with the same names, in which each value
says where the runs are:

- an integer: the axis of an array or a tensor;
- "list": the elements of a list, one per run;
- "shared": nowhere, as the value is equal in all runs at the same timestep;
- a mapping: the `run_axes` of a nested part.

For example:

    class MovingAverage:
        run_axes: ClassVar[RunAxes] = {"mean": 0, "count": "shared"}

        def state_dict(self) -> dict[str, Any]:
            return {"mean": self.mean, "count": self.count}  # mean: (R,).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

RunAxes: TypeAlias = "Mapping[str, int | Literal['list', 'shared'] | RunAxes]"
"""Where the runs are in each entry of a state, by name."""
