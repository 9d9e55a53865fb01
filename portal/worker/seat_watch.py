"""Looks at the seats of classes: what runs, who answers in its network, which doors are open. In a thread of its own.

Each look is one question a host for what runs, and one more for all networks of that host that are due.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from portal.core.errors import OutsideUnavailable
from portal.interfaces import HostAddress
from portal.services import seat_signs
from portal.services.seat_signs import Marks, Watched
from portal.site import Site

EVERY_S = 5.0
WHOLE_EVERY_S = 30.0
AT_ONCE = 8


@dataclass
class SeatLooks:
    """Remembers when all networks of a host were looked at last."""

    clock: Callable[[], float] = time.monotonic
    whole_at: dict[HostAddress, float] = field(default_factory=dict)

    def look(self, site: Site) -> None:
        with site.sessions() as db:
            hosts = seat_signs.to_watch(db, site.clock())
        if not hosts:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(hosts)), thread_name_prefix="looks") as threads:
            answers = list(threads.map(lambda host: self.look_at(site, host, hosts[host]), hosts))
        news = [
            one for host, found in zip(hosts, answers, strict=True) for one in seat_signs.news_of(hosts[host], found)
        ]
        if news:
            with site.write_sessions.begin() as db:
                seat_signs.note(db, news, site.clock())

    def look_at(self, site: Site, host: HostAddress, there: list[Watched]) -> Mapping[UUID, Marks]:
        """A silent host says nothing of its seats; *Hosts* shows it."""
        now = self.clock()
        whole = now >= self.whole_at.get(host, 0.0) + WHOLE_EVERY_S
        try:
            found = seat_signs.look_at(site.hypervisor, site.doors, host, there, whole=whole)
        except OutsideUnavailable:
            return {}
        if whole:
            self.whole_at[host] = now
        return found
