"""Hypothesis strategies for invalid or hostile configuration files."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from agent import AGENTS
from env import ENVS
from tests.support.habits.seeds import OwnEntropy
from tests.support.space_envs import Both, Gears
from utils.experiment.config import EnvironmentConfig

PROTOCOL: dict[str, Any] = {
    "total_timesteps": 3, "steps_per_episode": 2, "eval_interval_timesteps": 2, "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip

SMALL: dict[str, list[Any]] = {"batch_size": [2], "replay_capacity": [8], "hidden_dim": [4]}

TUNED: dict[str, list[Any]] = {"automatic_entropy_tuning": [True], "alpha_lr": [0.1]}

LATER: dict[str, list[Any]] = TUNED | {
    "policy_type": ["Mixture"], "component_policy": ["Beta"], "num_components": [2, 3], "layer_norm": [True],
    "n_step": [2], "learning_starts": [1], "normalize_observations": [True], "exploration_correlation": [0.5],
    "target_entropy": [-2.0],
}  # fmt: skip
"""Hyperparameters that are off by default."""

BASES: list[tuple[str, str, dict[str, list[Any]]]] = [
    ("Pendulum-v1", "SAC", SMALL),
    ("MountainCarContinuous-v0", "GreedyAC", SMALL | {"n_rho": [[4, 0.5]]}),
    ("Hopper-v5", "VAC", SMALL),
    ("CartPole-v1", "SACDiscrete", SMALL),
    ("Gridworld", "GreedyACDiscrete", SMALL),
    ("Acrobot-v1", "VACDiscrete", SMALL),
    ("Pendulum-v0", "linearAC", {"decay": [0.5, 0.9], "tilings": [2], "tiles": [2]}),
    ("MinAtarBreakout", "linearAC_softmax", {"decay": [0.0]}),
    ("CGW", "Random", {}),
    ("Blackjack-v1", "SACDiscrete", SMALL),
    ("Both-v0", "GreedyACDiscrete", SMALL),
    ("Gears-v0", "SAC", SMALL),
    ("OwnEntropy-v0", "Random", {}),
    ("Pendulum-v1", "SAC", SMALL | LATER),
    ("CartPole-v1", "SACDiscrete", SMALL | TUNED | {"target_entropy_fraction": [0.5], "n_step": [3]}),
    ("Pendulum-v1", "VAC", SMALL | {"policy_type": ["QGaussian"], "action_units": ["environment", "unit"]}),
]
"""Valid combinations of environment, agent and grid."""

REGISTERED = {"Both-v0": Both, "Gears-v0": Gears, "OwnEntropy-v0": OwnEntropy}
"""Environments of the tests among the bases: converted spaces, and one that is not a function of its seed."""

NEEDED: dict[str, dict[str, Any]] = {"OwnEntropy-v0": {"allow_nondeterminism": True}}
"""Keys without which an environment is refused."""

DEEP = "<nested a hundred thousand times>"
"""Placeholder for deeply nested lists, which `json` itself cannot write."""

HUGE = [10**15, 2**53, 10**18, 2**63 - 1, 2**63, 2**64, 10**400]
"""Large numbers; those from a few hundred up to these are not tried, as they could take hours and all memory."""

WORDS = [
    "", " ", "nan", "true", "null", "\x00", "../../etc", "x" * 300, "\ud800", "\u202e", "1e999", "mode", "Beta",
    "Softmax", "tanh", "orthogonal", "os:Pendulum-v1", "Pendulum", "Pendulum-v99", "ALE/Pong-v5", DEEP, "sample",
    "Mixture", "GaussianMixture", "QGaussian", "environment", "unit",
    "gymnasium:CartPole-v1", "gymnasium.envs:Pendulum-v1", "nowhere:Nothing-v0", ":Pendulum-v1", "os:", "a.:b", "..:x",
    "gymnasium:Hopper-v3", "math:nothing", *REGISTERED,
    *AGENTS, *ENVS,
]  # fmt: skip

ENV_KWARGS = [
    "render_mode", "continuous", "size", "g", "frame_skip", "xml_file", "width", "goal_velocity", "reset_noise_scale",
    "main_body", "healthy_z_range", "exclude_current_positions_from_observation", "sticky_action_prob", "reward",
    "penalty", "observation", "game", "sutton_barto_reward", "max_episode_steps", "id", "camera_id",
]  # fmt: skip

KEYS = sorted(
    {"parameters", "agent_name", "timestep", "goal", "policy_type ", "learning_rate"}
    | set(EnvironmentConfig.model_fields)
    | {key for entry in AGENTS.values() for key in entry.hyperparameters.model_fields}
)

numbers = st.one_of(
    st.integers(-2, 40),
    st.sampled_from([*HUGE, *(-number for number in HUGE)]),
    st.sampled_from([0.0, -0.0, 0.5, 1.5, 2.999, 5e-324, 1e-12, 1e308, -1e308, float("nan"), float("inf")]),
)

scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from(WORDS), st.text(max_size=8))

values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def configurations(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw an environment and an agent configuration with up to three mutations."""
    env_name, agent_name, parameters = draw(st.sampled_from(BASES))
    protocol = PROTOCOL | {"env_name": env_name} | NEEDED.get(env_name, {})
    pair = [protocol, {"agent_name": agent_name, "parameters": parameters}]
    pair = copy.deepcopy(pair)
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            mutate_tree(draw, pair)
        else:
            _set_one_key(draw, pair[0], pair[1], agent_name)
    return pair[0], pair[1]


def _set_one_key(draw: st.DrawFn, environment: Any, agent: Any, agent_name: str) -> None:
    """Assign a known key a value that may have the right type."""
    kind = draw(st.sampled_from(["protocol", "hyperparameter", "keyword"]))
    likely = (
        st.sampled_from(HUGE[:4]) | numbers | st.booleans() | st.lists(numbers, max_size=4) | st.sampled_from(WORDS)
    )
    if kind == "hyperparameter":
        keys = [*AGENTS[agent_name].hyperparameters.model_fields]
        if keys and isinstance(agent, dict) and isinstance(agent.get("parameters"), dict):
            agent["parameters"][draw(st.sampled_from(keys))] = draw(st.lists(likely, min_size=1, max_size=2))
    elif isinstance(environment, dict) and kind == "protocol":
        environment[draw(st.sampled_from([*EnvironmentConfig.model_fields]))] = draw(likely)
    elif isinstance(environment, dict):
        environment["env_kwargs"] = {draw(st.sampled_from(ENV_KWARGS)): draw(likely)}


def mutate_tree(draw: Any, tree: Any) -> None:
    """Insert, replace or remove one value in a tree of lists and dictionaries."""
    places = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    inner = [place for place in places if isinstance(tree[place], (dict, list))]
    if inner and draw(st.booleans()):
        return mutate_tree(draw, tree[draw(st.sampled_from(inner))])
    if isinstance(tree, dict) and (not places or draw(st.booleans())):
        tree[draw(st.sampled_from(KEYS))] = draw(values | st.lists(values, min_size=1, max_size=2))
    elif places and draw(st.booleans()):
        tree[draw(st.sampled_from(places))] = draw(values)
    elif places and len(places) > 2:
        del tree[draw(st.sampled_from(places))]
    return None


def encode_tree(tree: Any) -> bytes:
    """Return JSON that may contain what strict JSON lacks: NaN, Infinity, lone surrogates, very deep nesting."""
    nested = "[" * 100_000 + "]" * 100_000
    return json.dumps(tree).replace(json.dumps(DEEP), nested).encode()


@st.composite
def file_contents(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw a file's content, mostly unchanged; otherwise truncated, corrupted, re-encoded or replaced."""
    kind = draw(st.sampled_from(["whole"] * 30 + ["cut", "flipped", "twice", "other", "utf-16", "after a mark"]))
    place = draw(st.integers(0, len(content) - 1))
    changed = bytes([content[place] ^ draw(st.integers(1, 255))])
    return {
        "whole": content,
        "cut": content[:place],
        "flipped": content[:place] + changed + content[place + 1 :],
        "twice": content.replace(b"{", b'{"gamma": 0.5, "agent_name": "Random", ', 1),
        "other": draw(st.binary(max_size=30)),
        "utf-16": content.decode().encode("utf-16"),
        "after a mark": b"\xef\xbb\xbf" + content,
    }[kind]
