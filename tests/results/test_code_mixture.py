"""Whether two results are of the same version of the code."""

from __future__ import annotations

from typing import Any

import pytest

from utils.results.code_mixture import code_digest, describe_code_difference, describe_mixed_code
from utils.results.provenance_diff import Origin

VERSIONS = {"torch": "2.13.0", "numpy": "2.4.2", "orjson": "3.11"}


def origin(sources: Any = "aaa", name: str = "", **versions: str) -> Origin:
    return Origin(name, {"code": {"commit": "c", "sources": sources}, "versions": VERSIONS | versions})


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        (origin(), origin(), None),
        (origin(), origin(orjson="3.12"), None),
        (origin(), origin("bbb"), "sources aaa and bbb"),
        (origin(), origin(torch="2.11.0"), "torch 2.13.0 and 2.11.0"),
        (origin(), origin("bbb", numpy="2.3"), "sources aaa and bbb; numpy 2.4.2 and 2.3"),
        (origin(**{"highway-env": "1.10"}), origin(**{"highway-env": "1.11"}), "highway-env 1.10 and 1.11"),
        (origin(), origin(**{"highway-env": "1.11"}), "highway-env None and 1.11"),
        (origin(), origin(None, torch="2.11.0"), None),
        (origin(), Origin("", {"code": {"commit": "d"}}), None),
        (origin(), Origin("", None), None),
    ],
)
def test_the_difference_of_two(a, b, difference):
    assert describe_code_difference(a, b) == difference
    known = None not in (code_digest(a), code_digest(b))
    assert (code_digest(a) != code_digest(b) and known) == (difference is not None)


def test_several_versions_are_counted():
    found = [origin(name="x"), Origin("old", {}), origin(name="y"), origin("bbb", "z"), origin("ccc", "w")]
    assert describe_mixed_code(found[:3]) is None
    assert describe_mixed_code(found) == (
        "the runs are of 3 versions of the code (2 of sources aaa, 1 of sources bbb, 1 of sources ccc); "
        "x and z differ in sources aaa and bbb"
    )
