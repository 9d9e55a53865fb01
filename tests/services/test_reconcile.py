"""Database and cluster compared: what is found, what healing does, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.backends.hypervisor_fake import FakeHypervisor
from portal.core.lifecycle import VmRequestState, VmState
from portal.interfaces import (
    HostAddress,
    HostLeftovers,
    MachineOutcome,
    MachineSeen,
    PlaybookResult,
    PlaybookRun,
    PlaybookStatus,
    Power,
    SeatTraces,
)
from portal.models import AuditEntry, Claim, Host, Vm
from portal.services import claims, healing
from portal.services.reconcile import Finding, FindingKind, Report, compare
from portal.services.workflows import begin
from tests.factories import ListQueue, make_host, make_vm, make_vm_request
from tests.factories.moments import NOW
from tests.services.conftest import Cluster


@pytest.fixture
def hv1(db: Session) -> Host:
    return make_host(db, "hv1")


@pytest.fixture
def hv2(db: Session, hv1: Host) -> Host:
    return make_host(db, "hv2")


def claimed_vm(db: Session, host: Host, **changes: object) -> Vm:
    vm_request = make_vm_request(db, state=VmRequestState.FULFILLED)
    vm = make_vm(db, vm_request=vm_request, host_id=host.id, **changes)
    claims.hold(db, vm_request, NOW)
    return vm


@pytest.fixture
def vm(db: Session, hv1: Host, cluster: Cluster) -> Vm:
    vm = claimed_vm(db, hv1)
    cluster.put(vm)
    return vm


def look(db: Session, cluster: Cluster) -> Report:
    return compare(db, hypervisor=cluster.hypervisor)


def kinds(report: Report) -> list[FindingKind]:
    return [finding.kind for finding in report.findings]


def heal(db: Session, cluster: Cluster, report: Report) -> healing.Healed:
    return healing.heal(db, report=report, hypervisor=cluster.hypervisor, playbooks=cluster.playbooks, now=NOW)


def test_what_agrees_is_clean(db: Session, cluster: Cluster, vm: Vm) -> None:
    assert look(db, cluster).clean


def test_a_stray_machine_is_found_and_removed_with_its_files(db: Session, cluster: Cluster, vm: Vm) -> None:
    stray = uuid4()
    cluster.put_machine(stray, "stray")
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.UNKNOWN_MACHINE, FindingKind.UNKNOWN_FOLDER]
    assert cluster.power_of(stray) == Power.RUNNING
    assert len(heal(db, cluster, report).healed) == 2
    assert cluster.power_of(stray) is None
    assert cluster.power_of(vm.id) == Power.RUNNING
    assert look(db, cluster).clean


class TwiceDefined:
    """A cabinet and two hosts that both have the same machine, as a half-done move leaves it; some remove nothing."""

    def __init__(self, *stubborn: str) -> None:
        self.stray = uuid4()
        self.defined = ["hv1", "hv2"]
        self.files = True
        self.stubborn = stubborn

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        seen = MachineSeen(self.stray, "stray", Power.OFF, 1, 256, ours=True)
        return [seen] if host.name in self.defined else []

    def seat_traces(self, host: HostAddress) -> SeatTraces:
        return SeatTraces(*[frozenset()] * 4)

    def leftovers(self, host: HostAddress) -> HostLeftovers:
        return HostLeftovers(frozenset({self.stray} if self.files else ()), frozenset())

    def run(self, run: PlaybookRun) -> PlaybookResult:
        (host,) = (address.name for address in run.hosts)
        (order,) = run.host_variables[host]["retire_vms_machines"]  # type: ignore[misc, union-attr]
        if host in self.stubborn:
            return PlaybookResult(PlaybookStatus.FAILED, {self.stray: MachineOutcome(False, False, "it is busy")}, {})
        self.defined.remove(host)
        self.files = self.files and order["keep_files"]  # type: ignore[index, call-overload, assignment]
        return PlaybookResult(PlaybookStatus.SUCCEEDED, {self.stray: MachineOutcome(True, True, "removed")}, {})

    def heal(self, db: Session) -> healing.Healed:
        report = compare(db, hypervisor=self)  # type: ignore[arg-type]
        return healing.heal(db, report=report, hypervisor=self, playbooks=self, now=NOW)  # type: ignore[arg-type]


def test_a_stray_on_two_hosts_is_removed_from_both_and_its_files_last(db: Session, hv2: Host) -> None:
    cluster = TwiceDefined()
    assert len(cluster.heal(db).healed) == 3
    assert (cluster.defined, cluster.files) == ([], False)


@pytest.mark.parametrize("stubborn", ["hv1", "hv2"])
def test_files_of_a_stray_that_one_host_does_not_let_go_are_kept(db: Session, hv2: Host, stubborn: str) -> None:
    cluster = TwiceDefined(stubborn)
    left = [(finding.kind, finding.host) for finding, reason in cluster.heal(db).left if reason == "it is busy"]
    assert (FindingKind.UNKNOWN_MACHINE, stubborn) in left
    assert (FindingKind.UNKNOWN_FOLDER, "") in left
    assert [(FindingKind.UNKNOWN_MACHINE, host) in left for host in cluster.defined] == [True] * len(cluster.defined)
    assert cluster.files


class CameBack(FakeHypervisor):
    """hv2 was declared lost; the machine was made again on hv1, and now hv2 is back with its old definition."""

    def __init__(self, cluster: Cluster, vm: Vm, power: Power = Power.OFF) -> None:
        super().__init__(cluster.folder, clock=cluster.clock)
        self.old: MachineSeen | None = MachineSeen(vm.id, vm.name, power, 1, 256, ours=True)
        self.kept_files: list[bool] = []

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        old = [self.old] if self.old and host.name == "hv2" else []
        return [*super().machines(host), *old]

    def machine(self, host: HostAddress, vm_id: UUID) -> MachineSeen:
        return self.old if self.old and host.name == "hv2" else super().machine(host, vm_id)

    def run(self, run: PlaybookRun) -> PlaybookResult:
        assert [host.name for host in run.hosts] == ["hv2"]
        (order,) = run.host_variables["hv2"]["retire_vms_machines"]  # type: ignore[misc, union-attr]
        self.kept_files.append(order["keep_files"])  # type: ignore[index, call-overload, arg-type]
        self.old = None
        vm_id = UUID(order["vm_id"])  # type: ignore[index, call-overload, arg-type]
        return PlaybookResult(PlaybookStatus.SUCCEEDED, {vm_id: MachineOutcome(True, True, "removed")}, {})

    def heal(self, db: Session, report: Report) -> healing.Healed:
        return healing.heal(db, report=report, hypervisor=self, playbooks=self, now=NOW)  # type: ignore[arg-type]


def test_a_second_definition_of_a_host_that_came_back_is_removed_and_the_disk_kept(
    db: Session, cluster: Cluster, vm: Vm, hv2: Host
) -> None:
    world = CameBack(cluster, vm)
    report = compare(db, hypervisor=world)
    assert [(one.kind, one.host) for one in report.findings] == [(FindingKind.DOUBLE, "hv2")]
    assert len(world.heal(db, report).healed) == 1
    assert world.kept_files == [True]
    assert compare(db, hypervisor=world).clean
    assert (vm.state, cluster.power_of(vm.id)) == (VmState.RUNNING, Power.RUNNING)


def test_of_two_that_run_a_person_says_which_is_right(db: Session, cluster: Cluster, vm: Vm, hv2: Host) -> None:
    world = CameBack(cluster, vm, Power.RUNNING)
    report = compare(db, hypervisor=world)
    assert [one.heal for one in report.findings] == [""]
    assert world.heal(db, report).healed == ()
    assert world.old is not None


def test_a_second_definition_that_was_started_meanwhile_is_left(
    db: Session, cluster: Cluster, vm: Vm, hv2: Host
) -> None:
    world = CameBack(cluster, vm)
    report = compare(db, hypervisor=world)
    world.old = replace(world.machines(hv2.reached_at)[-1], power=Power.RUNNING)
    ((_finding, reason),) = world.heal(db, report).left
    assert reason == "It has changed meanwhile. Compare again."
    assert world.kept_files == []


def test_a_retired_machine_that_still_runs_is_a_stray(db: Session, cluster: Cluster, hv1: Host) -> None:
    retired = make_vm(db, host_id=hv1.id, state=VmState.RETIRED)
    cluster.put(retired)
    assert FindingKind.UNKNOWN_MACHINE in kinds(look(db, cluster))


def test_a_stray_that_got_an_owner_meanwhile_is_left(db: Session, cluster: Cluster, vm: Vm) -> None:
    finding = Finding(FindingKind.UNKNOWN_MACHINE, "hv1", vm.name, "", "remove it", vm.id)
    done = heal(db, cluster, Report((finding,)))
    assert done.left == ((finding, "it has an owner meanwhile"),)
    assert cluster.power_of(vm.id) == Power.RUNNING


class Others(FakeHypervisor):
    """A cluster that somebody uses beside Vivero: its machines bear no mark."""

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        return [replace(machine, ours=False) for machine in super().machines(host)]


def test_machines_of_others_and_their_files_are_told_and_never_touched(
    db: Session, hv1: Host, cluster: Cluster
) -> None:
    router = uuid4()
    cluster.put_machine(router, "router")
    report = compare(db, hypervisor=Others(cluster.folder))
    assert kinds(report) == [FindingKind.UNKNOWN_MACHINE, FindingKind.UNKNOWN_FOLDER]
    assert heal(db, cluster, report).healed == ()
    assert cluster.power_of(router) == Power.RUNNING


def test_a_lost_machine_is_recorded_as_lost(db: Session, cluster: Cluster, vm: Vm) -> None:
    cluster.lose(vm.id)
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.MISSING_MACHINE]
    heal(db, cluster, report)
    assert vm.state == VmState.ERROR


def test_a_machine_that_gets_ready_while_the_hosts_are_asked_is_not_called_lost(
    db: Session, cluster: Cluster, hv1: Host
) -> None:
    new = claimed_vm(db, hv1, state=VmState.CLONING)

    class Meanwhile(FakeHypervisor):
        def leftovers(self, host: HostAddress) -> HostLeftovers:
            """The host has said what it runs; now the worker finishes."""
            new.move_to(VmState.RUNNING)
            db.commit()
            return HostLeftovers(frozenset(), frozenset())

    assert compare(db, hypervisor=Meanwhile(cluster.folder)).clean


def test_a_machine_that_is_there_again_is_not_recorded_as_lost(db: Session, cluster: Cluster, vm: Vm) -> None:
    cluster.lose(vm.id)
    report = look(db, cluster)
    cluster.put(vm)
    (left,) = heal(db, cluster, report).left
    assert left == (report.findings[0], "It has changed meanwhile. Compare again.")
    assert vm.state == VmState.RUNNING


def test_a_machine_that_was_started_again_is_not_recorded_as_stopped(db: Session, cluster: Cluster, vm: Vm) -> None:
    cluster.put(vm, power=Power.OFF)
    report = look(db, cluster)
    cluster.put(vm, power=Power.RUNNING)
    assert heal(db, cluster, report).healed == ()
    assert vm.state == VmState.RUNNING


@pytest.mark.parametrize("of_request", [False, True])
def test_a_machine_that_is_being_removed_is_not_called_lost(
    db: Session, cluster: Cluster, vm: Vm, of_request: bool
) -> None:
    subject_id = vm.vm_request_id if of_request else vm.id
    cluster.lose(vm.id)
    found = look(db, cluster)
    begin(db, kind="retire", subject_id=subject_id, queue=ListQueue(), now=NOW)
    assert look(db, cluster).clean
    assert heal(db, cluster, found).healed == ()
    assert vm.state == VmState.RUNNING


@pytest.mark.parametrize(("power", "after"), [(Power.RUNNING, VmState.RUNNING), (Power.OFF, VmState.STOPPED)])
def test_a_machine_called_lost_that_is_there_after_all_is_recorded_as_it_is(
    db: Session, cluster: Cluster, vm: Vm, power: Power, after: VmState
) -> None:
    vm.move_to(VmState.ERROR)
    cluster.put(vm, power=power)
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.STATE_DRIFT]
    heal(db, cluster, report)
    assert vm.state == after


def test_a_machine_of_a_failed_request_is_left_to_that_request(db: Session, cluster: Cluster, hv1: Host) -> None:
    vm_request = make_vm_request(db, state=VmRequestState.FAILED)
    broken = make_vm(db, vm_request=vm_request, host_id=hv1.id, state=VmState.ERROR)
    claims.hold(db, vm_request, NOW)
    cluster.put(broken)
    assert look(db, cluster).clean


def test_while_a_host_is_silent_nothing_is_called_lost(db: Session, cluster: Cluster, vm: Vm, hv2: Host) -> None:
    cluster.silence("hv1")
    assert kinds(look(db, cluster))[0] == FindingKind.HOST_SILENT
    cluster.lose(vm.id)
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.HOST_SILENT]
    assert heal(db, cluster, report).healed == ()
    assert vm.state == VmState.RUNNING


def test_files_are_kept_while_a_host_is_silent(db: Session, cluster: Cluster, vm: Vm, hv2: Host) -> None:
    cluster.put_machine(uuid4(), "stray", host="hv2")
    cluster.silence("hv1")
    report = look(db, cluster)
    assert [one.heal for one in report.findings if one.kind == FindingKind.UNKNOWN_FOLDER] == [""]


def test_a_moved_machine_is_recorded_where_it_is(db: Session, cluster: Cluster, vm: Vm, hv2: Host) -> None:
    cluster.put(vm, host="hv2")
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.WRONG_HOST]
    heal(db, cluster, report)
    db.expire_all()
    assert vm.host_id == hv2.id
    assert db.scalar(select(Claim.host_id).where(Claim.vm_id == vm.id)) == hv2.id
    assert look(db, cluster).clean


@pytest.mark.parametrize(
    ("state", "power", "after", "power_after"),
    [
        (VmState.RUNNING, Power.OFF, VmState.STOPPED, Power.OFF),
        (VmState.STOPPED, Power.RUNNING, VmState.RUNNING, Power.RUNNING),
        (VmState.PARKED, Power.RUNNING, VmState.PARKED, Power.OFF),
    ],
)
def test_drifted_states_come_together(
    db: Session, cluster: Cluster, vm: Vm, state: VmState, power: Power, after: VmState, power_after: Power
) -> None:
    vm.state = state
    cluster.put(vm, power=power)
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.STATE_DRIFT]
    heal(db, cluster, report)
    assert (vm.state, cluster.power_of(vm.id)) == (after, power_after)
    assert look(db, cluster).clean


def test_machines_in_the_making_are_left_alone(db: Session, cluster: Cluster, hv1: Host) -> None:
    vm = claimed_vm(db, hv1, state=VmState.CLONING)
    assert look(db, cluster).clean
    cluster.put(vm, power=Power.OFF)
    assert look(db, cluster).clean


def test_claims_without_machine_are_let_go_and_missing_ones_made(db: Session, cluster: Cluster, vm: Vm) -> None:
    forgotten = make_vm_request(db, claimed=True, state=VmRequestState.DENIED)
    waiting = make_vm_request(db, claimed=True)
    claims.release(db, [vm.id])
    report = look(db, cluster)
    assert kinds(report) == [FindingKind.UNKNOWN_CLAIM, FindingKind.MISSING_CLAIM]
    heal(db, cluster, report)
    held: set[UUID] = set(db.scalars(select(Claim.vm_request_id)))
    assert held == {waiting.id, vm.vm_request_id}
    assert forgotten.id not in held


def test_healing_is_written_down(db: Session, cluster: Cluster, vm: Vm) -> None:
    cluster.lose(vm.id)
    heal(db, cluster, look(db, cluster))
    entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor, entry.details["kind"]) == ("reconcile.healed", "Vivero", "missing_machine")
