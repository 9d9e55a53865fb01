"""Takes away by the playbook that retires what `reconcile` found too many: machines, files, second definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.core.lifecycle import VmState
from portal.interfaces import HostAddress, Json, PlaybookResult, PlaybookRun, PlaybookRunner
from portal.models import Vm
from portal.services.hosts import all_hosts
from portal.services.reconcile import Finding, FindingKind
from portal.services.transactions import let_go

RETIRE_TIMEOUT_S = 900


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


def remove_double(vm_id: UUID, host: HostAddress, playbooks: PlaybookRunner, storage_dir: str) -> str:
    """Take the definition from this host and leave the files. Why it is still there; empty when it is gone."""
    places = {host.name: [vm_id]}
    run = retire_run(places, {vm_id}, {host.name: host}, storage_dir)
    return run_removal(playbooks, run, places).get(vm_id, "")
