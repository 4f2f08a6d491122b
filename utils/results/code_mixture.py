"""Results that different versions of the code computed.

A version of the code is the hash of its sources and the versions of the packages that determine a run's bits, those
that its environment comes from included. Results that did not record the hash, such as old ones, are of no known
version and differ from none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from utils.core.provenance import EXACT_PACKAGES, exact_versions
from utils.files.json_text import canonical_json
from utils.results.provenance_diff import Origin, describe_version_differences

Item = TypeVar("Item")


def code_digest(origin: Origin) -> str | None:
    """Return a digest of a result's version of the code; None if it is not recorded."""
    if origin.sources is None:
        return None
    versions = exact_versions(origin.section("versions"))
    others = sorted(f"{name} {version}" for name, version in versions.items() if name not in EXACT_PACKAGES)
    state = [origin.sources, *(str(versions[name]) for name in EXACT_PACKAGES), *others]
    return hashlib.sha256(canonical_json(state)).hexdigest()[:12]


def describe_code_difference(a: Origin, b: Origin) -> str | None:
    """Return how the code of two results differs; None if it does not, or one has not recorded it."""
    if None in (a.sources, b.sources):
        return None
    sources = [f"sources {a.sources} and {b.sources}"] if a.sources != b.sources else []
    exact = exact_versions(a.section("versions")) | exact_versions(b.section("versions"))
    return "; ".join([*sources, *describe_version_differences(a, b, exact)]) or None


def describe_mixed_code(origins: Iterable[Origin]) -> str | None:
    """Return a sentence on results of several versions of the code; None if they are of one, or of none known."""
    return mixed_code_sentence(count_versions((code_digest(origin), origin) for origin in origins))


def count_versions(results: Iterable[tuple[str | None, Item]]) -> list[tuple[Item, int]]:
    """Return the first result of each known version of the code, and the number of its results.

    results: the digest of each result's version, None if it is not known, and the result in any form.
    """
    first: dict[str, Item] = {}
    counts: Counter[str] = Counter()
    for digest, result in results:
        if digest is not None:
            first.setdefault(digest, result)
            counts[digest] += 1
    return [(first[digest], counts[digest]) for digest in first]


def mixed_code_sentence(versions: list[tuple[Origin, int]]) -> str | None:
    """Return a sentence on several versions of the code; None for fewer than two.

    versions: for each, its first result and the number of its runs.
    """
    if len(versions) < 2:
        return None
    (first, _), (second, _) = versions[:2]
    counts = ", ".join(f"{count} of sources {origin.sources}" for origin, count in versions)
    return (
        f"the runs are of {len(versions)} versions of the code ({counts}); {first.name} and {second.name} differ in "
        f"{describe_code_difference(first, second)}"
    )
