"""Where a result comes from: code, packages, machine, job, time."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "gymnasium", "mujoco", "minatar", "pydantic", "orjson")

ROOT = Path(__file__).resolve().parents[2]

SIMD = ("sse", "ssse", "avx", "fma", "f16c", "amx", "bmi", "asimd", "sve", "neon")
"""Beginnings of the CPU flags that decide which arithmetic kernels run."""


@cache
def code_version() -> dict[str, Any]:
    """The commit, and whether tracked files differ from it; None where this is no git checkout."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else changes != ""}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@cache
def package_versions() -> dict[str, str | None]:
    """Version of Python and of each package whose code a result depends on; None where not installed."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


@cache
def describe_cpu() -> dict[str, Any]:
    """The processor's name and the flags that decide which arithmetic kernels run."""
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
    """The process's largest resident size so far, MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


SLURM_IDS = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_CLUSTER_NAME", "SLURM_JOB_ID")


def slurm_ids() -> dict[str, str]:
    """What SLURM calls the job that this process belongs to; {} outside of one."""
    return {name: value for name, value in sorted(os.environ.items()) if name in SLURM_IDS}


def collect_provenance(
    threads: int, engine: dict[str, Any], rollout_hash: str, stack: list[int], start: str, end: str
) -> dict[str, Any]:
    """All of it.

    engine: what computed, and why if it was not what was asked for.  rollout_hash: the environment's, from
    `env.episodes.rollout`.  stack: the indices trained together.
    start, end: ISO 8601, UTC.
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
