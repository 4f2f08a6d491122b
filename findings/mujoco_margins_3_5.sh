#!/usr/bin/env bash
# mujoco 3.4.0 and 3.5.0, Python 3.11, x86-64; 2026-11-28.
#
# Guess: a minor release of MuJoCo moves a model as the one before did, up to rounding.
# What happens: up to 3.4.0, two geometries touch within the larger of their margins; from 3.5.0 on, within the sum of
# both. So a sphere that falls on a plane is slowed down from twice as far away, where both have the same margin, as in
# Gymnasium's Ant, Hopper, Humanoid and HumanoidStandup: these became other tasks, whose bodies land elsewhere.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/fall.py" <<'PY'
import mujoco

model = mujoco.MjModel.from_xml_string(
    """<mujoco><option timestep="0.002"/><default><geom margin="0.1"/></default><worldbody><geom type="plane" size="1 1 1"/>
    <body pos="0 0 0.3"><freejoint/><geom type="sphere" size="0.1"/></body></worldbody></mujoco>"""
)
data = mujoco.MjData(model)
while not data.ncon:
    mujoco.mj_step(model, data)
print(f"{data.contact.dist[0]:.4f}")
PY
for release in 3.4.0 3.5.0; do
    python3 -m venv "$work/$release"
    "$work/$release/bin/pip" install --quiet "mujoco==$release" 2> /dev/null
done
old=$("$work/3.4.0/bin/python" "$work/fall.py")
new=$("$work/3.5.0/bin/python" "$work/fall.py")
echo "margins of 0.1 at both: the first contact is at a distance of $old in 3.4.0, $new in 3.5.0"
[[ $old =~ ^0\.(09|1000) && $new =~ ^0\.(19|2000) ]]
