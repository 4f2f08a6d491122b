"""Hyperparameters whose default has changed: results from before do not hold them, and get the value they had.

Later additions whose default leaves runs as they were need nothing here: results hold them where they differ from it.
"""

from __future__ import annotations

from typing import Any


def complete_tree(tree: dict[str, Any]) -> None:
    """Add, to the settings and the grid of a result or a data.json, what its agent did before it had a name."""
    grid, added = tree["experiment"]["agent"]["parameters"], dict[str, Any]()
    for cell in tree["experiment_data"].values():
        missing = {k: v for k, v in _before(cell["agent_params"]).items() if k not in cell["agent_params"]}
        cell["agent_params"] |= missing
        added |= missing
    for name, value in added.items():
        grid.setdefault(name, [value])


def _before(params: dict[str, Any]) -> dict[str, Any]:
    """Return the value that each hyperparameter had for an agent with these others, before it existed."""
    discrete = params.get("policy_type") == "Softmax"
    if discrete:
        return {"target_entropy_fraction": 0.98} if "automatic_entropy_tuning" in params else {}
    chosen = "policy_type" in params or "tilings" in params  # Other agents have a policy of their own.
    return {"action_units": "environment"} if "clip_stddev" in params and chosen else {}
