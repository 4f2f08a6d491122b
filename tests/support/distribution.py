"""Distribution of the tests among pytest-xdist's processes."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

SPLIT = (
    "tests/agent/test_engine.py",
    "tests/project/test_documented_commands.py",
    "tests/project/test_extending.py",
    "tests/training/test_resume.py",
    "tests/training/test_bits.py",
    "tests/wiring/test_main.py",
    "tests/agent/test_actor_critics.py",
)
"""Files whose tests are distributed individually, because they take long and share nothing."""

LONG = (
    "tests/slurm/test_real_slurm.py",
    "tests/faults/test_campaign.py",
    "tests/training/test_interruption.py",
    "tests/agent/test_sac.py",
    "tests/agent/test_conformance.py",
    "tests/training/test_monitoring.py",
    "tests/wiring/test_watch.py",
    "tests/plotting/test_compare_agents.py",
    "tests/wiring/test_shipped_environments.py",
    "tests/benchmarking/test_benchmark.py",
    "tests/env/test_own_envs.py",
    "tests/wiring/test_habits.py",
    "tests/env/test_probe.py",
)
"""Other files that take more than about 10 s. Like each remaining file, one process runs all tests of a file."""

ORDER = {file: rank for rank, file in enumerate((*SPLIT, *LONG))}
"""Files in the order in which they are distributed, longest tests first; short files follow and fill the gaps."""


def rank(nodeid: str) -> int:
    """Return the position of a test's file in the order of distribution."""
    return ORDER.get(file_of(nodeid), len(ORDER))


def file_of(nodeid: str) -> str:
    """Return the file of a test."""
    return nodeid.partition("::")[0]


class FileScheduling(LoadScopeScheduling):
    """A queue of files, and of single tests of those files that take long. A process takes the next when it is free."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of the unit of work that a test belongs to."""
        file = file_of(nodeid)
        return nodeid if file in SPLIT else file
