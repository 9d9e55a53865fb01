"""Compares the database with the cluster: what nobody owns, what is missing, what drifted apart.

Hosts are asked first and the database read afterwards: what a running workflow makes is in the database before it is
on a host, so new machines are never taken for strays. The other way round, a machine is called drifted only if its row
said the same before the hosts were asked and no work on it is under way. Healing (healing.py) looks once more before it
acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import PortalError
from portal.core.lifecycle import VmRequestState, VmState
from portal.interfaces import Hypervisor, MachineSeen, Power, SeatTraces
from portal.models import Claim, Host, Vm, VmRequest, Workflow
from portal.models.vms import is_living
from portal.services import workflows
from portal.services.hosts import all_hosts
from portal.services.stray_seats import strays_of_seats
from portal.services.transactions import let_go

SETTLED = (VmState.RUNNING, VmState.STOPPED, VmState.PARKED)
HOLDING = (
    VmRequestState.SUBMITTED,
    VmRequestState.APPROVED,
    VmRequestState.PROVISIONING,
    VmRequestState.FAILED,
)


class FindingKind(StrEnum):
    HOST_SILENT = "host_silent"
    UNKNOWN_MACHINE = "unknown_machine"  # on a host, in no row
    MISSING_MACHINE = "missing_machine"  # in a row, on no host
    WRONG_HOST = "wrong_host"
    DOUBLE = "double"  # defined on its host and on another one as well
    STATE_DRIFT = "state_drift"
    UNKNOWN_FOLDER = "unknown_folder"  # disk and seed that nobody owns
    UNKNOWN_RESERVATION = "unknown_reservation"  # DHCP
    UNKNOWN_SEAT = "unknown_seat"  # of no class, or of one whose seat stands elsewhere
    UNKNOWN_CLAIM = "unknown_claim"
    MISSING_CLAIM = "missing_claim"


@dataclass(frozen=True)
class Finding:
    """`heal` says in words what healing would do; empty when a person has to look."""

    kind: FindingKind
    host: str
    what: str
    detail: str
    heal: str
    vm_id: UUID | None = None


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(frozen=True)
class Seen:
    """What the hosts that answered have. Folders and reservations lie in the shared cabinet: any host sees them all."""

    machines: Mapping[str, tuple[MachineSeen, ...]]  # by host name
    folders: frozenset[UUID]
    reservations: frozenset[UUID]
    silent: Mapping[str, str]  # host name and reason
    seats: Mapping[str, SeatTraces] = field(default_factory=dict)  # by host name

    def places_of(self, vm_id: UUID) -> list[tuple[str, MachineSeen]]:
        return [(host, one) for host, machines in self.machines.items() for one in machines if one.vm_id == vm_id]


def compare(db: Session, *, hypervisor: Hypervisor) -> Report:
    """Look everywhere and change nothing."""
    hosts = all_hosts(db)
    before = settled(db)
    let_go(db)
    seen = look_everywhere(hypervisor, hosts)
    owned = {vm.id: vm for vm in db.scalars(select(Vm).where(is_living()).execution_options(populate_existing=True))}
    found = [
        *(silent_host(name, reason) for name, reason in sorted(seen.silent.items())),
        *strays(seen, owned),
        *drifts(seen, at_rest(db, owned, before)),
        *leftovers(seen, owned),
        *seats_astray(db, seen),
        *claims_astray(db, owned),
    ]
    return Report(tuple(found))


def settled(db: Session) -> dict[UUID, tuple[VmState, UUID | None]]:
    """Where the machines that were handed over are meant to be, and how. Those that a failed request holds are not."""
    handed_over = Vm.vm_request_id.in_(select(VmRequest.id).where(VmRequest.state == VmRequestState.FULFILLED))
    is_settled = or_(Vm.state.in_(SETTLED), and_(Vm.state == VmState.ERROR, handed_over))
    rows = db.execute(select(Vm.id, Vm.state, Vm.host_id).where(is_settled))
    return {vm_id: (state, host_id) for vm_id, state, host_id in rows}


def at_rest(db: Session, owned: Mapping[UUID, Vm], before: Mapping[UUID, tuple[VmState, UUID | None]]) -> list[Vm]:
    """The machines whose rows did not change while the hosts were asked, and on which nobody works."""
    busy = set(db.scalars(select(Workflow.subject_id).where(Workflow.state.in_(workflows.LIVE))))
    return [
        vm
        for vm in owned.values()
        if before.get(vm.id) == (vm.state, vm.host_id) and not busy & {vm.id, vm.vm_request_id}
    ]


def look_everywhere(hypervisor: Hypervisor, hosts: Iterable[Host]) -> Seen:
    machines: dict[str, tuple[MachineSeen, ...]] = {}
    folders: set[UUID] = set()
    reservations: set[UUID] = set()
    silent: dict[str, str] = {}
    seats: dict[str, SeatTraces] = {}
    for host in hosts:
        try:
            machines[host.name] = tuple(hypervisor.machines(host.reached_at))
            left = hypervisor.leftovers(host.reached_at)
            seats[host.name] = hypervisor.seat_traces(host.reached_at)
        except PortalError as error:
            silent[host.name] = str(error)
            continue
        folders |= left.vm_folders
        reservations |= left.dhcp_reservations
    return Seen(machines, frozenset(folders), frozenset(reservations), silent, seats)


def silent_host(name: str, reason: str) -> Finding:
    return Finding(FindingKind.HOST_SILENT, name, name, reason, "")


def strays(seen: Seen, owned: Mapping[UUID, Vm]) -> Iterator[Finding]:
    """Machines on hosts that no living row knows. Those without our mark are never touched."""
    for host, machines in sorted(seen.machines.items()):
        for machine in machines:
            if machine.vm_id in owned:
                continue
            detail = f"{machine.power}, " + ("marked as Vivero's" if machine.ours else "not made by Vivero")
            heal = "remove it" if machine.ours else ""
            yield Finding(FindingKind.UNKNOWN_MACHINE, host, machine.name, detail, heal, machine.vm_id)


def drifts(seen: Seen, vms: Iterable[Vm]) -> Iterator[Finding]:
    for vm in sorted(vms, key=lambda vm: vm.name):
        if vm.host is None:
            continue
        places, home = seen.places_of(vm.id), vm.host.name
        if len(places) > 1 and home in dict(places):
            yield from (double_of(vm, home, host, machine) for host, machine in places if host != home)
            places = [(host, machine) for host, machine in places if host == home]
        finding = drift_of(vm, home, places, seen)
        if finding is not None:
            yield finding


def double_of(vm: Vm, home: str, host: str, machine: MachineSeen) -> Finding:
    """A lost host that came back, or a half-done move. Which of two that run is the right one, a person must say."""
    removable = machine.power == Power.OFF and machine.ours
    heal = "remove it from this host, keep its disk" if removable else ""
    return Finding(FindingKind.DOUBLE, host, vm.name, f"{machine.power}, and also on {home} as recorded", heal, vm.id)


def drift_of(vm: Vm, home: str, places: list[tuple[str, MachineSeen]], seen: Seen) -> Finding | None:
    if not places:
        return missing_machine(vm, home, seen)
    if len(places) > 1:
        names = ", ".join(host for host, _ in places)
        detail = f"recorded on {home}, defined on {names}"
        return Finding(FindingKind.WRONG_HOST, home, vm.name, detail, "", vm.id)
    ((host, machine),) = places
    if host != home:
        return Finding(FindingKind.WRONG_HOST, host, vm.name, f"recorded on {home}", f"record {host}", vm.id)
    heal = heal_of_state(vm.state, machine.power)
    if heal is None:
        return None
    return Finding(FindingKind.STATE_DRIFT, home, vm.name, f"recorded {vm.state}, is {machine.power}", heal, vm.id)


def missing_machine(vm: Vm, home: str, seen: Seen) -> Finding | None:
    if home in seen.silent or vm.state == VmState.ERROR:
        return None
    detail = f"recorded {vm.state}, on no host that answers"
    heal = "" if seen.silent else "record it as lost"
    return Finding(FindingKind.MISSING_MACHINE, home, vm.name, detail, heal, vm.id)


def heal_of_state(state: VmState, power: Power) -> str | None:
    """What would bring both together; None if nothing is wrong."""
    is_on = power in (Power.RUNNING, Power.PAUSED)
    if state == VmState.PARKED:
        return "switch it off" if is_on else None
    if is_on:
        return "record it as running" if state in (VmState.STOPPED, VmState.ERROR) else None
    return "record it as stopped" if state in (VmState.RUNNING, VmState.ERROR) else None


def leftovers(seen: Seen, owned: Mapping[UUID, Vm]) -> Iterator[Finding]:
    """Files whose machine no row knows. While a host is silent nobody can say that it does not use them."""
    machines = [machine for there in seen.machines.values() for machine in there]
    present = {machine.vm_id for machine in machines}
    foreign = {machine.vm_id for machine in machines if not machine.ours}
    for kind, ids in (
        (FindingKind.UNKNOWN_FOLDER, seen.folders),
        (FindingKind.UNKNOWN_RESERVATION, seen.reservations),
    ):
        for vm_id in sorted(ids - set(owned)):
            # goes with its machine, if that is a stray too
            detail = "of a machine that nobody owns" if vm_id in present else "of no machine"
            if vm_id in foreign:
                detail = "of a machine not made by Vivero"
            heal = "" if seen.silent or vm_id in foreign else "remove it"
            yield Finding(kind, "", str(vm_id), detail, heal, vm_id)


def seats_astray(db: Session, seen: Seen) -> Iterator[Finding]:
    """While a host is silent nobody can say that it does not use a seat's files."""
    for host, seat_id, elsewhere in strays_of_seats(db, seen.seats):
        detail = "its seat stands on another host" if elsewhere else "of no class"
        heal = "" if seen.silent else "remove it from this host, keep its files" if elsewhere else "remove it"
        yield Finding(FindingKind.UNKNOWN_SEAT, host, str(seat_id), detail, heal, seat_id)


def claims_astray(db: Session, owned: Mapping[UUID, Vm]) -> Iterator[Finding]:
    query = select(Claim.vm_id, VmRequest.state, VmRequest.name).join(VmRequest, VmRequest.id == Claim.vm_request_id)
    claimed = set()
    for vm_id, state, name in db.execute(query):
        claimed.add(vm_id)
        if vm_id not in owned and state not in HOLDING:
            detail = f"of a request that is {state}, without machine"
            yield Finding(FindingKind.UNKNOWN_CLAIM, "", name, detail, "let it go", vm_id)
    for vm_id in sorted(set(owned) - claimed):
        vm = owned[vm_id]
        yield Finding(FindingKind.MISSING_CLAIM, "", vm.name, "holds no capacity", "claim it", vm_id)
