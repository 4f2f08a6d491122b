"""Results that another program computed: what marks them, and what is not known of them.

The protocol of such results has the key `foreign`. Values that the other program did not record are null.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

FOREIGN = "foreign"
"""Key of a protocol that marks results of another program."""

OWN_KEYS = ("record", "diagnostics_interval_timesteps", "allow_nondeterminism")
"""Keys of a protocol that say what this program keeps or accepts: other programs' results do not have them."""


@dataclass(frozen=True)
class ForeignSource:
    """Where foreign results come from.

    program: the program's name.  unknown: keys of the protocol that it did not record.
    notes: sentences on what its numbers mean.
    """

    program: str
    unknown: tuple[str, ...]
    notes: tuple[str, ...]

    def describe(self, keys: Collection[str]) -> str:
        """Return what a reader must know, on one line.  keys: of the protocol, named if they are unknown."""
        named = [name for name in self.unknown if name in keys]
        unknown = ["seeds", "hyperparameters", "versions", *named]
        more = len(self.unknown) - len(named)
        if more:
            unknown.append(f"{more} {'other ' * bool(named)}keys of the protocol")
        text = f"results of {self.program}, which did not record {', '.join(unknown[:-1])} and {unknown[-1]}"
        return "; ".join([text, *self.notes])


def foreign_source(protocol: Mapping[str, Any]) -> ForeignSource | None:
    """Return where the results of a protocol come from; None for results of this program."""
    found = protocol.get(FOREIGN)
    if not isinstance(found, dict):
        return None
    unknown = tuple(name for name, value in protocol.items() if value is None)
    return ForeignSource(str(found.get("program")), unknown, tuple(map(str, found.get("notes", ()))))


def is_unknown(protocol: Mapping[str, Any], name: str) -> bool:
    """Return whether a value of a protocol was not recorded by another program."""
    return FOREIGN in protocol and protocol.get(name) is None
