"""What we ask of the outside world, as Protocols with frozen results; nothing here knows who answers.

Every host is named by a `HostAddress`; every machine by its UUID (`vm_id`), which is also the domain's UUID.
Each Protocol has a real backend and a fake one in `backends/`, and both pass the same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from portal.core.labs import BrokenLab, LabSpec

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True)
class HostAddress:
    """How to reach one hypervisor host: always SSH, one key, one port (DESIGN 4)."""

    name: str
    address: str
    port: int = 22
    user: str = "root"


class Power(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    OFF = "off"
    CRASHED = "crashed"


@dataclass(frozen=True)
class MachineSeen:
    """A machine as the hypervisor shows it. `ours` is false for machines without Vivero's metadata."""

    vm_id: UUID
    name: str
    power: Power
    vcpus: int
    memory_mib: int
    ours: bool


@dataclass(frozen=True)
class HostFacts:
    """What a host can do. `accelerator` is proven by a probe boot, never assumed."""

    vcpus: int
    memory_mib: int
    free_memory_mib: int
    accelerator: str  # "kvm" or "qemu"
    cpu_model: str
    hypervisor_version: str
    storage_total_mib: int
    storage_free_mib: int


@dataclass(frozen=True)
class Screenshot:
    """A picture of a machine's screen, always PNG."""

    png: bytes


@dataclass(frozen=True)
class Snapshot:
    name: str
    description: str
    taken_at: datetime


@dataclass(frozen=True)
class HostLeftovers:
    """What lies on a host's storage under Vivero's folders, by machine: disks, seeds, DHCP reservations."""

    vm_folders: frozenset[UUID]
    dhcp_reservations: frozenset[UUID]


@dataclass(frozen=True)
class GuestAnswer:
    """How a command inside a guest ended. `output` is what it said (both streams), at most 64 KiB of it."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class SeatTraces:
    """All that a host shows of seats, by seat: the proof that nothing of a class is left is that these are empty.

    `folders` lie on the shared storage, so every host sees all of them; the rest is the host's own.
    """

    machines: frozenset[UUID]  # of domains that carry a seat's mark
    folders: frozenset[UUID]
    namespaces: frozenset[UUID]
    sockets: frozenset[UUID]  # folders under /run/vivero/seats

    @property
    def seats(self) -> frozenset[UUID]:
        return self.machines | self.folders | self.namespaces | self.sockets


class Hypervisor(Protocol):
    """Reads, watches and switches power. Creating, changing and destroying is a playbook's work.

    Every call raises HypervisorUnavailable when the host does not answer within its time limit, and
    MachineMissing when the host does not know the machine. Calls are safe from several threads.
    """

    def describe(self, host: HostAddress) -> HostFacts: ...

    def machines(self, host: HostAddress) -> list[MachineSeen]: ...

    def machine(self, host: HostAddress, vm_id: UUID) -> MachineSeen: ...

    def start(self, host: HostAddress, vm_id: UUID) -> None:
        """Return when the machine is running (not: ready). Running already is fine."""

    def shut_down(self, host: HostAddress, vm_id: UUID) -> None:
        """Ask the guest to stop: by its agent, else ACPI. Returns at once; it may refuse for ever."""

    def power_off(self, host: HostAddress, vm_id: UUID) -> None:
        """Return when the machine is off. Off already is fine."""

    def reboot(self, host: HostAddress, vm_id: UUID) -> None: ...

    def agent_answers(self, host: HostAddress, vm_id: UUID) -> bool: ...

    def serial_log(self, host: HostAddress, vm_id: UUID) -> str:
        """The last 64 KiB that the machine printed on its serial console."""

    def screenshot(self, host: HostAddress, vm_id: UUID) -> Screenshot: ...

    def snapshots(self, host: HostAddress, vm_id: UUID) -> list[Snapshot]: ...

    def take_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str, description: str) -> None: ...

    def revert_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None: ...

    def delete_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None: ...

    def leftovers(self, host: HostAddress) -> HostLeftovers: ...

    def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        """Run a program inside the guest, by its agent, as root, and wait for its end; never a shell of the host.

        Raises GuestSilent when there is no agent, it does not answer, or the program did not end in time.
        """

    def seat_traces(self, host: HostAddress) -> SeatTraces: ...

    def running(self, host: HostAddress) -> frozenset[UUID]:
        """All machines that run on the host, those of seats too: one question, however many they are."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class DoorAnswer:
    """What a probe into a seat's network met. `status` is None where no HTTP was spoken."""

    open: bool
    status: int | None = None
    body: str = ""  # the first 64 KiB


@dataclass(frozen=True)
class SeatReach:
    """What one look into a seat's networks found: machines without an answer, by their names; doors that are open."""

    silent: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


class Doors(Protocol):
    """Ways into seats' isolated networks: only the places that the seat was made with, by their names."""

    def probe(self, host: HostAddress, seat_id: UUID, door: str, *, timeout_s: float = 3.0) -> bool:
        """Whether something listens behind the door. Raises HypervisorUnavailable."""

    def look_in(
        self, host: HostAddress, doors: Mapping[UUID, Collection[str]], *, timeout_s: float = 1.5
    ) -> Mapping[UUID, SeatReach]:
        """Many seats in one call: which machines answer at their addresses, and which of these doors are open.

        Nothing is sent through a door. Seats without a network on this host are left out. Raises HypervisorUnavailable.
        """

    def get(self, host: HostAddress, seat_id: UUID, door: str, *, path: str, timeout_s: float = 10.0) -> DoorAnswer:
        """One GET. A closed door is an answer (`open` is False). Raises HypervisorUnavailable."""

    def close(self) -> None: ...


class ConsoleKind(StrEnum):
    GRAPHICAL = "graphical"  # RFB (VNC), as QEMU speaks it
    SERIAL = "serial"  # raw bytes


class ConsoleStream(Protocol):
    """An open console: bytes both ways, used by one reader and one writer."""

    async def read(self, most: int = 65536) -> bytes:
        """What came, at least one byte; b"" once the machine has closed it. Raises OutsideUnavailable if it broke."""

    async def write(self, data: bytes) -> None:
        """Return when there is room for more (back-pressure). Raises OutsideUnavailable if it broke."""

    async def close(self) -> None:
        """Let go; also while a read waits, which then ends. Twice is fine."""


class Consoles(Protocol):
    """Opens machines' consoles. Used inside the server's event loop; one connection a host for all its consoles."""

    async def open(self, host: HostAddress, vm_id: UUID, kind: ConsoleKind) -> ConsoleStream:
        """Within 10 s. Raises HypervisorUnavailable, or MachineMissing when the machine is off."""

    async def close(self) -> None: ...


class DoorStreams(Protocol):
    """Opens doors of seats for browsers: bytes both ways to one port. Used inside the server's event loop."""

    async def open(self, host: HostAddress, seat_id: UUID, door: str) -> ConsoleStream:
        """Within 10 s; `door` as services/seat_designs.door_name writes it.

        Raises HypervisorUnavailable, or MachineMissing when there is no such door or nothing listens behind it.
        """

    async def close(self) -> None: ...


class Reachability(Protocol):
    """Asks over the network whether a machine serves yet."""

    def tcp_open(self, address: str, port: int, *, timeout_s: float = 1.0) -> bool: ...


@dataclass(frozen=True)
class PlaybookLine:
    """One thing a playbook says while it runs, already readable: "hv1: Make the disks – done"."""

    at: datetime
    host: str
    text: str
    failed: bool = False


class PlaybookStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class PlaybookRun:
    """One run of `playbooks/<playbook>.yml` over `hosts`.

    `variables` are extra vars. `host_variables` are per host name. `secrets` are extra vars that never reach
    arguments, logs or lines: the runner passes them by a file of mode 0600 and masks their values.
    """

    playbook: str
    hosts: tuple[HostAddress, ...]
    variables: Mapping[str, Json] = field(default_factory=dict)
    host_variables: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)
    timeout_s: int = 1800


@dataclass(frozen=True)
class MachineOutcome:
    ok: bool
    changed: bool
    message: str = ""


DOES_NOT_ANSWER = "does not answer"  # how the reason of a host that could not be reached begins
BUSY = "another worker is busy with this machine"  # what a module says when another run holds the machine too long


@dataclass(frozen=True)
class PlaybookResult:
    """`machines` maps vm id to what the last module said of it: {"ok": bool, "changed": bool, "message": str}.

    Modules of ours return {"machines": [{"vm_id": ..., "ok": ..., "changed": ..., "message": ...}]}, which the
    runner gathers from all hosts. `hosts_failed` are hosts that failed or could not be reached, with the reason.
    """

    status: PlaybookStatus
    machines: Mapping[UUID, MachineOutcome]
    hosts_failed: Mapping[str, str]


class PlaybookRunner(Protocol):
    """Runs playbooks. Returns for every ended run; raises OutsideUnavailable only if none could start.

    `on_line` is called in the caller's thread as lines come. `cancelled` is polled at least once a second; once it
    is true the run is stopped within 5 s and its status is CANCELLED.
    """

    def run(
        self,
        run: PlaybookRun,
        *,
        on_line: Callable[[PlaybookLine], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlaybookResult: ...

    def close(self) -> None:
        """End kept connections and whatever still runs, and leave no files. Twice is fine."""


@dataclass(frozen=True)
class Hardware:
    """A template's virtual hardware, in libvirt's own values."""

    machine: str = "pc"  # "pc" (i440fx) or "q35"
    firmware: str = "bios"  # "bios" or "uefi"
    disk_bus: str = "virtio"  # "virtio", "scsi", "sata", "ide"
    nic_model: str = "virtio"  # "virtio", "e1000", "rtl8139"
    clock: str = "utc"  # "utc" or "localtime"
    video: str = "vga"  # "vga", "virtio", "cirrus", "qxl"
    cpu_model: str = "qemu64"  # a named model: a baseline for live moves


@dataclass(frozen=True)
class MachineOrder:
    """All that `clone_vms.yml` needs to know of one machine (sizes in MiB/GiB, addresses as text).

    `disk` is the template's disk below the host's storage directory. `hardware` is the template's hardware profile.
    Secret parameters travel apart: PlaybookRun.secrets["clone_vms_secrets"] = {vm_id: {parameter: value}}.
    """

    vm_id: UUID
    name: str  # also the guest's host name
    owner: str
    template_disk: str
    linked: bool
    vcpus: int
    memory_mib: int
    disk_gib: int
    hardware: Hardware
    network: str  # "department" | "isolated" | "quarantine"
    mac: str
    address: str | None
    personalisation: str  # "cloud-init" | "sysprep" | "none"
    parameters: Mapping[str, Json] = field(default_factory=dict)
    keyboard: str = "es"
    copied: bool = False  # `copy_seat_disks.yml` has made its disk already; none is made of the template


@dataclass(frozen=True)
class SeatNetwork:
    """One isolated network of a seat. `gateway` is where the seat's own DHCP and names answer; it leads nowhere."""

    name: str
    cidr: str
    gateway: str


@dataclass(frozen=True)
class SeatCard:
    """A machine's card in one of the seat's networks."""

    network: str
    mac: str
    address: str


@dataclass(frozen=True)
class SeatMachineOrder:
    """One machine of a seat. `host_name` is what the guest calls itself, the same in every seat of the lab."""

    vm_id: UUID
    name: str  # the domain's, different in every seat
    host_name: str
    template_disk: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    hardware: Hardware
    cards: tuple[SeatCard, ...]
    personalisation: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    keyboard: str = "es"


@dataclass(frozen=True)
class SeatDoor:
    """An HTTP or TCP place of the seat's network that may be reached from outside, over a unix socket on the host."""

    name: str
    network: str
    address: str
    port: int


@dataclass(frozen=True)
class SeatOrder:
    """All that `make_seats.yml` needs to know of one seat (playbooks.md says what it makes of it).

    `image` names the saved machines (`seat_images/<image>/` on the storage) that the seat is restored from; None: its
    machines are booted. `fresh`: whatever is there of the seat is thrown away first (a reset).
    """

    seat_id: UUID
    label: str  # "class 4f2a, seat 7": for people who look at a host
    networks: tuple[SeatNetwork, ...]
    machines: tuple[SeatMachineOrder, ...]
    doors: tuple[SeatDoor, ...] = ()
    image: str | None = None
    fresh: bool = False


@dataclass(frozen=True)
class Letter:
    """One mail, plain text and HTML, in the receiver's language."""

    to: str
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    def send(self, letter: Letter) -> None:
        """Return when the server has taken the letter. Raises OutsideUnavailable if it may be tried again."""


class WorkflowQueue(Protocol):
    """Puts a durable workflow in the queue **inside the caller's transaction**, so both happen or neither.

    `db` is SQLAlchemy's Session (typed object here: interfaces import no third party).
    `workflow_id` is the key: the same id twice is one workflow. `clean_up` is for work that only takes away: it
    does not wait behind the work that makes something.
    """

    def enqueue(
        self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False
    ) -> None: ...


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The present, aware, UTC."""


class LabReader(Protocol):
    """A lab as the texts of its files (lab.yml, guides, scripts), by name. Asks nobody outside."""

    def read(self, slug: str, files: Mapping[str, str]) -> LabSpec | BrokenLab:
        """What a folder with these files would be read as; whatever they hold, it is told and not raised."""

    def write(self, spec: LabSpec) -> dict[str, str]:
        """Files that are read as this very lab."""

    def values(self, lab_yml: str) -> dict[str, Any]:
        """The plain values of a lab.yml, right or wrong. Raises Invalid for what is no YAML that we read."""

    def change(self, lab_yml: str, changes: Mapping[tuple[str | int, ...], Any]) -> str:
        """The same text with other values at these places, everything else as it was written. A place that is not
        there yet must be a field of the whole. Raises Invalid as `values` does.
        """
