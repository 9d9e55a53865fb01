"""Heals what `reconcile` found: files and strays by the playbook that retires, drifted rows by the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, MachineMissing, PlaybookFailed, PortalError
from portal.core.lifecycle import VmState
from portal.interfaces import Hypervisor, MachineSeen, PlaybookRunner, Power
from portal.models import Claim, Vm
from portal.services import claims, workflows
from portal.services.audit import Subject, record
from portal.services.following import note_off
from portal.services.hosts import by_name
from portal.services.reconcile import Finding, FindingKind, Report, heal_of_state
from portal.services.removals import remove_double, remove_strays
from portal.services.stray_seats import remove_stray_seat, strays_of_seats
from portal.services.transactions import let_go

BY_PLAYBOOK = (FindingKind.UNKNOWN_MACHINE, FindingKind.UNKNOWN_FOLDER, FindingKind.UNKNOWN_RESERVATION)
CHANGED = N_("It has changed meanwhile. Compare again.")


@dataclass(frozen=True)
class Outside:
    """What healing asks and changes besides the database."""

    hypervisor: Hypervisor
    playbooks: PlaybookRunner
    storage_dir: str


@dataclass(frozen=True)
class Healed:
    healed: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]  # with the reason


def heal(
    db: Session,
    *,
    report: Report,
    hypervisor: Hypervisor,
    playbooks: PlaybookRunner,
    now: datetime,
    storage_dir: str = "/srv/vivero",
) -> Healed:
    """Do what each finding says. Each row is healed in a transaction of its own; what fails is left and said."""
    healed: list[Finding] = []
    left: list[tuple[Finding, str]] = []
    outside = Outside(hypervisor, playbooks, storage_dir)
    strays = [one for one in report.findings if one.heal and one.kind in BY_PLAYBOOK]
    removal = remove_strays(db, strays, playbooks, storage_dir)
    for finding in report.findings:
        if not finding.heal:
            left.append((finding, "a person has to look"))
            continue
        reason = removal.reason_for(finding) if finding in strays else heal_one(db, finding, outside, now)
        if reason:
            left.append((finding, reason))
        else:
            healed.append(finding)
            write_down(db, finding, now)
    return Healed(tuple(healed), tuple(left))


def write_down(db: Session, finding: Finding, now: datetime) -> None:
    subject = Subject("vm", str(finding.vm_id or ""), finding.what)
    details = {"kind": str(finding.kind), "host": finding.host, "detail": finding.detail}
    record(db, actor=None, action="reconcile.healed", subject=subject, now=now, reason=finding.heal, details=details)
    let_go(db)


def heal_one(db: Session, finding: Finding, outside: Outside, now: datetime) -> str:
    """Why it could not be healed; empty when it is."""
    hypervisor = outside.hypervisor
    healers: dict[FindingKind, Callable[[], None]] = {
        FindingKind.STATE_DRIFT: lambda: heal_state(db, finding, hypervisor),
        FindingKind.MISSING_MACHINE: lambda: heal_missing(db, finding, hypervisor),
        FindingKind.WRONG_HOST: lambda: heal_host(db, finding, hypervisor),
        FindingKind.DOUBLE: lambda: heal_double(db, finding, outside),
        FindingKind.UNKNOWN_SEAT: lambda: heal_seat(db, finding, outside),
        FindingKind.UNKNOWN_CLAIM: lambda: claims.release(db, [finding.vm_id] if finding.vm_id else []),
        FindingKind.MISSING_CLAIM: lambda: heal_claim(db, finding, now),
    }
    try:
        healers[finding.kind]()
        let_go(db)
    except PortalError as error:
        db.rollback()
        return str(error)
    return ""


def heal_state(db: Session, finding: Finding, hypervisor: Hypervisor) -> None:
    vm, machine = look_again(db, finding, hypervisor)
    if machine is None or heal_of_state(vm.state, machine.power) != finding.heal:
        raise Conflict(CHANGED)
    if vm.state == VmState.PARKED and vm.host is not None:
        address = vm.host.reached_at
        let_go(db)
        hypervisor.power_off(address, vm.id)
    elif machine.power in (Power.RUNNING, Power.PAUSED):
        vm.move_to(VmState.RUNNING)
    else:
        note_off(vm)


def heal_seat(db: Session, finding: Finding, outside: Outside) -> None:
    """A class may have got a seat there meanwhile: then nothing is removed."""
    host, seat_id = by_name(db, finding.host).reached_at, finding.vm_id
    traces = {finding.host: outside.hypervisor.seat_traces(host)}
    strays = {stray: elsewhere for _, stray, elsewhere in strays_of_seats(db, traces)}
    let_go(db)
    if seat_id is None or seat_id not in strays:
        raise Conflict(CHANGED)
    reason = remove_stray_seat(seat_id, host, outside.playbooks, outside.storage_dir, keep_files=strays[seat_id])
    if reason:
        raise PlaybookFailed(reason.replace("%", "%%"))


def heal_missing(db: Session, finding: Finding, hypervisor: Hypervisor) -> None:
    vm, machine = look_again(db, finding, hypervisor)
    if machine is not None:
        raise Conflict(CHANGED)
    vm.move_to(VmState.ERROR, reason=N_("No host knows this machine any more."))


def heal_host(db: Session, finding: Finding, hypervisor: Hypervisor) -> None:
    """It is where it is: row and claim follow."""
    vm, machine = look_again(db, finding, hypervisor)
    host = by_name(db, finding.host)
    if machine is None or vm.host_id == host.id:
        raise Conflict(CHANGED)
    vm.host_id = host.id
    host.generation += 1
    db.execute(update(Claim).where(Claim.vm_id == vm.id).values(host_id=host.id))


def heal_double(db: Session, finding: Finding, outside: Outside) -> None:
    """Only where the machine is not recorded and is switched off."""
    vm, machine = look_again(db, finding, outside.hypervisor)
    host = by_name(db, finding.host)
    if machine is None or machine.power != Power.OFF or vm.host_id in (None, host.id):
        raise Conflict(CHANGED)
    vm_id, address = vm.id, host.reached_at
    let_go(db)
    reason = remove_double(vm_id, address, outside.playbooks, outside.storage_dir)
    if reason:
        raise Conflict(reason)


def look_again(db: Session, finding: Finding, hypervisor: Hypervisor) -> tuple[Vm, MachineSeen | None]:
    """The machine as row and host of the finding know it now. Conflict if work on it has begun meanwhile."""
    address = by_name(db, finding.host).reached_at
    vm_id = db.get_one(Vm, finding.vm_id).id
    let_go(db)
    try:
        machine = hypervisor.machine(address, vm_id)
    except MachineMissing:
        machine = None
    vm = db.get_one(Vm, vm_id, populate_existing=True)
    if workflows.is_under_way(db, vm.id):
        raise Conflict(CHANGED)
    return vm, machine


def heal_claim(db: Session, finding: Finding, now: datetime) -> None:
    vm = db.get_one(Vm, finding.vm_id)
    db.add(
        Claim(
            vm_request_id=vm.vm_request_id,
            vm_id=vm.id,
            department_id=vm.department_id,
            vcpus=vm.vcpus,
            memory_mib=vm.memory_mib,
            disk_gib=vm.disk_gib,
            made_at=now,
            template_slug=vm.template_version.template_slug,
            host_id=vm.host_id,
        )
    )
