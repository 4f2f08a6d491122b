"""Tables in Markdown."""

from __future__ import annotations

from utils.core.markdown import markdown_table


def test_cells_keep_to_their_column_and_line():
    """A bar that is escaped already stays as it is."""
    assert markdown_table(["a|b"], [["x\ny"], [r"p\|q"]]) == "| a\\|b |\n| --- |\n| x y |\n| p\\|q |"
