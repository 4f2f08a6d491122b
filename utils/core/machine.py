"""What of this machine this process may use: cores and memory, by affinity, cgroup and SLURM allocation.

A container or a job is often given less than the machine has, and only the kernel's files say so
(cgroups(7); the kernel's Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and
scheduler/sched-bwc.rst).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from utils.core.errors import BadInput

SLURM_CORES = "SLURM_CPUS_PER_TASK"


def available_cores(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> int:
    """The cores this process may use, at least 1: the least that any authority allows.

    root: where /proc and /sys are.  Raises BadInput if SLURM's number is none.
    """
    allowed = [_affinity(), *_slurm_cores(environment)]
    allowed += [int(quota) for quota in _quotas(root)]
    return max(1, min(allowed))


def _affinity() -> int:
    """The cores that the scheduler may put this process on; all, where the system has no affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _slurm_cores(environment: Mapping[str, str]) -> list[int]:
    """What SLURM gave each task of the job, where there is one that asked."""
    found = environment.get(SLURM_CORES)
    if found is None:
        return []
    if not re.fullmatch(r"[1-9][0-9]*", found):
        raise BadInput(f"{SLURM_CORES}: found '{found}'; allowed: a number of cores, or leave it unset")
    return [int(found)]


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that each cgroup above this process allows, where it limits it."""
    for directory in _cgroups("cpu", root):
        limit = _words(directory / "cpu.max")
        limit = limit or _words(directory / "cpu.cfs_quota_us") + _words(directory / "cpu.cfs_period_us")
        if len(limit) == 2 and limit[0] not in ("max", "-1"):
            yield int(limit[0]) / int(limit[1])


def available_memory(root: Path = Path("/")) -> int:
    """Bytes this process may take: what the machine has to spare, or the least limit of a cgroup if that is less.

    root: where /proc and /sys are.
    """
    limits = [_spare_memory(root)]
    for directory in _cgroups("memory", root):
        limit = _words(directory / "memory.max") or _words(directory / "memory.limit_in_bytes")
        limits += [int(word) for word in limit if word != "max"]
    return min(limits)


def _spare_memory(root: Path) -> int:
    """Bytes that can be had without swapping; all there are, where the system does not tell."""
    words = _words(root / "proc/meminfo")
    if "MemAvailable:" in words:
        return int(words[words.index("MemAvailable:") + 1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cgroups(controller: str, root: Path) -> Iterator[Path]:
    """Directories of the cgroups that this process is in, from its own up to the topmost, of both versions.

    In a container the path may be the host's, and only the topmost directory be there.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for mount in {controllers, controller} if controllers else ("", "unified"):
            within = PurePosixPath(path.lstrip("/"))
            for place in (within, *within.parents):
                yield root / "sys/fs/cgroup" / mount / place


def _words(path: Path) -> list[str]:
    """The words of a file; none where there is no such file."""
    return _text(path).split()


def _text(path: Path) -> str:
    """A file's text; none where there is no such file, as on systems without these interfaces."""
    return path.read_text() if path.is_file() else ""
