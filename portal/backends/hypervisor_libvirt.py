"""Hypervisor on libvirt through SSH: the only file that imports libvirt. No libvirt type or error leaves it.

One kept connection a host. Every call runs in a thread of its own with a time limit (libvirt's calls block), and
libvirt's keep-alive closes a connection whose other side has gone silent, so those threads end too. The SSH program
does the talking: with libvirt's own SSH (libssh) a process crashed once while one thread opened and another closed a
connection; the cause was not found, and with the program it has not been seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import libvirt
import libvirt_qemu

from portal.backends.bounded_calls import BoundedCalls, TookTooLong
from portal.backends.guest_agent import run_program, silent
from portal.backends.host_files_ssh import HostFiles
from portal.backends.png import png_from_ppm
from portal.backends.seat_marks import read_seat_mark
from portal.backends.snapshot_xml import read_snapshot, snapshot_xml
from portal.backends.ssh_connections import unavailable
from portal.backends.ssh_program import SshProgram
from portal.core.errors import N_, Conflict, MachineMissing, NotFound
from portal.interfaces import (
    GuestAnswer,
    HostAddress,
    HostFacts,
    HostLeftovers,
    MachineSeen,
    Power,
    Screenshot,
    SeatTraces,
    Snapshot,
)

T = TypeVar("T")
NAMESPACE = "https://vivero.invalid/ns/1"
SEAT_NAMESPACE = "https://vivero.invalid/ns/seat/1"
HOST_FACTS = "/etc/vivero/host.json"
SOCKETS = "/run/vivero"
NETWORK_NAMESPACES = "/run/netns"
CALL_S = 12.0
SNAPSHOT_S = 180.0
START_S = 60.0
AGENT_S = 2
AGENT_ANSWER_S = 5
KEEP_ALIVE_S, KEEP_ALIVE_TRIES = 3, 3
SERIAL_BYTES = 64 * 1024
LARGEST_PICTURE = 64 * 1024 * 1024
POWERS = {
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: Power.OFF,
    libvirt.VIR_DOMAIN_CRASHED: Power.CRASHED,
}
LINE_BROKEN = {
    libvirt.VIR_ERR_INVALID_CONN,
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_LIBSSH,
    libvirt.VIR_ERR_SSH,
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_SYSTEM_ERROR,
}
AGENT_ABSENT = {
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
    libvirt.VIR_ERR_AGENT_UNSYNCED,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_INVALID,
    libvirt.VIR_ERR_OPERATION_TIMEOUT,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
    libvirt.VIR_ERR_INTERNAL_ERROR,
}


class EventLoop:
    """libvirt's own event loop, needed for keep-alive; one a process, started when the first host is asked."""

    _lock = threading.Lock()
    _started = False

    @classmethod
    def start(cls) -> None:
        with cls._lock:
            if cls._started:
                return
            cls._started = True
            libvirt.registerErrorHandler(lambda context, error: None, None)  # or it prints each error as well
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=cls._run, name="libvirt-events", daemon=True).start()

    @staticmethod
    def _run() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()


class HostLine:
    """The connection to one host, opened when needed and again when it broke."""

    def __init__(self, host: HostAddress, uri: str) -> None:
        self.host = host
        self._uri = uri
        self._lock = threading.Lock()
        self._calls = BoundedCalls()
        self._connection: libvirt.virConnect | None = None

    def ask(self, question: Callable[[libvirt.virConnect], T], *, timeout_s: float = CALL_S, again: bool = True) -> T:
        """Ask, and once more over a new connection if the kept one turns out to be broken (unless `again` is off)."""
        try:
            return self._calls.call(lambda: self._answer(question, again=again), timeout_s=timeout_s)
        except TookTooLong as error:
            self._forget()
            raise unavailable(self.host) from error
        except libvirt.libvirtError as error:
            raise self._translated(error) from error

    def _answer(self, question: Callable[[libvirt.virConnect], T], *, again: bool) -> T:
        kept = self._connection is not None
        connection = self._connect()
        try:
            return question(connection)
        except libvirt.libvirtError:
            if connection.isAlive():
                raise
            self._forget(connection)
            if not (again and kept):
                raise
        return question(self._connect())

    def _connect(self) -> libvirt.virConnect:
        if not self._lock.acquire(timeout=CALL_S):
            raise TookTooLong
        try:
            if self._connection is None or not self._connection.isAlive():
                self._connection = libvirt.open(self._uri)
                self._connection.setKeepAlive(KEEP_ALIVE_S, KEEP_ALIVE_TRIES)
            return self._connection
        finally:
            self._lock.release()

    def _forget(self, connection: libvirt.virConnect | None = None) -> None:
        """The next call connects anew. Closing the old one may hang, so nobody waits for that."""
        old = self._connection
        if old is None or (connection is not None and old is not connection):
            return
        self._connection = None
        threading.Thread(target=close_quietly, args=(old,), daemon=True).start()

    def _translated(self, error: libvirt.libvirtError) -> Exception:
        code = error.get_error_code()
        if code == libvirt.VIR_ERR_NO_DOMAIN:
            return MachineMissing(N_("The host %(host)s does not know this machine."), host=self.host.name)
        if code == libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT:
            return NotFound(N_("There is no such snapshot."))
        if code in LINE_BROKEN or self._connection is None or not self._connection.isAlive():
            return unavailable(self.host)
        reason = " ".join(str(error.get_error_message()).split())[:300]
        return Conflict(N_("The host %(host)s could not do this: %(reason)s."), host=self.host.name, reason=reason)

    def close(self) -> None:
        self._forget()


def close_quietly(connection: libvirt.virConnect) -> None:
    try:
        connection.close()
    except libvirt.libvirtError:
        return  # it was broken already: that is why it is closed


class LibvirtHypervisor:
    """Hypervisor (portal/interfaces.py). Safe from several threads."""

    def __init__(self, *, ssh_key: Path, known_hosts: Path, storage_dir: str) -> None:
        self._ssh_key = ssh_key
        self._storage_dir = storage_dir
        self._ssh = SshProgram(known_hosts)
        self._files = HostFiles(ssh_key=ssh_key, known_hosts=known_hosts)
        self._lines: dict[HostAddress, HostLine] = {}
        self._lock = threading.Lock()

    def describe(self, host: HostAddress) -> HostFacts:
        info, free, version = self._line(host).ask(lambda c: (c.getInfo(), c.getFreeMemory(), c.getVersion()))
        facts = self._files.read_json(host, HOST_FACTS)
        space = self._files.space(host, self._storage_dir)
        return HostFacts(
            vcpus=info[2],
            memory_mib=info[1],
            free_memory_mib=free // 1024**2,
            accelerator="kvm" if facts.get("accelerator") == "kvm" else "qemu",
            cpu_model=str(facts.get("cpu_model") or info[0]),
            hypervisor_version=f"QEMU {version // 1000000}.{version // 1000 % 1000}.{version % 1000}",
            storage_total_mib=space.total_mib,
            storage_free_mib=space.free_mib,
        )

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        """Without those of seats: a class makes and removes its own, and nobody else may judge them."""
        return self._line(host).ask(lambda c: [seen for d in c.listAllDomains() if (seen := see_if_there(d))])

    def machine(self, host: HostAddress, vm_id: UUID) -> MachineSeen:
        return self._with_domain(host, vm_id, see)

    def start(self, host: HostAddress, vm_id: UUID) -> None:
        self.machine(host, vm_id)
        self._make_sockets_folder(host, vm_id)
        self._with_domain(host, vm_id, start, timeout_s=START_S)

    def shut_down(self, host: HostAddress, vm_id: UUID) -> None:
        self._with_domain(host, vm_id, shut_down)

    def power_off(self, host: HostAddress, vm_id: UUID) -> None:
        self._with_domain(host, vm_id, power_off, timeout_s=START_S)

    def reboot(self, host: HostAddress, vm_id: UUID) -> None:
        self._with_domain(host, vm_id, lambda domain: domain.reboot(0), again=False)

    def agent_answers(self, host: HostAddress, vm_id: UUID) -> bool:
        return self._with_domain(host, vm_id, ping_agent)

    def serial_log(self, host: HostAddress, vm_id: UUID) -> str:
        log = self._files.tail(host, f"{self._storage_dir}/vms/{vm_id}/serial.log", most=SERIAL_BYTES)
        if log is None:  # a seat's machine has its files elsewhere, and a way to them
            log = self._files.tail(host, f"{SOCKETS}/{vm_id}/files/serial.log", most=SERIAL_BYTES)
        if log is None:
            self.machine(host, vm_id)  # a machine that was never started has printed nothing
        return (log or b"").decode(errors="replace")

    def screenshot(self, host: HostAddress, vm_id: UUID) -> Screenshot:
        picture = self._with_domain(host, vm_id, take_picture)
        return Screenshot(picture if picture.startswith(b"\x89PNG") else png_from_ppm(picture))

    def snapshots(self, host: HostAddress, vm_id: UUID) -> list[Snapshot]:
        found = self._with_domain(host, vm_id, lambda domain: [s.getXMLDesc() for s in domain.listAllSnapshots()])
        return sorted((read_snapshot(xml) for xml in found), key=lambda snapshot: snapshot.taken_at)

    def take_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str, description: str) -> None:
        xml = snapshot_xml(name, description)
        self._with_domain(host, vm_id, lambda d: d.snapshotCreateXML(xml), timeout_s=SNAPSHOT_S, again=False)

    def revert_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None:
        self.machine(host, vm_id)
        self._make_sockets_folder(host, vm_id)
        self._with_domain(
            host, vm_id, lambda d: d.revertToSnapshot(d.snapshotLookupByName(name)), timeout_s=SNAPSHOT_S, again=False
        )

    def delete_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None:
        self._with_domain(host, vm_id, lambda d: d.snapshotLookupByName(name).delete(), timeout_s=SNAPSHOT_S)

    def leftovers(self, host: HostAddress) -> HostLeftovers:
        folders = (self._files.names(host, f"{self._storage_dir}/{name}") for name in ("vms", "dhcp"))
        return HostLeftovers(*(frozenset(ids_in(names)) for names in folders))

    def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        line = self._line(host)

        def ask(text: str) -> str:
            """A question by itself: a long program keeps no thread and no place on the host's line."""
            again = '"guest-exec"' not in text  # asked twice, it would run twice
            return line.ask(lambda c: ask_agent(c.lookupByUUIDString(str(vm_id)), text), again=again)

        return run_program(ask, command, timeout_s=timeout_s)

    def seat_traces(self, host: HostAddress) -> SeatTraces:
        machines = self._line(host).ask(lambda c: [seat for d in c.listAllDomains() if (seat := seat_of(d))])
        spaces = self._files.names(host, NETWORK_NAMESPACES)
        return SeatTraces(
            machines=frozenset(machines),
            folders=frozenset(ids_in(self._files.names(host, f"{self._storage_dir}/seats"))),
            namespaces=frozenset(ids_in([name[5:] for name in spaces if name.startswith("seat-")])),
            sockets=frozenset(ids_in(self._files.names(host, f"{SOCKETS}/seats"))),
        )

    def running(self, host: HostAddress) -> frozenset[UUID]:
        only = libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING
        return self._line(host).ask(lambda c: frozenset(UUID(bytes=d.UUID()) for d in c.listAllDomains(only)))

    def close(self) -> None:
        with self._lock:
            lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            line.close()
        self._files.close()
        self._ssh.close()

    def _line(self, host: HostAddress) -> HostLine:
        EventLoop.start()
        with self._lock:
            if host not in self._lines:
                self._lines[host] = HostLine(host, self._uri(host))
            return self._lines[host]

    def _uri(self, host: HostAddress) -> str:
        options = {"command": self._ssh.program, "keyfile": self._ssh_key, "no_tty": 1}
        return f"qemu+ssh://{host.user}@{host.address}:{host.port}/system?{urlencode(options)}"

    def _with_domain(
        self,
        host: HostAddress,
        vm_id: UUID,
        work: Callable[[libvirt.virDomain], T],
        *,
        timeout_s: float = CALL_S,
        again: bool = True,
    ) -> T:
        line = self._line(host)
        return line.ask(lambda c: work(c.lookupByUUIDString(str(vm_id))), timeout_s=timeout_s, again=again)

    def _make_sockets_folder(self, host: HostAddress, vm_id: UUID) -> None:
        """It lies in memory: after a host's restart it is gone, and QEMU does not make it."""
        self._files.make_folder(host, f"{SOCKETS}/{vm_id}")


def see(domain: libvirt.virDomain) -> MachineSeen:
    state, most_kib, _, vcpus, _ = domain.info()
    return MachineSeen(
        vm_id=UUID(domain.UUIDString()),
        name=domain.name(),
        power=POWERS.get(state, Power.RUNNING),
        vcpus=vcpus,
        memory_mib=most_kib // 1024,
        ours=has_our_mark(domain),
    )


def see_if_there(domain: libvirt.virDomain) -> MachineSeen | None:
    """None for a machine that was taken away while the list was being read, and for a seat's."""
    try:
        return None if seat_mark(domain) else see(domain)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def has_our_mark(domain: libvirt.virDomain) -> bool:
    return bool(mark_of(domain, NAMESPACE))


def seat_mark(domain: libvirt.virDomain) -> str:
    return mark_of(domain, SEAT_NAMESPACE)


def mark_of(domain: libvirt.virDomain, namespace: str) -> str:
    """Our element in its definition, as XML; nothing if there is none."""
    try:
        return str(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return ""
        raise


def seat_of(domain: libvirt.virDomain) -> UUID | None:
    """None too for a machine that was taken away while the list was being read."""
    try:
        return read_seat_mark(seat_mark(domain))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def start(domain: libvirt.virDomain) -> None:
    state, _ = domain.state()
    if state == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
    elif not domain.isActive():
        try:
            domain.create()
        except libvirt.libvirtError:
            if not domain.isActive():  # somebody else may have started it meanwhile
                raise


def shut_down(domain: libvirt.virDomain) -> None:
    if not domain.isActive():
        return
    try:
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in AGENT_ABSENT:
            raise
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)


def power_off(domain: libvirt.virDomain) -> None:
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError:
        if domain.isActive():
            raise


def ping_agent(domain: libvirt.virDomain) -> bool:
    try:
        libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', AGENT_S, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() in AGENT_ABSENT:
            return False
        raise
    return True


def ask_agent(domain: libvirt.virDomain, text: str) -> str:
    try:
        return str(libvirt_qemu.qemuAgentCommand(domain, text, AGENT_ANSWER_S, 0))
    except libvirt.libvirtError as error:
        if error.get_error_code() in AGENT_ABSENT:
            raise silent() from error
        raise


def take_picture(domain: libvirt.virDomain) -> bytes:
    stream = domain.connect().newStream(0)
    parts: list[bytes] = []
    domain.screenshot(stream, 0, 0)
    stream.recvAll(keep_part, parts)
    stream.finish()
    return b"".join(parts)


def keep_part(stream: Any, data: bytes, parts: list[bytes]) -> int:
    parts.append(data)
    return len(data) if sum(map(len, parts)) <= LARGEST_PICTURE else -1


def ids_in(names: list[str]) -> list[UUID]:
    """Names that are machines' ids; others are not ours to judge."""
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found
