"""All that a page, an API call or a live connection may need from the outside, handed in once at the start."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from portal.config import Settings
from portal.core.class_limits import ApprovalLimit
from portal.interfaces import Clock, Doors, Hypervisor, LabReader, Mailer, PlaybookRunner, Reachability, WorkflowQueue


@dataclass(frozen=True)
class Site:
    """`sessions` read; `write_sessions` read and then write (they take SQLite's write lock at their start)."""

    settings: Settings
    sessions: sessionmaker[Session]
    write_sessions: sessionmaker[Session]
    queue: WorkflowQueue
    hypervisor: Hypervisor
    playbooks: PlaybookRunner
    reachability: Reachability
    doors: Doors
    lab_reader: LabReader
    mailer: Mailer
    clock: Clock

    @property
    def class_limit(self) -> ApprovalLimit:
        """Larger classes wait for somebody's approval."""
        settings = self.settings
        return ApprovalLimit(settings.class_approval_seats, settings.class_approval_memory_gib * 1024)
