"""The version of MuJoCo that computes, which its distribution's metadata may not tell.

Since 4.0.0, the library is in the distribution mujoco-core, which works without the distribution mujoco; and a module
elsewhere on Python's path comes without metadata. MuJoCo is not imported: most environments do not need it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from functools import cache
from importlib import metadata

DISTRIBUTIONS = ("mujoco-core", "mujoco")
"""Distributions that may have the library, in this order."""

LIBRARY = re.compile(r"libmujoco\.(?:so\.)?(\d[\w.]*?)(?:\.dylib)?")
"""Name of the library: libmujoco.so.3.3.7, or libmujoco.3.3.7.dylib on macOS."""


def mujoco_version() -> str | None:
    """Return `mujoco.__version__`; None if MuJoCo is not installed.

    Where the module is not imported, the version is that in the name of its library, which is the same; or, where the
    name has none, that of its distribution.
    """
    if "mujoco" in sys.modules:
        found = getattr(sys.modules["mujoco"], "__version__", None)
        return None if found is None else str(found)
    return _version_on_disk()


@cache
def _version_on_disk() -> str | None:
    spec = importlib.util.find_spec("mujoco")
    if spec is None:
        return None
    for folder in filter(os.path.isdir, spec.submodule_search_locations or ()):
        for name in sorted(os.listdir(folder)):
            if match := LIBRARY.fullmatch(name):
                return match[1]
    for distribution in DISTRIBUTIONS:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None
