"""The audit log: a chain in which an edit shows, read by who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Delete, Update, delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.core.errors import NotAllowed
from portal.core.policy import Role
from portal.models import AuditEntry, AuditHead
from portal.models.database import AUDIT_KEY
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
    assert report.head == db.get_one(AuditHead, 1).digest


def unlock(db: Session) -> None:
    """As somebody does who may change the tables themselves."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_kept"))
    else:
        for verb in ("update", "delete"):
            db.execute(text(f"DROP TRIGGER audit_entries_kept_{verb}"))


@pytest.mark.parametrize("change", [update(AuditEntry).values(actor="Eve"), delete(AuditEntry)])
def test_the_database_refuses_to_change_an_entry(db: Session, change: Update | Delete) -> None:
    write(db)
    db.commit()
    with pytest.raises(DBAPIError, match="never changed"):
        db.execute(change)


@pytest.mark.parametrize(
    "change", [{"actor": "Eve"}, {"reason": "other"}, {"details": {"a": 1}}, {"at": NOW}, {"action": "vm.stopped"}]
)
def test_an_edited_entry_shows(db: Session, change: dict[str, object]) -> None:
    entries = [write(db, number=number) for number in range(1, 4)]
    unlock(db)
    db.execute(update(AuditEntry).where(AuditEntry.id == entries[1].id).values(**change))
    db.expire_all()
    report = audit.verify_chain(db)
    assert (report.ok, report.first_broken_id) == (False, entries[1].id)


def test_a_removed_entry_shows(db: Session) -> None:
    entries = [write(db, number=number) for number in range(3)]
    unlock(db)
    db.execute(delete(AuditEntry).where(AuditEntry.id == entries[1].id))
    db.expire_all()
    assert audit.verify_chain(db).first_broken_id == entries[2].id


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_tail_that_was_cut_off_shows_also_when_the_log_goes_on(db: Session, left: int) -> None:
    entries = [write(db, number=number) for number in range(3)]
    unlock(db)
    db.execute(delete(AuditEntry).where(AuditEntry.id.in_([one.id for one in entries[left:]])))
    db.expire_all()
    report = audit.verify_chain(db)
    assert (report.ok, report.cut, report.entries) == (False, True, left)
    write(db, number=9)
    assert not audit.verify_chain(db).ok


def test_a_chain_that_was_made_anew_without_the_key_shows(db: Session) -> None:
    """Who may write to the database can recompute digests, but not with the portal's key."""
    db.info[AUDIT_KEY] = b"what the forger has"
    forged = write(db)
    db.info[AUDIT_KEY] = audit.chain_key("the portal's own key")
    assert audit.verify_chain(db).first_broken_id == forged.id


def test_a_head_that_was_changed_shows(db: Session) -> None:
    write(db)
    db.execute(update(AuditHead).values(entries=7))
    assert audit.verify_chain(db).cut


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
