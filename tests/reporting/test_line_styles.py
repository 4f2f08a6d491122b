"""One colour means one agent on a page."""

from __future__ import annotations

from utils.analysis.line_style import DASHES, OKABE_ITO
from utils.reporting.line_styles import LineStyle, LineStyles, dash_array


def test_a_name_has_the_same_style_again():
    styles = LineStyles()
    first, second = styles.style("SAC"), styles.style("VAC")
    assert first == LineStyle(OKABE_ITO[0], "")
    assert second == LineStyle(OKABE_ITO[1], "8 2.4")
    assert [styles.style(name) for name in ("VAC", "SAC")] == [second, first]


def test_a_style_that_is_free_is_used_again():
    styles = LineStyles()
    before = {name: styles.style(name) for name in "abc"}
    styles.keep({"a", "c"})
    assert styles.style("d") == before["b"]
    assert styles.style("c") == before["c"]
    assert styles.style("b") not in before.values()


def test_many_names_have_distinct_styles():
    styles = LineStyles()
    assert len({styles.style(str(number)) for number in range(28)}) == 28 == len(OKABE_ITO) * len(DASHES)


def test_dashes_are_in_pixels():
    assert dash_array((5, 1.5)) == "8 2.4"
    assert dash_array(()) == ""
