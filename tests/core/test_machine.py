"""Available cores and memory, from simulated kernel files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.core.errors import BadInput
from utils.core.machine import available_cores, available_memory, core_wait_seconds, is_alive

GIB = 2**30


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Simulate a machine with 16 cores; the fixture writes files and returns their root."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / NAMES.get(name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


NAMES = {
    "groups": "proc/self/cgroup",
    "meminfo": "proc/meminfo",
    "v2_own_cpu": "sys/fs/cgroup/jobs/job7/cpu.max",
    "v2_above_cpu": "sys/fs/cgroup/jobs/cpu.max",
    "v2_own_memory": "sys/fs/cgroup/jobs/job7/memory.max",
    "v2_above_memory": "sys/fs/cgroup/jobs/memory.max",
    "hybrid_cpu": "sys/fs/cgroup/unified/jobs/job7/cpu.max",
    "v1_quota": "sys/fs/cgroup/cpu,cpuacct/slurm/job7/cpu.cfs_quota_us",
    "v1_period": "sys/fs/cgroup/cpu,cpuacct/slurm/job7/cpu.cfs_period_us",
    "v1_top_quota": "sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "v1_top_period": "sys/fs/cgroup/cpu/cpu.cfs_period_us",
    "v1_memory": "sys/fs/cgroup/memory/slurm/job7/memory.limit_in_bytes",
}
V2 = "0::/jobs/job7\n"
V1 = "9:name=systemd:/\n5:memory:/slurm/job7\n4:cpuset:/x\n3:cpu,cpuacct:/slurm/job7\n0::/\n"


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({}, {}, 16),
        ({"groups": V2}, {}, 16),
        ({"groups": V2, "v2_own_cpu": "max 100000\n"}, {}, 16),
        ({"groups": V2, "v2_own_cpu": "400000 100000\n"}, {}, 4),
        ({"groups": V2, "v2_own_cpu": "450000 100000\n"}, {}, 4),
        ({"groups": V2, "v2_own_cpu": "50000 100000\n"}, {}, 1),
        ({"groups": V2, "v2_own_cpu": "800000 100000\n", "v2_above_cpu": "30000 10000\n"}, {}, 3),
        ({"groups": V2, "v2_own_cpu": "3200000 100000\n"}, {}, 16),
        ({"groups": V2, "hybrid_cpu": "200000 100000\n"}, {}, 2),
        ({"groups": V1, "v1_quota": "500000\n", "v1_period": "100000\n"}, {}, 5),
        ({"groups": V1, "v1_quota": "-1\n", "v1_period": "100000\n"}, {}, 16),
        ({"groups": V1, "v1_top_quota": "600000\n", "v1_top_period": "100000\n"}, {}, 6),
        ({"v1_quota": "500000\n", "v1_period": "100000\n"}, {}, 16),
        ({}, {"SLURM_CPUS_PER_TASK": "8"}, 8),
        ({}, {"SLURM_CPUS_PER_TASK": "64"}, 16),
        ({"groups": V2, "v2_own_cpu": "400000 100000\n"}, {"SLURM_CPUS_PER_TASK": "8"}, 4),
    ],
)
def test_cores_are_the_smallest_limit(files, environment, expected, machine):
    assert available_cores(environment, machine(**files)) == expected


def test_affinity_limits_cores(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    assert available_cores({}, machine()) == 3


def test_a_system_without_affinity(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert available_cores({}, machine()) == 10


@pytest.mark.parametrize("found", ["", "0", "many", "2.5"])
def test_an_invalid_slurm_variable_is_refused(found, machine):
    with pytest.raises(BadInput, match=rf"SLURM_CPUS_PER_TASK: found '{found}'; allowed: a number of cores"):
        available_cores({"SLURM_CPUS_PER_TASK": found}, machine())


MEMINFO = f"MemTotal:       {64 * 2**20} kB\nMemFree: 1 kB\nMemAvailable:   {48 * 2**20} kB\n"


@pytest.mark.parametrize(
    ("files", "gib"),
    [
        ({}, 48),
        ({"groups": V2, "v2_own_memory": "max\n"}, 48),
        ({"groups": V2, "v2_own_memory": f"{8 * GIB}\n"}, 8),
        ({"groups": V2, "v2_own_memory": f"{8 * GIB}\n", "v2_above_memory": f"{6 * GIB}\n"}, 6),
        ({"groups": V1, "v1_memory": f"{4 * GIB}\n"}, 4),
        ({"groups": V1, "v1_memory": "9223372036854771712\n"}, 48),
    ],
)
def test_memory_is_the_smallest_limit(files, gib, machine):
    assert available_memory(machine(meminfo=MEMINFO, **files)) == gib * GIB


def test_memory_of_a_system_that_reports_none_as_available(machine):
    assert available_memory(machine()) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("text", "expected"), [("853270456 2146721731 7\n", 2.146721731), ("0 0 0\n", None), ("", None)]
)
def test_the_time_without_a_core(text, expected, tmp_path):
    assert core_wait_seconds(tmp_path) is None
    path = tmp_path / "proc/self/schedstat"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert core_wait_seconds(tmp_path) == expected


def test_a_process_is_alive_until_it_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid)
    child.communicate(b"\n")
    assert not is_alive(child.pid)
    assert is_alive(os.getpid())
    assert not is_alive(2**70)


def test_a_process_of_another_user_is_alive(monkeypatch):
    def refuse(process: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert is_alive(1)
