"""Snapshots of an environment's state: saved as plain values, restored to the same bits.

1. `writer` follows all attributes of an environment and writes each object that it finds once, as a node.
2. `reader` makes new objects from the nodes and gives them to an environment that was made like the saved one.
3. `values`, `arrays`, `randomness` and `functions` write and read the kinds of objects; `env.episodes.physics`
   those of MuJoCo.
4. `layout` decides which objects consist of attributes only; `shared` finds objects that modules and classes share,
   `reach` their values that the environment's code names, and `fingerprints` hashes both.
5. `surroundings` notices what changes outside the environment while it is used.

Restoring changes the environment, the wrappers around it and MuJoCo's memory; every other object is replaced, so no
object that environments share is written to. An object that a module or a class holds is saved as a reference. It must
have the same content when the state is restored, as must all values of modules and classes that the environment's code
names. Objects that draw, and gymnasium's specifications, are kept as they are.

An object with state outside its attributes, for example in C, makes the environment unsavable.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from env.episodes.snapshot.layout import Unsavable
from env.episodes.snapshot.reader import Reader
from env.episodes.snapshot.surroundings import Surroundings
from env.episodes.snapshot.writer import Writer

__all__ = ["Surroundings", "Unsavable", "has_set_of_objects", "restore", "save"]

BY_ADDRESS = ("environment", "object", "shared", "function", "method", "name")
"""Kinds of nodes whose objects may be hashed by their address in memory."""


def save(env: gym.Env[Any, Any]) -> dict[str, Any]:
    """Return a copy of the state of an environment that was reset.

    Raises Unsavable, with the reason, if a part cannot be saved.
    """
    try:
        return Writer(env).state()
    except Unsavable:
        raise
    except Exception as error:
        raise _unsavable(env, "saved", error) from error


def restore(env: gym.Env[Any, Any], state: dict[str, Any]) -> None:
    """Restore the state of an environment made like the saved one.

    Raises Unsavable, with the reason, if it differs from the saved one. It was then reset, and is otherwise unchanged.
    """
    try:
        env.reset(seed=0)  # Creates the objects that are kept.
        Reader(env, state).restore()
    except Unsavable:
        raise
    except Exception as error:
        raise _unsavable(env, "restored", error) from error


def has_set_of_objects(state: dict[str, Any]) -> bool:
    """Return whether a saved environment holds a set of two objects or more.

    Unless their class defines a hash, its order is that of their addresses in memory, and so is any instance's own.
    """
    nodes = state["nodes"]
    sets = [content[2] for kind, content, *_ in nodes if kind in ("set", "frozenset")]
    return any(sum(isinstance(item, tuple) and nodes[item[0]][0] in BY_ADDRESS for item in items) > 1 for items in sets)


def _unsavable(env: gym.Env[Any, Any], verb: str, error: Exception) -> Unsavable:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return Unsavable(f"{type(env).__name__} cannot be {verb} ({reason})")
