"""Names with a module, and modules found for names without one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from env import UnknownEnvironment, make_env
from env.modules import find_modules, registering_functions, split_name
from tests.support.packages import LINE, install
from utils.core.errors import suggestion


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes a module and puts its folder on the path; afterwards its names are unregistered."""
    names, modules = set(gym.registry), set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    yield write
    for name in set(gym.registry) - names:
        del gym.registry[name]
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_a_name_is_split_at_its_colon():
    assert split_name("my_module:Parking-v0") == ("my_module", "Parking-v0")
    assert split_name("ALE/Pong-v5") == (None, "ALE/Pong-v5")


@pytest.mark.parametrize("version", ["", "-v0", "-v12"])
def test_a_module_may_register_with_and_without_a_version(version, module):
    module("lines_a", LINE + f"gym.register('Line{version}', entry_point='lines_a:Line')\n")
    assert type(make_env(f"lines_a:Line{version}")).__name__ == "Line"


def test_a_version_that_is_not_registered_is_an_error_with_a_suggestion(module):
    """A name without its version does not stand for the latest one, which another version of the package may change."""
    module("lines_b", LINE + "gym.register('LineOfB-v3', entry_point='lines_b:Line')\n")
    for name in ("lines_b:LineOfB", "lines_b:LineOfB-v2", "lines_b:LineOfC-v3"):
        with pytest.raises(UnknownEnvironment) as caught:
            make_env(name)
        assert str(caught.value) == (
            f"env_name: '{name}' cannot be made: importing 'lines_b' registers no environment '{name[8:]}'; allowed: a "
            "name that it registers when it is imported"
        )
        assert suggestion(caught.value.name, caught.value.allowed) == "; did you mean 'lines_b:LineOfB-v3'?"


def test_functions_that_register_are_named(module):
    module("lines_c", LINE + "from gymnasium import register, register_envs\n"
           "def register_lines(): gym.register('LineOfC-v0', entry_point='lines_c:Line')\n"
           "def _register_more(twice=False, **options): pass\n"
           "def register_one(name): pass\n"
           "def deregister(): pass\n"
           "registered = []\n")  # fmt: skip
    with pytest.raises(UnknownEnvironment, match=re.escape(
        "env_name: 'lines_c:LineOfC-v0' cannot be made: importing 'lines_c' registers no environment 'LineOfC-v0'; it "
        "has register_lines() and _register_more(); allowed: a module of yours that imports it and calls that, in place"
    )):  # fmt: skip
        make_env("lines_c:LineOfC-v0")
    assert registering_functions(sys.modules["lines_c"]) == ["register_lines", "_register_more"]
    module("mine_c", "import lines_c\nlines_c.register_lines()\n")
    assert type(make_env("mine_c:LineOfC-v0")).__name__ == "Line"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "nowhere_d:Line-v0", "no module named 'nowhere_d'; allowed: an installed package, or a module whose "
         "folder is on PYTHONPATH"),
        ("", "nowhere_d.inside:Line-v0", "no module named 'nowhere_d'; allowed: an installed"),
        ("", "lines_d.inside:Line-v0", "no module named 'lines_d.inside'; allowed: an installed"),
        ("import nowhere_e", "lines_d:Line-v0", "importing 'lines_d' raises ModuleNotFoundError: No module named "
         "'nowhere_e'"),
        ("1 / 0", "lines_d:Line-v0", "importing 'lines_d' raises ZeroDivisionError: division by zero"),
        ("if", "lines_d:Line-v0", "importing 'lines_d' raises SyntaxError: "),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_imported(text, name, message, module):
    module("lines_d", text)
    with pytest.raises(ValueError, match=re.escape(f"env_name: '{name}' cannot be made: {message}")) as caught:
        make_env(name)
    assert "\n" not in str(caught.value)


def test_an_old_mujoco_version_is_refused_behind_a_module_too():
    with pytest.raises(ValueError, match=r"env_name: 'Hopper-v3' cannot be made .* allowed: 'Hopper-v5'"):
        make_env("gymnasium:Hopper-v3")


class TestModulesOfNames:
    TEXTS = (
        "register(id='Line-v0', entry_point='x:Line')",
        "gym.envs.registration.register('Line-v0', 'x:Line')",
        "for size in (5, 6):\n    gym.register(f'LineOf{size}-v0', entry_point='x:Line')",
        "def register_all():\n    _register_one(name='Line-v0')",
    )

    @pytest.mark.parametrize("text", TEXTS)
    def test_the_module_whose_source_registers_the_name_is_named(self, text, module, tmp_path):
        module("tracks/registration", text)
        install(tmp_path, "Tracks-of-lines", ["tracks/registration.py"])
        name = "LineOf5-v0" if "LineOf" in text else "Line-v0"
        assert find_modules(name) == ["tracks"]
        with pytest.raises(UnknownEnvironment, match=f"'{name}' cannot be .*; allowed: 'tracks:{name}', which impo"):
            make_env(name)

    @pytest.mark.parametrize(
        "text",
        [
            "make('Line-v0')", "register(id='Line-v1')", "NAME = 'Line-v0'\nregister(id=NAME)", "# register('Line-v0')",
            "register(f'{name}-v0')", "register('Line-v0'", "",
        ],
    )  # fmt: skip
    def test_other_sources_are_not(self, text, module, tmp_path):
        module("tracks/registration", text)
        install(tmp_path, "tracks", ["tracks/registration.py", "tracks/not_there.py", "tracks/data.json"])
        assert find_modules("Line-v0") == []

    def test_only_packages_that_need_gymnasium_are_searched(self, module, tmp_path):
        module("other", self.TEXTS[0])
        install(tmp_path, "other", ["other.py"], requires="numpy")
        assert find_modules("Line-v0") == []
        module("lines_f", self.TEXTS[0])
        install(tmp_path, "lines-f", ["lines_f.py"], requires="gymnasium-robotics")
        assert find_modules("Line-v0") == ["lines_f"]
