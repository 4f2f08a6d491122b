"""Modules that register environments: imported for a name such as "module:Name-v0", and found for one without it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib import metadata
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType

from utils.core.errors import describe_error

MAX_FILES = 3000
"""Largest number of files of installed packages that are searched for a name."""

MAX_BYTES = 2**20
"""Size above which a file is not searched: no code is that long."""

GYM = "gym"
"""Beginning of a requirement of Gymnasium, or of a package on it: every package that registers environments has one."""

LETTERS = re.compile(r"[A-Za-z]{4}")
"""What a formatted string must have of its own to stand for a name."""


def split_name(name: str) -> tuple[str | None, str]:
    """Return the module of "module:Name-v0", None if there is none, and the name without it."""
    module, colon, rest = name.partition(":")
    return (module, rest) if colon else (None, name)


def import_registering(name: str, module: str) -> ModuleType:
    """Import a module, which may register environments.

    name: the environment's whole name, for messages.  Raises ValueError if it is not found or its import fails.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:
        missing = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and missing and f"{module}.".startswith(f"{missing}."):
            message = (
                f"no module named '{missing}'; allowed: an installed package, or a module whose folder is on PYTHONPATH"
            )
        else:
            message = f"importing '{module}' raises {type(error).__name__}: {describe_error(error)}"
        raise ValueError(f"env_name: '{name}' cannot be made: {message}") from error


def registering_functions(module: ModuleType) -> list[str]:
    """Return the names of a module's functions that may register its environments: called `register...`, no arguments.

    Those that it imports from Gymnasium are left out.
    """
    return [
        name
        for name, value in vars(module).items()
        if name.lstrip("_").startswith("register") and isinstance(value, FunctionType) and _is_own(value)
    ]


def _is_own(function: FunctionType) -> bool:
    """Return whether a function is not Gymnasium's and can be called without arguments."""
    parameters = inspect.signature(function).parameters.values()
    collects = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    optional = all(parameter.default is not parameter.empty or parameter.kind in collects for parameter in parameters)
    return optional and function.__module__.partition(".")[0] not in ("gymnasium", "gym")


def find_modules(name: str) -> list[str]:
    """Return the installed top-level modules whose source registers an environment of this name, sorted.

    Only packages that require Gymnasium are searched, and only for calls of `register` or the like with this name.
    """
    found = {top for top, path in islice(_source_files(), MAX_FILES) if _registers(path, name)}
    return sorted(found)


def _source_files() -> Iterator[tuple[str, Path]]:
    """Yield top-level module and path of each source file of the packages that require Gymnasium."""
    for distribution in metadata.distributions():
        if any(requirement.lower().startswith(GYM) for requirement in distribution.requires or ()):
            for file in distribution.files or ():
                if file.suffix == ".py" and file.parts[0] not in ("..", "tests"):
                    yield file.parts[0].removesuffix(".py"), Path(str(distribution.locate_file(file)))


def _registers(path: Path, name: str) -> bool:
    """Return whether a file has a call of `register`, or of a function named like it, with this name."""
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= MAX_BYTES else ""
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)] if "register" in text else []
    except (OSError, ValueError, SyntaxError):
        return False  # It is not code that Python could import.
    return any(
        _is_name(argument, name)
        for call in calls
        if "register" in str(getattr(call.func, "attr", getattr(call.func, "id", "")))
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
    )


def _is_name(argument: ast.expr, name: str) -> bool:
    """Return whether an argument is a name, or a formatted string that may become it."""
    if isinstance(argument, ast.Constant):
        return argument.value == name
    if not isinstance(argument, ast.JoinedStr):
        return False
    own = [str(part.value) if isinstance(part, ast.Constant) else None for part in argument.values]
    pattern = "".join(r"\w*" if text is None else re.escape(text) for text in own)
    return any(text and LETTERS.search(text) for text in own) and re.fullmatch(pattern, name) is not None
