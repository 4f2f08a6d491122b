"""The page of a study: ties, runs that diverged, several versions of the code, the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.studies.test_claims import arm, claim, row, study
from utils.studies.campaign import judge_all
from utils.studies.choice import ArmInEnvironment
from utils.studies.page import page_text
from utils.studies.run_table import RunRow

WHOLE = np.repeat([[9.0], [8.0], [5.0], [6.0]], 3, axis=1)
"""Performance of four settings, which have alpha 0.1, 1.0, 0.1, 1.0, on three seeds."""


def page(
    a: ArmInEnvironment, b: ArmInEnvironment, rows: tuple[RunRow, ...] = (), path: str = "two.json", words: str = "c"
) -> str:
    claims = [claim("better").model_copy(update={"claim": words})]
    known = {"e": {"A": a, "B": b}}
    return page_text(Path(path), study(claims=claims), known, judge_all(study(claims=claims), known), {}, rows)


@pytest.mark.parametrize(
    ("choosing", "text"),
    [
        (WHOLE, "alpha 0.1, critic_lr 0.001 | 9 | 0 of 12 |"),
        (
            np.where(WHOLE == 8, 9, WHOLE),
            "alpha 0.1, critic_lr 0.001 (the first of 2 equally good ones) | 9 | 0 of 12 |",
        ),
        (np.full((4, 3), np.nan), "alpha 0.1, critic_lr 0.001 (the first of 4 equally good ones) | - | 12 of 12 |"),
    ],
)
def test_best_settings_are_shown_with_their_ties_and_optimistic_means(choosing, text):
    assert f"| e | A | {text}" in page(arm("A", choosing, []), arm("B", WHOLE, []))


def test_an_arm_whose_runs_all_diverged_is_not_one_without_runs():
    text = page(arm("A", WHOLE, [None, None, None, None]), arm("B", None, []))
    assert "| A | all 4 diverged |" in text
    assert "| B | - |" in text
    assert "Runs that diverged are left out here; in claims they count as the worst." in text
    assert "left out" not in page(arm("A", WHOLE, [1.0, 2.0]), arm("B", None, []))


def test_constants_have_no_interval():
    text = page(arm("A", WHOLE, [2.0] * 4), arm("B", WHOLE, [1.0] * 4))
    assert "| c | e | 1 | none | 0.029 | 4 + 4 runs | re-obtained |" in text
    assert "there is no interval" in text


def test_several_versions_of_the_code_are_counted():
    """A run that two arms share counts once."""
    old, new = row(1.0, 0), replace(row(1.0, 1), code="d")
    arms = arm("A", None, []), arm("B", None, [])
    assert "versions of the code: c\n" in page(*arms, (old,))
    assert "versions of the code: c (1 runs); d (1 runs)\n" in page(*arms, (old, new, replace(new, arm="B")))


def test_the_command_is_that_of_the_study_and_a_bar_does_not_end_a_cell():
    text = page(arm("A", WHOLE, [2.0] * 4), arm("B", WHOLE, [1.0] * 4), (), "my studies/two.json", "|a| > b")
    assert "`python utils/run_study.py 'my studies/two.json'`" in text
    assert "| \\|a\\| > b | e |" in text
