"""Ends of leases: told twice, parked once, retired after the grace time, with links that cannot be forged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import NotFound
from portal.core.lifecycle import VmRequestState, VmState, WorkflowState
from portal.core.policy import Role
from portal.interfaces import Power
from portal.models import Account, Mail, Vm, VmRequest, Workflow
from portal.services import leases, vms
from portal.services.leases import LeaseAction, LeaseLink
from tests.factories import ListQueue, actor_for, make_account, make_host, make_vm
from tests.factories.moments import NOW
from tests.services.conftest import Cluster

KEY = "a secret key of the tests"
END = NOW + timedelta(days=6)


@pytest.fixture
def ada(db: Session) -> Account:
    return make_account(db, "ada")


@pytest.fixture
def vm(db: Session, ada: Account, cluster: Cluster) -> Vm:
    vm = make_vm(db, owner=ada, name="wiki", expires_at=END, host_id=make_host(db).id)
    cluster.put(vm)
    return vm


def tell(db: Session, now: datetime = NOW) -> int:
    return leases.send_notices(db, now=now, secret_key=KEY, base_url="https://vivero.example")


def park_due(db: Session, cluster: Cluster, now: datetime) -> int:
    """Two rounds: the guests are asked, and have listened when they are looked at."""
    first = leases.park_due(db, now=now, hypervisor=cluster.hypervisor)
    cluster.wait(2)
    return first + leases.park_due(db, now=now, hypervisor=cluster.hypervisor)


def test_the_owner_is_told_a_week_and_a_day_before_once_each(db: Session, vm: Vm) -> None:
    assert [tell(db), tell(db, NOW + timedelta(hours=1))] == [1, 0]
    assert [tell(db, END - timedelta(hours=23)), tell(db, END - timedelta(hours=1))] == [1, 0]
    assert len(db.scalars(select(Mail)).all()) == 2


def test_nobody_is_told_too_early_or_too_late(db: Session, vm: Vm) -> None:
    assert tell(db, END - timedelta(days=8)) == 0
    assert tell(db, END + timedelta(seconds=1)) == 0


def test_an_extended_lease_is_told_anew(db: Session, vm: Vm) -> None:
    tell(db)
    vm.expires_at = END + timedelta(days=30)
    assert tell(db) == 0
    assert tell(db, END + timedelta(days=25)) == 1


def test_the_mail_has_three_links_that_say_what_they_mean(db: Session, vm: Vm) -> None:
    tell(db)
    mail = db.scalars(select(Mail)).one()
    texts = [line.rsplit("/", 1)[1] for line in mail.text.splitlines() if "/leases/" in line]
    links = [leases.read_lease_link(db, KEY, text=text, now=NOW) for text in texts]
    assert links == [LeaseLink(vm.id, action) for action in LeaseAction]
    assert mail.html is not None
    assert all(text in mail.html for text in texts)


@pytest.mark.parametrize("text", ["", "x", "WyJhIl0.bad", "." * 2000])
def test_a_made_up_link_is_refused(db: Session, text: str) -> None:
    with pytest.raises(NotFound):
        leases.read_lease_link(db, KEY, text=text, now=NOW)


def test_a_link_of_another_key_is_refused(db: Session, vm: Vm) -> None:
    text = leases.lease_link("another key", vm=vm, action=LeaseAction.KEEP)
    with pytest.raises(NotFound):
        leases.read_lease_link(db, KEY, text=text, now=NOW)


def test_a_link_ends_with_the_lease_it_speaks_of(db: Session, vm: Vm) -> None:
    text = leases.lease_link(KEY, vm=vm, action=LeaseAction.KEEP)
    with pytest.raises(NotFound):
        leases.read_lease_link(db, KEY, text=text, now=END + timedelta(days=15))
    vm.expires_at = END + timedelta(days=1)
    with pytest.raises(NotFound):
        leases.read_lease_link(db, KEY, text=text, now=NOW)


def test_at_its_end_a_machine_is_parked_and_its_owner_told(db: Session, vm: Vm, cluster: Cluster) -> None:
    assert park_due(db, cluster, END - timedelta(seconds=1)) == 0
    assert park_due(db, cluster, END) == 1
    assert (vm.state, vm.retire_at) == (VmState.PARKED, END + timedelta(days=14))
    assert cluster.power_of(vm.id) == Power.OFF
    assert "wiki" in db.scalars(select(Mail)).one().subject
    assert park_due(db, cluster, END + timedelta(hours=1)) == 0


def test_a_machine_parked_by_hand_gets_its_grace_at_the_end(db: Session, vm: Vm, cluster: Cluster) -> None:
    vm.state = VmState.PARKED
    cluster.put(vm, power=Power.OFF)
    assert park_due(db, cluster, END) == 1
    assert vm.retire_at == END + timedelta(days=14)


def test_a_row_that_says_parked_does_not_keep_a_running_machine_from_being_stopped(
    db: Session, vm: Vm, cluster: Cluster
) -> None:
    vm.state = VmState.PARKED
    leases.park_due(db, now=END, hypervisor=cluster.hypervisor)
    assert db.scalars(select(Mail)).all() == [], "nobody is told that it is off while it runs"
    cluster.wait(2)
    leases.park_due(db, now=END, hypervisor=cluster.hypervisor)
    assert (cluster.power_of(vm.id), vm.retire_at) == (Power.OFF, END + timedelta(days=14))


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.ERROR])
def test_a_machine_that_no_host_knows_gets_its_grace_too(db: Session, vm: Vm, cluster: Cluster, state: VmState) -> None:
    vm.state = state
    cluster.lose(vm.id)
    assert park_due(db, cluster, END) == 1
    assert vm.retire_at == END + timedelta(days=14)


def test_a_machine_that_never_had_a_host_gets_its_grace_too(db: Session, ada: Account, cluster: Cluster) -> None:
    vm = make_vm(db, owner=ada, expires_at=END, state=VmState.ERROR)
    assert park_due(db, cluster, END) == 1
    assert vm.retire_at == END + timedelta(days=14)


def test_many_machines_that_refuse_do_not_keep_the_others_from_being_parked(
    db: Session, ada: Account, vm: Vm, cluster: Cluster
) -> None:
    silent = make_host(db, "hv2")
    for _ in range(60):
        make_vm(db, owner=ada, expires_at=END - timedelta(days=1), host_id=silent.id)
    cluster.silence("hv2")
    assert park_due(db, cluster, END) == 1
    assert vm.state == VmState.PARKED


def test_a_lease_extended_while_the_guest_shuts_down_keeps_the_machine(
    db: Session, ada: Account, cluster: Cluster
) -> None:
    vm = make_vm(db, owner=ada, name="wiki-sorda", expires_at=END, host_id=make_host(db).id)
    cluster.put(vm)
    leases.park_due(db, now=END, hypervisor=cluster.hypervisor)
    vms.extend(db, actor=actor_for(db, "ada"), vm_id=vm.id, ends_on=(END + timedelta(days=30)).date(), now=END)
    leases.park_due(db, now=END + timedelta(minutes=6), hypervisor=cluster.hypervisor)
    assert (vm.state, vm.parking_since, cluster.power_of(vm.id)) == (VmState.RUNNING, None, Power.RUNNING)


def test_a_machine_is_not_deleted_while_somebody_may_still_grant_it_more_time(
    db: Session, vm: Vm, cluster: Cluster
) -> None:
    park_due(db, cluster, END)
    far = (END + timedelta(days=400)).date()
    asked = vms.extend(db, actor=actor_for(db, "ada"), vm_id=vm.id, ends_on=far, now=END, reason="The course goes on")
    assert isinstance(asked, VmRequest)
    assert leases.retire_due(db, now=END + timedelta(days=15), queue=ListQueue()) == 0
    asked.state = VmRequestState.DENIED
    assert leases.retire_due(db, now=END + timedelta(days=15), queue=ListQueue()) == 1


def test_a_retirement_that_failed_is_tried_again_after_an_hour(db: Session, vm: Vm) -> None:
    failed_at = NOW + timedelta(minutes=5)
    vms.retire(db, actor=actor_for(db, "ada"), vm_id=vm.id, queue=ListQueue(), now=NOW)
    workflow = db.scalars(select(Workflow)).one()
    workflow.state, workflow.ended_at = WorkflowState.FAILED, failed_at
    vm.state = VmState.ERROR
    assert leases.retire_due(db, now=failed_at + timedelta(minutes=59), queue=ListQueue()) == 0
    assert leases.retire_due(db, now=failed_at + timedelta(minutes=61), queue=ListQueue()) == 1


def test_nobody_is_reminded_of_a_machine_that_is_being_given_back(db: Session, vm: Vm) -> None:
    vms.retire(db, actor=actor_for(db, "ada"), vm_id=vm.id, queue=ListQueue(), now=NOW)
    assert tell(db) == 0


def test_a_machine_that_left_the_park_in_its_grace_time_is_retired_all_the_same(
    db: Session, vm: Vm, cluster: Cluster
) -> None:
    park_due(db, cluster, END)
    vm.state = VmState.STOPPED
    assert leases.retire_due(db, now=END + timedelta(days=14), queue=ListQueue()) == 1


def test_parking_reckons_days_where_the_hospital_is(db: Session, ada: Account, cluster: Cluster) -> None:
    end = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
    vm = make_vm(db, owner=ada, expires_at=end, host_id=make_host(db).id)
    cluster.put(vm, power=Power.OFF)
    leases.park_due(db, now=end, hypervisor=cluster.hypervisor, timezone="America/Bogota")
    assert "2 April 2026" in db.scalars(select(Mail)).one().text


def test_when_the_owner_has_left_the_approvers_are_told(db: Session, ada: Account, vm: Vm, cluster: Cluster) -> None:
    make_account(db, "grace", role=Role.APPROVER)
    ada.active = False
    tell(db)
    park_due(db, cluster, END)
    notice, parked = db.scalars(select(Mail).order_by(Mail.created_at)).all()
    assert notice.receiver == parked.receiver == "grace@hospital.example"
    assert "of Ada" in notice.text
    assert "/leases/" not in notice.text, "the choices are the owner's"


def test_without_owner_and_approver_the_administrators_are_told(
    db: Session, ada: Account, vm: Vm, cluster: Cluster
) -> None:
    make_account(db, "root", role=Role.ADMIN)
    ada.active = False
    park_due(db, cluster, END)
    assert db.scalars(select(Mail.receiver)).all() == ["root@hospital.example"]


def test_a_silent_host_holds_up_only_its_own_machines(db: Session, vm: Vm, ada: Account, cluster: Cluster) -> None:
    other = make_vm(db, owner=ada, expires_at=END, host_id=make_host(db, "hv2").id)
    cluster.put(other, host="hv2")
    cluster.silence("hv1")
    assert park_due(db, cluster, END) == 1
    assert (vm.state, other.state) == (VmState.RUNNING, VmState.PARKED)


def test_after_the_grace_time_it_is_retired_once(db: Session, vm: Vm, cluster: Cluster) -> None:
    park_due(db, cluster, END)
    queue = ListQueue()
    assert leases.retire_due(db, now=END + timedelta(days=13), queue=queue) == 0
    assert leases.retire_due(db, now=END + timedelta(days=14), queue=queue) == 1
    assert leases.retire_due(db, now=END + timedelta(days=15), queue=queue) == 0
    assert [entry[2] for entry in queue.entries] == [str(vm.id)]


def test_an_extension_in_the_grace_time_saves_it(db: Session, vm: Vm, cluster: Cluster) -> None:
    park_due(db, cluster, END)
    later = END + timedelta(days=3)
    vms.extend(db, actor=actor_for(db, "ada"), vm_id=vm.id, ends_on=(later + timedelta(days=30)).date(), now=later)
    assert vm.retire_at is None
    assert leases.retire_due(db, now=END + timedelta(days=20), queue=ListQueue()) == 0
