"""Which IPv4 addresses machines get: the next ones after the last given, so that none is used again at once."""

from __future__ import annotations

from collections.abc import Iterator, Set
from ipaddress import IPv4Address, IPv4Network

from portal.core.errors import N_, NoCapacity

FIRST = 10  # the lowest numbers of a network stay free for gateways and the hospital's own things


def next_addresses(
    network: str, *, gateway: str, taken: Set[str], after: str | None, count: int, first: int = FIRST
) -> list[str]:
    """`count` free addresses, beginning behind `after` and going round. Raises NoCapacity if there are too few."""
    found: list[str] = []
    for address in around(IPv4Network(network), after, first):
        if len(found) == count:
            break
        text = str(address)
        if text not in taken and text != gateway:
            found.append(text)
    if len(found) < count:
        raise NoCapacity(N_("The network has no free addresses left. Retire machines that nobody needs."))
    return found


def around(network: IPv4Network, after: str | None, first: int) -> Iterator[IPv4Address]:
    """All addresses of machines once, from the one behind `after`; network and broadcast address left out."""
    low, high = int(network.network_address) + first, int(network.broadcast_address) - 1
    size = high - low + 1
    start = int(IPv4Address(after)) + 1 if after else low
    offset = start - low if low <= start <= high else 0
    return (IPv4Address(low + (offset + step) % size) for step in range(max(size, 0)))
