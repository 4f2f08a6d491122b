"""Kinds of values that options of the command line take."""

from __future__ import annotations

import click

from utils.core.errors import BadInput
from utils.core.indices import parse_indices

ENGINES = ("eager", "compiled")
"""Engines that compute an agent's updates."""

ENGINE_CHOICES = (*ENGINES, "auto")
"""Values of --engine."""

DEFAULT_ENGINE = "auto"
"""Value of --engine unless it is given."""


class CountOrAuto(click.ParamType):
    """A number from 1, or None for `auto`."""

    name = "N|auto"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Fails, as click does, for anything else."""
        if value == "auto":
            return None
        if not (value.isdecimal() and int(value)):
            self.fail(f"found '{value}'; allowed: an integer from 1, or auto", param, ctx)
        return int(value)


class IntegerList(click.ParamType):
    """Integers from 0: a list of them and of ranges, such as 3,17 or 10-39.  count: a single N means 0 to N - 1."""

    name = "LIST"

    def __init__(self, count: bool = False) -> None:
        self._count = count

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Fails, as click does, for anything else, and for none."""
        if self._count and value.isdecimal():
            value = f"0-{int(value) - 1}" if int(value) else value + " runs"
        try:
            return parse_indices(value, "value")
        except BadInput as error:
            self.fail(str(error), param, ctx)
