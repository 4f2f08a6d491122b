"""Differences between the provenances of results, such as versions and CPU flags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

from utils.results.rollout_diff import describe_rollouts, hash_form

UNUSED_BY_ENVIRONMENTS = ("python", "torch", "pydantic", "orjson")
"""Recorded packages without influence on what environments compute."""


class Origin(NamedTuple):
    """Where one result comes from.

    name: the result's file.  provenance: the record in the result; anything else if it has no valid one.
    """

    name: str
    provenance: Any

    def section(self, name: str) -> dict[str, Any]:
        """Return one of the provenance's objects; {} if it is not recorded."""
        found = self.value(name)
        return found if isinstance(found, dict) else {}

    def value(self, name: str) -> Any:
        """Return one of the provenance's values; None if it is not recorded."""
        return self.provenance.get(name) if isinstance(self.provenance, dict) else None

    @property
    def rollout_hash(self) -> str | None:
        """Hash of the environment's behaviour; None if it is not recorded, as in old results."""
        return self._text("rollout_hash")

    @property
    def engine(self) -> str | None:
        """Engine that computed the run; None if it is not recorded, as in old results."""
        return self._text("engine")

    @property
    def code(self) -> str | None:
        """Commit of the code, and whether files differed from it; None if it is not recorded."""
        code = self.section("code")
        if not code.get("commit"):
            return None
        return f"{code['commit']}{' with uncommitted changes' if code.get('dirty') else ''}"

    @property
    def sources(self) -> str | None:
        """Hash of the sources that computed the run; None if it is not recorded, as in old results."""
        found = self.section("code").get("sources")
        return found if isinstance(found, str) else None

    @property
    def start(self) -> str | None:
        """SHA-256 of the learned parameters that the run began from; None for a new initialization."""
        found = self.section("start_from").get("sha256")
        return found if isinstance(found, str) else None

    @property
    def cpu_flags(self) -> list[str] | None:
        """Sorted CPU flags that decide which arithmetic kernels run; None if they are not recorded."""
        found = self.section("cpu").get("flags")
        return sorted(map(str, found)) if isinstance(found, list) else None

    def _text(self, name: str) -> str | None:
        found = self.value(name)
        return found if isinstance(found, str) else None


def common_engine(origins: Iterable[Origin]) -> str | None:
    """Return the engine that all runs recorded; None if they differ or a run did not record one."""
    engines = {origin.engine for origin in origins}
    return engines.pop() if len(engines) == 1 else None


def environments_differ(a: Origin, b: Origin) -> bool | None:
    """Return whether two results' environments behave differently; None if their records cannot tell."""
    ours, theirs = a.rollout_hash, b.rollout_hash
    if ours is None or theirs is None or hash_form(ours) != hash_form(theirs):
        return None
    return ours != theirs


def describe_environment_differences(origins: Iterable[Origin]) -> list[str]:
    """Return a line for each pair of environments that behave differently or are of different versions.

    origins: results of one protocol.  An environment is a rollout hash with the versions of the packages that
    environments compute with; it is named by its first result. Results without a hash are left out.
    """
    first: dict[tuple[str | None, ...], Origin] = {}
    for origin in origins:
        if origin.rollout_hash is not None:
            first.setdefault((origin.rollout_hash, *_environment_versions(origin)), origin)
    return [describe_environment_difference(a, b) for a, b in combinations(first.values(), 2)]


def _environment_versions(origin: Origin) -> Iterator[str]:
    """Yield name and version of each recorded package that an environment may compute with."""
    for name, version in sorted(origin.section("versions").items()):
        if name not in UNUSED_BY_ENVIRONMENTS and version is not None:
            yield f"{name} {version}"


def describe_environment_difference(a: Origin, b: Origin) -> str:
    """Return a line on how the environments of two results with rollout hashes differ, and in which versions."""
    hashes = (str(a.rollout_hash), str(b.rollout_hash))
    causes = describe_version_differences(a, b)
    if hashes[0] == hashes[1]:
        same = f"{a.name} and {b.name}: their environments are the same to the bit in the recorded rollouts"
        return f"{same}, with {'; '.join(causes)}" if causes else same
    behave = "behave differently" if environments_differ(a, b) else "cannot be compared"
    how = describe_rollouts(hashes, (a.value("rollout_trace"), b.value("rollout_trace")))
    flags = describe_flag_differences(a.cpu_flags or (), b.cpu_flags or ())
    causes += [f"CPU flags {difference}" for difference in flags]
    return (
        f"{a.name} and {b.name}: their environments {behave}: {how}; rollout_hash {hashes[0]} and {hashes[1]}; "
        f"{'; '.join(causes) or 'versions and CPU flags are the same'}"
    )


def describe_version_differences(a: Origin, b: Origin, packages: Collection[str] | None = None) -> list[str]:
    """Return a text such as `mujoco 3.3.0 and 3.3.7` for each package whose versions differ.

    packages: those to compare; None: all that one of the two recorded.
    """
    ours, theirs = a.section("versions"), b.section("versions")
    return [
        f"{name} {ours.get(name)} and {theirs.get(name)}"
        for name in sorted((ours.keys() | theirs.keys()) if packages is None else packages)
        if ours.get(name) != theirs.get(name)
    ]


def describe_flag_differences(first: Collection[str], second: Collection[str]) -> list[str]:
    """Return a text such as `only in the first: fma` for each side with CPU flags that the other lacks."""
    sides = (("first", set(first) - set(second)), ("second", set(second) - set(first)))
    return [f"only in the {side}: {' '.join(sorted(flags))}" for side, flags in sides if flags]
