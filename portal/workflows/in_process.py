"""Carries a workflow in this process, without the engine: for commands, where no worker may be running.

Nothing is remembered but what stands in the database: whoever takes it up later looks before it acts, as always.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from portal.site import Site
from portal.workflows.registry import SEQUENCES
from portal.workflows.running import run_sequence
from portal.workflows.sequence import Hooks


@dataclass
class InProcessQueue:
    """Keeps what is begun for whoever carries it here. Nothing of it reaches the engine."""

    begun: list[tuple[str, str, UUID]] = field(default_factory=list)

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False) -> None:
        self.begun.append((workflow, workflow_id, UUID(subject_id)))

    def carry(self, site: Site, hooks: Hooks | None = None) -> str:
        """Run one of what was begun, to its end; returns how it ended."""
        kind, workflow_id, subject_id = self.begun.pop(0)
        return run_sequence(
            site,
            SEQUENCES[kind],
            workflow_id=workflow_id,
            subject_id=subject_id,
            remember=run_it,
            hooks=hooks or Hooks(),
        )


def run_it(name: str, work: Callable[[], str]) -> str:
    return work()
