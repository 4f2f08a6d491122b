"""Compiled code: where it is kept, and what happens if it cannot be."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from agent.engine import build
from agent.engine.build import AVX2, CannotCompile, cache_directories, find_compiler, instruction_flags, load_library
from tests.support.reference import needs_compiler

SOURCE = 'extern "C" __attribute__((visibility("default"))) int answer() {{ return {}; }}\n'


def answer(number: int) -> int:
    """Compile a function that returns a number, and call it."""
    return load_library(SOURCE.format(number)).answer()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directory in which compiled code is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home/policy_params"


@needs_compiler
def test_code_is_compiled_once(cache, monkeypatch):
    assert answer(41) == 41
    monkeypatch.setattr(build, "compile_to", None)
    assert answer(41) == 41
    assert len(list(cache.iterdir())) == 1


@needs_compiler
def test_other_source_flags_or_compilers_have_other_names(cache, monkeypatch):
    answer(1)
    answer(2)
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-g"))
    answer(2)
    assert len(list(cache.glob("*.so"))) == 3


@needs_compiler
def test_a_home_that_cannot_be_written_is_passed_over(tmp_path, cache, monkeypatch):
    """As on clusters whose compute nodes mount it read-only."""
    cache.parent.write_text("not a directory")
    monkeypatch.setenv("SLURM_TMPDIR", str(tmp_path / "job"))
    assert answer(3) == 3
    assert len(list((tmp_path / "job/policy_params").glob("*.so"))) == 1


@needs_compiler
def test_without_any_directory_nothing_is_compiled(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(build, "cache_directories", lambda: iter([tmp_path / "file/inside"]))
    with pytest.raises(CannotCompile, match=r"cannot store compiled code: .*file/inside: Not a directory"):
        answer(4)


@needs_compiler
def test_damaged_code_is_compiled_again(cache):
    answer(5)
    (place,) = cache.glob("*.so")
    place.unlink()  # It is mapped into this process.
    place.write_bytes(b"damaged")
    assert answer(5) == 5


@needs_compiler
def test_source_that_does_not_compile(cache):
    with pytest.raises(CannotCompile, match=r"has a C\+\+ compiler that fails on this program's code: "):
        load_library("nonsense")
    assert not list(cache.glob("*.so"))


@needs_compiler
def test_processes_that_start_together_share_one_compilation(cache):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(answer, [6] * 6) == [6] * 6
    assert len(list(cache.iterdir())) == 1


def test_the_directories_in_order(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "home")
    monkeypatch.setenv("SLURM_TMPDIR", "job")
    assert [str(place) for place in cache_directories()][:2] == ["home/policy_params", "job/policy_params"]
    assert len(list(cache_directories())) == 3


def test_a_compiler_may_have_options(monkeypatch):
    monkeypatch.setenv("CXX", "sh -c")
    command = find_compiler()
    assert Path(command[0]).name == "sh"
    assert command[1:] == ["-c"]


@pytest.mark.parametrize(
    ("machine", "flags", "message"),
    [
        ("aarch64", [], "another kind of processor"),
        ("x86_64", ["avx", "fma"], "without AVX2 and FMA"),
    ],
)
def test_other_processors_cannot(machine, flags, message, monkeypatch):
    monkeypatch.setattr(build.platform, "machine", lambda: machine)
    monkeypatch.setattr(build, "describe_cpu", lambda: {"flags": flags})
    with pytest.raises(CannotCompile, match=message):
        instruction_flags()


def test_processors_without_avx512(monkeypatch):
    monkeypatch.setattr(build.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(build, "describe_cpu", lambda: {"flags": ["avx2", "fma", "avx512f"]})
    assert instruction_flags() == AVX2
