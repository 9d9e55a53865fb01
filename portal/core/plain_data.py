"""Frozen dataclasses to plain JSON values and back, so that rows and files can keep them."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Builder = Callable[[Any], Any]


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, enums their values, dates ISO text, tuples lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], data: Mapping[str, Any]) -> T:
    """Build `kind` from what to_plain made. Unknown keys are left aside; missing ones take their default."""
    values: dict[str, Any] = {}
    for name, build, needed in shape_of(kind):  # type: ignore[arg-type] # a class can be hashed, whatever its values can
        if name in data:
            values[name] = build(data[name])
        elif needed:
            raise ValueError(f"{kind.__name__} needs {name}")
    return kind(**values)


@cache
def shape_of(kind: type[Any]) -> tuple[tuple[str, Builder, bool], ...]:
    """Name, builder and need of each field. Kept: to work out the types' names takes longer than to build a value."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, builder_of(hints[field.name]), field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


def builder_of(kind: Any) -> Builder:
    """What makes a value of this type from its plain form."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return builder_of_one(inner)
    if origin is tuple:
        build = builder_of(inner[0])
        return lambda value: tuple(build(item) for item in value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if isinstance(kind, type) and is_dataclass(kind):
        return lambda value: from_plain(kind, value)
    return kind.fromisoformat if kind in (date, datetime) else as_it_is


def builder_of_one(kinds: tuple[Any, ...]) -> Builder:
    """Our unions are "X or nothing", or plain scalars that need no building."""
    others = [kind for kind in kinds if kind is not type(None)]
    build = builder_of(others[0]) if len(others) == 1 else as_it_is
    return lambda value: None if value is None else build(value)


def as_it_is(value: Any) -> Any:
    return value
