"""Counts wrong tries by address, so that nobody can go on guessing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

MOST_ADDRESSES = 5000


@dataclass
class WrongTries:
    """At most `most` within `within` of each address."""

    most: int
    within: timedelta
    _tries: OrderedDict[str, list[datetime]] = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    @property
    def wait(self) -> dict[str, str]:
        """The header that says how long to wait."""
        return {"Retry-After": str(int(self.within.total_seconds()))}

    def too_many(self, address: str, at: datetime) -> bool:
        with self._lock:
            return len(self._recent(address, at)) >= self.most

    def count(self, address: str, at: datetime) -> bool:
        """Note one more; True if there were too many before it."""
        with self._lock:
            recent = self._recent(address, at)
            self._tries.pop(address, None)
            self._tries[address] = [*recent, at]
            while len(self._tries) > MOST_ADDRESSES:
                self._tries.popitem(last=False)
            return len(recent) >= self.most

    def _recent(self, address: str, at: datetime) -> list[datetime]:
        return [one for one in self._tries.get(address, []) if at - one < self.within][-self.most :]
