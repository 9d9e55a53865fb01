"""How long the lines of playbooks are kept. What was decided and done stays in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.models import Job, JobLine

KEEP_LINES = timedelta(days=90)
AT_ONCE = 5000


def sweep_lines(db: Session, now: datetime, *, keep: timedelta = KEEP_LINES, most: int = AT_ONCE) -> int:
    """Delete lines of jobs that ended long ago, at most so many at once; the jobs' own rows stay."""
    old = select(JobLine.id).join(Job, Job.id == JobLine.job_id).where(Job.ended_at < now - keep).limit(most)
    deleted = db.execute(delete(JobLine).where(JobLine.id.in_(old)).execution_options(synchronize_session=False))
    return deleted.rowcount if isinstance(deleted, CursorResult) else 0
