"""The durable engine, DBOS: remembers which steps of a workflow are done. The only module that imports it.

What runs is not known here: the worker hands in `carry`, which is called with a `remember` to run each step through.
Web processes use `DbosQueue` alone; they put workflows in the queue and never run any.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from dbos import _serialization as dbos_serialization
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

APPLICATION = "vivero"
VERSION = "1"  # pinned: workflows outlive a new version of the portal. Raise it when old ones can't be carried on.
QUEUE = "vivero"
CLEAN_UP = "vivero-clean-up"  # what takes away does not wait for what makes something, which may last an hour
CLEANING_AT_ONCE = 4
WORKFLOW = "run_sequence"
POLL_S = 0.25
AT_ONCE = 200  # rows that a look at the engine's tables takes at most

Remember = Callable[[str, Callable[[], str]], str]
Carry = Callable[[str, str, str, Remember], str]  # workflow id, kind, subject id


class Interrupted(BaseException):
    """A step ended without an answer. Not an Exception, so that DBOS records none: the workflow stays pending,
    until the worker sees that it does not run it and puts it back in the queue.
    """


class PickleRefused(TypeError):
    """A row of the engine says that it holds pickled Python: we write none, so somebody else did."""


def refuse_pickle(_serializer: object, _text: str) -> Any:
    raise PickleRefused("pickled data in the engine's tables is never read")


def tame_dbos() -> None:
    """DBOS unpickles any row that says so, and logs to the console by itself. We let it do neither."""
    dbos_serialization.DefaultSerializer.deserialize = refuse_pickle  # type: ignore[assignment, method-assign]
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)


def engine_url(url: str) -> str:
    """DBOS chooses psycopg 3 by itself and wants to be told plainly that it is PostgreSQL.

    There, a worker that freezes in a transaction loses it, as with our own tables (portal/models/database.py).
    """
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    if not plain.startswith("postgresql://"):
        return plain
    return f"{plain}{'&' if '?' in plain else '?'}options=-c%20idle_in_transaction_session_timeout%3D15000"


def migrate(url: str) -> None:
    """Make or update the engine's own tables: beside ours in SQLite's file, in the schema `dbos` of PostgreSQL."""
    tame_dbos()
    DBOS.migrate(engine_url(url))


class DbosQueue:
    """Puts workflows in the queue, in the caller's transaction: the engine's tables are in the same database."""

    def __init__(self, url: str) -> None:
        tame_dbos()
        self.client = DBOSClient(
            system_database_url=engine_url(url),
            serializer=DBOSPortableJSONSerializer(),
            system_database_pool_size=2,
            application_name=APPLICATION,
            lazy=True,
        )

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False) -> None:
        if not isinstance(db, Session):
            raise TypeError("a workflow is put in the queue within a transaction of SQLAlchemy's Session")
        db.flush()
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=CLEAN_UP if clean_up else QUEUE,
            workflow_id=workflow_id,
            app_version=VERSION,
            application_name=APPLICATION,
        )
        self.client.enqueue_in_transaction(db, options, workflow_id, workflow, subject_id)

    def pending(self) -> dict[str, str]:
        """Workflows that some worker has taken and not ended: their ids, with the worker's."""
        found = self.client.list_workflows(
            status="PENDING", name=WORKFLOW, load_input=False, load_output=False, limit=AT_ONCE
        )
        return {status.workflow_id: status.executor_id or "" for status in found}

    def resume(self, workflow_ids: list[str]) -> None:
        """Put them back in their queues. Only for workflows that nobody runs: else they run twice."""
        if not workflow_ids:
            return
        found = self.client.list_workflows(workflow_ids=workflow_ids, load_input=False, load_output=False)
        cleaning = {status.workflow_id for status in found if status.queue_name == CLEAN_UP}
        for queue, ids in ((CLEAN_UP, cleaning), (QUEUE, set(workflow_ids) - cleaning)):
            if ids:
                self.client.resume_workflows(sorted(ids), queue_name=queue)

    def forget(self, *, older_than: timedelta) -> int:
        """Delete what the engine remembers of workflows that ended long ago; our own rows tell their story."""
        until = (datetime.now(UTC) - older_than).isoformat()
        ended = self.client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=until,
            load_input=False,
            load_output=False,
            limit=AT_ONCE,
        )
        if ended:
            self.client.delete_workflows([status.workflow_id for status in ended])
        return len(ended)

    def close(self) -> None:
        self.client.destroy()


class DbosEngine:
    """Takes workflows from the queues and carries them on, `concurrency` at a time beside those that only take away.

    One in each process.
    """

    def __init__(self, url: str, *, executor_id: str, carry: Carry, concurrency: int = 8) -> None:
        tame_dbos()
        self.carry = carry
        self.concurrency = concurrency
        DBOS(config=config_of(url, executor_id))

        def run_sequence(workflow_id: str, kind: str, subject_id: str) -> str:  # DBOS takes no methods
            return self.run_sequence(workflow_id, kind, subject_id)

        DBOS.workflow(name=WORKFLOW)(run_sequence)

    def start(self) -> None:
        DBOS.launch()
        for name, at_once in ((QUEUE, self.concurrency), (CLEAN_UP, CLEANING_AT_ONCE)):
            DBOS.register_queue(
                name, worker_concurrency=at_once, polling_interval_sec=POLL_S, on_conflict="always_update"
            )

    def run_sequence(self, workflow_id: str, kind: str, subject_id: str) -> str:
        """The one function that DBOS knows. What it decides hangs on the remembered answers of its steps alone."""
        try:
            return self.carry(workflow_id, kind, subject_id, remember)
        except Exception as error:  # the database was gone, most likely: nothing is decided, try again later
            log.exception("workflow interrupted workflow=%s", workflow_id)
            raise Interrupted(workflow_id) from error

    def stop(self) -> None:
        """Take nothing more. Steps that still run are not waited for."""
        DBOS.destroy(destroy_registry=True)


def remember(name: str, work: Callable[[], str]) -> str:
    """Run a step once and keep its answer; a step that raises keeps none and is run again."""
    return DBOS.run_step({"name": name}, lambda: without_exceptions(name, work))


def without_exceptions(name: str, work: Callable[[], str]) -> str:
    try:
        return work()
    except Exception as error:
        log.exception("step interrupted step=%s", name)
        raise Interrupted(name) from error


def config_of(url: str, executor_id: str) -> DBOSConfig:
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=engine_url(url),
        serializer=DBOSPortableJSONSerializer(),
        application_version=VERSION,
        executor_id=executor_id,
        run_migrations=False,  # `vivero migrate` does
        sys_db_pool_size=5,
        max_executor_threads=16,
        log_level="WARNING",
        notification_listener_polling_interval_sec=0.5,  # only how soon that thread ends: nobody waits for messages
        scheduler_polling_interval_sec=3600.0,  # we use no schedules of DBOS
    )
