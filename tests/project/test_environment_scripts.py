"""install_environment.sh and activate_environment.sh on a pretended cluster, whose commands write down their calls."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["install_environment.sh", "activate_environment.sh", "utils/alliance.sh"]
REQUIREMENTS = ["requirements-alliance.txt", "requirements-alliance-optional.txt"]
MODULES = "module load gcc python/3.11 mujoco/3.3.0"
MARK = "policy_params.complete"

FAKES = {
    "module": '#!/bin/bash\necho "module $*" >>"$CALLS"\n[[ "$*" != *"$NO_MODULE"* ]]\n',
    "virtualenv": f"""#!/bin/bash
echo "virtualenv $*" >>"$CALLS"
place=$(realpath -- "${{@: -1}}") && "{sys.executable}" -m venv --without-pip "$place" &&
    cp --remove-destination "$PYTHON" "$place/bin/python"
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


class Cluster:
    """A home, a copy of the project, and a folder of commands, all under a path with spaces."""

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
        """The command in the project's folder."""
        env = {
            "HOME": str(self.home), "PATH": f"{self.commands}:/usr/bin:/bin", "CALLS": str(self.calls),
            "PYTHON": str(self.calls.with_name("python")),
            "NO_MODULE": NEVER, "FAILS_AT": NEVER, "KILLED_AT": NEVER,
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", command], cwd=self.project, env=env | variables, capture_output=True, text=True, check=False
        )

    def install(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """A call from elsewhere, by path."""
        return self.shell(f'cd / && bash "{self.project}/install_environment.sh"', **variables)

    def called(self) -> list[str]:
        """The calls since this was last asked."""
        lines = self.calls.read_text().splitlines()
        self.calls.unlink()
        return lines


@pytest.fixture
def cluster(tmp_path) -> Cluster:
    return Cluster(tmp_path / "a cluster")


def specs(name: str) -> list[str]:
    """What a requirements file names, without its comments."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-r")]


def test_it_is_made_of_wheels_after_the_modules(cluster):
    done = cluster.install()
    assert done.returncode == 0, done.stderr
    wheels = "pip install --disable-pip-version-check --no-index"
    required = cluster.project / REQUIREMENTS[0]
    assert cluster.called() == [
        MODULES,
        f"virtualenv --no-download {cluster.environment}",
        f"{wheels} --quiet --upgrade pip",
        f"{wheels} -r {required}",
        *(f"{wheels} --quiet -c {required} {spec}" for spec in specs(REQUIREMENTS[1])),
    ]
    assert (cluster.environment / MARK).exists()
    assert done.stderr.splitlines()[-1].endswith(". activate_environment.sh")


def test_a_second_call_changes_nothing(cluster):
    cluster.install()
    cluster.called()
    done = cluster.install()
    assert (done.returncode, cluster.called()) == (0, [MODULES])
    assert "is complete" in done.stderr


def test_changed_requirements_are_installed_into_it(cluster):
    cluster.install()
    cluster.called()
    with (cluster.project / REQUIREMENTS[0]).open("a") as file:
        file.write("pandas==3.0.0\n")
    assert cluster.install().returncode == 0
    calls = cluster.called()
    assert calls[1].endswith(f"-r {cluster.project / REQUIREMENTS[0]}")
    assert not any(call.startswith("virtualenv") for call in calls)
    assert "pandas==3.0.0" in (cluster.environment / MARK).read_text()


STOPS = [{"FAILS_AT": "-r "}, {"FAILS_AT": "--upgrade pip"}, {"FAILS_AT": "import click"}, {"KILLED_AT": "-r "}]


@pytest.mark.parametrize("stop", STOPS, ids=str)
def test_what_stopped_halfway_is_not_entered_and_is_made_anew(stop, cluster):
    stopped = cluster.install(**stop)
    assert stopped.returncode != 0
    if "FAILS_AT" in stop:
        assert stopped.stderr.splitlines()[-1].endswith("call it again: bash install_environment.sh")
    (cluster.environment / "left over").touch()
    refused = cluster.shell(". activate_environment.sh; echo $? $VIRTUAL_ENV")
    assert refused.stdout == "1\n"
    assert f"no complete environment in {cluster.environment}" in refused.stderr
    cluster.called()
    again = cluster.install()
    assert again.returncode == 0, again.stderr
    assert "making it anew" in again.stderr
    assert cluster.called()[1] == f"virtualenv --no-download {cluster.environment}"
    assert not (cluster.environment / "left over").exists()


def test_one_whose_python_is_gone_is_made_anew(cluster):
    cluster.install()
    (cluster.environment / "bin/python").unlink()
    assert "making it anew" in cluster.install().stderr
    assert (cluster.environment / "bin/python").exists()


def test_a_link_to_where_there_is_room_stays_one(cluster):
    room = cluster.home / "room"
    room.mkdir()
    cluster.environment.symlink_to(room)
    assert cluster.install(FAILS_AT="-r ").returncode == 1
    assert cluster.install().returncode == 0
    assert cluster.environment.is_symlink()
    assert (room / MARK).exists()


@pytest.mark.parametrize("names", [["main.py"], ["bin", "pyvenv.cfg"]])
def test_what_it_did_not_make_is_left_alone(names, cluster):
    cluster.environment.mkdir()
    for name in names:
        (cluster.environment / name).touch()
    done = cluster.install()
    assert done.returncode == 1
    assert "not made by this script; move it away" in done.stderr
    assert sorted(path.name for path in cluster.environment.iterdir()) == names


def test_what_the_wheelhouse_lacks_and_can_be_done_without_is_said(cluster):
    done = cluster.install(FAILS_AT="minatar")
    assert done.returncode == 0
    assert (
        "policy_params: without minatar==1.0.15, hence without MinAtar's five games "
        "(ERROR: No matching distribution found)"
    ) in done.stderr.splitlines()
    assert done.stderr.count("hence without") == 1


def test_a_mujoco_that_does_not_work_is_said(cluster):
    done = cluster.install(FAILS_AT="InvertedPendulum")
    assert done.returncode == 0
    assert "without MuJoCo's environments (ERROR: No matching distribution found)" in done.stderr


@pytest.mark.parametrize("command", ["bash install_environment.sh", ". activate_environment.sh"])
def test_off_the_alliance_it_says_so_and_what_to_do_there(command, cluster):
    (cluster.commands / "module").unlink()
    done = cluster.shell(f"{command}; echo still here, $?")
    assert done.stdout == "still here, 1\n"
    assert "no cluster of the Digital Research Alliance of Canada" in done.stderr
    assert "pip install -r requirements.txt" in done.stderr
    assert not cluster.environment.exists()


@pytest.mark.parametrize("command", ["bash install_environment.sh", ". activate_environment.sh"])
def test_a_module_that_is_not_there_is_named(command, cluster):
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
    assert "found 'no; body', who has no home here" in done.stderr


STATE = 'set +o; shopt; compgen -v | grep -vE "^(_|BASH_.*|PIPESTATUS|FUNCNAME|LINENO|.*VIRTUAL.*|PATH|PS1)$"'


@pytest.mark.parametrize("options", ["", "set -eu; set -o pipefail; shopt -s nullglob"])
def test_entering_puts_it_on_path_and_leaves_the_shell_as_it_was(options, cluster):
    cluster.install()
    cluster.called()
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
    assert cluster.called() == [MODULES]


def test_it_is_entered_twice_and_from_another_environment(cluster):
    cluster.install()
    other = cluster.home / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    enter = ". activate_environment.sh"
    done = cluster.shell(f'. "{other}/bin/activate"; {enter}; {enter}; echo "$PATH"')
    assert done.stdout == f"{cluster.environment}/bin:{cluster.commands}:/usr/bin:/bin\n"


def test_run_as_a_program_it_says_how_it_is_meant(cluster):
    done = cluster.shell("bash activate_environment.sh")
    assert done.returncode == 2
    assert "type: . activate_environment.sh" in done.stderr


def test_both_scripts_begin_with_the_same_user():
    first, second = ((ROOT / name).read_text() for name in SCRIPTS[:2])
    assert re.findall(r"^user_id=\S+ \S+", first, re.M) == re.findall(r"^user_id=\S+ \S+", second, re.M) != []


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck():
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def versions(names: list[str]) -> dict[str, list[int]]:
    """The version that each package's requirement begins with."""
    found = (re.match(r"([\w-]+)(?:==|>=)([\d.]+)", spec) for name in names for spec in specs(name))
    return {match[1].lower(): [int(part) for part in match[2].split(".")] for match in found if match}


def test_the_wheelhouses_requirements_are_the_projects_and_no_newer():
    ours, theirs = versions(["requirements.txt"]), versions(REQUIREMENTS)
    theirs["pygame-ce"] = theirs.pop("pygame")  # The same library under the name that the wheelhouse has.
    assert set(ours) - set(theirs) == {"mujoco", "pyarrow"}  # Modules there.
    assert set(theirs) - set(ours) == {"glfw", "pyopengl"}  # Brought by mujoco, where it is no module.
    assert all(version <= ours[name] for name, version in theirs.items() if name in ours)


def test_the_module_of_mujoco_is_no_newer_than_the_pin():
    (found,) = re.findall(r"mujoco/([\d.]+)", (ROOT / "utils/alliance.sh").read_text())
    assert [int(part) for part in found.split(".")] <= versions(["requirements.txt"])["mujoco"]


def test_the_readme_shows_both_commands():
    blocks = re.findall(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert {"bash install_environment.sh", ". activate_environment.sh"} <= set(blocks)
