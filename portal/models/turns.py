"""Writers of one process take turns before they ask SQLite, which lets all who wait poll, whoever came first."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, event

PATIENCE_S = 10.0  # as SQLite's own; then SQLite decides
UNHURRIED = {"vivero_unhurried": True}  # execution option of a transaction that may as well be tried later


class Busy(Exception):
    """Others write at this moment, and the transaction was not to wait for them."""


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
        unhurried = connection.get_execution_options().get("vivero_unhurried", False)
        if self._lock.acquire(timeout=0 if unhurried else PATIENCE_S):
            connection.info[TURN] = True
        elif unhurried:
            raise Busy
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
