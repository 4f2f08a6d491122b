"""Engines: compiled agrees with eager, keeps every bit in any stack, and is chosen by configuration alone.

A compilation takes a few seconds, so the default run tests one agent of each kind, and `--slow` all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agent import AGENTS, make_agent
from agent.base import Spaces
from agent.engine.build import AVX2, AVX512, instruction_flags
from agent.engine.selection import MIN_COMPILED_TIMESTEPS, Engine, reason_not_compiled, start_engine
from agent.policy import POLICIES
from agent.policy.base import ActionBox
from tests.support.reference import needs_compiler
from utils.core.provenance import ARITHMETIC
from utils.core.transition import Step

ROOT = Path(__file__).resolve().parents[2]

SHAPES = {"aligned": (3, 1, 64, 32), "odd": (5, 2, 30, 10)}
"""Observation features, action dimensions, hidden units, batch."""

STACKS = {1: [4], 2: [7, 4], 7: [1, 2, 3, 4, 5, 6, 0], 32: [*range(31, -1, -1)]}
"""Which runs stand in each slot; run 4 is compared."""

MIXED = {
    "critic_lr": (1e-3, 1e-2, 3e-3), "tau": (0.01, 0.1, 1.0), "clip_stddev": (1000.0, 2.0, 0.0),
    "alpha": (0.05, 0.1, 1.0, 0.3), "actor_lr_scale": (1.0, 0.1, 0.5), "exploration_correlation": (0.0, 0.9, 0.5),
}  # fmt: skip
"""Hyperparameters in which the runs of a stack differ."""


@dataclass(frozen=True)
class Case:
    """An agent with options.  slow: whether only --slow compiles it."""

    agent: str
    options: dict[str, Any] = field(default_factory=dict)
    slow: bool = True

    def __str__(self) -> str:
        return "-".join([self.agent, *map(str, self.options.values())])


TUNED = {"automatic_entropy_tuning": True, "alpha_lr": 1e-2}
LIKELIHOOD = {"reparameterized": False, "num_samples": 3, "baseline_actions": 2, "activation": "tanh"}

AGENT_CASES = [
    Case("SAC"),
    Case("SAC", {"double_q": False, "target_update_interval": 3} | TUNED, slow=False),
    Case("SAC", LIKELIHOOD),
    Case("GreedyAC", {"n_rho": (10, 0.3)}, slow=False),
    Case("VAC", {"num_samples": 5}),
    Case("SACDiscrete", TUNED),
    Case("GreedyACDiscrete", {"rho": 0.5}),
    Case("VACDiscrete", slow=False),
    Case("SAC", {"layer_norm": True}, slow=False),
    Case("GreedyACDiscrete", {"layer_norm": True, "activation": "tanh"}),
    Case("SAC", {"normalize_observations": True, "learning_starts": 5}, slow=False),
]

STATEFUL = [AGENT_CASES[1], AGENT_CASES[-1]]
"""Agents that learn with more than an actor, critics and replay."""

POLICY_CASES = [
    Case("SAC", {"policy_type": name}, slow=name != "Student")
    for name, family in POLICIES.items()
    if not family.discrete and name != "SquashedGaussian"
]


def cases(which: list[Case]) -> list[Any]:
    """Return the parameters of a test that compiles the cases."""
    return [pytest.param(case, marks=pytest.mark.slow if case.slow else (), id=str(case)) for case in which]


def make(case: Case, members: list[int], shape: str, engine: str, **more: Any) -> Any:
    """A stack of the members on that engine."""
    obs, dims, hidden, batch = SHAPES[shape]
    model = AGENTS[case.agent].hyperparameters
    common = {"hidden_dim": hidden, "batch_size": batch} | case.options | more
    settings = [
        model(**common, **{name: v[i % len(v)] for name, v in MIXED.items() if name in model.model_fields})
        for i in members
    ]
    box = ActionBox(torch.full((dims,), -1.0), torch.full((dims,), 1.5))
    bound = np.full(obs, np.inf)
    spaces = Spaces(-bound, bound, 3 if case.agent.endswith("Discrete") else box)
    agent = make_agent(case.agent, settings, members, 0.9, spaces)
    assert start_engine(agent, engine, 1).engine == engine
    return agent


def live(agent: Any, updates: int) -> list[dict[str, np.ndarray]]:
    """What each run has learned, and its last losses, after so many updates on transitions of its own."""
    streams = [np.random.Generator(np.random.PCG64(seed)) for seed in agent.random_seeds]
    obs_dim = agent.replay.obs_dim
    for _ in range(agent.common.batch_size - 1 + updates):
        obs, next_obs = np.stack([s.standard_normal((2, obs_dim)).astype(np.float32) for s in streams], 1)
        reward = np.stack([s.standard_normal((), np.float32) for s in streams])
        over = (reward > 1.5).astype(np.float32)
        agent.observe(Step(obs, agent.act(obs), reward, next_obs, over, over))
        metrics = agent.update()
    losses = [{name: value[slot].numpy() for name, value in metrics.items()} for slot in range(agent.runs)]
    return [agent.learned_params(slot) | losses[slot] for slot in range(agent.runs)]


def assert_same_bits(case: Case, shape: str, stacks: list[int], **more: Any) -> None:
    """Run 4 has in every stack, after 40 updates, the bits it has in the first; and they are finite."""
    first: dict[str, np.ndarray] | None = None
    for n in stacks:
        found = live(make(case, STACKS[n], shape, "compiled", **more), 40)[STACKS[n].index(4)]
        first = first or found
        for name, array in found.items():
            assert np.isfinite(array).all(), name
            np.testing.assert_array_equal(array, first[name], err_msg=f"{name}, stack of {n}")


@needs_compiler
@pytest.mark.parametrize("shape", ["odd", pytest.param("aligned", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", cases([*AGENT_CASES, *POLICY_CASES]))
def test_compiled_stacks_keep_every_bit(case, shape):
    assert_same_bits(case, shape, [1, 2, 7, 32])


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [{"batch_size": 1}, {"batch_size": 2}, {"num_hidden": 1, "hidden_dim": 5}, {"num_hidden": 3}], ids=str
)
def test_compiled_stacks_of_unusual_shapes_keep_every_bit(more):
    assert_same_bits(Case("SAC", TUNED), "odd", [1, 7], **more)


OTHERS = [AGENT_CASES[0], *AGENT_CASES[2:], *POLICY_CASES]

CLANG = shutil.which("clang++") or "clang++-14"

BUILDS = {"AVX2": ("g++", AVX2), "clang": (CLANG, AVX2), "clang, AVX-512": (CLANG, AVX512)}
"""Compilers and instructions whose code must have the bits of this machine's own."""


@needs_compiler
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    "case", [AGENT_CASES[1], *(pytest.param(case, marks=pytest.mark.slow) for case in OTHERS)], ids=str
)
def test_compilers_and_instructions_do_not_change_a_bit(case, build, monkeypatch):
    compiler, instructions = BUILDS[build]
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    if instructions == AVX512 and instruction_flags() != AVX512:
        pytest.skip("this processor has no AVX-512")
    expected = live(make(case, [0, 1], "odd", "compiled"), 40)
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setattr("agent.engine.build.instruction_flags", lambda: instructions)
    for a, b in zip(live(make(case, [0, 1], "odd", "compiled"), 40), expected, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@needs_compiler
@pytest.mark.parametrize("case", cases([*AGENT_CASES, *POLICY_CASES]))
def test_compiled_agrees_with_eager(case):
    """After three updates with steps of at most 0.01, which rounding alone sets apart.

    Where a gradient is zero but for rounding, Adam's first steps have its sign at full size: a few of a
    thousand parameters may differ by more.  Runs 1 and 4 have sigma <= 2: wider densities propose many actions at
    the bounds, whose values differ by rounding only, and so does the choice of the best.
    """
    eager, compiled = (live(make(case, [1, 4], "odd", engine), 3) for engine in ("eager", "compiled"))
    for a, b in zip(eager, compiled, strict=True):
        assert a.keys() == b.keys()
        apart = np.concatenate([np.abs(a[name] - b[name]).ravel() for name in a])
        assert (apart > 1e-4).mean() < 0.005
        assert apart.max() < 0.06


@needs_compiler
@pytest.mark.parametrize("case", STATEFUL, ids=str)
def test_a_compiled_agent_goes_on_from_a_state(case):
    """Loading changes the tensors that the compiled update works on, not others in their place."""
    original, other = (make(case, STACKS[7], "odd", "compiled") for _ in range(2))
    live(original, 5)
    other.load_state_dict(original.state_dict())
    for a, b in zip(live(original, 5), live(other, 5), strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@needs_compiler
@pytest.mark.parametrize("case", STATEFUL, ids=str)
def test_evaluation_does_not_depend_on_the_stack(case):
    obs = np.linspace(-2.0, 2.0, 35, dtype=np.float32).reshape(7, 5)
    stack, alone = make(case, STACKS[7], "odd", "compiled"), make(case, [4], "odd", "compiled")
    slot = STACKS[7].index(4)
    for greedy in (True, False):
        found = stack.act_eval(obs, greedy)[slot]
        np.testing.assert_array_equal(found, alone.act_eval(obs[slot : slot + 1], greedy)[0])


@needs_compiler
def test_a_target_averaged_now_and_then():
    (case,) = (case for case in AGENT_CASES if "target_update_interval" in case.options)
    agent = make(case, STACKS[7], "odd", "compiled")
    before = agent.critic.target_params.clone()
    live(agent, 2)
    assert torch.equal(agent.critic.target_params, before)
    agent.update()
    assert not torch.equal(agent.critic.target_params, before)


def small(name: str = "SAC", **options: Any) -> Any:
    """An agent that is only asked for its engine."""
    bound = np.full(2, 1.0)
    box = ActionBox(torch.tensor([-1.0]), torch.tensor([1.0]))
    action = 3 if name.endswith(("Discrete", "softmax")) else box
    return make_agent(name, [AGENTS[name].hyperparameters(**options)], [0], 0.9, Spaces(-bound, bound, action))


def test_auto_goes_by_the_length_of_a_run(monkeypatch):
    asked = []
    monkeypatch.setattr("agent.engine.compiled.compile_agent", asked.append)
    assert start_engine(small(), "auto", MIN_COMPILED_TIMESTEPS - 1) == Engine("eager")
    assert not asked
    assert start_engine(small(), "auto", MIN_COMPILED_TIMESTEPS) == Engine("compiled", arithmetic=ARITHMETIC)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("linearAC", {}, "LinearAC has no compiled engine"),
        ("Random", {}, "Random has no compiled engine"),
    ],
)
def test_what_is_not_compiled(name, options, reason):
    assert start_engine(small(name, **options), "compiled", 10) == Engine("eager", reason)
    assert start_engine(small(name, **options), "auto", MIN_COMPILED_TIMESTEPS) == Engine("eager")


@pytest.mark.parametrize("name", AGENTS)
def test_stacks_are_sized_for_the_engine_that_an_agent_can_have(name):
    assert AGENTS[name].hyperparameters.compiles == (reason_not_compiled(small(name)) is None)


FAILING = "#!/bin/sh\nexit 1\n"


@pytest.mark.parametrize(
    "compiler", [pytest.param(None, id="none", marks=pytest.mark.slow), pytest.param(FAILING, id="one that fails")]
)
def test_without_a_compiler_a_run_is_eager_and_says_why(compiler, files, tmp_path):
    """None by that name, or one that fails on whatever it is given."""
    path = tmp_path / "compiler"
    if compiler:
        path.write_text(compiler)
        path.chmod(0o755)
    command = [
        sys.executable, "main.py", "--engine", "compiled", "--save-dir", str(tmp_path / "out"),
        "--env-json", files.environment(total_timesteps=40), "--agent-json", files.agent(),
    ]  # fmt: skip
    env = os.environ | {"CXX": str(path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reason = "has a C++ compiler that fails" if compiler else "has no C++ compiler"
    assert reason in done.stderr
    (result,) = (tmp_path / "out").rglob("*.json")
    (setting,) = json.loads(result.read_text())["experiment_data"].values()
    origin = setting["runs"][0]["provenance"]
    assert origin["engine"] == "eager"
    assert reason in origin["engine_fallback"]


def test_code_that_computes_something_else_is_refused(monkeypatch):
    """As a broken compiler makes: here it changes nothing."""
    monkeypatch.setattr("agent.engine.compiled.Code.__call__", lambda code, *arguments: code.outputs)
    assert start_engine(small(), "compiled", 10) == Engine(
        "eager", "the machine has a C++ compiler that makes code which computes something else"
    )


@needs_compiler
def test_compiling_leaves_the_agent_as_it_is():
    agent = small()
    before = agent.learned_params(0)
    assert start_engine(agent, "compiled", 10) == Engine("compiled", arithmetic=ARITHMETIC)
    for name, array in agent.learned_params(0).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
