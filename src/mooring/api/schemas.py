"""What the values that a checker takes look like, in JSON Schema's words, for the description of the API.

A checker is opaque, so it is described where it is made. What is not described is described as anything: the server
checks all the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Schema = Mapping[str, Any]
Checker = TypeVar("Checker", bound=Callable[..., Any])

_SCHEMAS: dict[Callable[..., Any], Schema] = {}


def described(**schema: Any) -> Callable[[Checker], Checker]:
    """Decorates a checker with a schema of the values that it takes."""

    def describe(checker: Checker) -> Checker:
        _SCHEMAS[checker] = schema
        return checker

    return describe


def schema_of(checker: Callable[..., Any] | None) -> Schema:
    """``{}``, which is anything, for a checker that nobody described."""
    return _SCHEMAS.get(checker, {}) if checker is not None else {}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}
