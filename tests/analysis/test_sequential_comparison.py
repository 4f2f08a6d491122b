"""Comparisons whose number of runs depends on the runs: which agents get more, decisions, intervals, errors."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from utils.analysis.comparison_table import Comparison, read_comparison
from utils.analysis.growing_runs import GrowingRuns
from utils.analysis.sequential_comparison import StopRule, add_groups, check_settings, stop_record
from utils.core.errors import BadInput
from utils.core.grid import Grid
from utils.experiment.train_command import Where
from utils.stats.looks import Looks, find_short_interval
from utils.stats.sequential import decision_looks

HERE = Where()


class InventedRuns(GrowingRuns):
    """Runs that are there at once.  performance: (S, n) of the settings."""

    def __init__(self, performance: np.ndarray, submitted: bool = False) -> None:
        self.all, self.submitted = performance, submitted
        self.asked: list[int] = []
        values = {"x": list(range(len(performance)))}
        agent = SimpleNamespace(parameters=values)
        self.experiment: Any = SimpleNamespace(grid=Grid(values), agent_source="a.json", agent=agent)

    def complete(self, runs: range, where: Where) -> np.ndarray | None:
        self.asked.append(len(runs))
        return None if self.submitted else self.all[:, runs.start : runs.stop]


def normal(mean: float, settings: int = 1, seed: int = 0, n: int = 30) -> InventedRuns:
    return InventedRuns(np.random.Generator(np.random.PCG64(seed)).normal(mean, 1.0, (settings, n)))


def test_an_agent_whose_pairs_are_decided_gets_no_more_runs() -> None:
    """The first agent is far better than two that are about equal, so that only these are run to the end."""
    agents = [normal(5.0, seed=1), normal(0.0, seed=2), normal(0.1, seed=3)]
    stopped = add_groups(agents, StopRule(Looks(5, 30), 0.05, None), HERE)
    assert stopped is not None
    runs = np.concatenate([each.all for each in agents])
    expected = decision_looks(runs.reshape(3, 6, 5).swapaxes(0, 1), 6)
    assert (stopped.decided == expected).all()
    look = int(expected[0].max())
    assert 1 <= look < 6
    assert expected[1, 2] == 0
    assert [each.asked for each in agents] == [[5 * k for k in range(1, n + 1)] for n in (look, 6, 6)]
    assert [len(one) for one in stopped.performance] == [5 * look, 30, 30]
    assert not stopped.reached
    rows = stopped.decision_rows("e", ["A", "B", "C"])
    difference = runs[0, : 5 * expected[0, 1]].mean() - runs[1, : 5 * expected[0, 1]].mean()
    assert [row[1:3] + row[4:] for row in rows] == [
        ["A", "B", "A is better", str(expected[0, 1]), str(5 * expected[0, 1])],
        ["A", "C", "A is better", str(expected[0, 2]), str(5 * expected[0, 2])],
        ["B", "C", "open", "6", "30"],
    ]
    assert float(rows[0][3]) == pytest.approx(difference, rel=0.01)
    record = stop_record(stopped, 1, 0)
    assert (record.looks, record.runs, record.reached, record.rule) == (look, 5 * look, False, "decision")
    assert record.text.endswith(f"Not every pair is decided; this agent has {5 * look} runs, after {look} looks.")


def test_all_settings_of_a_file_get_runs_while_one_is_open() -> None:
    agents = [InventedRuns(np.concatenate([normal(9.0).all, normal(0.0, seed=1).all])), normal(0.1, seed=2)]
    stopped = add_groups(agents, StopRule(Looks(5, 15), 0.05, None), HERE)
    assert stopped is not None
    decided = int(stopped.decided[0].max())
    assert [len(one) for one in stopped.performance] == [5 * decided, 15, 15]
    assert agents[0].asked == [5, 10, 15]


def test_equal_seeds_give_equal_decisions_when_all_runs_are_there() -> None:
    """Runs beyond a look make no difference: a decision is taken at the look, not with what is there."""
    agents = [normal(2.0, seed=1), normal(0.0, seed=2)]
    whole = add_groups(agents, StopRule(Looks(5, 30), 0.05, None), HERE)
    short = add_groups([InventedRuns(each.all[:, :15]) for each in agents], StopRule(Looks(5, 30), 0.05, None), HERE)
    assert whole is not None
    assert short is not None
    assert whole.decided[0, 1] == short.decided[0, 1] > 0
    assert whole.reached


def test_looks_begin_with_the_first_run() -> None:
    """As if the runs before it did not exist."""
    agents = [normal(2.0, seed=1, n=40), normal(0.0, seed=2, n=40)]
    found = add_groups(agents, StopRule(Looks(5, 30), 0.05, None, first_run=7), HERE)
    rest = add_groups([InventedRuns(each.all[:, 7:]) for each in agents], StopRule(Looks(5, 30), 0.05, None), HERE)
    assert found is not None
    assert rest is not None
    assert (found.decided == rest.decided).all()
    assert [one.tolist() for one in found.performance] == [one.tolist() for one in rest.performance]
    assert list(stop_record(found, 1, 0).run_numbers) == list(range(7, 7 + len(found.performance[0])))


def test_intervals_stop_one_by_one() -> None:
    agents = [normal(0.0, seed=1), InventedRuns(0.1 * normal(0.0, seed=2).all)]
    rule = StopRule(Looks(5, 30), 0.05, 0.3)
    stopped = add_groups(agents, rule, HERE)
    assert stopped is not None
    expected = [find_short_interval(each.all[0], rule.looks, 0.3) for each in agents]
    assert list(stopped.intervals) == expected
    assert [len(one) for one in stopped.performance] == [5 * one.look for one in expected]
    assert expected[1].look < expected[0].look
    row = stopped.interval_rows("e", ["A", "B"])[1]
    assert row[0:2] + row[4:] == ["e", "B", "yes", str(expected[1].look), str(5 * expected[1].look)]
    assert stop_record(stopped, 1, 1).rule == "half-width"


def test_submitted_runs_end_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    agents = [InventedRuns(np.zeros((1, 5)), submitted=True), InventedRuns(np.zeros((1, 5)), submitted=True)]
    assert add_groups(agents, StopRule(Looks(5, 30), 0.05, None), HERE) is None
    assert [each.asked for each in agents] == [[5], [5]]
    assert "The runs for look 1 have been submitted" in capsys.readouterr().out


def test_the_error_is_divided_among_environments() -> None:
    base = {"agents": ["a.json"], "environments": ["e.json", "f.json"], "runs": 30, "until": {"alpha": 0.1}}
    rule = Comparison.model_validate(base).stop_rule
    assert rule == StopRule(Looks(5, 30), 0.05, None)
    assert "over all pairs, looks and environments, is at most 10%" in rule.describe(2)
    assert Comparison.model_validate(base | {"until": None}).stop_rule is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": {"group": 1}}, "key 'until.group': found 1"),
        ({"until": {"alpha": 1}}, "key 'until.alpha'"),
        ({"until": {"first_run": -1}}, "key 'until.first_run': found -1"),
        ({"until": {"half_width": 0}}, "key 'until.half_width': found 0"),
        ({"until": {"half-width": 1}}, "unknown key 'until.half-width'"),
        ({"until": {"group": 8}, "runs": 4}, "key 'runs': found 4; allowed: at least the group of 8"),
        ({"until": {"group": 8}, "runs": 12}, "key 'runs': found 12; allowed: a multiple of the group of 8"),
        (
            {"until": {"half_width": 1}, "environments": ["e", "f"], "runs": 10},
            "found with 2 environments; allowed: one",
        ),
    ],
)
def test_invalid_rules(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"agents": ["a.json"], "environments": ["e.json"], "runs": 1} | changes))
    with pytest.raises(BadInput) as error:
        read_comparison(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_settings_that_would_have_to_be_chosen_are_refused() -> None:
    one, two = InventedRuns(np.zeros((1, 1))), InventedRuns(np.zeros((2, 1)))
    check_settings([one, one], None, decides=True)
    check_settings([two], "x", decides=True)
    with pytest.raises(BadInput, match=r"a\.json: found 2 settings with 'until'; allowed: one for each agent"):
        check_settings([one, two], None, decides=True)
    with pytest.raises(BadInput, match="found 1 agents to decide between; allowed: 2 to 6"):
        check_settings([one], None, decides=True)
    check_settings([one], None, decides=False)
    with pytest.raises(BadInput, match="found 7 agents"):
        check_settings([one] * 7, None, decides=True)
