"""Compare releases of MuJoCo with the one that requirements.txt pins, in all of Gymnasium's MuJoCo environments.

    python tests/faults/mujoco_releases.py --folder releases

Each release is installed with pip into a virtual environment of its own in the folder, next to the other packages of
this Python; releases that are there already are not installed again. In each, the fingerprint of every environment is
taken as before training. The table has a cell for each release and environment:

    =          the same to the bit
    (=)        the same observations at all recorded steps
    1e-13      rounding
    _2e-05_    other numerics: the largest jump
    **0.05**   another task: the largest jump

The sizes are those of `utils.results.rollout_diff`. The first row is the pinned release, with every joint's position
moved down by one unit in the last place after each reset. (Up, two joints of Pusher would pass their limits.)
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click

from utils.results.rollout_diff import KINDS, measure_difference

ROOT = Path(__file__).resolve().parents[2]

RELEASES = (
    "3.1.0", "3.1.6", "3.2.0", "3.2.3", "3.2.7", "3.3.0", "3.3.2", "3.3.4", "3.3.5", "3.3.6", "3.3.7", "3.4.0", "3.5.0",
    "3.6.0", "3.7.0", "3.8.0", "3.8.1", "3.9.0", "3.10.0", "3.11.0", "3.12.0", "3.13.0", "3.14.0", "3.15.0", "3.16.0",
    "3.17.0", "4.0.0", "4.0.1",
)  # fmt: skip

SPLIT = 4
"""First major version whose library is in the distribution mujoco-core."""

ENVIRONMENTS = (
    "Ant", "HalfCheetah", "Hopper", "Humanoid", "HumanoidStandup", "InvertedDoublePendulum", "InvertedPendulum",
    "Pusher", "Reacher", "Swimmer", "Walker2d",
)  # fmt: skip

ONE_UNIT = "one unit"
"""Name of the row in which the pinned release begins one unit in the last place away."""

FINGERPRINTS = """
import json, sys
import mujoco, numpy as np
from env import EpisodeProtocol, Episodes, make_env
from env.episodes.rollout import take_fingerprint

class Moved(Episodes):
    def reset(self):
        obs, qpos = super().reset(), self.env.unwrapped.data.qpos
        qpos[:] = np.nextafter(qpos, -np.inf)
        return obs

kind = Moved if sys.argv[1] == "moved" else Episodes
make = lambda name: kind(make_env(f"{name}-v5"), EpisodeProtocol(1000), 0)
taken = {name: take_fingerprint(lambda: make(name)) for name in sys.argv[2:]}
print(json.dumps({"version": mujoco.__version__, "fingerprints": taken}))
"""

Fingerprints = dict[str, Any]
"""Hash and trace of each environment."""


def pinned_release() -> str:
    """Return the release of MuJoCo in requirements.txt."""
    (found,) = re.findall(r"^mujoco==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    return found


def install_release(folder: Path, release: str) -> Path:
    """Install a release into a virtual environment, unless it is there. Returns its Python."""
    home, site = folder / release, folder / "packages"
    python = home / "bin/python"
    if not (home / "installed").exists():
        _link_packages(site)
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", home], check=True)
        own = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        Path(own.stdout.strip(), "packages.pth").write_text(f"{site.resolve()}\n")
        package = "mujoco-core" if int(release.split(".")[0]) >= SPLIT else "mujoco"
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--disable-pip-version-check", f"{package}=={release}"], check=True)
        (home / "installed").touch()
    return python


def _link_packages(site: Path) -> None:
    """Make a folder of links to this Python's packages without MuJoCo: modules of two releases would mix."""
    site.mkdir(parents=True, exist_ok=True)
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        link = site / path.name
        if not path.name.startswith("mujoco") and not link.is_symlink():
            link.symlink_to(path)


def take_fingerprints(python: Path, release: str, moved: bool = False) -> Fingerprints:
    """Return hash and trace of each environment under a release.

    moved: whether every joint's position is moved down by one unit in the last place after each reset.
    """
    command = [python, "-c", FINGERPRINTS, "moved" if moved else "as it is", *ENVIRONMENTS]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["version"] == release, f"found MuJoCo {found['version']} instead of {release}"
    return found["fingerprints"]


def describe_cell(found: Any, pinned: Any) -> str:
    """Return the difference between two fingerprints as a cell of the table.

    found, pinned: hash and trace.
    """
    if found[0] == pinned[0]:
        return "="
    size = measure_difference(found[1], pinned[1])
    if size is None:
        return "(=)"
    mark = dict(zip(KINDS, ("", "_", "**"), strict=True))[size.kind]
    return f"{mark}{size.relative:.0e}{mark}" if size.relative < 1e-3 else f"{mark}{size.relative:.1g}{mark}"


def table_lines(rows: list[tuple[str, Fingerprints]], pinned: Fingerprints) -> Iterator[str]:
    """Yield the lines of a Markdown table; consecutive releases with equal cells share a row."""
    yield f"| release | {' | '.join(ENVIRONMENTS)} |"
    yield "|" + "---|" * (1 + len(ENVIRONMENTS))
    cells = [(name, [describe_cell(found[env], pinned[env]) for env in ENVIRONMENTS]) for name, found in rows]
    for texts, group in itertools.groupby(cells, key=lambda row: row[1]):
        names = [name for name, _ in group]
        yield f"| {names[0] if len(names) == 1 else f'{names[0]} to {names[-1]}'} | {' | '.join(texts)} |"


@click.command(help="Compare releases of MuJoCo with the pinned one and print a table in Markdown.")
@click.option(
    "--folder", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the virtual environments: 28 releases take 1 GB.",
)  # fmt: skip
@click.option("--release", "releases", multiple=True, help="Release to compare; may be given more than once.")
def main(folder: Path, releases: tuple[str, ...]) -> None:
    """Run the command line."""
    pinned = pinned_release()
    python = install_release(folder, pinned)
    reference = take_fingerprints(python, pinned)
    rows = [(ONE_UNIT, take_fingerprints(python, pinned, moved=True))]
    for release in releases or RELEASES:
        rows.append((release, take_fingerprints(install_release(folder, release), release)))
        click.echo(f"{release}: done", err=True)
    click.echo("\n".join(table_lines(rows, reference)))


if __name__ == "__main__":
    main()
