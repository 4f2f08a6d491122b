"""The limits that plans keep to are those of a real SLURM with an accounting database: not a task fewer, nor more."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.slurm.accounting import BEFORE, CHARGES, USER, reason_to_skip_accounting, running_accounting, submit
from utils.slurm.job_limits import find_limits, smallest_limit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(reason_to_skip_accounting() is not None, reason=str(reason_to_skip_accounting())),
]

MINE = sum(tasks for user, _, tasks in BEFORE if user == USER)


@pytest.fixture(scope="module", autouse=True)
def slurm() -> Iterator[None]:
    """A running SLURM."""
    with running_accounting():
        yield


@pytest.mark.parametrize("name", CHARGES)
def test_as_many_tasks_are_accepted_as_the_limit_leaves(name):
    charge = CHARGES[name]._replace(cluster="test")
    limit = smallest_limit(find_limits(charge, MINE))
    assert limit is not None
    assert limit.free > 0
    assert submit(charge, limit.free + 1) is None
    job = submit(charge, limit.free)
    assert job is not None, limit
    full = smallest_limit(find_limits(charge, MINE + limit.free))
    assert (full and full.free) == 0
    subprocess.run(["scancel", str(job)], check=True)
    for _ in range(100):
        if smallest_limit(find_limits(charge, MINE)) == limit:
            return
        time.sleep(0.1)
    raise AssertionError("the cancelled tasks still count")
