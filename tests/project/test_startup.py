"""What a script need not have, to say what it is for, it does not load: `--help` answers at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))
HEAVY = {
    "torch", "numpy", "scipy", "pandas", "matplotlib", "gymnasium", "mujoco", "pydantic", "orjson", "tqdm", "asyncio",
    "multiprocessing", "unittest", "agent", "env",
}  # fmt: skip
LIGHT = 120
"""Modules at most beyond those that any process has; 80 or so are click and what it imports."""

PROBE = """
import runpy, sys
before = set(sys.modules)
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as done:
    assert not done.code
loaded = set(sys.modules) - before
print(len(loaded), *sorted({name.partition(".")[0] for name in loaded}))
"""


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_loads_nothing_heavy(script):
    done = subprocess.run([sys.executable, "-c", PROBE, script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    count, *packages = done.stdout.splitlines()[-1].split()
    assert "click" in packages
    assert not HEAVY & set(packages)
    assert int(count) <= LIGHT


def test_every_script_is_found():
    assert {"main.py", "simple_combine.py"} <= set(SCRIPTS)
