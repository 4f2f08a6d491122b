"""Cores and memory that this process may use, by affinity, cgroup limits and SLURM allocation; living processes.

A container or a job often has less than the whole machine, which only the kernel's files show (cgroups(7); the kernel's
Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and scheduler/sched-bwc.rst).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from utils.core.errors import BadInput

SLURM_CORES = "SLURM_CPUS_PER_TASK"
"""Environment variable with the cores that SLURM gives each task of a job."""


def available_cores(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> int:
    """Return the number of cores this process may use: the smallest limit, at least 1.

    root: directory that contains /proc and /sys.  Raises BadInput if SLURM's variable is not a number of cores.
    """
    limits = [_affinity_cores(), *_slurm_cores(environment)]
    limits += [int(quota) for quota in _cpu_quotas(root)]
    return max(1, min(limits))


def core_wait_seconds(root: Path = Path("/")) -> float | None:
    """Return the seconds that this process has been ready to run without a core; None if the system does not tell.

    Of several threads, the first one counts.  root: directory that contains /proc.
    """
    found = _read_words(root / "proc/self/schedstat")  # On a core, waiting, timeslices: ns, ns (proc/schedstats.rst).
    return int(found[1]) / 1e9 if len(found) == 3 and found[0] != "0" else None


def _affinity_cores() -> int:
    """Return the number of cores in the process's affinity mask; all cores if the system has none."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _slurm_cores(environment: Mapping[str, str]) -> list[int]:
    """Return the cores that SLURM gives each task, in a list; an empty list outside of a job.  Raises BadInput."""
    found = environment.get(SLURM_CORES)
    if found is None:
        return []
    if not re.fullmatch(r"[1-9][0-9]*", found):
        raise BadInput(f"{SLURM_CORES}: found '{found}'; allowed: a number of cores, or unset")
    return [int(found)]


def _cpu_quotas(root: Path) -> Iterator[float]:
    """Yield the CPU time limit of each cgroup of this process that has one, in cores."""
    for directory in _cgroup_directories("cpu", root):
        limit = _read_words(directory / "cpu.max")
        limit = limit or _read_words(directory / "cpu.cfs_quota_us") + _read_words(directory / "cpu.cfs_period_us")
        if len(limit) == 2 and limit[0] not in ("max", "-1"):
            yield int(limit[0]) / int(limit[1])


def is_alive(process: int) -> bool:
    """Return whether a process of this machine exists.  process: its id, at least 1."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory this process may use: the machine's free memory, or a cgroup's limit if that is less.

    root: directory that contains /proc and /sys.
    """
    limits = [_free_memory(root)]
    for directory in _cgroup_directories("memory", root):
        limit = _read_words(directory / "memory.max") or _read_words(directory / "memory.limit_in_bytes")
        limits += [int(word) for word in limit if word != "max"]
    return min(limits)


def _free_memory(root: Path) -> int:
    """Return the bytes available without swapping; all memory if the system does not report them."""
    words = _read_words(root / "proc/meminfo")
    if "MemAvailable:" in words:
        return int(words[words.index("MemAvailable:") + 1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cgroup_directories(controller: str, root: Path) -> Iterator[Path]:
    """Yield the directories of this process's cgroups and their ancestors, of cgroup versions 1 and 2.

    In a container, the path may be that of the host, and only the topmost directory may exist.
    """
    for line in _read_text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for mount in {controllers, controller} if controllers else ("", "unified"):
            within = PurePosixPath(path.lstrip("/"))
            for ancestor in (within, *within.parents):
                yield root / "sys/fs/cgroup" / mount / ancestor


def _read_words(path: Path) -> list[str]:
    """Return the words of a file; an empty list if it does not exist."""
    return _read_text(path).split()


def _read_text(path: Path) -> str:
    """Return the text of a file; an empty string if it does not exist, as on other systems than Linux."""
    return path.read_text() if path.is_file() else ""
