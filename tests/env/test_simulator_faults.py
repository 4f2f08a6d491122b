"""env/simulator_faults.py: MuJoCo 4.0.0 is refused for models with sparse Jacobians that its Newton solver solves."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import mujoco
import numpy as np
import pytest

from env import make_env
from env.simulator_faults import check_simulator


def model(balls: int, **option: str) -> mujoco.MjModel:
    """Return a model of free balls, each with 6 degrees of freedom."""
    attributes = " ".join(f'{name}="{value}"' for name, value in option.items())
    bodies = "".join(f"<body pos='0 0 {i}'><freejoint/><geom size='.1'/></body>" for i in range(balls))
    return mujoco.MjModel.from_xml_string(f"<mujoco><option {attributes}/><worldbody>{bodies}</worldbody></mujoco>")


class Physics:
    """A holder of a model, as simulators' wrappers are."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


class Balls(gym.Env[np.ndarray, np.ndarray]):
    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)
        self.itself = self


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mujoco, "__version__", "4.0.0")


@pytest.mark.parametrize(
    ("found", "sparse"),
    [
        (model(9), False),
        (model(10), True),
        (model(10, jacobian="dense"), False),
        (model(1, jacobian="sparse"), True),
        (model(10, solver="CG"), False),
        (model(10, solver="PGS"), False),
        (model(1, jacobian="sparse", solver="Newton"), True),
    ],
)
@pytest.mark.usefixtures("faulty")
def test_models_that_newtons_method_solves_with_sparse_jacobians(found: mujoco.MjModel, sparse: bool) -> None:
    if not sparse:
        return check_simulator("Balls-v0", Balls(model=found))
    with pytest.raises(ValueError, match=r"'Balls-v0' cannot be used with MuJoCo 4\.0\.0") as caught:
        check_simulator("Balls-v0", Balls(model=found))
    assert f"its model of {found.nv} degrees of freedom with a sparse Jacobian; allowed: another" in str(caught.value)
    assert "\n" not in str(caught.value)
    return None


@pytest.mark.parametrize(
    "parts",
    [
        {"model": model(10)},
        {"data": mujoco.MjData(model(10))},
        {"physics": Physics(model=Physics(_model=model(10)))},
        {"simulators": [{"arm": (model(1), model(10))}]},
    ],
)
@pytest.mark.usefixtures("faulty")
def test_models_are_found_in_attributes_and_wrappers(parts: dict[str, Any]) -> None:
    env = Balls(observation_space=gym.spaces.Box(-1, 1, (2, 2)), **parts)
    with pytest.raises(ValueError, match="60 degrees of freedom"):
        check_simulator("Balls-v0", gym.wrappers.FlattenObservation(env))


@pytest.mark.parametrize("version", ["3.17.0", "4.0.1", "4.1.0"])
def test_other_releases_are_not_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mujoco, "__version__", version)
    check_simulator("Balls-v0", Balls(model=model(10)))


@pytest.mark.usefixtures("faulty")
def test_environments_that_are_made_are_checked() -> None:
    """Humanoid-v5 has 23 degrees of freedom, so its Jacobian is dense."""
    make_env("Humanoid-v5")
    gym.register("SparseHopper-v0", entry_point=sparse_hopper)
    try:
        with pytest.raises(ValueError, match=r"'SparseHopper-v0' cannot be used .* 6 degrees of freedom"):
            make_env("SparseHopper-v0")
    finally:
        del gym.registry["SparseHopper-v0"]


def sparse_hopper(**arguments: Any) -> gym.Env[Any, Any]:
    env = gym.make("Hopper-v5", **arguments).unwrapped
    env.model.opt.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
    return env
