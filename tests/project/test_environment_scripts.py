"""Tests of install_environment.sh and activate_environment.sh on a fake cluster, whose commands record their calls."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documentation import code_blocks

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["install_environment.sh", "activate_environment.sh", "utils/alliance.sh"]
REQUIREMENTS = ["requirements-alliance.txt", "requirements-alliance-optional.txt"]
MODULES = "module load gcc python/3.11 mujoco/3.3.0"
MARK = "policy_params.complete"

FAKES = {
    "module": '#!/bin/bash\necho "module $*" >>"$CALLS"\n[[ "$*" != *"$NO_MODULE"* ]]\n',
    "virtualenv": f"""#!/bin/bash
echo "virtualenv $*" >>"$CALLS"
directory=$(realpath -- "${{@: -1}}") && "{sys.executable}" -m venv --without-pip "$directory" &&
    cp --remove-destination "$PYTHON" "$directory/bin/python"
""",
    "python": """#!/bin/bash
[[ "$1" == -m ]] && shift 2 && echo "pip $*" >>"$CALLS"
case "$*" in
    *"$KILLED_AT"*) kill -KILL $PPID ;;
    *"$FAILS_AT"*) echo "Looking in links" >&2; echo "ERROR: No matching distribution found" >&2; exit 1 ;;
esac
""",
}
NEVER = "~"
"""A text that no call contains."""


class Cluster:
    """A home, a copy of the project, and a folder of fake commands, all under a path with spaces."""

    def __init__(self, folder: Path) -> None:
        self.home, self.project, self.commands = (folder / name for name in ("a home", "a project", "commands"))
        self.environment, self.calls = self.home / "policy_params", folder / "calls"
        for path in (self.home, self.project / "utils", self.commands):
            path.mkdir(parents=True)
        for name in [*SCRIPTS, *REQUIREMENTS]:
            shutil.copy(ROOT / name, self.project / name)
        for name, text in FAKES.items():
            (self.commands / name).write_text(text)
            (self.commands / name).chmod(0o755)
        (self.commands / "python").rename(folder / "python")

    def shell(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder."""
        env = {
            "HOME": str(self.home), "PATH": f"{self.commands}:/usr/bin:/bin", "CALLS": str(self.calls),
            "PYTHON": str(self.calls.with_name("python")),
            "NO_MODULE": NEVER, "FAILS_AT": NEVER, "KILLED_AT": NEVER,
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", command], cwd=self.project, env=env | variables, capture_output=True, text=True, check=False
        )

    def install(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run install_environment.sh by its path, from another directory."""
        return self.shell(f'cd / && bash "{self.project}/install_environment.sh"', **variables)

    def take_calls(self) -> list[str]:
        """Return the calls recorded since the last time, and forget them."""
        lines = self.calls.read_text().splitlines()
        self.calls.unlink()
        return lines


@pytest.fixture
def cluster(tmp_path) -> Cluster:
    return Cluster(tmp_path / "a cluster")


def read_requirements(name: str) -> list[str]:
    """Return the requirements in a file, without its comments."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-r")]


def test_it_loads_the_modules_then_installs_wheels(cluster):
    done = cluster.install()
    assert done.returncode == 0, done.stderr
    wheels = "pip install --disable-pip-version-check --no-index"
    required = cluster.project / REQUIREMENTS[0]
    assert cluster.take_calls() == [
        MODULES,
        f"virtualenv --no-download {cluster.environment}",
        f"{wheels} --quiet --upgrade pip",
        f"{wheels} -r {required}",
        *(f"{wheels} --quiet -c {required} {spec}" for spec in read_requirements(REQUIREMENTS[1])),
    ]
    assert (cluster.environment / MARK).exists()
    assert done.stderr.splitlines()[-1].endswith(". activate_environment.sh")


def test_a_second_call_changes_nothing(cluster):
    cluster.install()
    cluster.take_calls()
    done = cluster.install()
    assert (done.returncode, cluster.take_calls()) == (0, [MODULES])
    assert "is complete" in done.stderr


def test_changed_requirements_are_installed_into_it(cluster):
    cluster.install()
    cluster.take_calls()
    with (cluster.project / REQUIREMENTS[0]).open("a") as file:
        file.write("pandas==3.0.0\n")
    assert cluster.install().returncode == 0
    calls = cluster.take_calls()
    assert calls[1].endswith(f"-r {cluster.project / REQUIREMENTS[0]}")
    assert not any(call.startswith("virtualenv") for call in calls)
    assert "pandas==3.0.0" in (cluster.environment / MARK).read_text()


STOPS = [{"FAILS_AT": "-r "}, {"FAILS_AT": "--upgrade pip"}, {"FAILS_AT": "import click"}, {"KILLED_AT": "-r "}]


@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_an_incomplete_environment_is_not_activated_and_is_created_again(stop, cluster):
    stopped = cluster.install(**stop)
    assert stopped.returncode != 0
    if "FAILS_AT" in stop:
        assert stopped.stderr.splitlines()[-1].endswith("run it again: bash install_environment.sh")
    (cluster.environment / "left over").touch()
    refused = cluster.shell(". activate_environment.sh; echo $? $VIRTUAL_ENV")
    assert refused.stdout == "1\n"
    assert f"no complete environment in {cluster.environment}" in refused.stderr
    cluster.take_calls()
    again = cluster.install()
    assert again.returncode == 0, again.stderr
    assert "creating it again" in again.stderr
    assert cluster.take_calls()[1] == f"virtualenv --no-download {cluster.environment}"
    assert not (cluster.environment / "left over").exists()


def test_an_environment_without_its_python_is_created_again(cluster):
    cluster.install()
    (cluster.environment / "bin/python").unlink()
    assert "creating it again" in cluster.install().stderr
    assert (cluster.environment / "bin/python").exists()


def test_a_link_to_another_directory_remains_a_link(cluster):
    target = cluster.home / "target"
    target.mkdir()
    cluster.environment.symlink_to(target)
    assert cluster.install(FAILS_AT="-r ").returncode == 1
    assert cluster.install().returncode == 0
    assert cluster.environment.is_symlink()
    assert (target / MARK).exists()


@pytest.mark.parametrize("names", [["main.py"], ["bin", "pyvenv.cfg"]])
def test_a_directory_that_it_did_not_create_is_left_alone(names, cluster):
    cluster.environment.mkdir()
    for name in names:
        (cluster.environment / name).touch()
    done = cluster.install()
    assert done.returncode == 1
    assert "was not created by this script; move it away" in done.stderr
    assert sorted(path.name for path in cluster.environment.iterdir()) == names


def test_missing_optional_packages_are_reported_with_their_features(cluster):
    done = cluster.install(FAILS_AT="minatar")
    assert done.returncode == 0
    assert (
        "policy_params: cannot install minatar==1.0.15; unavailable without it: MinAtar's five games "
        "(ERROR: No matching distribution found)"
    ) in done.stderr.splitlines()
    assert done.stderr.count("unavailable without it") == 1


def test_a_mujoco_that_does_not_work_is_reported(cluster):
    done = cluster.install(FAILS_AT="InvertedPendulum")
    assert done.returncode == 0
    assert "unavailable: MuJoCo's environments (ERROR: No matching distribution found)" in done.stderr


@pytest.mark.parametrize("command", ["bash install_environment.sh", ". activate_environment.sh"])
def test_elsewhere_it_reports_how_to_install(command, cluster):
    (cluster.commands / "module").unlink()
    done = cluster.shell(f"{command}; echo still here, $?")
    assert done.stdout == "still here, 1\n"
    assert "not a cluster of the Digital Research Alliance of Canada" in done.stderr
    assert "pip install -r requirements.txt" in done.stderr
    assert not cluster.environment.exists()


@pytest.mark.parametrize("command", ["bash install_environment.sh", ". activate_environment.sh"])
def test_a_missing_module_is_reported(command, cluster):
    done = cluster.shell(f"{command}; echo still here, $?", NO_MODULE="mujoco/3.3.0")
    assert done.stdout == "still here, 1\n"
    assert "cannot load the modules gcc python/3.11 mujoco/3.3.0" in done.stderr


def test_a_user_without_a_home_is_an_error(cluster):
    for name in SCRIPTS[:2]:
        script = cluster.project / name
        script.write_text(re.sub(r"^user_id=\S+ \S+", "user_id='no; body'", script.read_text(), flags=re.MULTILINE))
    assert cluster.install().returncode == 1
    done = cluster.shell(". activate_environment.sh; echo still here, $?")
    assert done.stdout == "still here, 1\n"
    assert "found 'no; body', a user without a home here" in done.stderr


STATE = 'set +o; shopt; compgen -v | grep -vE "^(_|BASH_.*|PIPESTATUS|FUNCNAME|LINENO|.*VIRTUAL.*|PATH|PS1)$"'


@pytest.mark.parametrize("options", ["", "set -eu; set -o pipefail; shopt -s nullglob"])
def test_activating_changes_only_path(options, cluster):
    cluster.install()
    cluster.take_calls()
    done = cluster.shell(
        f'{options}\n{{ {STATE}; }} >"$HOME/before"; cd /; . "$OLDPWD/activate_environment.sh"\n'
        f'{{ {STATE}; }} >"$HOME/after"\n'
        'command -v python; compgen -A function; deactivate; echo "$PATH"'
    )
    assert done.returncode == 0, done.stderr
    path = f"{cluster.commands}:/usr/bin:/bin"
    assert done.stdout.splitlines() == [str(cluster.environment / "bin/python"), "deactivate", path]
    before, after = ((cluster.home / name).read_text().splitlines() for name in ("before", "after"))
    assert set(after) - set(before) <= {"OLDPWD"}
    assert set(before) <= set(after)
    assert cluster.take_calls() == [MODULES]


def test_it_is_activated_twice_and_from_another_environment(cluster):
    cluster.install()
    other = cluster.home / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    enter = ". activate_environment.sh"
    done = cluster.shell(f'. "{other}/bin/activate"; {enter}; {enter}; echo "$PATH"')
    assert done.stdout == f"{cluster.environment}/bin:{cluster.commands}:/usr/bin:/bin\n"


def test_run_as_a_program_it_reports_how_to_source_it(cluster):
    done = cluster.shell("bash activate_environment.sh")
    assert done.returncode == 2
    assert "type: . activate_environment.sh" in done.stderr


def test_both_scripts_have_the_same_user():
    first, second = ((ROOT / name).read_text() for name in SCRIPTS[:2])
    assert re.findall(r"^user_id=\S+ \S+", first, re.M) == re.findall(r"^user_id=\S+ \S+", second, re.M) != []


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck():
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def minimum_versions(names: list[str]) -> dict[str, list[int]]:
    """Return the version that each package's requirement begins with."""
    found = (re.match(r"([\w-]+)(?:==|>=)([\d.]+)", spec) for name in names for spec in read_requirements(name))
    return {match[1].lower(): [int(part) for part in match[2].split(".")] for match in found if match}


def test_the_wheelhouse_requirements_are_those_of_the_project_and_not_newer():
    ours, theirs = minimum_versions(["requirements.txt"]), minimum_versions(REQUIREMENTS)
    theirs["pygame-ce"] = theirs.pop("pygame")  # The same library under its name in the wheelhouse.
    assert set(ours) - set(theirs) == {"mujoco", "pyarrow"}  # These are modules there.
    assert set(theirs) - set(ours) == {"glfw", "pyopengl"}  # Dependencies of mujoco, where it is not a module.
    assert all(version <= ours[name] for name, version in theirs.items() if name in ours)


def test_the_mujoco_module_is_not_newer_than_the_pin():
    (found,) = re.findall(r"mujoco/([\d.]+)", (ROOT / "utils/alliance.sh").read_text())
    assert [int(part) for part in found.split(".")] <= minimum_versions(["requirements.txt"])["mujoco"]


def test_both_commands_are_documented():
    assert {"bash install_environment.sh\n", ". activate_environment.sh\n"} <= set(code_blocks("bash"))
