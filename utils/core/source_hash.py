"""A hash of the code that a run's numbers depend on, by which two versions of it are told apart.

Comments, docstrings and the layout of Python files do not count: only their syntax trees do, as the interpreter's minor
version (3.11) writes them.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Root directory of the project."""

SOURCES = (
    "agent", "env", "utils/core/random_streams.py", "utils/core/transition.py", "utils/training/evaluation.py",
    "utils/training/loop.py", "utils/training/stack.py",
)  # fmt: skip
"""Directories and files with the code that computes a run."""

SUFFIXES = (".py", ".h", ".cpp")
"""Endings of source files."""

HASH_DIGITS = 12
"""Hexadecimal digits of the hash: 48 bits."""


@cache
def source_hash(root: Path = ROOT) -> str:
    """Return the first 12 hexadecimal digits of SHA-256 over all sources and their paths.  Raises OSError.

    It is computed once per process, so it describes the code that the process has loaded or is about to load.
    """
    digest = hashlib.sha256()
    for path in _source_files(root):
        content = _meaning(path.read_bytes()) if path.suffix == ".py" else path.read_bytes()
        digest.update(b"%s %d\n" % (path.relative_to(root).as_posix().encode(), len(content)) + content)
    return digest.hexdigest()[:HASH_DIGITS]


def _source_files(root: Path) -> Iterator[Path]:
    """Yield all source files in the order of their paths."""
    for source in SOURCES:
        path = root / source
        yield from [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES)


def _meaning(content: bytes) -> bytes:
    """Return a Python file's syntax tree without docstrings, as text; the content itself if it does not parse."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return content
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return ast.dump(tree).encode()


def _is_text(statement: ast.stmt) -> bool:
    """Return whether a statement is only a string, which documents what is before or around it."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
