"""Frozen dataclasses to plain JSON values and back, so that rows and files can keep them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


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
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type] # T is a dataclass by this function's promise
        if field.name in data:
            values[field.name] = build(hints[field.name], data[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} needs {field.name}")
    return kind(**values)


def build(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return build_one_of(get_args(kind), value)
    if origin is tuple:
        return tuple(build(get_args(kind)[0], item) for item in value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        return from_plain(kind, value)
    return kind.fromisoformat(value) if kind in (date, datetime) else value


def build_one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """Our unions are "X or nothing", or plain scalars that need no building."""
    if value is None:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    return build(others[0], value) if len(others) == 1 else value
