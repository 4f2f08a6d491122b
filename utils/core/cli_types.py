"""Value types of command-line options."""

from __future__ import annotations

import click

from utils.core.errors import BadInput
from utils.core.indices import parse_indices

ENGINES = ("eager", "compiled")
"""Names of the engines that compute an agent's updates."""

ENGINE_CHOICES = (*ENGINES, "auto")
"""Allowed values of --engine."""

DEFAULT_ENGINE = "auto"
"""Default value of --engine."""

ENGINE_OPTION = click.option(
    "--engine", type=click.Choice(ENGINE_CHOICES), default=DEFAULT_ENGINE, show_default=True,
    help="Engine that computes agents; see main.py --help.",
)  # fmt: skip
"""The option --engine of commands that pass it on to main.py."""

DEFAULT_CHECKPOINT_MINUTES = 10.0
"""Default value of --checkpoint-minutes."""


class CountOrAuto(click.ParamType):
    """Click type of an integer from 1, or `auto`."""

    name = "N|auto"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the integer, or None for `auto`.  Raises click.BadParameter for any other value."""
        if value == "auto":
            return None
        if not (value.isdecimal() and int(value)):
            self.fail(f"found '{value}'; allowed: an integer from 1, or auto", param, ctx)
        return int(value)


class IntegerList(click.ParamType):
    """Click type of a list of integers from 0 and ranges of them, such as 3,17 or 10-39."""

    name = "LIST"

    def __init__(self, count: bool = False) -> None:
        """Choose what a single integer N means.  count: whether it means 0 to N - 1, not only N."""
        self._count = count

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Return the sorted integers.  Raises click.BadParameter for any other value and for an empty list."""
        if self._count and value.isdecimal():
            value = f"0-{int(value) - 1}" if int(value) else value + " runs"
        try:
            return parse_indices(value, "value")
        except BadInput as error:
            self.fail(str(error), param, ctx)


class StepList(click.ParamType):
    """Click type of the first one or more of some steps, in their order, such as combine,report."""

    name = "STEPS"

    def __init__(self, steps: tuple[str, ...]) -> None:
        """Allow these steps, each of which needs those before it."""
        self._steps = steps

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the steps.  Raises click.BadParameter for any other value."""
        found = tuple(value.split(",")) if isinstance(value, str) else value
        if found != self._steps[: len(found)]:
            allowed = " or ".join(",".join(self._steps[:count]) for count in range(1, len(self._steps) + 1))
            self.fail(f"found '{value}'; allowed: {allowed}", param, ctx)
        return found
