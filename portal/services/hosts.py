"""The hosts of the cluster: which there are, what they carry, whether they answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, HypervisorUnavailable, Invalid, NotAllowed, NotFound, PortalError
from portal.core.lifecycle import HostState, VmState
from portal.core.policy import Actor, Permission
from portal.interfaces import HostAddress, HostFacts, Hypervisor, MachineSeen
from portal.models import Host, Vm
from portal.services.audit import Subject, record
from portal.services.following import follow
from portal.services.transactions import let_go

HOST_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{0,58}$")
MOST_HOSTS = 200
NO_ANSWER = N_("The host %(host)s does not answer.")
HOST_LOST = N_("Its host was declared lost: it runs nowhere.")


@dataclass(frozen=True)
class Look:
    """What a host said, or why it said nothing."""

    facts: HostFacts | None
    machines: tuple[MachineSeen, ...]
    trouble: str = ""


def about(host: Host) -> Subject:
    return Subject("host", str(host.id), host.name)


def listing(db: Session, *, actor: Actor) -> list[Host]:
    if not actor.may(Permission.SEE_HOSTS):
        raise NotAllowed(N_("You may not see the hosts."))
    return all_hosts(db)


def all_hosts(db: Session) -> list[Host]:
    return list(db.scalars(select(Host).order_by(Host.name).limit(MOST_HOSTS)))


def require_management(actor: Actor | None) -> None:
    if actor is not None and not actor.may(Permission.MANAGE_HOSTS):
        raise NotAllowed(N_("You may not manage hosts."))


def add_host(
    db: Session,
    *,
    actor: Actor | None,
    name: str,
    address: str,
    now: datetime,
    port: int = 22,
    user: str = "root",
) -> Host:
    """Make a host known. The same name again changes its address; what it can carry is asked by `refresh`."""
    require_management(actor)
    if not HOST_NAME.fullmatch(name):
        raise Invalid(N_("A host name has small letters, digits, dots and hyphens."), field="name")
    if not (1 <= port <= 65535 and 1 <= len(address) <= 255 and 1 <= len(user) <= 40):
        raise Invalid(N_("This is not an address."), field="address")
    host = db.scalar(select(Host).where(Host.name == name))
    if host is None:
        host = Host(name=name, address=address, port=port, user=user)
        db.add(host)
        db.flush()
        record(db, actor=actor, action="host.added", subject=about(host), now=now, details={"address": address})
    elif (host.address, host.port, host.user) != (address, port, user):
        host.address, host.port, host.user = address, port, user
        record(db, actor=actor, action="host.moved", subject=about(host), now=now, details={"address": address})
    return host


def by_id(db: Session, host_id: UUID) -> Host:
    host = db.get(Host, host_id)
    if host is None:
        raise NotFound(N_("There is no such host."))
    return host


def by_name(db: Session, name: str) -> Host:
    host = db.scalar(select(Host).where(Host.name == name))
    if host is None:
        raise NotFound(N_("There is no such host."))
    return host


def set_state(
    db: Session, *, actor: Actor | None, host_id: UUID, state: HostState, now: datetime, reason: str = ""
) -> Host:
    """Draining and maintenance take no new machines; those that run there stay.

    Lost is what a person declares who knows that the host is off: its machines run nowhere then.
    """
    require_management(actor)
    host = by_id(db, host_id)
    if host.state == state:
        raise Conflict(N_("The host is in this state already."))
    details = {"from": str(host.state), "to": str(state)}
    host.state = state
    host.generation += 1  # a placement that looked before must look again
    if state == HostState.LOST:
        for vm in db.scalars(select(Vm).where(Vm.host_id == host.id, Vm.state == VmState.RUNNING)):
            vm.move_to(VmState.STOPPED, reason=HOST_LOST)
            vm.shut_down_asked_at = None
    record(db, actor=actor, action="host.state", subject=about(host), now=now, reason=reason, details=details)
    return host


def is_silent(host: Host) -> bool:
    """True if it should answer and does not."""
    return bool(host.trouble) and host.state in (HostState.ACTIVE, HostState.DRAINING)


def trouble_of(host: Host) -> PortalError | None:
    """What is wrong with it, to be said in the reader's language where it is one of our sentences."""
    if not host.trouble:
        return None
    if host.trouble == NO_ANSWER % {"host": host.name}:
        return HypervisorUnavailable(NO_ANSWER, host=host.name)
    return HypervisorUnavailable(host.trouble)


def look_at(hypervisor: Hypervisor, address: HostAddress) -> Look:
    """Ask a host what it is and what it runs. No database: a silent host must hold nobody up."""
    try:
        return Look(hypervisor.describe(address), tuple(hypervisor.machines(address)))
    except PortalError as error:
        return Look(None, (), trouble=str(error)[:500])


def note_look(db: Session, host: Host, look: Look, now: datetime, *, looked_at: datetime | None = None) -> Host:
    """Write down what a host said, and the power of machines that changed by themselves.

    `looked_at` is when the look began, if that was not now.
    """
    host.trouble = look.trouble
    if look.facts is None:
        return host
    facts = look.facts
    host.seen_at = now
    size = (facts.vcpus, facts.memory_mib, facts.storage_total_mib // 1024)
    if (host.vcpus, host.memory_mib, host.disk_gib) != size:
        host.vcpus, host.memory_mib, host.disk_gib = size
        host.generation += 1
    host.accelerator, host.cpu_model = facts.accelerator, facts.cpu_model[:60]
    host.hypervisor_version = facts.hypervisor_version[:40]
    note_power(db, host, look.machines, looked_at or now)
    db.flush()
    return host


def note_power(db: Session, host: Host, machines: Sequence[MachineSeen], looked_at: datetime) -> None:
    """Follow machines that were shut down from inside, or started by hand. Parked ones are left to `reconcile`."""
    power = {machine.vm_id: machine.power for machine in machines}
    following = select(Vm).where(Vm.host_id == host.id, Vm.state.in_([VmState.RUNNING, VmState.STOPPED]))
    for vm in db.scalars(following):
        follow(vm, power.get(vm.id), looked_at=looked_at)


def refresh(db: Session, *, hypervisor: Hypervisor, host: Host, now: datetime) -> Host:
    """`look_at` and `note_look` in one, for commands; the transaction is ended while the host is asked."""
    let_go(db)
    look = look_at(hypervisor, host.reached_at)
    return note_look(db, by_id(db, host.id), look, now)


def machines_on(db: Session, *, actor: Actor, host_id: UUID, most: int = 500) -> list[Vm]:
    """The machines that live on a host, by name."""
    if not actor.may(Permission.SEE_HOSTS):
        raise NotAllowed(N_("You may not see the hosts."))
    query = select(Vm).where(Vm.host_id == host_id, Vm.state != VmState.RETIRED)
    return list(db.scalars(query.order_by(Vm.name).limit(most)).unique())
