"""A walk through an agent's parts: its tensors and its networks, each with a name, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from agent.networks.network import Network


def parts(part: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every tensor and every network of a part of an agent once, with a name, in a fixed order."""
    seen: set[int] = set()
    waiting = [(name, part)]
    while waiting:
        name, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        inner: dict[Any, Any] = {}
        if isinstance(part, Tensor | Network):
            yield name, part
        elif isinstance(part, dict):
            inner = part
        elif isinstance(part, list | tuple):
            inner = dict(enumerate(part))
        elif type(part).__module__.startswith("agent."):
            inner = vars(part)
        waiting += [(f"{name}_{key}".strip("_").replace("__", "_"), value) for key, value in inner.items()]


def named_tensors(part: Any) -> dict[str, Tensor]:
    """Return each tensor of a part of an agent, except the views that networks make, by a name that C++ allows."""
    named: dict[str, Tensor] = {}
    for name, found in parts(part):
        if isinstance(found, Tensor):
            while name in named:
                name += "_"
            named[name] = found
    return named


def networks(part: Any) -> list[Network]:
    """Return the networks of a part of an agent."""
    return [found for _, found in parts(part) if isinstance(found, Network)]
