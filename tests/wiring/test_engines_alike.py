"""Both engines learn equally well, in distribution; run by --slow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from agent import AGENTS
from tests.support.experiments import make_experiment
from tests.support.reference import needs_compiler
from utils.experiment.config import read_agent, read_environment
from utils.training.loop import Loop
from utils.wiring import build

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 10
LEARNED = -300.0
"""A random policy gets about -5900 in 1000 steps of Pendulum-v1, a good controller about -150."""


def final_returns(engine: str, folder: Path) -> np.ndarray:
    """Return each seed's mean return in its last evaluation, after 20,000 steps of the shipped experiment."""
    changes = {"total_timesteps": 20_000, "eval_interval_timesteps": 20_000, "eval_episodes": 10}
    protocol = read_environment(str(ROOT / "config/environment/PendulumContinuous-v1.json")).model_dump() | changes
    agent = read_agent(str(ROOT / "config/agent/SAC_classic_best_pendulum.json"), AGENTS)
    experiment = make_experiment(protocol, agent.parameters, folder, agent.agent_name)
    stack = build.build_stack(experiment, [experiment.run(i) for i in range(SEEDS)])
    assert build.start_stack(stack, engine, protocol["total_timesteps"]).engine == engine
    return np.array([np.mean(record.eval_episode_rewards[-1]) for record in Loop(stack).run()])


@pytest.mark.slow
@needs_compiler
def test_engines_learn_alike(tmp_path):
    """Welch's test has a false-alarm rate of 1e-6. A rank test of ten against ten cannot; its p is only printed."""
    eager, compiled = (final_returns(engine, tmp_path) for engine in ("eager", "compiled"))
    welch = stats.ttest_ind(eager, compiled, equal_var=False).pvalue
    ranks = stats.mannwhitneyu(eager, compiled).pvalue
    for name, returns in (("eager", eager), ("compiled", compiled)):
        print(f"{name}: median {np.median(returns):.1f}, from {returns.min():.1f} to {returns.max():.1f}")
    print(f"Welch p = {welch:.3g}, Mann-Whitney p = {ranks:.3g}")
    assert min(np.median(eager), np.median(compiled)) > LEARNED
    assert welch > 1e-6
