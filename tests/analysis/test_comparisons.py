"""Pairs of settings and agents over several environments, checked against the statistics they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.fake_results import combine, write_result
from utils.analysis.combined_results import read_combined_results
from utils.analysis.comparison_table import comparison_table
from utils.analysis.environment_scores import improvement_rows, score_complete_agents, score_rows
from utils.analysis.pairwise import compare_settings
from utils.analysis.setting_choice import SettingChoice, choose_settings
from utils.core.errors import BadInput
from utils.stats.environments import chs_normalise, improvement_probability, optimality_gap
from utils.stats.pairs import compare_pair

RUNS = 6
AGENTS, ENVIRONMENTS = ("SAC", "VAC", "GreedyAC"), ("Pendulum-v1", "Acrobot-v1")


def performance(agent: int, environment: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64([agent, environment])).normal(1.5 * agent, 1.0, RUNS)


@pytest.fixture
def columns(tmp_path: Path) -> list[list[SettingChoice]]:
    """Return the settings of three agents in each of two environments."""
    found = []
    for number, environment in enumerate(ENVIRONMENTS):
        directories = []
        for agent, name in enumerate(AGENTS):
            directory = tmp_path / f"{environment}_{name}"
            change = {"agent_name": name, "environment": {"env_name": environment}, "parameters": {"tau": [0.1]}}
            for run, value in enumerate(performance(agent, number)):
                write_result(directory, 0, run, experiment=change, returns=[[value], [value]])
            combine(directory)
            directories.append(directory)
        found.append(choose_settings(read_combined_results(directories), None, None))
    return found


class TestPairs:
    def test_are_adjusted_over_all_environments(self, columns: list[list[SettingChoice]]) -> None:
        """Three pairs in each of two environments: six p values, and intervals at 1 - 0.05 / 6."""
        groups = compare_settings(columns, 0.95)
        assert [len(group) for group in groups] == [3, 3]
        every = [pair for group in groups for pair in group]
        alone = [compare_pair(pair.a.performance, pair.b.performance, 1 - 0.05 / 6) for pair in every]
        assert [pair.found for pair in every] == alone
        smallest = min(range(6), key=lambda k: alone[k].welch_p)
        assert every[smallest].welch_p == pytest.approx(min(1.0, 6 * alone[smallest].welch_p))
        smallest = min(range(6), key=lambda k: alone[k].mann_whitney_p)
        assert every[smallest].mann_whitney_p == pytest.approx(min(1.0, 6 * alone[smallest].mann_whitney_p))

    def test_one_pair_is_not_adjusted(self, columns: list[list[SettingChoice]]) -> None:
        [[pair]] = compare_settings([columns[0][:2]], 0.95)
        assert pair.found == compare_pair(performance(0, 0), performance(1, 0))
        assert (pair.welch_p, pair.mann_whitney_p) == (pair.found.welch_p, pair.found.mann_whitney_p)

    def test_no_pair(self, columns: list[list[SettingChoice]]) -> None:
        assert compare_settings([columns[0][:1], []], 0.95) == [[], []]


class TestOverEnvironments:
    def test_scores_and_improvements(self, columns: list[list[SettingChoice]]) -> None:
        agents = score_rows(columns, 0.95)
        pools = [np.stack([performance(agent, number) for agent in range(3)]) for number in range(2)]
        expected = chs_normalise(np.stack(pools))  # (environments, agents, runs)
        for number, agent in enumerate(agents):
            np.testing.assert_allclose(agent.scores, expected[:, number])
            assert agent.cells[3].startswith(f"{optimality_gap(expected[:, number]):.2f} [")
        rows = improvement_rows(agents, 0.95)
        assert [row[:2] for row in rows] == [["SAC", "VAC"], ["SAC", "GreedyAC"], ["VAC", "GreedyAC"]]
        probability = improvement_probability(
            [performance(0, number) for number in range(2)], [performance(1, number) for number in range(2)]
        )
        assert rows[0][2] == f"{probability:.2f}"

    def test_agents_by_name_are_the_same(self, columns: list[list[SettingChoice]]) -> None:
        choices = [choice for column in columns for choice in column]
        named, rows = score_complete_agents(choices, None, 0.95), score_rows(columns, 0.95)
        assert [agent.name for agent in named] == list(AGENTS)
        assert [agent.cells for agent in named] == [agent.cells for agent in rows]

    def test_an_agent_that_lacks_an_environment_is_left_out(self, columns: list[list[SettingChoice]]) -> None:
        choices = [*columns[0], *columns[1][:2]]
        assert [agent.name for agent in score_complete_agents(choices, None, 0.95)] == ["SAC", "VAC"]

    def test_one_environment(self, columns: list[list[SettingChoice]]) -> None:
        assert score_rows(columns[:1], 0.95) == score_complete_agents(columns[0], None, 0.95) == []


class TestComparisonTable:
    def test_has_pairs_scores_and_warnings(self, columns: list[list[SettingChoice]]) -> None:
        text = comparison_table(dict(zip(ENVIRONMENTS, columns, strict=True)), RUNS)
        lines = text.splitlines()
        assert sum(line.startswith(("| Pendulum-v1 | ", "| Acrobot-v1 | ")) for line in lines) == 6
        assert "adjusted for 6 pairs by Holm's method, and the 6 intervals hold simultaneously" in text
        assert "| agent | runs | interquartile mean | optimality gap |" in lines
        assert any(line.startswith("| SAC | 12 | ") for line in lines)
        assert "- SAC, Pendulum-v1: a kind of run that occurs once in 10 is missing from 53% of all sets of 6" in text
        assert text.count("More runs help.") == 1

    def test_of_one_agent_in_one_environment(self, columns: list[list[SettingChoice]]) -> None:
        text = comparison_table({"Pendulum-v1": columns[0][:1]}, RUNS)
        assert "superiority" not in text
        assert "optimality gap" not in text


def test_a_profile_needs_two_environments(columns: list[list[SettingChoice]]) -> None:
    from utils.analysis.environment_scores import score_agents

    with pytest.raises(BadInput, match="found 1 environment"):
        score_agents(columns[0], None, 0.95)
