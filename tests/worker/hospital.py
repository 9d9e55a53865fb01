"""A hospital for the real engine: database, cluster made of files, workers in processes that can be killed."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, func, select

from portal.backends.engine_dbos import DbosQueue, migrate
from portal.backends.lab_reader_yaml import YamlLabReader
from portal.core.lifecycle import VmRequestState
from portal.models import VmRequest, Workflow
from portal.models.database import make_sessions, make_write_sessions, open_database
from portal.services import workflows
from portal.site import Site
from portal.worker import Pace, run_worker
from tests.workflows.conftest import NoMailer, make_settings
from tests.workflows.doubles import FileCluster, FileHypervisor, FilePlaybooks, NoDoors, NoNetwork, clock, die_at
from tests.workflows.orders import make_hospital, make_vm_request

FAST = Pace(lease=timedelta(seconds=1.5), beat_s=0.3, reap_s=0.3, tick_s=0.1, stop_within_s=3)
PATIENCE_S = 40
processes = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Hospital:
    """`build` makes a Site of its own in whatever process it is called."""

    folder: Path
    url: str
    engines: list[Engine] = field(default_factory=list)

    def close(self) -> None:
        for engine in self.engines:
            engine.dispose()

    def prepare(self) -> None:
        migrate(self.url)
        engine = open_database(self.url)
        with make_write_sessions(engine).begin() as db:
            make_hospital(db)
        engine.dispose()

    def build(self, **changes: float) -> Site:
        engine = open_database(self.url)
        self.engines.append(engine)
        cluster = FileCluster(self.folder)
        return Site(
            settings=make_settings(self.folder, self.url),
            sessions=make_sessions(engine),
            write_sessions=make_write_sessions(engine),
            queue=DbosQueue(self.url),
            hypervisor=FileHypervisor(cluster),  # type: ignore[arg-type]
            playbooks=FilePlaybooks(cluster, **changes),  # type: ignore[arg-type]
            reachability=NoNetwork(),
            doors=NoDoors(),
            lab_reader=YamlLabReader(),
            mailer=NoMailer(),
            clock=clock,
        )

    @property
    def cluster(self) -> FileCluster:
        return FileCluster(self.folder)

    def order(self, site: Site, *, copies: int = 2, name: str = "moodle") -> UUID:
        with site.write_sessions.begin() as db:
            vm_request = make_vm_request(db, copies=copies, name=name)
            workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=site.queue, now=clock())
            return vm_request.id

    def work(self, place: str = "", **changes: float) -> int:
        """Run a worker in a process of its own until all work has ended or it kills itself; return its exit code."""
        process = processes.Process(target=self.work_here, args=(place, changes))
        process.start()
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
            raise AssertionError("the worker did not end in time")
        return process.exitcode or 0

    def work_here(self, place: str, changes: dict[str, float]) -> None:
        site = self.build(**changes)
        stop = threading.Event()
        threading.Thread(target=stop_when, args=(lambda: self.all_ended(site), stop), daemon=True).start()
        marker = self.folder / "killed" / place.replace(" ", "_").replace(",", "")
        marker.parent.mkdir(exist_ok=True)
        run_worker(site, stop=stop, pace=FAST, checkpoint=die_at(place, marker), periodic=False)

    def work_for_ever(self, changes: dict[str, float]) -> None:
        """Until SIGTERM. `slow_down` reaches this process too, by a file."""
        site = self.build(**changes)
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
        run_worker(site, stop=stop, pace=FAST, periodic=False)

    def step_of(self, site: Site, vm_request_id: UUID) -> str:
        with site.sessions() as db:
            progress = workflows.progress_of(db, db.get_one(VmRequest, vm_request_id), clock())
        return progress.step if progress else ""

    def slow_down(self, seconds: float) -> None:
        (self.folder / "slow").write_text(str(seconds))

    @staticmethod
    def all_ended(site: Site) -> bool:
        with site.sessions() as db:
            open_work = select(func.count()).select_from(Workflow).where(Workflow.state.in_(workflows.LIVE))
            return db.scalar(open_work) == 0

    def state_of(self, site: Site, vm_request_id: UUID) -> VmRequestState:
        with site.sessions() as db:
            return db.get_one(VmRequest, vm_request_id).state


def stop_when(ended: Callable[[], bool], stop: threading.Event) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ended() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)  # the engine writes its own last row behind ours
    stop.set()
