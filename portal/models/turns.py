"""Writers of one process take turns before they ask SQLite, which lets all who wait poll, whoever came first."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, event

PATIENCE_S = 10.0  # as SQLite's own; then SQLite decides
TURN = "vivero_turn"


class Turns:
    """One queue for an engine. A turn is kept from the beginning of a writing transaction to its end."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        event.listen(engine, "commit", self.end)
        event.listen(engine, "rollback", self.end)
        event.listen(engine, "reset", self.end_dropped)  # a connection that was let go in the middle
        event.listen(engine, "invalidate", self.end_dropped)

    def begin(self, connection: Any) -> None:
        if self._lock.acquire(timeout=PATIENCE_S):
            connection.info[TURN] = True
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            self.end(connection)
            raise

    def end(self, connection: Any) -> None:
        if not connection.invalidated:  # or the pool has told us
            self.give_back(connection.info)

    def end_dropped(self, _connection: object, record: Any, _why: object) -> None:
        self.give_back(record.info)

    def give_back(self, info: Any) -> None:
        if info.pop(TURN, False):
            self._lock.release()
