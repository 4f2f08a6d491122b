"""Links and images of README.md and docs/ exist, every page is reached from README.md, and README.md is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.documentation import PAGES, README, ROOT, name_of

MAX_README_LINES = 150
"""README.md shows what the project is; docs/ has the rest."""

FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
"""A block of code, in which nothing is a link or a heading."""

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
"""A link to, or an image from, a file of the project (group 1), maybe to a heading (group 2)."""


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the files that a page links to or shows, each with the heading's anchor, "" if there is none."""
    found = LINK.findall(prose(page))
    return [((page.parent / file).resolve() if file else page.resolve(), anchor) for file, anchor in found]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_images_exist(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), target
        if anchor:
            assert anchor in anchors(target), f"{target}#{anchor}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, to_follow = set(), [README.resolve()]
    while to_follow:
        page = to_follow.pop()
        if page not in reached:
            reached.add(page)
            to_follow += [target for target, _ in links(page) if target.suffix == ".md" and target.exists()]
    assert {page.resolve() for page in PAGES} <= reached


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](b.md#a-heading) ![c](../plots/c.png)", [("b.md", "a-heading"), ("../plots/c.png", "")]),
        ("[a](#here) [b](https://example.org/c.md)", [("", "here")]),
    ],
)
def test_the_pattern_of_links(text: str, expected: list[tuple[str, str]]) -> None:
    assert LINK.findall(text) == expected


def test_every_package_is_described() -> None:
    """docs/architecture.md has a row for each package."""
    text = (ROOT / "docs/architecture.md").read_text()
    packages = {path.parent for top in ("agent", "env", "utils") for path in (ROOT / top).rglob("__init__.py")}
    names = {f"{package.relative_to(ROOT).as_posix()}/" for package in packages} - {"utils/"}
    assert names
    assert names <= set(re.findall(r"^\| \d \| `([\w/]+)` \|", text, re.MULTILINE))
