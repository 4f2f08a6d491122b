"""Validation of JSON by a pydantic model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

import orjson
from pydantic import BaseModel, ValidationError

from utils.core.errors import BadInput, suggestion
from utils.files.json_text import format_value

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: Any, source: str) -> Model:
    """Return data as a model.  Raises BadInput naming the source, the key, what was found and what is allowed."""
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        raise BadInput(f"{source}: {_describe_error(model, error)}") from error


def find_repeated(names: Iterable[Any]) -> list[Any]:
    """Return the names that occur more than once, for validators."""
    listed = list(names)
    return [name for name in dict.fromkeys(listed) if listed.count(name) > 1]


def check_file_names(key: str, paths: Iterable[str]) -> None:
    """Refuse files of one name, whose results would be mixed, for validators.  Raises ValueError naming the key."""
    for name in find_repeated(Path(path).stem for path in paths):
        raise ValueError(f"key '{key}': found '{name}' twice; allowed: files of different names")


def _describe_error(model: type[BaseModel], error: ValidationError) -> str:
    """Return a one-line description of the first validation error."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    found = first["input"]
    if first["type"] == "extra_forbidden":
        allowed = _field_names(model, first["loc"][:-1])
        return f"unknown key '{key}'{suggestion(str(first['loc'][-1]), allowed)} (allowed: {', '.join(allowed)})"
    if first["type"] == "missing":
        return f"key '{key}' is missing; required: {_type_name(model, first['loc'])}"
    is_ours = first["type"] == "value_error"
    message = first["msg"].removeprefix("Value error, ") if is_ours else first["msg"][0].lower() + first["msg"][1:]
    if not first["loc"]:
        return message if is_ours else f"found {format_value(found)}; allowed: a JSON object"
    hint = ""
    if first["type"] == "literal_error" and isinstance(found, str):
        expected = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        hint = suggestion(found, expected)
    return f"key '{key}': found {format_value(found)}; {message}{hint}"


def _type_name(model: type[BaseModel], where: tuple[int | str, ...]) -> str:
    """Return the name of the type of a top-level key."""
    kind = model.model_fields[str(where[0])].annotation
    return str(getattr(kind, "__name__", kind))


def _field_names(model: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed in a nested model."""
    for part in where:
        kind = model.model_fields[str(part)].annotation  # Maybe a model or null.
        model = next(one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel))
    return list(model.model_fields)
