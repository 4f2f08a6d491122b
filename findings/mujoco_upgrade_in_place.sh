#!/usr/bin/env bash
# mujoco 3.3.7 and 4.0.0, gymnasium 1.4.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: `pip install --upgrade` replaces a package, and Gymnasium's "MuJoCo is not installed" means that it is not.
# What happens: mujoco 4.0.0 has its library in another package, mujoco-core, with files of the same names. pip installs
# that one first and then removes the files of mujoco 3.3.7, which are now mujoco-core's. Both packages are listed as
# installed and the import fails. Gymnasium turns that into "MuJoCo is not installed" with the advice to run
# `pip install "gymnasium[mujoco]"`, which finds every requirement satisfied and repairs nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip=("$work/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" gymnasium==1.4.0 mujoco==3.3.7 2> /dev/null
"${pip[@]}" --upgrade mujoco==4.0.0 2> /dev/null
"${pip[@]}" "gymnasium[mujoco]==1.4.0" mujoco==4.0.0 2> /dev/null
"$work/venv/bin/python" - <<'PY'
import sys
from importlib import metadata

import gymnasium

versions = [metadata.version(name) for name in ("mujoco", "mujoco-core")]
print("installed: mujoco", versions[0], "and mujoco-core", versions[1])
try:
    gymnasium.make("Hopper-v5")
except gymnasium.error.DependencyNotInstalled as error:
    print(f"Gymnasium: {error}")
    print(f"its cause: {error.__cause__}")
    sys.exit(versions != ["4.0.0", "4.0.0"] or "not installed" not in str(error))
sys.exit("Hopper-v5 can be made")
PY
