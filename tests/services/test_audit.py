"""The audit log: a chain in which an edit shows, read by who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portal.core.errors import NotAllowed
from portal.core.policy import Role
from portal.models import AuditEntry
from portal.services import audit
from portal.services.audit import AuditFilter, Subject
from tests.factories import actor_for, make_department
from tests.factories.moments import NOW


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


def write(db: Session, action: str = "vm.started", number: int = 0, **changes: object) -> AuditEntry:
    ordinary = {"actor": actor_for(db, "ada"), "action": action, "subject": Subject("vm", f"vm-{number}", "wiki")}
    now = NOW + timedelta(minutes=number)
    return audit.record(db, **{**ordinary, "now": now, **changes})  # type: ignore[arg-type]


def test_an_untouched_chain_is_whole(db: Session) -> None:
    for number in range(3):
        write(db, number=number, reason="así", details={"Ñ": [1, 2.5, None, {"b": True, "a": "€"}]})
    db.commit()
    report = audit.verify_chain(db)
    assert (report.ok, report.entries, report.first_broken_id) == (True, 3, None)
    assert report.head == audit.newest_digest(db)


@pytest.mark.parametrize(
    "change", [{"actor": "Eve"}, {"reason": "other"}, {"details": {"a": 1}}, {"at": NOW}, {"action": "vm.stopped"}]
)
def test_an_edited_entry_shows(db: Session, change: dict[str, object]) -> None:
    entries = [write(db, number=number) for number in range(1, 4)]
    db.execute(update(AuditEntry).where(AuditEntry.id == entries[1].id).values(**change))
    db.expire_all()
    report = audit.verify_chain(db)
    assert (report.ok, report.first_broken_id) == (False, entries[1].id)


def test_a_removed_entry_shows(db: Session) -> None:
    entries = [write(db, number=number) for number in range(3)]
    db.execute(delete(AuditEntry).where(AuditEntry.id == entries[1].id))
    db.expire_all()
    assert audit.verify_chain(db).first_broken_id == entries[2].id


def test_an_empty_chain_is_whole(db: Session) -> None:
    assert audit.verify_chain(db).ok


def test_the_system_has_a_name(db: Session) -> None:
    assert write(db, actor=None).actor == "Vivero"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_only_the_auditor_reads_not_even_the_administrator(db: Session, role: Role) -> None:
    with pytest.raises(NotAllowed):
        audit.entries(db, actor=actor_for(db, "eve", role=role))


def test_the_auditor_reads_newest_first_and_filters(db: Session) -> None:
    old, new = write(db, "vm.started", 1), write(db, "vm.stopped", 2)
    hugo = actor_for(db, "hugo", role=Role.AUDITOR)

    def found(filters: AuditFilter) -> tuple[AuditEntry, ...]:
        return audit.entries(db, actor=hugo, filters=filters).items

    assert found(AuditFilter()) == (new, old)
    assert found(AuditFilter(action="vm.started")) == (old,)
    assert found(AuditFilter(subject_id="vm-2")) == (new,)
    assert found(AuditFilter(since=new.at)) == (new,)
    assert found(AuditFilter(until=new.at)) == (old,)
    assert found(AuditFilter(department_id=make_department(db).id)) == ()
