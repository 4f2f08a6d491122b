"""Provenance of a result: code, packages, machine, job and time."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from utils.core.mujoco_version import mujoco_version
from utils.core.source_hash import source_hash

PACKAGES = ("torch", "numpy", "scipy", "gymnasium", "mujoco", "minatar", "pydantic", "orjson")
"""Packages whose versions are recorded."""

PYTHON = "python"
"""Name of Python among the versions."""

EXACT_PACKAGES = ("torch", "numpy", "gymnasium", "mujoco", "minatar")
"""Packages whose versions determine a run's bits, besides those that its environment comes from."""

ROOT = Path(__file__).resolve().parents[2]
"""Root directory of the project."""

SIMD = ("sse", "ssse", "avx", "fma", "f16c", "amx", "bmi", "asimd", "sve", "neon")
"""Prefixes of the CPU flags that determine which arithmetic kernels run."""


@cache
def code_version() -> dict[str, Any]:
    """Return the commit, whether tracked files differ from it, and the hash of the sources that compute a run.

    Commit and flag are None if this is not a git checkout.
    """
    commit = _run_git("rev-parse", "HEAD")
    changes = _run_git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else changes != "", "sources": source_hash()}


def _run_git(*arguments: str) -> str | None:
    """Return the output of a git command; None if it fails."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def package_versions(others: Iterable[str] = ()) -> dict[str, str | None]:
    """Return the versions of Python and of the packages a result depends on; None for a package not installed.

    others: packages besides PACKAGES, such as those that the environment comes from; none occurs twice.
    """
    names = dict.fromkeys([*PACKAGES, *(name for name in others if name != PYTHON)])
    versions = {PYTHON: platform.python_version()} | {name: _package_version(name) for name in names}
    return versions | {"mujoco": mujoco_version()}


def exact_versions(versions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded versions that determine a run's bits: EXACT_PACKAGES' and the environment's packages'."""
    others = [name for name in versions if name not in (PYTHON, *PACKAGES)]
    return {name: versions.get(name) for name in (*EXACT_PACKAGES, *others)}


@cache
def _package_version(name: str) -> str | None:
    """Return an installed package's version, None for one that is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@cache
def describe_cpu() -> dict[str, Any]:
    """Return the processor's name and the flags that determine which arithmetic kernels run."""
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    return {
        "model": fields.get("model name", platform.processor()),
        "flags": sorted(flag for flag in flags if flag.startswith(SIMD)),
    }


def peak_memory_mib() -> float:
    """Return the peak resident memory of this process so far, MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


SLURM_IDS = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_CLUSTER_NAME", "SLURM_JOB_ID")
"""Environment variables that identify a SLURM job."""


def slurm_ids() -> dict[str, str]:
    """Return the variables that identify the SLURM job of this process; {} outside of a job."""
    return {name: value for name, value in sorted(os.environ.items()) if name in SLURM_IDS}


ARITHMETIC = "portable, version 2"
"""Arithmetic of the compiled engine: the same bits on every x86-64 processor with AVX2 and FMA.

The version changes whenever the engine computes any number with other bits.
"""


def collect_provenance(
    threads: int, engine: dict[str, Any], rollout_hash: str | None, stack: list[int], start: str, end: str
) -> dict[str, Any]:
    """Return the provenance of a result.

    engine: the engine that ran and, if it was not the requested one, why.
    rollout_hash: hash of the environment's dynamics, from `env.episodes.rollout`; None without one.
    stack: indices of the runs trained together.  start, end: ISO 8601, UTC.
    """
    return {
        "code": code_version(),
        "versions": package_versions(),
        "cpu": describe_cpu(),
        "rollout_hash": rollout_hash,
        "host": platform.node(),
        "threads": threads,
        **engine,
        "stack": stack,
        "slurm": slurm_ids(),
        "start_time": start,
        "end_time": end,
        "peak_memory_mib": round(peak_memory_mib(), 1),
    }
