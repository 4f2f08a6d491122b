#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0 and with pytest 9.1.1, Python 3.11; 2026-11-27.
#
# Guess: with `--dist loadgroup`, all tests that share a mark xdist_group("name") run in one worker.
# What happens: with pytest 9.1.1 they do. With pytest 9.2.0 the mark has no effect, and nothing says so: the tests of
# one group run in both workers, and their node ids lack the "@name" that xdist appends. xdist 3.8.0 appends it by
# assigning item._nodeid in a worker, and pytest 9.2.0 no longer takes an item's node id from that attribute.
# Tests that share an expensive or exclusive resource then get it twice, in two processes at once.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/test_groups.py" <<'PY'
import time

import pytest


@pytest.mark.xdist_group("a")
@pytest.mark.parametrize("i", range(8))
def test_a(i):
    time.sleep(0.2)


@pytest.mark.xdist_group("b")
@pytest.mark.parametrize("i", range(8))
def test_b(i):
    time.sleep(0.2)
PY

# Print the number of workers that ran a test of group a.
workers_of_group_a() {
    python3 -m venv "$work/venv-$1"
    "$work/venv-$1/bin/pip" install --quiet "pytest==$1" pytest-xdist==3.8.0 2> /dev/null
    (cd "$work" && "venv-$1/bin/python" -m pytest -n 2 --dist loadgroup -v -p no:cacheprovider) > "$work/log-$1"
    sed -n 's/^\[\(gw[01]\)\].*::test_a\[.*/\1/p' "$work/log-$1" | sort -u | wc -l
}

before=$(workers_of_group_a 9.1.1)
after=$(workers_of_group_a 9.2.0)
echo "workers that ran tests of group a: pytest 9.1.1: $before, pytest 9.2.0: $after"
[ "$before" -eq 1 ] && [ "$after" -eq 2 ]
