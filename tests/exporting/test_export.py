"""Each run is exported once, whatever is exported again; errors are one line."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.exported_runs import run_export, write_run
from tests.support.fake_results import assert_refused
from utils.exporting.catalogue import TOOLS
from utils.exporting.ledger import lock_output


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_runs_are_exported_once(tmp_path):
    results, output = tmp_path / "results", tmp_path / "output"
    for number in range(3):
        write_run(results, 1, number)
    done = run_export(results, "--to", "csv", "--output", output)
    assert (done.exit_code, done.output) == (0, f"{output}: 3 added, 0 replaced, 0 unchanged\n")
    before = files(output)
    assert len(before) == 5
    assert run_export(results, "--to", "csv", "--output", output).output.endswith("0 added, 0 replaced, 3 unchanged\n")
    assert files(output) == before


def test_a_changed_run_is_replaced_and_a_new_one_added(tmp_path):
    results, output = tmp_path / "results", tmp_path / "output"
    write_run(results, 0, 0)
    write_run(results, 0, 1)
    run_export(results, "--to", "csv", "--output", output)
    write_run(results, 0, 1, status="diverged")
    write_run(results, 0, 2)
    assert run_export(results, "--to", "csv", "--output", output).output.endswith("1 added, 1 replaced, 1 unchanged\n")
    rows = (output / "runs.csv").read_text().splitlines()
    assert [line.count("diverged") for line in rows[1:]] == [0, 1, 0]


def test_another_execution_of_the_same_run_is_not_written_again(tmp_path):
    """Times and hosts are not exported."""
    results, output = tmp_path / "results", tmp_path / "output"
    write_run(results)
    run_export(results, "--to", "csv", "--output", output)
    write_run(results, train_time=99.0, provenance={"host": "there"})
    assert run_export(results, "--to", "csv", "--output", output).output.endswith("0 added, 0 replaced, 1 unchanged\n")


def test_a_copy_of_a_run_is_the_same_run(tmp_path):
    write_run(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    done = run_export(tmp_path / "a", tmp_path / "b", "--to", "csv", "--output", tmp_path / "output")
    assert done.output.endswith("1 added, 0 replaced, 0 unchanged\n")


def test_a_run_that_was_removed_is_exported_again(tmp_path):
    key = write_run(tmp_path / "results")
    run_export(tmp_path / "results", "--to", "csv", "--output", tmp_path / "output")
    (tmp_path / f"output/Pendulum-v1_SAC_Beta_{key}.csv").unlink()
    done = run_export(tmp_path / "results", "--to", "csv", "--output", tmp_path / "output")
    assert done.output.endswith("0 added, 1 replaced, 0 unchanged\n")


def test_a_lost_ledger_doubles_nothing(tmp_path):
    """As after a kill before the ledger was written."""
    results, output = tmp_path / "results", tmp_path / "output"
    write_run(results)
    run_export(results, "--to", "csv", "--output", output)
    before = files(output)
    (output / "exported_csv.json").unlink()
    run_export(results, "--to", "csv", "--output", output)
    assert files(output) == before


def test_what_is_no_result_is_left_out(tmp_path):
    results = tmp_path / "results"
    write_run(results)
    (results / "other.json").write_text("{}")
    write_run(results, 1)
    (results / "Pendulum-v1_SAC_000001000000.npz").write_bytes(b"damaged")
    done = run_export(results, "--to", "csv", "--output", tmp_path / "output")
    assert done.exit_code == 1
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()] == ["left out"] * 2
    assert done.stdout.endswith("1 added, 0 replaced, 0 unchanged\n")


def test_a_data_json_is_enough(tmp_path):
    from tests.support.fake_results import combine

    results = tmp_path / "results"
    write_run(results)
    assert combine(results).exit_code == 0
    (results / "Pendulum-v1_SAC_000000000000.json").unlink()
    for path in (results, results / "data.json"):
        done = run_export(path, "--to", "csv", "--output", tmp_path / "output")
        assert done.exit_code == 0
    assert done.output.endswith("0 added, 0 replaced, 1 unchanged\n")


@pytest.mark.parametrize("to", sorted(TOOLS.keys() - {"csv"}))
def test_a_package_that_is_not_installed(to, tmp_path, monkeypatch):
    write_run(tmp_path / "results")
    for name in [name for name in sys.modules if name.partition(".")[0] == to]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, to, None)
    done = run_export(tmp_path / "results", "--to", to, "--output", tmp_path / "output")
    assert_refused(done, f"--to {to}", f"package {to}", "pip install -r requirements-export.txt")
    assert not (tmp_path / "output").exists()


def test_errors(tmp_path):
    results, output = tmp_path / "results", tmp_path / "output"
    assert_refused(run_export(results, "--to", "csv", "--output", output), str(results), "not found")
    results.mkdir()
    assert_refused(run_export(results, "--to", "csv", "--output", output), "found no run", "allowed")
    write_run(results)
    assert_refused(run_export(results, "--to", "csv", "--output", output, "--env-json", "x"), "both, or none")
    (tmp_path / "file").write_text("")
    assert_refused(run_export(results, "--to", "csv", "--output", tmp_path / "file"), "--output", "writable")
    output.mkdir()
    (output / "exported_csv.json").write_text(json.dumps({"a": 1}))
    assert_refused(run_export(results, "--to", "csv", "--output", output), "exported_csv.json", "remove it")
    (output / "exported_csv.json").unlink()
    (output / "runs.csv").write_text("a,b\n1,2\n")
    assert_refused(run_export(results, "--to", "csv", "--output", output), "runs.csv", "another --output")
    wrong = run_export(results, "--to", "excel", "--output", output)
    assert wrong.exit_code == 2
    assert all(tool in wrong.stderr for tool in TOOLS)


def test_one_process_at_a_time(tmp_path):
    write_run(tmp_path / "results")
    (tmp_path / "output").mkdir()
    with lock_output(tmp_path / "output"):
        done = run_export(tmp_path / "results", "--to", "csv", "--output", tmp_path / "output")
    assert_refused(done, "one process at a time")
