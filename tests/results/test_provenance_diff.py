"""utils/results/provenance_diff.py: results whose environments behave differently are listed with the cause."""

from __future__ import annotations

from typing import Any

import pytest

from utils.results.provenance_diff import (
    Origin,
    common_engine,
    describe_environment_differences,
    environments_differ,
)


def origin(
    name: str, rollout_hash: str | None, mujoco: str = "3.3.7", flags: str = "avx avx2 fma", after_ten: float = 1.0
) -> Origin:
    """Return an origin whose trace has a sum of magnitudes 10, and after 10 steps the given sum."""
    versions = {"numpy": "2.4.6", "mujoco": mujoco, "orjson": mujoco}
    trace = {"steps": [1, 10], "dtype": "float64", "sums": [[[1.0, 10.0], [after_ten, 10.0]]]}
    provenance = {"rollout_hash": rollout_hash, "versions": versions, "cpu": {"flags": flags.split()}}
    return Origin(name, provenance | {"rollout_trace": trace})


MUJOCO = "mujoco 3.3.7 and 3.3.0; orjson 3.3.7 and 3.3.0"


def test_versions_are_listed_also_where_the_hashes_agree() -> None:
    [line] = describe_environment_differences([origin("a", "11"), origin("b", "11", mujoco="3.3.0", flags="neon")])
    assert line == f"a and b: their environments are the same to the bit in the recorded rollouts, with {MUJOCO}"


def test_equal_hashes_and_versions_give_no_line() -> None:
    assert describe_environment_differences([origin("a", "11"), origin("b", "11", flags="neon")]) == []


def test_versions_of_packages_that_environments_do_not_use_give_no_line() -> None:
    a, b = (Origin("a", {"rollout_hash": "1", "versions": {"torch": torch}}) for torch in ("2.13", "2.11"))
    assert describe_environment_differences([a, b]) == []


@pytest.mark.parametrize(
    ("after_ten", "how"),
    [
        (1.0 + 1e-12, "rounding (1e-13 after 10 steps)"),
        (1.0 + 1e-8, "other numerics (1e-09 after 10 steps)"),
        (1.5, "another task (0.05 after 10 steps)"),
        (1.0, "the same observations at all recorded steps, but other rewards, ends or steps in between"),
    ],
)
def test_the_size_versions_and_flags_of_both_sides_are_listed(after_ten: float, how: str) -> None:
    [line] = describe_environment_differences(
        [origin("a", "2:11"), origin("b", "2:22", "3.3.0", "avx avx2 avx512f avx512bw", after_ten)]
    )
    assert line == (
        f"a and b: their environments behave differently: {how}; rollout_hash 2:11 and 2:22; {MUJOCO}; "
        "CPU flags only in the first: fma; CPU flags only in the second: avx512bw avx512f"
    )


def test_hashes_of_different_forms_are_not_compared() -> None:
    [line] = describe_environment_differences([origin("a", "11"), origin("b", "2:11")])
    assert line == (
        "a and b: their environments cannot be compared: their hashes are of forms 1 and 2; "
        "rollout_hash 11 and 2:11; versions and CPU flags are the same"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [("11", "11", False), ("11", "22", True), ("2:1", "2:2", True), ("11", "2:11", None), (None, "11", None)],
)
def test_whether_environments_differ(ours: str | None, theirs: str | None, differ: bool | None) -> None:
    assert environments_differ(origin("a", ours), origin("b", theirs)) is differ
    assert environments_differ(origin("a", theirs), origin("b", ours)) is differ


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
