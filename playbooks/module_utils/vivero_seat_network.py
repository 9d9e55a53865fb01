"""A seat's networks on its host: a bridge each, and one namespace where its addresses, names and doors are served.

The bridges have no address and lead nowhere. In the namespace one dnsmasq answers with what the order says, and one
socat a door passes bytes between a unix socket of the host and a machine. All of them belong to the namespace, which
is how they are found again; nothing else is ever ended.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from uuid import UUID

from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_namespace import NAMESPACES, end_processes, inside, processes_in, start_apart, tool
from ansible.module_utils.vivero_seat import Seat, bridge_prefix
from ansible.module_utils.vivero_seat_places import SeatPlaces
from ansible.module_utils.vivero_storage import remove_tree, write_whole

LINKS = Path("/sys/class/net")
SETTINGS = Path("/proc/sys/net")
SOCKETS_TIMEOUT_S = 10.0
VISITORS = 32  # at the same time, each door
# No answer in the host's name and nothing let in that came over a bridge: it belongs to the machines alone.
BRIDGE_SETTINGS = {"ipv4": {"rp_filter": "1", "arp_ignore": "8", "forwarding": "0"}, "ipv6": {"disable_ipv6": "1"}}


def make_network(seat: Seat, places: SeatPlaces) -> bool:
    """Whether anything had to be made."""
    plan = places.sockets / "network.json"
    wanted = json.dumps(plan_of(seat), indent=1) + "\n"
    if plan.is_file() and plan.read_text() == wanted and is_whole(seat, places):
        return False
    plan.unlink(missing_ok=True)
    remove_namespace(places)
    for number in range(len(seat.networks)):
        make_bridge(seat, number)
    if seat.networks:
        tool("ip", "netns", "add", places.namespace)
        tool("ip", "-batch", "-", text="".join(cables(seat, places)))
        write_whole(places.sockets / "dnsmasq.conf", dnsmasq_conf(seat, places), mode=0o644)
        write_whole(places.sockets / "hosts", names_file(seat), mode=0o644)
        inside(places.namespace, lambda: serve(seat, places))
    write_whole(plan, wanted, mode=0o644)
    return True


def plan_of(seat: Seat) -> dict[str, object]:
    """Everything that the network was made of, to see whether it is still what is wanted."""
    return {
        "networks": [[network.name, str(network.network), str(network.gateway)] for network in seat.networks],
        "cards": [[machine.host_name, card.mac, card.address] for machine in seat.machines for card in machine.cards],
        "doors": [[door.name, door.address, door.port] for door in seat.doors],
    }


def is_whole(seat: Seat, places: SeatPlaces) -> bool:
    bridges = all(alias_of(seat.bridge(number)) == alias(seat.seat_id) for number in range(len(seat.networks)))
    serving = len(processes_in(places.namespace)) == (1 + len(seat.doors) if seat.networks else 0)
    return bridges and serving and all(places.door(door.name).exists() for door in seat.doors)


def make_bridge(seat: Seat, number: int) -> None:
    name = seat.bridge(number)
    if (LINKS / name).exists():
        if alias_of(name) != alias(seat.seat_id):
            raise Refused(f"another seat has a bridge called {name} on this host")
        return
    lines = [f"link add {name} type bridge mcast_snooping 0\n", f"link set {name} alias {alias(seat.seat_id)}\n"]
    tool("ip", "-batch", "-", text="".join([*lines, f"link set {name} addrgenmode none\n"]))
    for family, settings in BRIDGE_SETTINGS.items():
        write_settings(f"{family}/conf/{name}", settings)
    tool("ip", "link", "set", name, "up")


def write_settings(folder: str, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        path = SETTINGS / folder / name
        if path.exists():  # a kernel without IPv6 has nothing to switch off
            path.write_text(value)


def cables(seat: Seat, places: SeatPlaces) -> list[str]:
    """From each bridge into the namespace. The far end has the same address in every seat: guests remember it."""
    lines = []
    for number in range(len(seat.networks)):
        near, bridge = cable(seat.seat_id, number), seat.bridge(number)
        far = f"name net{number} address 52:54:00:5d:ff:{number:02x} netns {places.namespace}"
        lines.append(f"link add {near} type veth peer {far}\n")
        lines.append(f"link set {near} alias {alias(seat.seat_id)}\n")
        lines.append(f"link set {near} addrgenmode none\n")
        lines.append(f"link set {near} master {bridge} up\n")
    return lines


def cable(seat_id: UUID, number: int) -> str:
    return f"{bridge_prefix(seat_id)}p{number}"


def alias(seat_id: UUID) -> str:
    return f"vivero-seat-{seat_id}"


def alias_of(link: str) -> str:
    try:
        return (LINKS / link / "ifalias").read_text().strip()
    except OSError:
        return ""


def serve(seat: Seat, places: SeatPlaces) -> None:
    """Runs in a thread that is inside the namespace, and what it starts is too."""
    write_settings("ipv6/conf/all", {"disable_ipv6": "1"})
    write_settings("ipv6/conf/default", {"disable_ipv6": "1"})
    write_settings("ipv4", {"ip_forward": "0"})
    lines = ["link set lo up\n"]
    for number, network in enumerate(seat.networks):
        lines.append(f"addr add {network.gateway}/{network.network.prefixlen} dev net{number}\n")
        lines.append(f"link set net{number} up\n")
    tool("ip", "-batch", "-", text="".join(lines))
    tool("dnsmasq", f"--conf-file={places.sockets / 'dnsmasq.conf'}")  # returns when it serves
    for door in seat.doors:
        socket = places.door(door.name)
        socket.unlink(missing_ok=True)
        listen = f"UNIX-LISTEN:{socket},fork,mode=0600,max-children={VISITORS}"
        start_apart("socat", listen, f"TCP4:{door.address}:{door.port},connect-timeout=5")
    wait_for_all([places.door(door.name) for door in seat.doors])


def dnsmasq_conf(seat: Seat, places: SeatPlaces) -> str:
    """Addresses and names of this seat, nothing of anybody else, and no way out.

    It speaks to the host's log, and only of what is wrong. A log file it would give to its own user, be it /dev/null.
    """
    lines = ["no-resolv", "no-hosts", "no-poll", "bind-interfaces", "except-interface=lo", "localise-queries"]
    lines += ["dhcp-authoritative", "no-ping", "quiet-dhcp", "user=nobody", "group=nogroup"]
    lines += ["dhcp-option=option:router"]
    lines += [f"addn-hosts={places.sockets / 'hosts'}", f"pid-file={places.sockets / 'dnsmasq.pid'}"]
    lines += [f"dhcp-leasefile={places.sockets / 'leases'}"]
    for number, network in enumerate(seat.networks):
        lines.append(f"interface=net{number}")
        lines.append(f"dhcp-range={network.network.network_address},static,{network.network.netmask},infinite")
    for machine in seat.machines:
        lines += [f"dhcp-host={card.mac},{card.address},{machine.host_name},infinite" for card in machine.cards]
    return "\n".join(lines) + "\n"


def names_file(seat: Seat) -> str:
    return "".join(f"{card.address} {machine.host_name}\n" for machine in seat.machines for card in machine.cards)


def wait_for_all(sockets: list[Path]) -> None:
    deadline = time.monotonic() + SOCKETS_TIMEOUT_S
    while missing := [socket for socket in sockets if not socket.exists()]:
        if time.monotonic() > deadline:
            raise Refused(f"the door {missing[0].name} did not open")
        time.sleep(0.005)


def remove_network(places: SeatPlaces) -> bool:
    """Whether there was anything. Only links with the seat's own mark are removed."""
    changed = remove_namespace(places)
    for link in sorted(LINKS.glob(f"{bridge_prefix(places.seat_id)}*")):
        if alias_of(link.name) == alias(places.seat_id):
            tool("ip", "link", "del", link.name)
            changed = True
    return remove_tree(places.sockets) or changed


def remove_namespace(places: SeatPlaces) -> bool:
    """With its processes and its ends of the cables."""
    if not (NAMESPACES / places.namespace).exists():
        return False
    end_processes(places.namespace)
    for link in sorted(LINKS.glob(f"{bridge_prefix(places.seat_id)}p*")):
        if alias_of(link.name) == alias(places.seat_id):
            tool("ip", "link", "del", link.name)
    tool("ip", "netns", "del", places.namespace)
    return True
