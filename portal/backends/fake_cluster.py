"""A cluster that is not there: hosts and machines in one small file that all processes of the simulator share.

It behaves (machines take a while to boot, print lines, have snapshots) and misbehaves on request: see `Trouble`.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from portal.core.errors import N_, HypervisorUnavailable, MachineMissing
from portal.interfaces import HostAddress, Power

BOOT_S = 4.0
HOST_VCPUS = 16
HOST_MEMORY_MIB = 32 * 1024
STORAGE_MIB = 512 * 1024


class Trouble(StrEnum):
    """What can be wrong, by host. Machines bring their own by their names: see FAILING, NEVER_READY, DEAF."""

    HOST_DOWN = "host_down"
    SLOW = "slow"


FAILING = "falla"  # a machine with this in its name cannot be made
NEVER_READY = "nunca"  # this one starts, but never gets ready
DEAF = "sorda"  # this one does not shut down when it is asked to


class Ailment(StrEnum):
    """What can be wrong with single machines of seats, by a part of their names: see FakeCluster.ail."""

    UNMADE = "unmade"  # its seat cannot be made
    STOPPED = "stopped"  # it ends as soon as it is started
    SILENT = "silent"  # it runs and never answers
    UNPLUGGED = "unplugged"  # it answers its agent and nobody in its network
    SHUT = "shut"  # nothing listens behind its doors


@dataclass
class FakeSnapshot:
    name: str
    description: str
    taken_at: float
    power: str


@dataclass
class FakeMachine:
    vm_id: str
    host: str
    name: str
    vcpus: int
    memory_mib: int
    address: str | None
    power: str = Power.OFF
    started_at: float = 0.0
    shuts_down_at: float = 0.0
    fence: int = 0
    serial: str = ""
    snapshots: list[FakeSnapshot] = field(default_factory=list)
    seat: str = ""  # of a seat's machine: the seat's id, the name inside, the files that were made inside
    host_name: str = ""
    restored: bool = False
    files: list[str] = field(default_factory=list)
    ails: list[str] = field(default_factory=list)

    def is_ready(self, now: float) -> bool:
        silent = NEVER_READY in self.name or Ailment.SILENT in self.ails
        return self.power == Power.RUNNING and not silent and now >= self.started_at + BOOT_S

    def is_reached(self, now: float) -> bool:
        """From inside its network."""
        return self.is_ready(now) and Ailment.UNPLUGGED not in self.ails

    def listens(self, now: float) -> bool:
        """Whether it shuts down when it is asked to; a machine that has not booted yet does not."""
        return self.is_ready(now) and DEAF not in self.name

    def settle(self, now: float) -> None:
        """Let happen what was to happen by now: a machine asked to shut down does so after a second."""
        if self.shuts_down_at and now >= self.shuts_down_at:
            self.switch_off(now)

    def switch_on(self, now: float) -> None:
        if self.power == Power.OFF:
            self.started_at = now
        self.power, self.shuts_down_at = Power.RUNNING, 0.0

    def switch_off(self, now: float) -> None:
        self.serial = self.printed(now)
        self.power, self.shuts_down_at = Power.OFF, 0.0

    def printed(self, now: float) -> str:
        """Everything on the serial console until now."""
        if self.power == Power.OFF or self.restored:
            return self.serial
        lines = ["Booting from Hard Disk...", f"vivero-seed: a new machine, instance {self.vm_id}"]
        if self.is_ready(now):
            name = self.host_name or self.name
            lines += [f"{name} login:", f"vivero ready {name} {self.address or 'no-address'}"]
        return self.serial + "".join(f"{line}\r\n" for line in lines)


@dataclass
class FakeSeat:
    """`doors` are by name the id of the machine behind. `disks`: by machine what is on them while it is off.

    A seat of no host has lost its power: only its files are there.
    """

    seat_id: str
    host: str
    fence: int = 0
    doors: dict[str, str] = field(default_factory=dict)
    disks: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class World:
    machines: dict[str, FakeMachine] = field(default_factory=dict)
    troubles: dict[str, list[str]] = field(default_factory=dict)  # by host
    retired: dict[str, int] = field(default_factory=dict)  # machine or seat to the fencing number of who took it away
    seats: dict[str, FakeSeat] = field(default_factory=dict)
    images: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # by machine: the files made inside
    copies: dict[str, list[str]] = field(default_factory=dict)  # by machine to be made: what is on its copied disk
    guest_answers: dict[str, tuple[int, str]] = field(default_factory=dict)  # by a text in the command
    door_answers: dict[str, tuple[int, str]] = field(default_factory=dict)  # by door and path: "web/index.html"
    ailing: dict[str, list[str]] = field(default_factory=dict)  # by a part of a machine's name


class FakeCluster:
    """Every change is one locked read and write of the whole file, so that no process sees half of one."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._file = folder / "cluster.json"
        self._lock = folder / "cluster.lock"
        self._seen: tuple[tuple[int, ...], World] = ((), World())

    def seen(self) -> World:
        """The world to look at: read again only when somebody has changed it, and never written back."""
        try:
            stat = self._file.stat()
            sign = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if sign != self._seen[0]:
                self._seen = (sign, read_world(self._file.read_text()))
        except FileNotFoundError:
            self._seen = ((), World())
        world, now = self._seen[1], self.clock()
        for machine in world.machines.values():
            machine.settle(now)
        return world

    @contextmanager
    def world(self) -> Iterator[World]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._file.read_text() if self._file.exists() else "{}"
            world = read_world(before)
            now = self.clock()
            for machine in world.machines.values():
                machine.settle(now)
            yield world
            after = json.dumps(asdict(world))
            if after != before:
                draft = self._file.with_suffix(".new")
                draft.write_text(after)
                draft.rename(self._file)

    @contextmanager
    def host(self, host: HostAddress) -> Iterator[World]:
        """The world as this host answers for it, to be changed. Raises HypervisorUnavailable if the host is down."""
        self.reach(host)
        with self.world() as world:
            yield world

    def reach(self, host: HostAddress) -> None:
        troubles = self.seen().troubles.get(host.name, [])
        if Trouble.SLOW in troubles:
            time.sleep(2.0)
        if Trouble.HOST_DOWN in troubles:
            raise HypervisorUnavailable(N_("The host %(host)s does not answer."), host=host.name)

    @contextmanager
    def machine(self, host: HostAddress, vm_id: UUID) -> Iterator[FakeMachine]:
        with self.host(host) as world:
            yield machine_in(world, host, vm_id)

    def look(self, host: HostAddress) -> World:
        """As `host`, for who changes nothing."""
        self.reach(host)
        return self.seen()

    def look_at(self, host: HostAddress, vm_id: UUID) -> FakeMachine:
        """As `machine`, for who changes nothing."""
        return machine_in(self.look(host), host, vm_id)

    def trouble(self, host: str, *troubles: Trouble) -> None:
        """From now on this is wrong with the host; nothing, if nothing is named."""
        with self.world() as world:
            world.troubles[host] = [str(trouble) for trouble in troubles]

    def cut_power(self, host: str, *, only: str = "") -> None:
        """Seats on this host, or the one, are off from one moment to the next: they have no lasting definition."""
        with self.world() as world:
            off = {seat.seat_id for seat in world.seats.values() if seat.host == host and only in ("", seat.seat_id)}
            for vm_id, machine in list(world.machines.items()):
                if machine.seat in off:
                    world.seats[machine.seat].disks[vm_id] = machine.files
                    del world.machines[vm_id]
            for seat_id in off:
                world.seats[seat_id].host = ""

    def ail(self, part: str, *ailments: Ailment) -> None:
        """Machines of seats with this in their names have these ailments, those that are there and those to come."""
        with self.world() as world:
            world.ailing[part] = [str(ailment) for ailment in ailments]
            for machine in world.machines.values():
                if machine.seat and part in machine.name:
                    fall_ill(world, machine)

    def answer_in_guest(self, text: str, exit_code: int, output: str = "") -> None:
        """From now on a command with this text in it ends like this, in every guest."""
        with self.world() as world:
            world.guest_answers[text] = (exit_code, output)

    def answer_at_door(self, door: str, path: str, status: int, body: str = "") -> None:
        with self.world() as world:
            world.door_answers[f"{door}{path}"] = (status, body)


def fall_ill(world: World, machine: FakeMachine) -> None:
    machine.ails = [one for part, ailments in world.ailing.items() if part in machine.name for one in ailments]
    if Ailment.STOPPED in machine.ails:
        machine.power = Power.OFF


def machine_in(world: World, host: HostAddress, vm_id: UUID) -> FakeMachine:
    machine = world.machines.get(str(vm_id))
    if machine is None or machine.host != host.name:
        raise MachineMissing(N_("The host %(host)s does not know this machine."), host=host.name)
    return machine


def read_world(text: str) -> World:
    values = json.loads(text)
    machines = {}
    for key, machine in values.get("machines", {}).items():
        snapshots = [FakeSnapshot(**snapshot) for snapshot in machine.pop("snapshots")]
        machines[key] = FakeMachine(**machine, snapshots=snapshots)
    seats = {key: FakeSeat(**seat) for key, seat in values.get("seats", {}).items()}
    pairs = {
        name: {key: (int(number), str(text)) for key, (number, text) in values.get(name, {}).items()}
        for name in ("guest_answers", "door_answers")
    }
    troubles, retired, images, ailing = (values.get(name, {}) for name in ("troubles", "retired", "images", "ailing"))
    return World(machines, troubles, retired, seats, images, values.get("copies", {}), **pairs, ailing=ailing)
