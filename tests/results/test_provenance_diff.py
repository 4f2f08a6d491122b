"""utils/results/provenance_diff.py: results whose environments behave differently are listed with the cause."""

from __future__ import annotations

from typing import Any

import pytest

from utils.results.provenance_diff import Origin, common_engine, describe_environment_differences


def origin(name: str, rollout_hash: str | None, mujoco: str = "3.3.7", flags: str = "avx avx2 fma") -> Origin:
    versions = {"numpy": "2.4.6", "mujoco": mujoco}
    return Origin(name, {"rollout_hash": rollout_hash, "versions": versions, "cpu": {"flags": flags.split()}})


def test_equal_hashes_give_no_line_even_if_versions_differ() -> None:
    assert describe_environment_differences([origin("a", "11"), origin("b", "11", mujoco="3.3.0", flags="neon")]) == []


def test_versions_and_flags_of_both_sides_are_listed() -> None:
    [line] = describe_environment_differences(
        [origin("a", "11"), origin("b", "22", "3.3.0", "avx avx2 avx512f avx512bw")]
    )
    assert line == (
        "a and b: their environments behave differently: rollout_hash 11 and 22; mujoco 3.3.7 and 3.3.0; "
        "CPU flags only in the first: fma; CPU flags only in the second: avx512bw avx512f"
    )


def test_equal_versions_and_flags_are_stated() -> None:
    [line] = describe_environment_differences([origin("a", "11"), origin("b", "22")])
    assert line.endswith("versions and CPU flags are the same")


def test_a_line_for_each_pair_of_hashes() -> None:
    hashes = ["11", "22", "11", "33", "22", "22"]
    lines = describe_environment_differences(origin(f"r{i}", h) for i, h in enumerate(hashes))
    assert [line.split(":")[0] for line in lines] == ["r0 and r1", "r0 and r3", "r1 and r3"]


@pytest.mark.parametrize("provenance", [None, [], {}, {"rollout_hash": None}, {"rollout_hash": 3}])
def test_results_without_a_hash_are_ignored(provenance: Any) -> None:
    assert describe_environment_differences([Origin("old", provenance), origin("a", "11")]) == []


def test_a_hash_without_versions_is_enough() -> None:
    [line] = describe_environment_differences([Origin("a", {"rollout_hash": "1", "cpu": None}), origin("b", "2")])
    assert "mujoco None and 3.3.7" in line
    assert "only in the second: avx avx2 fma" in line


@pytest.mark.parametrize(
    ("engines", "common"),
    [
        (["eager", "eager"], "eager"),
        (["eager", "compiled"], None),
        (["eager", None], None),
        ([None, None], None),
        (["eager", 3], None),
        ([], None),
    ],
)
def test_a_common_engine_takes_every_run(engines: list[Any], common: str | None) -> None:
    assert common_engine(Origin("a", {"engine": engine}) for engine in engines) == common


def test_an_origin_without_provenance_has_no_engine() -> None:
    assert common_engine([Origin("a", {"engine": "eager"}), Origin("b", None)]) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ({"commit": "c0ffee", "dirty": False}, "c0ffee"),
        ({"commit": "c0ffee", "dirty": True}, "c0ffee with uncommitted changes"),
        ({"commit": None, "dirty": None}, None),
        (None, None),
        ("c0ffee", None),
    ],
)
def test_code_is_the_commit_and_whether_files_differed(code: Any, text: str | None) -> None:
    assert Origin("a", {"code": code}).code == text
