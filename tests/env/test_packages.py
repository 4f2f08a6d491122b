"""The installed packages that an environment comes from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from env import make_env
from env.packages import find_packages
from tests.support.packages import LINE, install
from utils.core.provenance import EXACT_PACKAGES, PACKAGES, exact_versions, package_versions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of packages on the path; afterwards its modules and environments are forgotten."""
    names, modules = set(gym.registry), set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(gym.registry) - names:
        del gym.registry[name]
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def lines(folder: Path, text: str = "", entry: str = "rails.lines:Line") -> Any:
    """Return an environment of a package "Rails_of-Lines"."""
    write(folder, "rails/__init__.py", "")
    write(folder, "rails/lines.py", f"{LINE}\n{text}\ngym.register('RailsLine-v0', entry_point='{entry}')\n")
    install(folder, "Rails_of-Lines", ["rails/__init__.py", "rails/lines.py"])
    return lambda: make_env("rails.lines:RailsLine-v0")


def test_our_own_and_gymnasiums_are_of_packages_that_are_recorded_anyway():
    for name in ("Pendulum-v0", "Pendulum-v1", "MinAtarBreakout", "Hopper-v5", "Blackjack-v1"):
        assert set(find_packages(make_env(name))) <= set(PACKAGES)
    assert "mujoco" in find_packages(make_env("Hopper-v5"))


def test_the_package_of_the_class(folder):
    env = lines(folder)()
    assert find_packages(env) == ("gymnasium", "rails-of-lines")
    versions = package_versions(find_packages(env))
    assert versions["rails-of-lines"] == "1.5"
    assert [*versions] == ["python", *PACKAGES, "rails-of-lines"]
    assert exact_versions(versions) == {name: versions[name] for name in (*EXACT_PACKAGES, "rails-of-lines")}


def test_the_packages_of_a_base_class_a_wrapper_an_attribute_and_the_entry_point(folder):
    parts = ("cars", "wraps", "worlds", "makers")
    write(folder, "cars/__init__.py", LINE)
    write(folder, "wraps/__init__.py", "import gymnasium as gym\nclass Wrap(gym.Wrapper): pass\n")
    write(folder, "worlds/__init__.py", "class World: pass\n")
    write(folder, "makers/__init__.py", "def make(**options):\n    import rails.lines\n    return rails.lines.make()\n")
    for part in parts:
        install(folder, part, [f"{part}/__init__.py"], version=f"2.{len(part)}")
    text = (
        "import cars, wraps, worlds\n"
        "class Mine(cars.Line):\n    def __init__(self): self.world = worlds.World()\n"
        "def make(): return wraps.Wrap(Mine())\n"
    )
    env = lines(folder, text, entry="makers:make")()
    assert find_packages(env) == ("cars", "gymnasium", "makers", "rails-of-lines", "worlds", "wraps")
    assert package_versions(find_packages(env))["worlds"] == "2.6"


def test_a_users_own_module_has_none(folder):
    write(folder, "alone.py", f"{LINE}\ngym.register('AloneLine-v0', entry_point='alone:Line')\n")
    assert find_packages(make_env("alone:AloneLine-v0")) == ("gymnasium",)


@pytest.mark.parametrize(("editable", "found"), [(True, ("cars", "gymnasium")), (False, ("gymnasium",))])
def test_a_folder_that_hides_a_package_is_not_that_package(editable, found, folder, tmp_path_factory, monkeypatch):
    """Only a package in development is elsewhere than where packages are installed."""
    hiding = tmp_path_factory.mktemp("hiding")
    monkeypatch.syspath_prepend(hiding)
    write(hiding, "cars/__init__.py", f"{LINE}\ngym.register('Car-v0', entry_point='cars:Line')\n")
    install(folder, "cars", ["cars/__init__.py"], editable=editable)
    assert find_packages(make_env("cars:Car-v0")) == found


def test_a_linked_package_is_that_package(folder, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    write(store, "cars/__init__.py", f"{LINE}\ngym.register('Car-v0', entry_point='cars:Line')\n")
    (folder / "cars").symlink_to(store / "cars")
    install(folder, "cars", ["cars/__init__.py"])
    assert find_packages(make_env("cars:Car-v0")) == ("cars", "gymnasium")


def test_the_version_of_a_package_that_is_not_installed_is_none():
    assert package_versions(["no-such-package", "python"])["no-such-package"] is None
