"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, StringConstraints

from portal.api.schemas.values import NO_NUL, PageOut, PageQuery, Slug

SubjectId = Annotated[str, StringConstraints(max_length=80, pattern=NO_NUL)]


class AuditQuery(PageQuery):
    action: Slug | None = None
    actor_id: UUID | None = None
    subject_id: SubjectId | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AuditEntryOut(BaseModel):
    id: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    subject_name: str
    reason: str
    details: dict[str, Any]
    digest: str


class AuditOut(PageOut):
    items: list[AuditEntryOut]
