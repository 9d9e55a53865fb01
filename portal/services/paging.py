"""Long lists in pages: a constant number of queries, and no work that grows with the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

T = TypeVar("T")
PER_PAGE = 50
LOOK_AHEAD = 200  # rows counted beyond the page shown
LAST_PAGE = 2000  # who is that far down should search instead


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. `total` is counted up to a bound: with `more` there are at least that many."""

    items: tuple[T, ...]
    number: int
    pages: int
    total: int
    per_page: int = PER_PAGE
    more: bool = False


def paginate(
    db: Session,
    model: type[T],
    *,
    scopes: Sequence[Sequence[ColumnElement[bool]]],
    order: InstrumentedAttribute[Any],
    number: int = 1,
    per_page: int = PER_PAGE,
    newest_first: bool = True,
) -> Page[T]:
    """The rows that any of the `scopes` lets through (each a list of conditions that must all hold), in order.

    Each scope is read along an index by itself, so "my departments or my own" never sorts a whole table.
    """
    number = min(max(number, 1), LAST_PAGE)
    if not scopes:
        return Page((), 1, 1, 0, per_page)
    ids = identities(model, scopes, order, number * per_page + LOOK_AHEAD, newest_first)
    before = (number - 1) * per_page
    ahead = list(db.scalars(ids.offset(before)))
    if not ahead and number > 1:
        last = -(-(db.scalar(select(func.count()).select_from(ids.subquery())) or 0) // per_page)
        return paginate(
            db, model, scopes=scopes, order=order, number=last, per_page=per_page, newest_first=newest_first
        )
    query = select(model).where(key_of(model).in_(ahead[:per_page])).order_by(*ordering(model, order, newest_first))
    total = before + len(ahead)
    items = tuple(db.scalars(query).unique()) if ahead else ()
    return Page(items, number, max(1, -(-total // per_page)), total, per_page, more=len(ahead) >= per_page + LOOK_AHEAD)


def count_some(
    db: Session,
    model: type[Any],
    *,
    scopes: Sequence[Sequence[ColumnElement[bool]]],
    order: InstrumentedAttribute[Any],
    bound: int,
) -> int:
    """How many rows there are, counted up to `bound`."""
    ids = identities(model, scopes, order, bound, newest_first=True)
    return db.scalar(select(func.count()).select_from(ids.subquery())) or 0


def key_of(model: type[Any]) -> InstrumentedAttribute[Any]:
    key: InstrumentedAttribute[Any] = model.id
    return key


def ordering(model: type[Any], order: InstrumentedAttribute[Any], newest_first: bool) -> list[Any]:
    columns = (order,) if order is key_of(model) else (order, key_of(model))
    return [column.desc() if newest_first else column.asc() for column in columns]


def identities(
    model: type[Any],
    scopes: Sequence[Sequence[ColumnElement[bool]]],
    order: InstrumentedAttribute[Any],
    bound: int,
    newest_first: bool,
) -> Select[Any]:
    """Ids and places of the rows of all scopes, each cut at `bound`, ordered."""
    branches = [
        select(key_of(model).label("id"), order.label("place"))
        .where(*scope)
        .order_by(*ordering(model, order, newest_first))
        .limit(bound)
        .subquery()
        for scope in scopes
    ]
    if len(branches) == 1:
        together = branches[0]
    else:
        together = union(*(select(branch.c.id, branch.c.place) for branch in branches)).subquery()
    places = (together.c.place, together.c.id)
    ordered = (place.desc() if newest_first else place.asc() for place in places)
    return select(together.c.id).order_by(*ordered).limit(bound)
