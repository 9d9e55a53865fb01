"""The worker's life: enlist, take over what dead workers left, run until told to stop, leave."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from portal.backends.engine_dbos import DbosEngine, DbosQueue, Interrupted
from portal.services import workers
from portal.site import Site
from portal.worker.alone import alone_on_sqlite
from portal.worker.periodic import Duty, do_duties, duties
from portal.worker.seat_watch import EVERY_S, SeatLooks
from portal.workflows.registry import SEQUENCES
from portal.workflows.running import Remember, give_up, run_sequence
from portal.workflows.sequence import Fenced, Hooks, Stopping

log = structlog.get_logger()

FORGET_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class Pace:
    """How often a worker does what; tests are faster."""

    lease: timedelta = workers.LEASE
    beat_s: float = 10.0
    reap_s: float = 10.0
    tick_s: float = 1.0
    stop_within_s: float = 8.0
    end_duties_s: float = 1.0
    concurrency: int = 8
    interruptions: int = 6  # of one workflow, before a person is told


@dataclass
class Worker:
    """One process. `stop` ends everything; `running` are the workflows in its hands."""

    site: Site
    queue: DbosQueue
    id: str
    pace: Pace
    stop: threading.Event
    checkpoint: Callable[[str], None]
    running: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)  # seen at the last look
    interruptions: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, workflow_id: str, kind: str, subject_id: str, remember: Remember) -> str:
        """What the engine calls for each workflow it takes from the queue."""
        with self.lock:
            self.running.add(workflow_id)
        try:
            return run_sequence(
                self.site,
                SEQUENCES[kind],
                workflow_id=workflow_id,
                subject_id=UUID(subject_id),
                remember=remember,
                hooks=Hooks(stopping=self.stop.is_set, checkpoint=self.checkpoint),
            )
        except Fenced as fenced:
            log.warning("workflow was taken over", reason=str(fenced))
            raise
        except Stopping as stopping:
            raise Interrupted(workflow_id) from stopping
        except (Exception, Interrupted) as error:
            if self.bears(workflow_id):
                raise
            cause, sequence = error.__cause__ or error, SEQUENCES[kind]
            return give_up(self.site, sequence, workflow_id=workflow_id, subject_id=UUID(subject_id), error=cause)
        finally:
            with self.lock:
                self.running.discard(workflow_id)

    def bears(self, workflow_id: str) -> bool:
        """An interruption is taken up again in a moment; after many a person is told instead."""
        self.interruptions[workflow_id] += 1
        return self.interruptions[workflow_id] < self.pace.interruptions

    def beat_for_ever(self) -> None:
        """Say that we live. A worker that was silent too long has lost its work to others and must end."""
        while not self.stop.wait(self.pace.beat_s):
            try:
                with self.site.write_sessions.begin() as db:
                    alive = workers.beat(db, worker_id=self.id, now=self.site.clock(), lease=self.pace.lease)
            except SQLAlchemyError:
                log.exception("beat failed", worker=self.id)
                continue
            if not alive:
                log.error("this worker was given up by the others and ends", worker=self.id)
                self.stop.set()

    def reap(self, site: Site) -> None:
        """Put back in the queue what dead workers had taken, and what ended here without an outcome."""
        with site.sessions() as db, workers.alone(db) as alone:
            if not alone:
                return
            now = site.clock()
            living = workers.living(db, now) | {self.id}
            lapsed = [worker_id for worker_id in workers.lapsed(db, now) if worker_id not in living]
            pending = self.queue.pending()
            orphans = [workflow_id for workflow_id, worker_id in pending.items() if worker_id not in living]
            self.queue.resume(orphans + self.stranded(pending))
        if orphans or lapsed:
            log.warning("workflows of dead workers resumed", workers=lapsed, workflows=orphans)
            with site.write_sessions.begin() as db:
                workers.mark_reaped(db, lapsed, now)

    def stranded(self, pending: Mapping[str, str]) -> list[str]:
        """What the engine says that we run and we do not, at two looks in a row: between taking a workflow and
        running it lies a moment. The database was away, or another workflow took its machines over.
        """
        with self.lock:
            idle = {workflow_id for workflow_id, worker_id in pending.items() if worker_id == self.id} - self.running
        twice, self.idle = idle & self.idle, idle
        if twice:
            log.warning("interrupted workflows resumed", workflows=sorted(twice))
        return sorted(twice)

    def do_for_ever(self, todo: Sequence[Duty]) -> None:
        do_duties(self.site, todo, stop=self.stop, tick_s=self.pace.tick_s)

    def forget(self, _site: Site) -> None:
        self.queue.forget(older_than=FORGET_AFTER)


def run_worker(
    site: Site,
    *,
    stop: threading.Event,
    pace: Pace | None = None,
    checkpoint: Callable[[str], None] = lambda place: None,
    periodic: bool = True,
) -> None:
    """Run until `stop` is set. Raises Conflict at once if this database can only have one worker and has it."""
    pace = pace or Pace()
    with alone_on_sqlite(site.settings.database_url) as alone:
        queue = DbosQueue(site.settings.engine_database_url)
        worker = Worker(site, queue, new_id(), pace, stop, checkpoint)
        enlist(worker, alone=alone)
        engine = DbosEngine(
            site.settings.engine_database_url,
            executor_id=worker.id,
            carry=worker.carry,
            concurrency=pace.concurrency,
        )
        try:
            worker.reap(site)
            engine.start()
            log.info("worker started", worker=worker.id)
            live(worker, periodic=periodic)
        finally:
            stop.set()
            leave(worker, engine)


def new_id() -> str:
    """Never used twice: DBOS gives a worker that comes back under its old name its old work, beside others."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def enlist(worker: Worker, *, alone: bool) -> None:
    with worker.site.write_sessions.begin() as db:
        now = worker.site.clock()
        if alone:
            workers.give_up_others(db, now=now)
        workers.enlist(
            db, worker_id=worker.id, machine=socket.gethostname(), pid=os.getpid(), now=now, lease=worker.pace.lease
        )


def live(worker: Worker, *, periodic: bool) -> None:
    """Until `stop` is set. A duty that waits for a silent host holds up neither the taking over nor the end."""
    reaping = [Duty("reap dead workers", worker.pace.reap_s, worker.reap)]
    others = duties([Duty("forget old workflows", 3600, worker.forget)]) if periodic else []
    looking = [Duty("look at seats", EVERY_S, SeatLooks().look)] if periodic else []
    threads = [
        threading.Thread(target=worker.beat_for_ever, name="beat", daemon=True),
        *(
            threading.Thread(target=worker.do_for_ever, args=(todo,), name=name, daemon=True)
            for name, todo in (("reap", reaping), ("duties", others), ("seats", looking))
        ),
    ]
    for thread in threads:
        thread.start()
    worker.stop.wait()
    for thread in threads:
        thread.join(worker.pace.end_duties_s)


def leave(worker: Worker, engine: DbosEngine) -> None:
    """Give steps a moment to stop their playbooks, then say that what is left may be taken up at once."""
    waiting = threading.Event()
    for _ in range(int(worker.pace.stop_within_s / 0.1)):
        if not worker.running:
            break
        waiting.wait(0.1)
    engine.stop()
    with worker.site.write_sessions.begin() as db:
        workers.leave(db, worker_id=worker.id, now=worker.site.clock())
    worker.queue.close()
    log.info("worker stopped", worker=worker.id, left=sorted(worker.running))
