"""What runs of a seat on this host, found by the mark in its definition, and taking all of it away."""

from __future__ import annotations

from uuid import UUID

import libvirt
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat import SEAT_NAMESPACE
from ansible.module_utils.vivero_seat_domain import read_mark
from ansible.module_utils.vivero_seat_network import remove_network
from ansible.module_utils.vivero_seat_places import SeatMachinePlaces, SeatPlaces, wake_and_remove
from ansible.module_utils.vivero_storage import remove_tree

NO_MARK = {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_METADATA}  # it may go away while we read
GONE = {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}


def domains_by_seat(
    connection: libvirt.virConnect, *, only: UUID | None = None
) -> dict[UUID, dict[UUID, tuple[libvirt.virDomain, str]]]:
    """By seat and machine: the domain and the machine's name in the seat."""
    seats: dict[UUID, dict[UUID, tuple[libvirt.virDomain, str]]] = {}
    for domain in connection.listAllDomains():
        mark = mark_of(domain)
        if mark is not None and only in (None, mark[0]):
            seats.setdefault(mark[0], {})[UUID(domain.UUIDString())] = (domain, mark[1])
    return seats


def mark_of(domain: libvirt.virDomain) -> tuple[UUID, str] | None:
    try:
        return read_mark(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, SEAT_NAMESPACE))
    except libvirt.libvirtError as error:
        if error.get_error_code() in NO_MARK:
            return None
        raise


def find(connection: libvirt.virConnect, vm_id: UUID, seat_id: UUID) -> libvirt.virDomain | None:
    """The seat's machine. Raise Refused for one that is not the seat's: it is not ours to touch."""
    try:
        domain = connection.lookupByUUIDString(str(vm_id))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    mark = mark_of(domain)
    if mark is None or mark[0] != seat_id:
        raise Refused(f"{domain.name()} is not a machine of this seat and is left alone")
    return domain


def stop(domain: libvirt.virDomain) -> None:
    """It has no definition that outlives it, so it is gone. Gone already is fine."""
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in GONE:
            raise


def remove_machine(places: SeatMachinePlaces, domain: libvirt.virDomain | None, *, keep_files: bool = False) -> bool:
    """Whether there was anything of it."""
    if domain is not None:
        stop(domain)
    wake_and_remove(places.memory_pipe)
    changed = remove_tree(places.sockets)
    if not keep_files:
        changed = remove_tree(places.folder) or changed
    return changed or domain is not None


def remove_seat(
    places: SeatPlaces,
    domains: dict[UUID, tuple[libvirt.virDomain, str]],
    vm_ids: frozenset[UUID] = frozenset(),
    *,
    keep_files: bool = False,
) -> bool:
    """Everything of the seat: machines, files, network, sockets. Whether there was anything."""
    changed = False
    for pipe in places.sockets.glob("*.memory"):
        wake_and_remove(pipe)
    for vm_id in {*domains, *vm_ids, *ids_in(places)}:
        changed = (
            remove_machine(places.machine(vm_id), domains.get(vm_id, (None, ""))[0], keep_files=keep_files) or changed
        )
    changed = remove_network(places) or changed
    if not keep_files:
        changed = remove_tree(places.folder) or changed
    return changed


def ids_in(places: SeatPlaces) -> set[UUID]:
    """Machines whose files lie in the seat's folder."""
    found = set()
    for folder in places.folder.glob("*"):
        try:
            found.add(UUID(folder.name))
        except ValueError:
            continue
    return found
