"""Were two results computed on environments that behave alike, and if not, what differs between the machines?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """Where one result comes from.  name: its file.  provenance: as it stands there, if it is there at all."""

    name: str
    provenance: Any

    def part(self, name: str) -> dict[str, Any]:
        """One of the provenance's objects, {} where it has none."""
        found = self.provenance.get(name) if isinstance(self.provenance, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def rollout_hash(self) -> str | None:
        """None in results from before it was recorded."""
        return self._text("rollout_hash")

    @property
    def engine(self) -> str | None:
        """None in results from before it was recorded."""
        return self._text("engine")

    @property
    def flags(self) -> list[str] | None:
        """The processor's, those that decide which kernels run, in order; None where they are not recorded."""
        found = self.part("cpu").get("flags")
        return sorted(map(str, found)) if isinstance(found, list) else None

    def _text(self, name: str) -> str | None:
        found = self.provenance.get(name) if isinstance(self.provenance, dict) else None
        return found if isinstance(found, str) else None


def unlike_environments(origins: Iterable[Origin]) -> list[str]:
    """One line on each pair of distinct rollout hashes, naming the first result that has either.

    The results are taken to be of one environment protocol.
    """
    first: dict[str, Origin] = {}
    for origin in origins:
        if origin.rollout_hash is not None:
            first.setdefault(origin.rollout_hash, origin)
    return [_line(a, b) for a, b in combinations(first.values(), 2)]


def _line(a: Origin, b: Origin) -> str:
    causes = "; ".join([*_versions(a, b), *_flags(a, b)])
    return (
        f"{a.name} and {b.name}: their environments do not behave alike: rollout_hash {a.rollout_hash} and "
        f"{b.rollout_hash}; {causes or 'versions and CPU flags are the same'}"
    )


def _versions(a: Origin, b: Origin) -> list[str]:
    """`mujoco 3.3.0 and 3.3.7` for each package that differs."""
    ours, theirs = a.part("versions"), b.part("versions")
    return [
        f"{name} {ours.get(name)} and {theirs.get(name)}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _flags(a: Origin, b: Origin) -> list[str]:
    """The CPU flags that only one of the two has."""
    ours, theirs = (set(origin.flags or ()) for origin in (a, b))
    sides = (("first", ours - theirs), ("second", theirs - ours))
    return [f"CPU flags of the {which} only: {' '.join(sorted(flags))}" for which, flags in sides if flags]
