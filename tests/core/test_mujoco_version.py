"""utils/core/mujoco_version.py: the version of the library that would compute, imported or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

VERSIONS = """
import sys
from utils.core.provenance import package_versions
before, imported = package_versions()["mujoco"], "mujoco" in sys.modules
try:
    import mujoco
    print(before, package_versions()["mujoco"], mujoco.__version__, imported)
except ModuleNotFoundError:
    print(before, package_versions()["mujoco"], None, imported)
"""


def versions(*paths: Path) -> list[str]:
    """Return what a process reports: before the import, after it, the module's own version, whether it was imported.

    paths: folders that are searched before the installed packages.
    """
    code = f"import sys; sys.path[:0] = {[str(ROOT), *map(str, paths)]}\n{VERSIONS}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def fake_module(folder: Path, version: str | None, *files: str) -> Path:
    """Write a module `mujoco` of a version, with files beside it. Returns its parent."""
    (folder / "mujoco").mkdir(parents=True)
    (folder / "mujoco/__init__.py").write_text("" if version is None else f"__version__ = {version!r}")
    for name in files:
        (folder / "mujoco" / name).touch()
    return folder


def test_the_installed_version_is_found_without_an_import() -> None:
    before, after, own, imported = versions()
    assert before == after == own
    assert imported == "False"


@pytest.mark.parametrize("library", ["libmujoco.so.4.0.1", "libmujoco.4.0.1.dylib"])
def test_the_library_decides_not_the_installed_distribution(library: str, tmp_path: Path) -> None:
    assert versions(fake_module(tmp_path, "4.0.1", "libmujoco_plugin.so", library)) == [*["4.0.1"] * 3, "False"]


def test_the_library_alone_comes_with_the_metadata_of_mujoco_core(tmp_path: Path) -> None:
    fake_module(tmp_path, "9.8.7", "mujoco.dll")
    metadata = tmp_path / "mujoco_core-9.8.7.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: mujoco-core\nVersion: 9.8.7\n")
    assert versions(tmp_path) == [*["9.8.7"] * 3, "False"]


def test_an_imported_module_without_a_version_has_none(tmp_path: Path) -> None:
    before, after = versions_of_unnamed(fake_module(tmp_path, None, "libmujoco.so.4.0.1"))
    assert (before, after) == ("4.0.1", "None")


def versions_of_unnamed(folder: Path) -> tuple[str, str]:
    code = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(folder)]}\n"
        "from utils.core.mujoco_version import mujoco_version\n"
        "print(mujoco_version()); import mujoco; print(mujoco_version())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = done.stdout.split()
    return before, after


def test_no_version_where_it_is_not_installed() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import importlib.util\n"
        "from utils.core.mujoco_version import mujoco_version\n"
        "sys.path[:] = [sys.path[0]]; print(mujoco_version())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None"]
