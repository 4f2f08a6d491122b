"""Kinds of values that options of the command line take."""

from __future__ import annotations

import click


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
