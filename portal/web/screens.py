"""Pictures of machines' screens for walls of many: each is asked for once in a few seconds, whoever looks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from flask import current_app

from portal.interfaces import HostAddress
from portal.site import Site

FRESH_S = 1.5  # and walls ask every three seconds: what is shown is never older than five, however many look
MOST_KEPT = 400


@dataclass
class Shelf:
    """The newest picture of one machine; the lock lets one visitor ask and the others wait for the answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    png: bytes = b""
    at: float = -FRESH_S


@dataclass
class ScreenCache:
    """Lives as long as the application."""

    shelves: dict[UUID, Shelf] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def shelf(self, machine_id: UUID) -> Shelf:
        with self.lock:
            if len(self.shelves) >= MOST_KEPT and machine_id not in self.shelves:
                self.shelves.pop(min(self.shelves, key=lambda one: self.shelves[one].at))
            return self.shelves.setdefault(machine_id, Shelf())

    def picture(self, site: Site, host: HostAddress, machine_id: UUID) -> bytes:
        """PNG. Raises what the hypervisor raises: a machine that is off has no picture."""
        shelf = self.shelf(machine_id)
        with shelf.lock:
            asked_at = monotonic()
            if asked_at - shelf.at >= FRESH_S:
                shelf.png = site.hypervisor.screenshot(host, machine_id).png
                shelf.at = asked_at
            return shelf.png


def picture_of(site: Site, host: HostAddress, machine_id: UUID) -> bytes:
    cache: ScreenCache = current_app.extensions.setdefault("vivero_screens", ScreenCache())
    return cache.picture(site, host, machine_id)
