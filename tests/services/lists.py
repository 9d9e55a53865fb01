"""The long lists of the portal, and what each sends to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor
from portal.services import decision_cards, vm_requests, vms
from tests.factories.moments import NOW

LISTS: dict[str, Callable[[Session, Actor], object]] = {
    "requests": lambda db, actor: vm_requests.search(db, actor=actor),
    "requests by state": lambda db, actor: vm_requests.search(db, actor=actor, state=VmRequestState.SUBMITTED),
    "own requests": lambda db, actor: vm_requests.search(db, actor=actor, mine=True),
    "queue": lambda db, actor: decision_cards.waiting(db, actor=actor),
    "machines": lambda db, actor: vms.search(db, actor=actor),
    "machines by state": lambda db, actor: vms.search(db, actor=actor, state=VmState.RUNNING),
    "own machines": lambda db, actor: vms.search(db, actor=actor, mine=True),
    "overview": lambda db, actor: vm_requests.overview(db, actor=actor, now=NOW),
}


def queries(db: Session, actor: Actor, name: str) -> list[tuple[str, object]]:
    """Statements and parameters of one list, with nothing known beforehand."""
    db.flush()
    db.expire_all()
    with statements_of(db) as statements:
        LISTS[name](db, actor)
    return statements


@contextmanager
def statements_of(db: Session) -> Iterator[list[tuple[str, object]]]:
    seen: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    engine = db.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
