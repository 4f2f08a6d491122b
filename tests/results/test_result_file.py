"""utils/results/result_file.py and the files under it: keys, paths, atomic writes, strict JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.support.result_trees import result_tree
from utils.core.errors import BadInput
from utils.files.atomic import check_writable, write_atomically
from utils.files.json_text import encode_json
from utils.results.result_file import ResultFile, SettingIdentity, experiment_name, results_root
from utils.results.schema import read_tree

TREE = result_tree()


def test_the_key_is_sha256_of_canonical_json():
    """The JSON is {"agent_name":"SAC","agent_params":{"a":1.0},"environment":{"e":[]},"run":3}."""
    import hashlib

    text = '{"agent_name":"SAC","agent_params":{"a":1.0},"environment":{"e":[]},"run":3}'
    expected = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert SettingIdentity("SAC", {"a": 1.0}, {"e": []}).key(3) == expected


def test_the_key_ignores_the_order_of_keys_and_nothing_else():
    key = SettingIdentity("SAC", {"a": 1.0, "b": 2.0}, {"e": 1}).key(0)
    assert key == SettingIdentity("SAC", {"b": 2.0, "a": 1.0}, {"e": 1}).key(0)
    others = [
        SettingIdentity("VAC", {"a": 1.0, "b": 2.0}, {"e": 1}).key(0),
        SettingIdentity("SAC", {"a": 1.0, "b": 2.1}, {"e": 1}).key(0),
        SettingIdentity("SAC", {"a": 1.0, "b": 2.0}, {"e": 2}).key(0),
        SettingIdentity("SAC", {"a": 1.0, "b": 2.0}, {"e": 1}).key(1),
    ]
    assert len({key, *others}) == 5


@pytest.mark.parametrize(
    ("save_dir", "path"),
    [
        ("results", "results"),
        ("mine", "results/mine"),
        ("./mine", "results/mine"),
        ("results/mine", "results/mine"),
        ("./results", "results"),
        ("/scratch/me", "/scratch/me"),
    ],
)
def test_where_results_go(save_dir, path):
    assert results_root(save_dir) == Path(path)


def test_names_of_experiments():
    assert experiment_name("Pendulum-v1", "SAC", ["Gaussian"]) == "Pendulum-v1_SAC_Gaussian"
    assert experiment_name("Pendulum-v1", "SAC", ["Beta", "Gaussian"]) == "Pendulum-v1_SAC"
    assert experiment_name("Pendulum-v1", "Random", None) == "Pendulum-v1_Random"
    assert experiment_name("ALE/Pong-v5", "SAC", None) == "ALE-Pong-v5_SAC"


def test_what_is_not_finite_is_null():
    text = encode_json({"x": [1.5, float("nan"), float("inf"), float("-inf")], "y": np.float64("nan")})
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name)) == {"x": [1.5, None, None, None], "y": None}


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_names_match_no_reader(tmp_path, monkeypatch):
    seen: list[str] = []
    replace = os.replace

    def spy(source, target):
        seen.append(Path(source).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", spy)
    write_atomically(tmp_path / "a.json", b"{}")
    assert seen[0].startswith(".")
    assert not seen[0].endswith((".json", ".npz"))


def test_a_result_without_its_arrays_does_not_exist(tmp_path):
    tree = json.loads(json.dumps(TREE))
    tree["experiment_data"]["0"]["runs"][0]["learned_params"] = {"file": "x.npz"}
    file = ResultFile(tmp_path, "x")
    assert not file.exists()
    file.write(tree, {"w": np.ones(2, np.float32)})
    assert file.exists()
    file.npz.unlink()
    assert not file.exists()


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    others = [tmp_path / name for name in (".x.mp4.1.tmp", ".xy.json.1.tmp", ".y.npz.1.tmp")]
    for path in (*others, tmp_path / ".x.json.1.tmp", tmp_path / ".x.npz.1.tmp"):
        path.write_bytes(b"half")
    ResultFile(tmp_path, "x").write(TREE, {})
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "x.json"])


def test_new_directories_are_made_to_last(tmp_path, monkeypatch):
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    check_writable(tmp_path / "a" / "b")
    assert set(synced) == {str(tmp_path), str(tmp_path / "a")}


def test_equal_arrays_make_equal_files(tmp_path):
    one, two = ResultFile(tmp_path, "one"), ResultFile(tmp_path, "two")
    for file in (one, two):
        file.write(TREE, {"w": np.arange(3.0)})
    assert one.npz.read_bytes() == two.npz.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"experiment": {}, "experiment_data": {"0": 1}}',
        '{"experiment": {}, "experiment_data": []}',
        "NaN",
    ],
)
def test_what_is_not_a_result_is_refused(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"x\.json: not"):
        read_tree(path)


def test_checking_a_directory_leaves_nothing_but_the_directory(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_an_unwritable_directory_is_refused_and_not_half_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        check_writable(tmp_path / "file" / "a" / "b")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
