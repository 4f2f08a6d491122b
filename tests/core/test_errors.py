"""utils/core/errors.py: messages on one line, with the errors that they were raised from."""

from __future__ import annotations

from itertools import pairwise

import pytest

from utils.core.errors import describe_error_and_causes


def raised(*messages: str) -> Exception:
    """Return an error raised from others, the outermost first."""
    errors = [ImportError(message) for message in messages]
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (["no"], "no"),
        (["not installed,\n run it", "the core\n is missing"], "not installed, run it; reason: the core is missing"),
        (["a", "b", "c"], "a; reason: b; reason: c"),
        (["cannot: no module x", "no module x"], "cannot: no module x"),
        (["a", ""], "a; reason: ImportError"),
    ],
)
def test_causes_follow_the_message_unless_it_has_them(messages: list[str], text: str) -> None:
    assert describe_error_and_causes(raised(*messages)) == text


def test_an_interrupt_is_not_a_reason() -> None:
    error = ImportError("no")
    error.__cause__ = KeyboardInterrupt()
    assert describe_error_and_causes(error) == "no"
