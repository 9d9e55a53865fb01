"""Decisions: once, never one's own, with the facts beside them, and never more than was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from portal.core.errors import (
    AlreadyDecided,
    Conflict,
    Invalid,
    NoCapacity,
    NotAllowed,
    NotFound,
    OverQuota,
    OwnRequest,
)
from portal.core.lease import end_of_day
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Actor, Role
from portal.core.templates import NetworkClass, OperatingSystem, Quantities, Range, Size, Words
from portal.models import Claim, Mail, Template, TemplateVersion, VmRequest, Workflow
from portal.models.database import make_write_sessions
from portal.models.vm_requests import VmRequestKind
from portal.services import approvals, audit, decision_cards, vms
from portal.services.orders import decided_spec
from tests.factories import (
    ListQueue,
    actor_for,
    make_account,
    make_department,
    make_host,
    make_template,
    make_template_version,
    make_vm,
    make_vm_request,
)
from tests.factories.cluster import spec_data
from tests.factories.moments import NOW, TODAY


@dataclass
class Desk:
    """Grace's desk with one request of Ada's on it, and room in the cluster."""

    db: Session
    grace: Actor
    queue: ListQueue
    vm_request: VmRequest

    def approve(self, **changes: object) -> VmRequest:
        ordinary = {"actor": self.grace, "vm_request_id": self.vm_request.id, "queue": self.queue, "now": NOW}
        return approvals.approve(self.db, **{**ordinary, **changes})  # type: ignore[arg-type]

    def deny(self, reason: str = "Use the wiki of the house", **changes: object) -> VmRequest:
        ordinary = {"actor": self.grace, "vm_request_id": self.vm_request.id, "reason": reason, "now": NOW}
        return approvals.deny(self.db, **{**ordinary, **changes})  # type: ignore[arg-type]

    def card(self, actor: Actor | None = None) -> decision_cards.DecisionCard:
        return decision_cards.card(self.db, actor=actor or self.grace, vm_request=self.vm_request, now=NOW)


@pytest.fixture
def desk(db: Session) -> Desk:
    make_host(db, "hv1")
    make_host(db, "hv2")
    ada = make_account(db, "ada")
    vm_request = make_vm_request(db, by=ada, copies=4, claimed=True, name="wiki")
    return Desk(db, actor_for(db, "grace", role=Role.APPROVER), ListQueue(), vm_request)


def test_a_template_moved_to_quarantine_after_the_order_is_approved_for_quarantine(desk: Desk) -> None:
    desk.db.get_one(Template, "dokuwiki").spec = spec_data(network=NetworkClass.QUARANTINE)
    approved = desk.approve()
    version = desk.db.get_one(TemplateVersion, approved.template_version_id)
    assert decided_spec(approved, version).network == NetworkClass.QUARANTINE


def test_approving_queues_the_work_in_the_same_transaction(desk: Desk) -> None:
    approved = desk.approve(comment="Good idea")
    assert (approved.state, approved.decided_by_id) == (VmRequestState.APPROVED, desk.grace.account_id)
    assert [(workflow, subject) for workflow, _, subject in desk.queue.entries] == [("provision", str(approved.id))]
    desk.db.rollback()
    assert desk.db.scalar(select(func.count()).select_from(Workflow)) == 0


def test_approving_fixes_the_newest_disk(desk: Desk) -> None:
    newest = make_template_version(desk.db, version=2)
    assert desk.approve().template_version_id == newest.id


def test_approving_tells_the_requester_and_the_audit_log(desk: Desk) -> None:
    desk.approve(comment="Good idea")
    mail = desk.db.scalars(select(Mail)).one()
    assert mail.account_id == desk.vm_request.submitted_by_id
    assert "Good idea" in mail.text
    (entry,) = audit.history_of(desk.db, desk.vm_request.id)
    assert (entry.action, entry.actor, entry.reason) == ("vm_request.approved", "Grace", "Good idea")


def test_a_second_decision_reads_who_decided_and_when(desk: Desk) -> None:
    desk.approve()
    with pytest.raises(AlreadyDecided, match=r"already decided by Grace at 2026-03-02T09:00"):
        desk.deny(actor=actor_for(desk.db, "gina", role=Role.APPROVER))
    assert desk.vm_request.state == VmRequestState.APPROVED


def test_nobody_decides_on_their_own_request(desk: Desk) -> None:
    own = make_vm_request(desk.db, by=make_account(desk.db, "gina", role=Role.APPROVER))
    gina = actor_for(desk.db, "gina")
    with pytest.raises(OwnRequest):
        desk.approve(actor=gina, vm_request_id=own.id)
    with pytest.raises(OwnRequest):
        desk.deny(actor=gina, vm_request_id=own.id)
    card = decision_cards.card(desk.db, actor=gina, vm_request=own, now=NOW)
    assert not card.may_decide


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.TEACHER, Role.AUDITOR])
def test_who_does_not_approve_may_not_decide(desk: Desk, role: Role) -> None:
    eve = actor_for(desk.db, "eve", role=role)
    with pytest.raises(NotAllowed):
        desk.approve(actor=eve)


def test_an_approver_of_another_department_does_not_even_see_it(desk: Desk) -> None:
    eve = actor_for(desk.db, "eve", role=Role.APPROVER, department="laboratorio")
    with pytest.raises(NotFound):
        desk.approve(actor=eve)
    assert decision_cards.waiting(desk.db, actor=eve).items == ()


def test_an_administrator_decides_everywhere(desk: Desk) -> None:
    assert desk.approve(actor=actor_for(desk.db, "root", role=Role.ADMIN)).state == VmRequestState.APPROVED


def test_less_may_be_approved_and_frees_what_is_not_needed(desk: Desk) -> None:
    make_template(desk.db)
    approved = desk.approve(copies=2, ends_on=date(2026, 4, 1))
    assert (approved.copies, approved.ends_on) == (2, date(2026, 4, 1))
    assert desk.db.scalar(select(func.count()).select_from(Claim)) == 2


def test_a_smaller_size_may_be_approved(desk: Desk) -> None:
    large = make_vm_request(desk.db, size="large", vcpus=2, memory_mib=4096, disk_gib=40, claimed=True)
    approved = desk.approve(vm_request_id=large.id, size="small")
    assert (approved.size, approved.memory_mib) == ("small", 1024)
    assert desk.db.scalar(select(Claim.memory_mib).where(Claim.vm_request_id == large.id)) == 1024


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"copies": 5}, "copies"),
        ({"copies": 0}, "copies"),
        ({"size": "large"}, "size"),
        ({"size": "huge"}, "size"),
        ({"ends_on": date(2026, 7, 1)}, "ends_on"),
        ({"ends_on": date(2026, 3, 1)}, "ends_on"),
    ],
)
def test_more_than_was_asked_cannot_be_approved(desk: Desk, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        desk.approve(**changes)
    assert raised.value.field == field


ROOMY = (Size("small", Words("s", "s"), Range(1, 1, 2), Range(1024, 512, 2048), Range(10, 10, 20)),)


def test_each_quantity_may_be_moved_between_the_limits_of_its_size(desk: Desk) -> None:
    desk.db.get_one(Template, "dokuwiki").spec = spec_data(sizes=ROOMY)
    approved = desk.approve(quantities=Quantities(vcpus=2, memory_mib=512))
    assert (approved.vcpus, approved.memory_mib, approved.disk_gib) == (2, 512, 10)
    assert set(desk.db.scalars(select(Claim.memory_mib))) == {512}
    (entry,) = audit.history_of(desk.db, approved.id)
    assert (entry.details["vcpus"], entry.details["memory_mib"]) == (2, 512)


@pytest.mark.parametrize(
    ("quantities", "field"),
    [
        (Quantities(vcpus=3), "vcpus"),
        (Quantities(memory_mib=511), "memory_mib"),
        (Quantities(disk_gib=21), "disk_gib"),
    ],
)
def test_a_quantity_beyond_the_limits_of_its_size_is_refused(desk: Desk, quantities: Quantities, field: str) -> None:
    desk.db.get_one(Template, "dokuwiki").spec = spec_data(sizes=ROOMY)
    with pytest.raises(Invalid, match="between") as raised:
        desk.approve(quantities=quantities)
    assert raised.value.field == field


def test_more_than_the_quota_has_left_cannot_be_given_by_moving_a_quantity(desk: Desk) -> None:
    desk.db.get_one(Template, "dokuwiki").spec = spec_data(sizes=ROOMY)
    make_department(desk.db).quota_vcpus = 7
    with pytest.raises(OverQuota):
        desk.approve(quantities=Quantities(vcpus=2))


def test_what_does_not_fit_with_a_host_in_reserve_is_refused(desk: Desk) -> None:
    big = make_vm_request(desk.db, copies=17, claimed=True)
    department = make_department(desk.db)
    department.quota_machines = department.quota_vcpus = 30
    with pytest.raises(NoCapacity, match=r"lose a host"):
        desk.approve(vm_request_id=big.id)
    assert not decision_cards.card(desk.db, actor=desk.grace, vm_request=big, now=NOW).fits


def test_undecided_requests_of_others_take_no_room(desk: Desk) -> None:
    make_vm_request(desk.db, copies=30, department="laboratorio", claimed=True)
    assert desk.card().fits
    assert desk.approve().state == VmRequestState.APPROVED


def test_an_order_whose_copies_would_be_called_as_those_of_an_approved_one_is_not_approved(desk: Desk) -> None:
    make_vm_request(desk.db, name="aula-01", state=VmRequestState.APPROVED)
    several = make_vm_request(desk.db, name="aula", copies=3, claimed=True)
    with pytest.raises(Conflict, match="aula-01"):
        desk.approve(vm_request_id=several.id)


def test_of_two_orders_with_the_same_names_the_first_is_approved(desk: Desk) -> None:
    make_vm_request(desk.db, name="aula-01")
    several = make_vm_request(desk.db, name="aula", copies=2, claimed=True)
    assert desk.approve(vm_request_id=several.id).state == VmRequestState.APPROVED


def test_fewer_copies_must_not_take_the_name_of_a_machine(desk: Desk) -> None:
    make_vm(desk.db, name="aula")
    several = make_vm_request(desk.db, name="aula", copies=2, claimed=True)
    with pytest.raises(Conflict, match="aula"):
        desk.approve(vm_request_id=several.id, copies=1)


def test_a_quota_that_shrank_stops_the_approval(desk: Desk) -> None:
    make_department(desk.db).quota_machines = 3
    with pytest.raises(OverQuota):
        desk.approve()


def test_a_template_without_disk_cannot_be_approved(desk: Desk) -> None:
    make_template_version(desk.db).missing = True
    with pytest.raises(Conflict):
        desk.approve()


def test_what_is_wanted_later_waits_for_its_day(desk: Desk) -> None:
    desk.vm_request.starts_on = TODAY + timedelta(days=3)
    assert desk.approve().workflow_id is None
    assert desk.queue.entries == []


def test_denying_needs_a_reason(desk: Desk) -> None:
    with pytest.raises(Invalid) as raised:
        desk.deny(reason="  ")
    assert raised.value.field == "reason"
    assert desk.vm_request.state == VmRequestState.SUBMITTED


def test_denying_tells_the_reason_and_frees_the_capacity(desk: Desk) -> None:
    desk.vm_request.sealed_parameters = "sealed"
    denied = desk.deny()
    assert (denied.state, denied.sealed_parameters) == (VmRequestState.DENIED, None)
    assert "Use the wiki of the house" in desk.db.scalars(select(Mail)).one().text
    assert desk.db.scalar(select(func.count()).select_from(Claim)) == 0


def test_the_card_shows_the_quota_after_and_flags(desk: Desk) -> None:
    make_department(desk.db).quota_machines = 10
    card = desk.card()
    assert card.may_decide
    assert card.takes.machines == 4
    assert card.quota_after.machines == 6
    assert card.flags == ()


def test_old_systems_and_quarantine_are_flagged(desk: Desk) -> None:
    old = OperatingSystem("Windows Server 2003", date(2015, 7, 14))
    make_template(desk.db, "oncofarma", system=old, network=NetworkClass.QUARANTINE)
    vm_request = make_vm_request(desk.db, template_slug="oncofarma")
    card = decision_cards.card(desk.db, actor=desk.grace, vm_request=vm_request, now=NOW)
    assert [flag.code for flag in card.flags] == ["end-of-support", "network"]


def test_the_queue_is_oldest_first(desk: Desk) -> None:
    older = make_vm_request(desk.db, submitted_at=NOW - timedelta(days=1))
    make_vm_request(desk.db, state=VmRequestState.DENIED)
    assert decision_cards.waiting(desk.db, actor=desk.grace).items == (older, desk.vm_request)


def test_an_approved_extension_lengthens_the_lease_at_once(desk: Desk) -> None:
    vm = make_vm(desk.db)
    asked = make_vm_request(desk.db, kind=VmRequestKind.EXTENSION, vm_id=vm.id, size="", ends_on=date(2027, 6, 30))
    approved = desk.approve(vm_request_id=asked.id, ends_on=date(2027, 3, 31))
    assert approved.state == VmRequestState.FULFILLED
    assert vm.expires_at == end_of_day(date(2027, 3, 31))
    assert desk.queue.entries == []


def test_an_approved_extension_stands_in_the_history_of_its_machine(desk: Desk) -> None:
    vm = make_vm(desk.db)
    asked = make_vm_request(desk.db, kind=VmRequestKind.EXTENSION, vm_id=vm.id, size="", ends_on=date(2027, 6, 30))
    desk.approve(vm_request_id=asked.id)
    (entry,) = vms.history(desk.db, actor=desk.grace, vm_id=vm.id)
    assert (entry.action, entry.actor, entry.details["to"]) == ("vm.extended", "Grace", "2027-06-30")


def test_no_extension_is_approved_for_a_machine_that_is_being_deleted(desk: Desk) -> None:
    vm = make_vm(desk.db)
    asked = make_vm_request(desk.db, kind=VmRequestKind.EXTENSION, vm_id=vm.id, size="", ends_on=date(2027, 6, 30))
    desk.db.add(Workflow(id="retire-1", kind="retire", subject_id=vm.id, created_at=NOW))
    with pytest.raises(Conflict):
        desk.approve(vm_request_id=asked.id)


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_of_many_approvals_at_once_one_wins(desk: Desk, engine: Engine) -> None:
    vm_request_id = desk.vm_request.id
    approvers = [actor_for(desk.db, f"grace{number}", role=Role.APPROVER) for number in range(12)]
    desk.db.commit()
    outcomes: list[str] = []
    start = Barrier(len(approvers))

    def decide(actor: Actor) -> None:
        start.wait()
        outcomes.append(try_to_approve(engine, actor, vm_request_id))

    threads = [Thread(target=decide, args=[actor]) for actor in approvers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already-decided"] * 11 + ["approved"]
    assert desk.db.scalar(select(func.count()).select_from(Workflow)) == 1


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite unless a test says otherwise."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


def try_to_approve(engine: Engine, actor: Actor, vm_request_id: UUID) -> str:
    with make_write_sessions(engine)() as db:
        try:
            approvals.approve(db, actor=actor, vm_request_id=vm_request_id, queue=ListQueue(), now=NOW)
        except AlreadyDecided as error:
            return error.code
        db.commit()
        return "approved"
