"""JSON checked against a pydantic model."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from utils.core.errors import BadInput, suggestion
from utils.files.json_text import format_value

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: Any, source: str) -> Model:
    """data as a model.  Raises BadInput naming source, key, what was found and what is allowed."""
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        raise BadInput(f"{source}: {_explain(model, error)}") from error


def _explain(model: type[BaseModel], error: ValidationError) -> str:
    """The first complaint, in one line."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    found = first["input"]
    if first["type"] == "extra_forbidden":
        allowed = _fields_at(model, first["loc"][:-1])
        return f"unknown key '{key}'{suggestion(str(first['loc'][-1]), allowed)} (allowed: {', '.join(allowed)})"
    if first["type"] == "missing":
        return f"key '{key}' is missing; required: {_type_of(model, first['loc'])}"
    ours = first["type"] == "value_error"
    message = first["msg"].removeprefix("Value error, ") if ours else first["msg"][0].lower() + first["msg"][1:]
    if not first["loc"]:
        return message if ours else f"found {format_value(found)}; allowed: a JSON object"
    hint = ""
    if first["type"] == "literal_error" and isinstance(found, str):
        expected = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        hint = suggestion(found, expected)
    return f"key '{key}': found {format_value(found)}; {message}{hint}"


def _type_of(model: type[BaseModel], where: tuple[int | str, ...]) -> str:
    """The type of a key, as a reader would call it."""
    kind = model.model_fields[str(where[0])].annotation
    return str(getattr(kind, "__name__", kind))


def _fields_at(model: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place inside a model."""
    for part in where:
        inner = model.model_fields[str(part)].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return list(model.model_fields)
