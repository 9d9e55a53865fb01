"""Heals what `reconcile` found: files and strays by the playbook that retires, drifted rows by the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, MachineMissing, PortalError
from portal.core.lifecycle import VmState
from portal.interfaces import (
    HostAddress,
    Hypervisor,
    Json,
    MachineSeen,
    PlaybookResult,
    PlaybookRun,
    PlaybookRunner,
    Power,
)
from portal.models import Claim, Vm
from portal.services import claims, workflows
from portal.services.audit import Subject, record
from portal.services.following import note_off
from portal.services.hosts import all_hosts, by_name
from portal.services.reconcile import Finding, FindingKind, Report, heal_of_state
from portal.services.transactions import let_go

BY_PLAYBOOK = (FindingKind.UNKNOWN_MACHINE, FindingKind.UNKNOWN_FOLDER, FindingKind.UNKNOWN_RESERVATION)
RETIRE_TIMEOUT_S = 900
CHANGED = N_("It has changed meanwhile. Compare again.")


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
    strays = [one for one in report.findings if one.heal and one.kind in BY_PLAYBOOK]
    removal = remove_strays(db, strays, playbooks, storage_dir)
    for finding in report.findings:
        if not finding.heal:
            left.append((finding, "a person has to look"))
            continue
        reason = removal.reason_for(finding) if finding in strays else heal_row(db, finding, hypervisor, now)
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


@dataclass
class Removal:
    """What was removed where, and by machine why it was not removed everywhere."""

    removed: set[tuple[str, UUID | None]] = field(default_factory=set)
    reasons: dict[UUID | None, str] = field(default_factory=dict)

    def reason_for(self, finding: Finding) -> str:
        """Empty if it is gone. Files go last, so they are gone only if their machine is gone from every host."""
        if finding.kind == FindingKind.UNKNOWN_MACHINE and (finding.host, finding.vm_id) in self.removed:
            return ""
        return self.reasons.get(finding.vm_id, "")

    def note(self, places: Mapping[str, Sequence[UUID]], reasons: Mapping[UUID | None, str]) -> None:
        self.reasons |= reasons
        self.removed |= {(host, vm_id) for host, ids in places.items() for vm_id in ids if vm_id not in reasons}


def remove_strays(db: Session, strays: Sequence[Finding], playbooks: PlaybookRunner, storage_dir: str) -> Removal:
    """Remove what no row knows even now. One run, unless a machine is defined on several hosts: those one by one."""
    owned = set(db.scalars(select(Vm.id).where(Vm.id.in_([one.vm_id for one in strays]), Vm.state != VmState.RETIRED)))
    addresses = {host.name: host.reached_at for host in all_hosts(db)}
    let_go(db)
    removal = Removal(reasons=dict.fromkeys(owned, "it has an owner meanwhile"))
    homes = homes_of(strays, addresses)
    with_files = {one.vm_id for one in strays if one.kind != FindingKind.UNKNOWN_MACHINE}
    for number in range(max(map(len, homes.values()), default=0)):
        now = {vm_id: hosts for vm_id, hosts in homes.items() if number < len(hosts) and vm_id not in removal.reasons}
        places: dict[str, list[UUID]] = {}
        for vm_id, hosts in now.items():
            places.setdefault(hosts[number], []).append(vm_id)
        keep = {vm_id for vm_id, hosts in now.items() if number + 1 < len(hosts) or vm_id not in with_files}
        if places:
            removal.note(places, run_removal(playbooks, retire_run(places, keep, addresses, storage_dir), places))
    return removal


def homes_of(strays: Sequence[Finding], addresses: Mapping[str, HostAddress]) -> dict[UUID, list[str]]:
    """On which hosts each is removed: machines wherever they are, files anywhere, for the cabinet is shared."""
    homes: dict[UUID, list[str]] = {one.vm_id: [] for one in strays if one.vm_id}
    for one in strays:
        if one.vm_id and one.kind == FindingKind.UNKNOWN_MACHINE:
            homes[one.vm_id].append(one.host)
    return {vm_id: hosts or sorted(addresses)[:1] for vm_id, hosts in homes.items()}


def run_removal(
    playbooks: PlaybookRunner, run: PlaybookRun, places: Mapping[str, Sequence[UUID]]
) -> dict[UUID | None, str]:
    """By machine, why it was not removed."""
    try:
        return failures_of(playbooks.run(run), places)
    except PortalError as error:
        return {vm_id: str(error) for ids in places.values() for vm_id in ids}


def retire_run(
    places: Mapping[str, Sequence[UUID]], keep: Set[UUID], addresses: Mapping[str, HostAddress], storage_dir: str
) -> PlaybookRun:
    host_variables: dict[str, dict[str, Json]] = {
        host: {"retire_vms_machines": [{"vm_id": str(vm_id), "keep_files": vm_id in keep} for vm_id in ids]}
        for host, ids in places.items()
    }
    return PlaybookRun(
        playbook="retire_vms",
        hosts=tuple(addresses[host] for host in sorted(places)),
        variables={"retire_vms_storage_dir": storage_dir, "fencing": {}},
        host_variables=host_variables,
        timeout_s=RETIRE_TIMEOUT_S,
    )


def failures_of(result: PlaybookResult, places: Mapping[str, Sequence[UUID]]) -> dict[UUID | None, str]:
    reasons: dict[UUID | None, str] = {}
    for host, ids in places.items():
        for vm_id in ids:
            outcome = result.machines.get(vm_id)
            if outcome is None:
                reasons[vm_id] = result.hosts_failed.get(host, "the playbook did not come to it")
            elif not outcome.ok:
                reasons[vm_id] = outcome.message
    return reasons


def heal_row(db: Session, finding: Finding, hypervisor: Hypervisor, now: datetime) -> str:
    """Why it could not be healed; empty when it is."""
    healers: dict[FindingKind, Callable[[], None]] = {
        FindingKind.STATE_DRIFT: lambda: heal_state(db, finding, hypervisor),
        FindingKind.MISSING_MACHINE: lambda: heal_missing(db, finding, hypervisor),
        FindingKind.WRONG_HOST: lambda: heal_host(db, finding, hypervisor),
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
