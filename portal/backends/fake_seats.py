"""What the playbooks of seats do in the cluster that is not there: the same outcomes in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.backends.fake_cluster import BOOT_S, FAILING, Ailment, FakeMachine, FakeSeat, World, fall_ill
from portal.interfaces import HostAddress, MachineOutcome, PlaybookRun

LATE = "another worker has taken over this machine"
TAKEN_AWAY = "this machine was taken away meanwhile"


def refused(message: str) -> MachineOutcome:
    return MachineOutcome(ok=False, changed=False, message=message)


def said(did: list[str], unchanged: str) -> MachineOutcome:
    return MachineOutcome(ok=True, changed=bool(did), message=", ".join(did) or unchanged)


def seat_fence(run: PlaybookRun, seat_id: str) -> int:
    fencing: Any = run.variables.get("fencing") or {}
    return int((fencing.get(seat_id) or {}).get("token") or 0)


def is_late(world: World, seat_id: str, token: int) -> bool:
    seat = world.seats.get(seat_id)
    return max(seat.fence if seat else 0, world.retired.get(seat_id, 0)) > token > 0


def make_seat(
    world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float
) -> MachineOutcome:
    seat_id, image = str(order["seat_id"]), order.get("image")
    token = seat_fence(run, seat_id)
    if is_late(world, seat_id, token):
        return refused(LATE)
    if world.retired.get(seat_id, 0) == token > 0:
        return refused(TAKEN_AWAY)
    if FAILING in str(order["label"]) or any(cannot_be_made(world, machine["name"]) for machine in order["machines"]):
        return refused("the simulator was told to let this machine fail")
    if image is not None and image not in world.images:
        return refused(f"the saved machines {image} are not on this host's storage")
    did = []
    if order.get("fresh") and forget_machines(world, seat_id, host.name):
        did.append("thrown away")
    if seat_id not in world.seats:
        did.append("network made")
    by_address = {card["address"]: m["vm_id"] for m in order["machines"] for card in m["cards"]}
    doors = {door["name"]: str(by_address.get(door["address"], "")) for door in order["doors"]}
    disks = world.seats[seat_id].disks if seat_id in world.seats else {}
    world.seats[seat_id] = FakeSeat(seat_id, host.name, token, doors, disks)
    made = [make_machine(world, host, seat_id, machine, image, now) for machine in order["machines"]]
    if any(made):
        did += ["made", "started"] if image is None else ["restored from memory", "running"]
    return said(did, "as it should be")


def cannot_be_made(world: World, name: str) -> bool:
    return FAILING in name or any(part in name and Ailment.UNMADE in ails for part, ails in world.ailing.items())


def make_machine(
    world: World, host: HostAddress, seat_id: str, order: Mapping[str, Any], image: str | None, now: float
) -> bool:
    """Whether it had to be made. A restored one serves at once; it has the files that it was saved with."""
    vm_id, host_name = str(order["vm_id"]), str(order["host_name"])
    if vm_id in world.machines:
        return False
    machine = FakeMachine(vm_id, host.name, order["name"], order["vcpus"], order["memory_mib"], None)
    machine.seat, machine.host_name = seat_id, host_name
    machine.switch_on(now)
    disks = world.seats[seat_id].disks
    if vm_id in disks:
        machine.files = disks.pop(vm_id)  # it boots from what is on its disk
    elif image is not None:
        machine.restored, machine.started_at = True, now - BOOT_S
        machine.files = list(world.images[image].get(host_name, []))
    fall_ill(world, machine)
    world.machines[vm_id] = machine
    return True


def copy_disk(
    world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float
) -> MachineOutcome:
    """The seat's machine is off afterwards, as on a real host: what is on its disk stays there."""
    vm_id, seat_id, machine_id = str(order["vm_id"]), str(order["seat_id"]), str(order["machine_id"])
    if is_late(world, seat_id, seat_fence(run, seat_id)) or is_late(world, vm_id, seat_fence(run, vm_id)):
        return refused(LATE)
    if world.retired.get(vm_id, 0) >= seat_fence(run, vm_id) > 0:
        return refused(TAKEN_AWAY)
    if vm_id in world.copies:
        return said([], "as it should be")
    machine, seat = world.machines.get(machine_id), world.seats.get(seat_id)
    is_here = machine is not None and machine.host == host.name and machine.seat == seat_id
    if seat is None or not (is_here or machine_id in seat.disks):
        return refused("the disk of the seat's machine is not on this host's storage")
    seat.fence = max(seat.fence, seat_fence(run, seat_id))
    did = []
    if machine is not None:
        did.append("shut down" if machine.listens(now) else "switched off")
        seat.disks[machine_id] = machine.files
        del world.machines[machine_id]
    world.copies[vm_id] = list(seat.disks[machine_id])
    return said([*did, "disk copied"], "as it should be")


def save_seat(
    world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float
) -> MachineOutcome:
    seat_id, image = str(order["seat_id"]), str(order["image"])
    if is_late(world, seat_id, seat_fence(run, seat_id)):
        return refused(LATE)
    here = [m for m in world.machines.values() if m.seat == seat_id and m.host == host.name]
    did = []
    if image not in world.images:
        if not here:
            return refused("no machine of this seat runs on this host, so there is nothing to save")
        world.images[image] = {machine.host_name: list(machine.files) for machine in here}
        did.append("saved")
    if forget_seat(world, seat_id, host.name):
        did.append("removed")
    return said(did, "was saved already")


def remove_seat(
    world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float
) -> MachineOutcome:
    seat_id = str(order["seat_id"])
    token = seat_fence(run, seat_id)
    if is_late(world, seat_id, token):
        return refused(LATE)
    gone = forget_seat(world, seat_id, host.name)
    world.retired[seat_id] = max(token, world.retired.get(seat_id, 0))
    return said(["removed"] if gone else [], "was not there")


def forget_seat(world: World, seat_id: str, host: str) -> bool:
    gone = forget_machines(world, seat_id, host)
    seat = world.seats.get(seat_id)
    is_ours = seat is not None and seat.host in (host, "")
    if is_ours:
        del world.seats[seat_id]
    return gone or is_ours


def forget_machines(world: World, seat_id: str, host: str) -> bool:
    gone = [vm_id for vm_id, machine in world.machines.items() if machine.seat == seat_id and machine.host == host]
    for vm_id in gone:
        del world.machines[vm_id]
    if seat_id in world.seats:
        world.seats[seat_id].disks.clear()
    return bool(gone)


def drop_images(world: World, run: PlaybookRun) -> None:
    images: Any = run.variables.get("drop_seat_images_images") or []
    for image in images:
        world.images.pop(str(image), None)
