"""What runs durably, as people see it: workflows with their steps, and the playbook runs (jobs) with their lines."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.lifecycle import JobState, StepState, WorkflowState
from portal.models.base import Base, key_column, state_column


class Workflow(Base, kw_only=True):
    """One durable sequence. `id` is also the engine's key. `fencing` grows with each take-over or retry."""

    __tablename__ = "workflows"
    __table_args__ = (Index("ix_workflows_subject", "subject_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)  # "provision", "retire", ...
    subject_id: Mapped[UUID]
    created_at: Mapped[datetime]
    state: Mapped[WorkflowState] = state_column(WorkflowState, default=WorkflowState.WAITING)
    fencing: Mapped[int] = mapped_column(default=1)
    cancel_asked_at: Mapped[datetime | None] = mapped_column(default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    error_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    done: Mapped[int] = mapped_column(default=0)  # parts done (copies x steps, or steps)
    total: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)  # grows with each visible change; live pages compare it


class WorkflowStep(Base, kw_only=True):
    __tablename__ = "workflow_steps"
    __table_args__ = (UniqueConstraint("workflow_id", "position"),)

    id: Mapped[UUID] = key_column()
    workflow_id: Mapped[str] = mapped_column(ForeignKey("workflows.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    state: Mapped[StepState] = state_column(StepState, default=StepState.WAITING)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    detail: Mapped[str] = mapped_column(Text, default="")


class Job(Base, kw_only=True):
    """One run of one playbook."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = key_column()
    workflow_id: Mapped[str | None] = mapped_column(ForeignKey("workflows.id"), index=True)
    playbook: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime]
    state: Mapped[JobState] = state_column(JobState, default=JobState.RUNNING)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    summary: Mapped[str] = mapped_column(Text, default="")


class JobLine(Base, kw_only=True):
    __tablename__ = "job_lines"
    __table_args__ = (Index("ix_job_lines_job", "job_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, init=False)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    at: Mapped[datetime]
    host: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    failed: Mapped[bool] = mapped_column(default=False)
