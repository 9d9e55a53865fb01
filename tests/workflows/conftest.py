"""A site on a fresh database with a cluster made of files, and an engine that remembers in a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.config import Settings
from portal.models import VmRequest, Workflow
from portal.models.database import make_sessions, make_write_sessions
from portal.services import workflows
from portal.site import Site
from portal.workflows.registry import SEQUENCES
from portal.workflows.running import run_sequence
from portal.workflows.sequence import Hooks
from tests.workflows.doubles import FileCluster, FileHypervisor, FilePlaybooks, NoDoors, NoNetwork, clock
from tests.workflows.orders import make_hospital, make_vm_request


@dataclass
class RememberingQueue:
    enqueued: list[tuple[str, str, UUID]] = field(default_factory=list)

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False) -> None:
        self.enqueued.append((workflow, workflow_id, UUID(subject_id)))


class NoMailer:
    def send(self, letter: object) -> None:
        raise AssertionError("workflows write mails, they send none")


def run_newest(site: Site, queue: RememberingQueue, answers: dict[str, str], hooks: Hooks) -> str:
    """Run what was put in the queue last, as the engine would; `answers` is what it remembers of a run before."""
    kind, workflow_id, subject_id = queue.enqueued[-1]

    def remember(name: str, work: Callable[[], str]) -> str:
        if name not in answers:
            answers[name] = work()
        return answers[name]

    return run_sequence(
        site, SEQUENCES[kind], workflow_id=workflow_id, subject_id=subject_id, remember=remember, hooks=hooks
    )


@dataclass
class World:
    """Everything a workflow's test touches, under short names."""

    site: Site
    cluster: FileCluster
    playbooks: FilePlaybooks
    hypervisor: FileHypervisor
    queue: RememberingQueue
    memory: dict[str, dict[str, str]] = field(default_factory=dict)

    def order(self, **changes: object) -> UUID:
        with self.site.write_sessions.begin() as db:
            vm_request = make_vm_request(db, **changes)  # type: ignore[arg-type]
            workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=self.queue, now=clock())
            return vm_request.id

    def run(self, hooks: Hooks | None = None) -> str:
        """Run what was put in the queue last, as the engine would; the same run again goes on where it was."""
        answers = self.memory.setdefault(self.workflow_id, {})
        return run_newest(self.site, self.queue, answers, hooks or Hooks(pause=lambda seconds: None))

    @property
    def workflow_id(self) -> str:
        return self.queue.enqueued[-1][1]

    def read(self) -> Session:
        return self.site.sessions()

    def request(self, vm_request_id: UUID) -> VmRequest:
        with self.read() as db:
            return db.get_one(VmRequest, vm_request_id)

    def workflow(self) -> Workflow:
        with self.read() as db:
            return db.get_one(Workflow, self.workflow_id)


def make_settings(folder: Path, url: str) -> Settings:
    return Settings(var=folder, database_url=url, engine_database_url=url, secret_key="not a secret in a test" * 2)


@pytest.fixture
def world(tmp_path: Path, kept_url: str, kept_engine: Engine) -> World:
    cluster = FileCluster(tmp_path)
    playbooks, hypervisor, queue = FilePlaybooks(cluster), FileHypervisor(cluster), RememberingQueue()
    site = Site(
        settings=make_settings(tmp_path, kept_url),
        sessions=make_sessions(kept_engine),
        write_sessions=make_write_sessions(kept_engine),
        queue=queue,
        hypervisor=hypervisor,  # type: ignore[arg-type]
        playbooks=playbooks,
        reachability=NoNetwork(),
        doors=NoDoors(),
        lab_reader=YamlLabReader(),
        mailer=NoMailer(),
        clock=clock,
    )
    with site.write_sessions.begin() as db:
        make_hospital(db)
    return World(site, cluster, playbooks, hypervisor, queue)
