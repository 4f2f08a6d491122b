"""Installed packages that an environment comes from: their versions determine what it computes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium as gym

from utils.core.provenance import PACKAGES


def find_packages(env: gym.Env[Any, Any]) -> tuple[str, ...]:
    """Return the normalized names of the packages that an environment comes from, sorted.

    These are the packages of its class and its base classes, of its wrappers, of the entry point that makes it, and of
    the objects in its attributes, such as an engine's world or the environment of another framework. Modules of no
    installed package have none.
    """
    tops = {module.partition(".")[0] for module in _modules(env)} & sys.modules.keys() - sys.stdlib_module_names
    known = tops & set(PACKAGES)
    return tuple(sorted(known.union(*(_packages_of(top) for top in tops - known - {__name__.partition(".")[0]}))))


def _modules(env: gym.Env[Any, Any]) -> Iterator[str]:
    """Yield the names of the modules that an environment's code and objects come from."""
    while isinstance(env, gym.Wrapper):
        yield type(env).__module__
        env = env.env
    for kind in type(env).__mro__:
        yield kind.__module__
    for value in vars(env).values():
        yield type(value).__module__
    entry = getattr(env.spec, "entry_point", None)
    yield re.split(r"[:.]", entry)[0] if isinstance(entry, str) else str(getattr(entry, "__module__", ""))


def _packages_of(top: str) -> set[str]:
    """Return the packages that a top-level module was imported from."""
    names = metadata.packages_distributions().get(top, [top])
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names if _holds(name, top)}


def _holds(name: str, top: str) -> bool:
    """Return whether a package of this name is installed and holds the imported top-level module.

    A folder on PYTHONPATH may hide the module; a package in development is not where packages are installed.
    """
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    root = Path(str(distribution.locate_file("")))
    found = [*getattr(sys.modules[top], "__path__", ()), getattr(sys.modules[top], "__file__", None)]
    places = [Path(place) for place in found if place]
    inside = any(
        root.absolute() in place.absolute().parents or root.resolve() in place.resolve().parents for place in places
    )  # Installers may link to their files.
    return inside or '"editable": true' in (distribution.read_text("direct_url.json") or "")
