"""Who may ask for a machine of a kept seat as an own one, and what its keeping waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, InvalidOrder, NotAllowed, NotFound
from portal.core.lease import local_day
from portal.core.lifecycle import KeepingState, LabSessionState, VmRequestState
from portal.core.policy import Actor, Role
from portal.models import Keeping, LabSession, OwnMachine, VmRequest
from portal.services import approvals, keeping_holds, kept_seats, own_machines, vm_requests
from portal.services.own_machines import Wish
from tests.factories import ListQueue, actor_for, make_host
from tests.factories.lab_sessions import make_lab_session
from tests.services.test_keepings import DAY, ENDS_AT, TERMS, actions, ask, end, grant, other_class, sit, teacher

LATER = ENDS_AT + timedelta(hours=1)
WISH = Wish("server", "own-server", "To go on", local_day(LATER, "Europe/Madrid") + 30 * DAY)


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    starts_at = ENDS_AT - timedelta(hours=1)
    return make_lab_session(db, starts_at=starts_at, state=LabSessionState.RUNNING, seats=20, spares=2)


@pytest.fixture
def keeping(db: Session, lab_session: LabSession) -> Keeping:
    """A seat that is kept for three days after its class."""
    keeping = grant(db, ask(db, sit(db, lab_session)), 3)
    end(db, lab_session)
    db.expire(keeping)
    return keeping


def machine_name(lab_session: LabSession) -> str:
    return str(lab_session.lab_version.spec["machines"][0]["name"])


def order(db: Session, keeping: Keeping, *, actor: Actor | None = None, wish: Wish = WISH) -> VmRequest:
    lab_session = db.get_one(LabSession, keeping.lab_session_id)
    for row in keeping.seat.machines if keeping.seat else ():
        row.disk_gib = 1  # as large as the lab's size makes it
    db.flush()
    wish = replace(wish, machine=machine_name(lab_session)) if wish.machine == "server" else wish
    actor = actor or teacher(lab_session)
    return own_machines.ask(db, actor=actor, keeping_id=keeping.id, wish=wish, now=LATER, secret_key="x" * 40)


def end_due(db: Session, days: int) -> int:
    now = ENDS_AT + days * DAY + timedelta(hours=1)
    return kept_seats.end_due(db, queue=ListQueue(), now=now, terms=TERMS)


def test_it_is_an_ordinary_request_of_the_machines_template_and_size(db: Session, keeping: Keeping) -> None:
    vm_request = order(db, keeping)
    source = db.get_one(OwnMachine, vm_request.id)
    assert (vm_request.state, vm_request.copies) == (VmRequestState.SUBMITTED, 1)
    assert (vm_request.template_slug, vm_request.size) == ("micro-linux", "tiny")
    assert (source.keeping_id, source.copied_at) == (keeping.id, None)
    assert actions(db)[-1] == "keeping.own_machine_asked"


def test_only_who_teaches_the_class_may_ask(db: Session, keeping: Keeping) -> None:
    with pytest.raises(NotFound):
        order(db, keeping, actor=actor_for(db, role=Role.TEACHER))
    with pytest.raises(NotFound):
        order(db, keeping, actor=actor_for(db, role=Role.REQUESTER))


def test_only_for_a_department_in_which_they_may_order(db: Session, keeping: Keeping) -> None:
    teacher_in_farmacia = teacher(db.get_one(LabSession, keeping.lab_session_id))
    elsewhere = actor_for(db, department="radiologia").grants[0].department_id
    with pytest.raises(NotAllowed):
        order(db, keeping, actor=teacher_in_farmacia, wish=replace(WISH, department_id=elsewhere))


def test_what_is_missing_is_said_beside_its_field(db: Session, keeping: Keeping) -> None:
    with pytest.raises(InvalidOrder) as caught:
        order(db, keeping, wish=replace(WISH, name="", purpose="", ends_on=None))
    assert {problem.field for problem in caught.value.errors} >= {"name", "purpose", "ends_on"}


def test_a_machine_that_the_seat_has_not_is_not_there(db: Session, keeping: Keeping) -> None:
    with pytest.raises(NotFound):
        order(db, keeping, wish=replace(WISH, machine="mainframe"))


def test_sent_twice_it_is_one_request_and_a_second_one_has_to_wait(db: Session, keeping: Keeping) -> None:
    wish = replace(WISH, form_key="one form")
    assert order(db, keeping, wish=wish).id == order(db, keeping, wish=wish).id
    with pytest.raises(Conflict):
        order(db, keeping, wish=replace(WISH, name="another"))


def test_a_seat_that_is_kept_no_more_gives_no_machine(db: Session, keeping: Keeping) -> None:
    assert end_due(db, 3) == 1
    with pytest.raises(Conflict):
        order(db, keeping)


def test_an_approval_may_not_give_a_smaller_disk_than_the_seat_has(db: Session, keeping: Keeping) -> None:
    vm_request = order(db, keeping)
    db.get_one(OwnMachine, vm_request.id).machine.disk_gib = 2
    with pytest.raises(Invalid) as caught:
        approve(db, vm_request)
    assert caught.value.field == "disk_gib"


def approve(db: Session, vm_request: VmRequest) -> ListQueue:
    queue, grace = ListQueue(), actor_for(db, role=Role.APPROVER)
    approvals.approve(db, actor=grace, vm_request_id=vm_request.id, queue=queue, now=LATER)
    return queue


def test_approved_it_is_made_by_the_sequence_that_copies_the_disk(db: Session, keeping: Keeping) -> None:
    assert approve(db, order(db, keeping)).entries[-1][0] == "provision_from_seat"


# the keeping is held


def test_the_seat_neither_ends_nor_is_given_back_while_the_request_is_open(db: Session, keeping: Keeping) -> None:
    order(db, keeping)
    lab_session = db.get_one(LabSession, keeping.lab_session_id)
    with pytest.raises(Conflict, match="cancel that request first"):
        kept_seats.end_early(db, actor=teacher(lab_session), keeping_id=keeping.id, queue=ListQueue(), now=LATER)
    with pytest.raises(Conflict):
        kept_seats.give_back(db, student=keeping.student, queue=ListQueue(), now=LATER)
    assert end_due(db, 3) == 0
    assert (keeping.state, keeping.until_at) == (KeepingState.KEPT, ENDS_AT + 4 * DAY)
    assert actions(db)[-1] == "keeping.held"


def test_denied_or_cancelled_it_ends_as_any_other(db: Session, keeping: Keeping) -> None:
    vm_request = order(db, keeping)
    grace = actor_for(db, role=Role.APPROVER)
    approvals.deny(db, actor=grace, vm_request_id=vm_request.id, reason="No room", now=LATER)
    again = order(db, keeping)
    actor = teacher(db.get_one(LabSession, keeping.lab_session_id))
    vm_requests.cancel(db, actor=actor, vm_request_id=again.id, now=LATER, queue=ListQueue())
    assert end_due(db, 3) == 1


def test_where_the_room_is_promised_to_a_class_the_request_is_cancelled(db: Session, keeping: Keeping) -> None:
    other_class(db, ENDS_AT + 3 * DAY + timedelta(hours=2))
    vm_request = order(db, keeping)
    assert end_due(db, 3) == 1
    assert (vm_request.state, keeping.state) == (VmRequestState.CANCELLED, KeepingState.OVER)


def test_work_that_has_not_begun_is_taken_back_when_the_longest_time_is_over(db: Session, keeping: Keeping) -> None:
    vm_request = order(db, keeping)
    approve(db, vm_request)
    keeping.until_at = ENDS_AT + 21 * DAY
    assert end_due(db, 21) == 1
    assert vm_request.state == VmRequestState.CANCELLED


def test_after_the_copy_the_time_of_the_seat_ends_as_usual(db: Session, keeping: Keeping) -> None:
    vm_request = order(db, keeping)
    approve(db, vm_request)
    db.get_one(OwnMachine, vm_request.id).copied_at = LATER
    vm_request.move_to(VmRequestState.PROVISIONING)
    db.flush()
    assert (keeping_holds.is_held(db, keeping.id), end_due(db, 3)) == (True, 1)
    assert vm_request.state == VmRequestState.PROVISIONING
