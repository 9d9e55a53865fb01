"""Console tickets: one use, thirty seconds, one log-in, one machine; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.policy import Role
from portal.interfaces import ConsoleKind
from portal.models import AuditEntry, ConsoleTicket, Vm, VmUser
from portal.services import consoles, login_sessions
from portal.services.accounts import actor_of
from portal.services.consoles import Refusal, Sitting
from tests.factories import actor_for, make_account, make_host, make_vm
from tests.factories.moments import NOW

HASH = "0" * 64


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def wiki(db: Session) -> Vm:
    vm = make_vm(db, owner=make_account(db, "ada"), name="wiki", host_id=make_host(db).id)
    db.commit()
    return vm


def ticket_of(db: Session, vm: Vm, **changes: object) -> str:
    ordinary = {"actor": actor_of(vm.owner), "vm_id": vm.id, "kind": ConsoleKind.SERIAL, "login_session_hash": HASH}
    ticket = consoles.issue_ticket(db, now=NOW, **{**ordinary, **changes})  # type: ignore[arg-type]
    db.commit()
    return ticket


def test_a_burnt_ticket_opens_the_machine_it_was_for(db: Session, wiki: Vm) -> None:
    burnt = consoles.burn_ticket(db, ticket_of(db, wiki), login_session_hash=HASH, now=NOW)
    assert burnt is not None
    entry = consoles.enter(db, burnt, now=NOW)
    assert (entry.vm_id, entry.host.name, entry.kind) == (wiki.id, "hv1", ConsoleKind.SERIAL)
    opened = db.scalars(select(AuditEntry).where(AuditEntry.action == "console.opened")).one()
    assert (opened.actor, opened.subject_name) == ("Ada", "wiki")


def test_of_twenty_at_once_one_burns_it(db: Session, wiki: Vm, write_sessions: sessionmaker[Session]) -> None:
    ticket = ticket_of(db, wiki)

    def burn(_number: int) -> bool:
        with write_sessions.begin() as own:
            return consoles.burn_ticket(own, ticket, login_session_hash=HASH, now=NOW) is not None

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(burn, range(20))) == 1


@pytest.mark.parametrize(
    ("login_session_hash", "after_s"), [("1" * 64, 0), (HASH, 30), (HASH, 3600)], ids=["another log-in", "30 s", "1 h"]
)
def test_it_is_worth_nothing_elsewhere_or_later(db: Session, wiki: Vm, login_session_hash: str, after_s: int) -> None:
    ticket, later = ticket_of(db, wiki), NOW + timedelta(seconds=after_s)
    assert consoles.burn_ticket(db, ticket, login_session_hash=login_session_hash, now=later) is None


def test_only_the_hash_is_kept(db: Session, wiki: Vm) -> None:
    ticket = ticket_of(db, wiki)
    assert ticket not in db.scalars(select(ConsoleTicket.ticket_hash)).all()


def test_a_machine_that_is_off_has_no_console(db: Session, wiki: Vm) -> None:
    wiki.state = "stopped"  # type: ignore[assignment]
    with pytest.raises(Conflict):
        ticket_of(db, wiki)


def test_who_may_not_use_the_machine_gets_no_ticket(db: Session, wiki: Vm) -> None:
    with pytest.raises(NotAllowed):
        ticket_of(db, wiki, actor=actor_for(db, "bea"))
    with pytest.raises(NotFound):
        ticket_of(db, wiki, actor=actor_for(db, "eve", department="radiologia"))
    with pytest.raises(NotAllowed):
        ticket_of(db, wiki, actor=actor_for(db, "olga", role=Role.AUDITOR))


def test_the_permission_is_asked_again_when_the_ticket_is_used(db: Session, wiki: Vm) -> None:
    bea = make_account(db, "bea")
    db.add(VmUser(vm_id=wiki.id, account_id=bea.id, added_at=NOW))
    db.flush()
    burnt = consoles.burn_ticket(db, ticket_of(db, wiki, actor=actor_of(bea)), login_session_hash=HASH, now=NOW)
    db.delete(db.get_one(VmUser, (wiki.id, bea.id)))
    db.flush()
    assert burnt is not None
    with pytest.raises(NotAllowed):
        consoles.enter(db, burnt, now=NOW)


def test_tickets_are_not_hoarded(db: Session, wiki: Vm) -> None:
    for _ in range(consoles.MOST_OPEN_TICKETS):
        ticket_of(db, wiki)
    with pytest.raises(Conflict):
        ticket_of(db, wiki)


def test_who_may_stay_is_asked_for_all_at_once(db: Session, wiki: Vm) -> None:
    bea, gone = make_account(db, "bea"), make_account(db, "gone", active=False)
    hashes = {
        person.login: login_sessions.hash_of(login_sessions.open_session(db, account_id=person.id, now=NOW))
        for person in (wiki.owner, bea, gone)
    }
    ada, ada_out = Sitting(hashes["ada"], wiki.owner_id, wiki.id), Sitting(HASH, wiki.owner_id, wiki.id)
    other, watching = Sitting(hashes["bea"], bea.id, wiki.id), Sitting(hashes["bea"], bea.id)
    shut_out, swapped = Sitting(hashes["gone"], gone.id), Sitting(hashes["ada"], bea.id)
    found = consoles.refusals(db, {ada, ada_out, other, watching, shut_out, swapped}, now=NOW, idle_minutes=15)
    assert found == {
        ada: None,
        ada_out: Refusal.LOGGED_OUT,
        other: Refusal.NOT_ALLOWED,
        watching: None,
        shut_out: Refusal.LOGGED_OUT,
        swapped: Refusal.LOGGED_OUT,
    }
