"""One student's set of machines as the portal orders it, checked again on the host: nothing is taken on trust."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from uuid import UUID

from ansible.module_utils.vivero_machine import (
    MAC,
    NAME,
    Machine,
    Refused,
    matching,
    read_machine,
    read_vm_id,
)

SEAT_NAMESPACE = "https://vivero.invalid/ns/seat/1"
IMAGE = re.compile(r"[0-9a-f]{16,64}")
WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")  # of networks and doors
MOST_MACHINES, MOST_NETWORKS, MOST_DOORS = 16, 8, 40
LARGEST_NETWORK = 16  # the prefix: a seat needs no more than 65,000 addresses


@dataclass(frozen=True)
class SeatNetwork:
    name: str
    network: IPv4Network
    gateway: IPv4Address


@dataclass(frozen=True)
class SeatCard:
    """`network` counts the seat's networks from 0."""

    network: int
    mac: str
    address: str


@dataclass(frozen=True)
class SeatMachine:
    """`guest` is the machine as its seed sees it: its name there is the host name, the same in every seat."""

    name: str
    guest: Machine
    cards: tuple[SeatCard, ...]

    @property
    def vm_id(self) -> UUID:
        return self.guest.vm_id

    @property
    def host_name(self) -> str:
        return self.guest.name


@dataclass(frozen=True)
class SeatDoor:
    name: str
    address: str
    port: int


@dataclass(frozen=True)
class Seat:
    seat_id: UUID
    label: str
    networks: tuple[SeatNetwork, ...]
    machines: tuple[SeatMachine, ...]
    doors: tuple[SeatDoor, ...]
    image: str | None
    fresh: bool

    def bridge(self, network: int) -> str:
        return f"{bridge_prefix(self.seat_id)}{network}"


def bridge_prefix(seat_id: UUID) -> str:
    """A link's name may have 15 characters."""
    return f"vs{seat_id.hex[:8]}"


def read_seat_id(value: object) -> UUID:
    try:
        return read_vm_id(value)
    except Refused:
        raise Refused(f"{str(value)[:80]!r} is not a seat's id") from None


def read_image(value: object) -> str:
    return matching(IMAGE, value, "image")


def read_label(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise Refused("label is not a printable text")
    return value


def read_seat(order: dict[str, Any]) -> Seat:
    """Raise Refused and say which field is wrong."""
    networks = tuple(read_network(entry) for entry in read_list(order, "networks", MOST_NETWORKS))
    names = [network.name for network in networks]
    check_different(names, "networks")
    machines = tuple(read_seat_machine(entry, networks) for entry in read_list(order, "machines", MOST_MACHINES))
    doors = tuple(read_door(entry, networks) for entry in read_list(order, "doors", MOST_DOORS))
    check_different([machine.vm_id for machine in machines], "machines")
    check_different([machine.host_name for machine in machines], "machines")
    check_different([card.mac for machine in machines for card in machine.cards], "cards")
    check_different([door.name for door in doors], "doors")
    if not machines:
        raise Refused("a seat needs at least one machine")
    return Seat(
        seat_id=read_seat_id(order.get("seat_id")),
        label=read_label(order.get("label")),
        networks=networks,
        machines=machines,
        doors=doors,
        image=None if order.get("image") is None else read_image(order["image"]),
        fresh=order.get("fresh") is True,
    )


def read_network(entry: dict[str, Any]) -> SeatNetwork:
    try:
        network = IPv4Network(str(entry.get("cidr")))
        gateway = IPv4Address(str(entry.get("gateway")))
    except ValueError:
        raise Refused("a network's cidr or gateway is not an IPv4 network or address") from None
    if not network.is_private or not LARGEST_NETWORK <= network.prefixlen <= 29:
        raise Refused("a network's cidr is not a private one of a fitting size")
    check_inside(network, gateway, "gateway")
    return SeatNetwork(matching(WORD, entry.get("name"), "network's name"), network, gateway)


def read_seat_machine(entry: dict[str, Any], networks: tuple[SeatNetwork, ...]) -> SeatMachine:
    cards = tuple(read_card(card, networks) for card in read_list(entry, "cards", MOST_NETWORKS))
    host_name = matching(NAME, entry.get("host_name"), "host_name")
    spread = {"owner": "", "linked": True, "network": "isolated", "mac": cards[0].mac if cards else "00:00:00:00:00:00"}
    return SeatMachine(
        name=matching(NAME, entry.get("name"), "name"),
        guest=read_machine({**entry, **spread, "name": host_name, "address": None}, {}),
        cards=cards,
    )


def read_card(entry: dict[str, Any], networks: tuple[SeatNetwork, ...]) -> SeatCard:
    number = number_of(entry, networks)
    mac = matching(MAC, str(entry.get("mac")).lower(), "mac")
    if int(mac[:2], 16) & 1:
        raise Refused("mac has a value that is not allowed")
    return SeatCard(number, mac, read_inside(entry, networks[number]))


def read_door(entry: dict[str, Any], networks: tuple[SeatNetwork, ...]) -> SeatDoor:
    port = entry.get("port")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise Refused("a door's port is not a number from 1 to 65535")
    address = read_inside(entry, networks[number_of(entry, networks)])
    return SeatDoor(matching(WORD, entry.get("name"), "door's name"), address, port)


def number_of(entry: dict[str, Any], networks: tuple[SeatNetwork, ...]) -> int:
    for number, network in enumerate(networks):
        if network.name == entry.get("network"):
            return number
    raise Refused("a card or door names a network that the seat does not have")


def read_inside(entry: dict[str, Any], network: SeatNetwork) -> str:
    try:
        address = IPv4Address(str(entry.get("address")))
    except ValueError:
        raise Refused("address is not an IPv4 address") from None
    check_inside(network.network, address, "address")
    if address == network.gateway:
        raise Refused("address is the network's gateway")
    return str(address)


def check_inside(network: IPv4Network, address: IPv4Address, what: str) -> None:
    if address not in network or address in (network.network_address, network.broadcast_address):
        raise Refused(f"{what} is not one of the network's addresses")


def check_different(values: list[Any], what: str) -> None:
    if len(set(values)) < len(values):
        raise Refused(f"two of the seat's {what} are the same")


def read_list(order: dict[str, Any], name: str, most: int) -> list[dict[str, Any]]:
    entries = order.get(name) or []
    if not isinstance(entries, list | tuple) or len(entries) > most or not all(isinstance(e, dict) for e in entries):
        raise Refused(f"{name} is not a list of at most {most}")
    return list(entries)
