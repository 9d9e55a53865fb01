"""Machines: who sees, uses and manages them; sharing, handing over, extending, giving back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.lease import end_of_day
from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor, Grant, Role
from portal.core.templates import NetworkClass, OperatingSystem
from portal.models import Account, Mail, Vm, VmRequest, VmUser
from portal.services import accounts, audit, vms
from portal.services.vms import Extended
from tests.factories import ListQueue, actor_for, make_account, make_department, make_template, make_vm
from tests.factories.cluster import spec_data
from tests.factories.moments import NOW


@pytest.fixture
def ada(db: Session) -> Account:
    return make_account(db, "ada")


@pytest.fixture
def vm(db: Session, ada: Account) -> Vm:
    return make_vm(db, owner=ada, name="wiki", expires_at=end_of_day(date(2026, 4, 30)))


@pytest.fixture
def owner(db: Session, ada: Account) -> Actor:
    return actor_for(db, "ada")


def extend(db: Session, vm: Vm, actor: Actor, ends_on: date, reason: str = "") -> Extended | VmRequest:
    return vms.extend(db, actor=actor, vm_id=vm.id, ends_on=ends_on, now=NOW, reason=reason)


def test_the_department_sees_a_machine_but_does_not_use_it(db: Session, vm: Vm) -> None:
    tom = actor_for(db, "tom")
    assert vms.get(db, actor=tom, vm_id=vm.id) is vm
    assert not vms.may_use(db, actor=tom, vm=vm)
    with pytest.raises(NotAllowed):
        vms.usable(db, actor=tom, vm_id=vm.id)


def test_another_department_does_not_see_it(db: Session, vm: Vm) -> None:
    eve = actor_for(db, "eve", department="laboratorio")
    with pytest.raises(NotFound):
        vms.get(db, actor=eve, vm_id=vm.id)
    assert vms.search(db, actor=eve).items == ()


@pytest.mark.parametrize(
    ("role", "sees", "uses", "manages"),
    [
        (Role.REQUESTER, True, False, False),
        (Role.APPROVER, True, False, False),
        (Role.AUDITOR, True, False, False),
        (Role.ADMIN, True, True, True),
        (Role.STUDENT, False, False, False),
    ],
)
def test_what_each_role_may_with_somebody_elses_machine(
    db: Session, vm: Vm, role: Role, sees: bool, uses: bool, manages: bool
) -> None:
    actor = actor_for(db, "somebody", role=role)
    assert bool(vms.search(db, actor=actor).items) == sees
    assert vms.may_use(db, actor=actor, vm=vm) == uses
    assert vms.may_manage(actor=actor, vm=vm) == manages


def test_who_leaves_the_department_leaves_its_machines(db: Session, ada: Account, vm: Vm) -> None:
    sam = make_account(db, "sam", role=Role.STUDENT)
    db.add(VmUser(vm_id=vm.id, account_id=sam.id, added_at=NOW))
    elsewhere = [Grant(Role.REQUESTER, make_department(db, "laboratorio").id)]
    for leaver in (ada, sam):
        accounts.set_grants(db, actor=None, account_id=leaver.id, grants=elsewhere, now=NOW)
        actor = actor_for(db, leaver.login)
        assert not vms.may_use(db, actor=actor, vm=vm)
        assert not vms.may_manage(actor=actor, vm=vm)
        assert vms.search(db, actor=actor).items == ()
        with pytest.raises(NotFound):
            vms.get(db, actor=actor, vm_id=vm.id)


@pytest.mark.parametrize("why", ["moved", "shut out"])
def test_machines_whose_owner_may_no_longer_use_them_are_told_to_the_administrator(
    db: Session, ada: Account, vm: Vm, why: str
) -> None:
    alan = actor_for(db, "alan", role=Role.ADMIN)
    make_vm(db, owner=ada, state=VmState.RETIRED)
    assert vms.without_keeper(db, actor=alan, account=ada) == []
    if why == "moved":
        accounts.set_grants(db, actor=alan, account_id=ada.id, grants=[], now=NOW)
    else:
        accounts.set_active(db, actor=alan, account_id=ada.id, active=False, now=NOW)
    assert vms.without_keeper(db, actor=alan, account=ada) == [vm]


def test_a_shared_machine_is_used_but_not_managed(db: Session, vm: Vm, owner: Actor) -> None:
    sam = make_account(db, "sam", role=Role.STUDENT)
    vms.add_user(db, actor=owner, vm_id=vm.id, account_id=sam.id, now=NOW)
    vms.add_user(db, actor=owner, vm_id=vm.id, account_id=sam.id, now=NOW)
    student = actor_for(db, "sam")
    assert vms.usable(db, actor=student, vm_id=vm.id) is vm
    assert vms.search(db, actor=student).items == (vm,)
    with pytest.raises(NotAllowed):
        vms.retire(db, actor=student, vm_id=vm.id, queue=ListQueue(), now=NOW)


def test_sharing_ends(db: Session, vm: Vm, owner: Actor) -> None:
    tom = make_account(db, "tom")
    vms.add_user(db, actor=owner, vm_id=vm.id, account_id=tom.id, now=NOW)
    vms.remove_user(db, actor=owner, vm_id=vm.id, account_id=tom.id, now=NOW)
    assert vms.users(db, actor=owner, vm_id=vm.id) == []


def test_a_machine_is_shared_only_within_its_department(db: Session, vm: Vm, owner: Actor) -> None:
    eve = make_account(db, "eve", department="laboratorio")
    with pytest.raises(Invalid) as raised:
        vms.add_user(db, actor=owner, vm_id=vm.id, account_id=eve.id, now=NOW)
    assert raised.value.field == "account_id"


def test_handing_over_changes_the_owner_and_is_recorded(db: Session, vm: Vm, owner: Actor) -> None:
    tom = make_account(db, "tom")
    vms.add_user(db, actor=owner, vm_id=vm.id, account_id=tom.id, now=NOW)
    vms.hand_over(db, actor=owner, vm_id=vm.id, to_account_id=tom.id, now=NOW)
    assert vm.owner.login == "tom"
    assert db.scalars(select(VmUser)).all() == []
    newest = vms.history(db, actor=owner, vm_id=vm.id)[0]
    assert (newest.action, newest.details) == ("vm.handed_over", {"from": "ada", "to": "tom"})
    with pytest.raises(NotAllowed):
        vms.hand_over(db, actor=owner, vm_id=vm.id, to_account_id=owner.account_id, now=NOW)


def test_the_history_tells_the_request_too(db: Session, vm: Vm, owner: Actor) -> None:
    subject = audit.subject_of(db.get_one(VmRequest, vm.vm_request_id))
    audit.record(db, actor=owner, action="vm_request.submitted", subject=subject, now=NOW)
    assert [entry.action for entry in vms.history(db, actor=owner, vm_id=vm.id)] == ["vm_request.submitted"]


def test_a_lease_is_extended_at_once_within_policy(db: Session, vm: Vm, owner: Actor) -> None:
    outcome = extend(db, vm, owner, date(2026, 8, 29))
    assert outcome == Extended(vm, date(2026, 8, 29))
    assert vm.expires_at == end_of_day(date(2026, 8, 29))


def test_a_machine_ordered_for_quarantine_is_not_extended_by_the_rules_of_its_older_disk(
    db: Session, vm: Vm, owner: Actor
) -> None:
    db.get_one(VmRequest, vm.vm_request_id).spec = spec_data(network=NetworkClass.QUARANTINE)
    assert isinstance(extend(db, vm, owner, date(2026, 8, 29), reason="The course goes on"), VmRequest)


def test_beyond_policy_it_becomes_a_request_with_a_reason(db: Session, vm: Vm, owner: Actor) -> None:
    make_account(db, "grace", role=Role.APPROVER)
    with pytest.raises(Invalid) as raised:
        extend(db, vm, owner, date(2026, 8, 30))
    assert raised.value.field == "reason"
    asked = extend(db, vm, owner, date(2026, 8, 30), reason="The course goes on")
    assert isinstance(asked, VmRequest)
    assert (asked.kind, asked.vm_id) == ("extension", vm.id)
    assert vm.expires_at == end_of_day(date(2026, 4, 30))
    assert db.scalars(select(Mail)).one().receiver == "grace@hospital.example"
    with pytest.raises(Conflict):
        extend(db, vm, owner, date(2026, 8, 30), reason="The course goes on")


def test_old_systems_are_extended_for_ninety_days_in_all(db: Session, ada: Account, owner: Actor) -> None:
    old = OperatingSystem("Windows XP", date(2014, 4, 8))
    make_template(db, "dokuwiki", system=old, network=NetworkClass.ISOLATED)
    vm = make_vm(db, owner=ada, expires_at=end_of_day(date(2026, 4, 1)))
    assert isinstance(extend(db, vm, owner, date(2026, 5, 31)), Extended)
    assert isinstance(extend(db, vm, owner, date(2026, 6, 1), reason="The new one is late"), VmRequest)


@pytest.mark.parametrize("ends_on", [date(2026, 4, 30), date(2026, 3, 1), date(2029, 1, 1)])
def test_an_extension_goes_forward_and_not_for_ever(db: Session, vm: Vm, owner: Actor, ends_on: date) -> None:
    with pytest.raises(Invalid) as raised:
        extend(db, vm, owner, ends_on, reason="because")
    assert raised.value.field == "ends_on"


def test_a_colleague_may_not_extend(db: Session, vm: Vm) -> None:
    with pytest.raises(NotAllowed):
        extend(db, vm, actor_for(db, "tom"), date(2026, 5, 31))


def test_giving_back_closes_what_was_asked_for_it_and_tells_who_asked(db: Session, vm: Vm, owner: Actor) -> None:
    asked = extend(db, vm, owner, date(2026, 8, 30), reason="The course goes on")
    root = actor_for(db, "root", role=Role.ADMIN)
    vms.retire(db, actor=root, vm_id=vm.id, queue=ListQueue(), now=NOW)
    assert isinstance(asked, VmRequest)
    assert asked.state == VmRequestState.CANCELLED
    (mail,) = db.scalars(select(Mail).where(Mail.receiver == "ada@hospital.example"))
    assert mail.subject == "Closed: more time for wiki"


def test_giving_back_queues_the_removal_once(db: Session, vm: Vm, owner: Actor) -> None:
    queue = ListQueue()
    vms.retire(db, actor=owner, vm_id=vm.id, queue=queue, now=NOW)
    assert [(entry[0], entry[2]) for entry in queue.entries] == [("retire", str(vm.id))]
    with pytest.raises(Conflict):
        vms.retire(db, actor=owner, vm_id=vm.id, queue=queue, now=NOW)


def test_a_machine_that_is_being_made_is_not_given_back(db: Session, vm: Vm, owner: Actor) -> None:
    vm.state = VmState.CLONING
    with pytest.raises(Conflict):
        vms.retire(db, actor=owner, vm_id=vm.id, queue=ListQueue(), now=NOW)


def test_lists_show_living_machines_newest_first(db: Session, vm: Vm, owner: Actor, ada: Account) -> None:
    newer = make_vm(db, owner=ada, name="lamp", created_at=NOW + timedelta(hours=1), address="10.77.16.9")
    gone = make_vm(db, owner=ada, state=VmState.RETIRED, created_at=NOW - timedelta(days=1))
    assert vms.search(db, actor=owner).items == (newer, vm)
    assert vms.search(db, actor=owner, retired=True).items == (newer, vm, gone)
    assert vms.search(db, actor=owner, state=VmState.RETIRED).items == (gone,)
    assert vms.search(db, actor=owner, text="16.9").items == (newer,)
    assert vms.search(db, actor=owner, department="laboratorio").items == ()
    assert vms.search(db, actor=owner, department="farmacia", mine=True).items == (newer, vm)
