"""Runs on a host, handed to its Python over SSH: looks into the networks of many seats at once and prints JSON.

Standard library only, and nothing of the portal. It enters each seat's namespace and asks there who has which address
(ARP: every guest answers that, whatever its firewall says) and whether doors accept a connection, which is closed at
once. Sockets stay in the namespace they were made in, so all seats are waited for together.
"""

from __future__ import annotations

import ctypes
import ipaddress
import json
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

SEATS, NAMESPACES = "/run/vivero/seats", "/run/netns"
CLONE_NEWNET = 0x40000000
ETH_P_ARP, IPV4, REQUEST, REPLY = 0x0806, 0x0800, 1, 2
ARP = struct.Struct("!HHBBH6s4s6s4s")
ASK_AGAIN_S = 0.4


class Look:
    """One seat: the cards that have not answered yet, and the doors that are being tried."""

    def __init__(self, seat_id: str, doors: list[str]) -> None:
        self.plan: dict[str, Any] = json.loads(Path(f"{SEATS}/{seat_id}/network.json").read_text())
        self.seat_id = seat_id
        self.waiting = {(mac, address): name for name, mac, address in self.plan["cards"]}
        self.wires: list[tuple[socket.socket, str, str]] = []  # each with the seat's own address and the network
        self.tries: dict[socket.socket, str] = {}
        self.open: list[str] = []
        enter(f"{NAMESPACES}/seat-{seat_id}")
        for number, (_name, cidr, gateway) in enumerate(self.plan["networks"]):
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ARP))
            wire.bind((f"net{number}", ETH_P_ARP))
            self.wires.append((wire, cidr, gateway))
        for name, address, port in self.plan["doors"]:
            if name in doors:
                self.knock(name, address, port)

    def knock(self, name: str, address: str, port: int) -> None:
        caller = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        caller.connect_ex((address, port))
        self.tries[caller] = name

    def ask(self) -> None:
        for wire, cidr, gateway in self.wires:
            net, own = ipaddress.ip_network(cidr), wire.getsockname()
            for _mac, address in self.waiting:
                if ipaddress.ip_address(address) in net:
                    question = ARP.pack(
                        1, IPV4, 6, 4, REQUEST, own[4], socket.inet_aton(gateway), bytes(6), socket.inet_aton(address)
                    )
                    wire.sendto(question, (own[0], ETH_P_ARP, 0, 0, b"\xff" * 6))

    def hear(self, heard: socket.socket) -> None:
        if heard in self.tries:
            name = self.tries.pop(heard)
            if heard.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                self.open.append(name)
            heard.close()
            return
        data = heard.recv(2048)
        if len(data) >= ARP.size:
            fields = ARP.unpack_from(data)
            if fields[4] == REPLY:
                self.waiting.pop((fields[5].hex(":"), socket.inet_ntoa(fields[6])), None)

    @property
    def sockets(self) -> list[socket.socket]:
        return [*(wire for wire, _cidr, _gateway in self.wires), *self.tries]

    @property
    def is_over(self) -> bool:
        return not self.waiting and not self.tries


def enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), namespace)
    finally:
        os.close(descriptor)


def look_at_all(doors: dict[str, list[str]], timeout_s: float) -> dict[str, dict[str, list[str]]]:
    looks = [look for seat_id, names in doors.items() if (look := begin(seat_id, names)) is not None]
    listen(looks, time.monotonic() + timeout_s)
    return {look.seat_id: {"silent": sorted(set(look.waiting.values())), "open": look.open} for look in looks}


def listen(looks: list[Look], deadline: float) -> None:
    """Until all have answered. Who has not is asked again from time to time."""
    poller, again = select.poll(), 0.0
    sockets = {one.fileno(): (look, one) for look in looks for one in look.sockets}
    for number, (look, one) in sockets.items():
        poller.register(number, select.POLLOUT if one in look.tries else select.POLLIN)
    while not all(look.is_over for look in looks) and time.monotonic() < deadline:
        if time.monotonic() >= again:
            again = time.monotonic() + ASK_AGAIN_S
            for look in looks:
                look.ask()
        for number, _event in poller.poll(50):
            look, one = sockets[number]
            if one in look.tries:
                poller.unregister(number)
            look.hear(one)


def begin(seat_id: str, names: list[str]) -> Look | None:
    """None for a seat that has no network here, or loses it while we look."""
    try:
        return Look(seat_id, names)
    except (OSError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    json.dump(look_at_all(order["doors"], order["timeout_s"]), sys.stdout)
