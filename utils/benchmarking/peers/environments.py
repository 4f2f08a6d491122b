"""Virtual environments of peers, created on demand in a cache folder.

An environment's name contains a hash of its requirements, so a change of the requirements makes a new one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALL_TIMEOUT = 1800.0
"""Seconds after which an installation is given up."""

MAX_REASON = 150
"""Characters of a reason."""


class NotAvailable(Exception):
    """A peer cannot be installed or cannot train here; the message is the reason, one line."""


def cache_folder() -> Path:
    """Return the folder of all peers' environments."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "policy_params" / "peers"


def environment_path(requirements: Path) -> Path:
    """Return the folder of an environment.  requirements: a file named requirements-<peer>.txt."""
    name = requirements.stem.removeprefix("requirements-")
    pins = requirements.read_bytes() + platform.python_version().encode()
    return cache_folder() / f"{name}-{hashlib.sha256(pins).hexdigest()[:12]}"


def peer_python(requirements: Path) -> Path:
    """Return the Python of an environment that has the requirements; install them if needed.  Raises NotAvailable."""
    place = environment_path(requirements)
    if not place.exists():
        try:
            create_environment(requirements, place)
        except subprocess.CalledProcessError as error:
            raise NotAvailable(last_error(error.stderr)) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotAvailable(last_error(str(error))) from error
    return place / "bin" / "python"


def create_environment(requirements: Path, place: Path) -> None:
    """Create an environment, which appears at `place` only when it is complete.

    Raises CalledProcessError, OSError and TimeoutExpired.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as scratch:
        made = Path(scratch) / place.name
        for words in (
            [sys.executable, "-m", "venv", "--without-pip", str(made)],
            [sys.executable, "-m", "pip", "--python", str(made), "install", "--quiet", "-r", str(requirements)],
        ):
            subprocess.run(words, capture_output=True, text=True, check=True, timeout=INSTALL_TIMEOUT)
        made.rename(place)


def last_error(text: str) -> str:
    """Return the last line that names an error, or else the last line, without the folders of paths."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    reason = (errors or lines or ["no reason given"])[-1]
    return re.sub(r"(?:/[^\s/'\"]+)+/", "", reason)[:MAX_REASON]
