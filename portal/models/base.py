"""What all tables share: the base class, aware UTC times, and states stored as words."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import JSON, DateTime, Enum, MetaData, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeDecorator

S = TypeVar("S", bound=StrEnum)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC. A naive one is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Document = JSON().with_variant(JSONB(), "postgresql")


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Rows are dataclasses; all arguments are named."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: Document, list[Any]: Document, UUID: Uuid()}


def state_column(states: type[S], *, default: S) -> Mapped[S]:
    """A state kept as its word, checked by the database."""
    return mapped_column(
        Enum(states, native_enum=False, length=20, values_callable=lambda kind: [str(state) for state in kind]),
        default=default,
        index=True,
    )


def key_column() -> Mapped[UUID]:
    """An unguessable primary key, made where the row is made."""
    return mapped_column(Uuid(), primary_key=True, default_factory=uuid4)
