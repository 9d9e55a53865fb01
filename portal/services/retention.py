"""How long the lines of playbooks and the names of students are kept. What was done stays in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.models import Invitation, Job, JobLine, Keeping, LabSession, StepResult, Student

KEEP_LINES = timedelta(days=90)
KEEP_STUDENTS = timedelta(days=365)  # a course is over by then, and so is what is asked about it
AT_ONCE = 5000


def sweep_lines(db: Session, now: datetime, *, keep: timedelta = KEEP_LINES, most: int = AT_ONCE) -> int:
    """Delete lines of jobs that ended long ago, at most so many at once; the jobs' own rows stay."""
    old = select(JobLine.id).join(Job, Job.id == JobLine.job_id).where(Job.ended_at < now - keep).limit(most)
    deleted = db.execute(delete(JobLine).where(JobLine.id.in_(old)).execution_options(synchronize_session=False))
    return deleted.rowcount if isinstance(deleted, CursorResult) else 0


def forget_students(db: Session, now: datetime, *, keep: timedelta = KEEP_STUDENTS, most: int = AT_ONCE) -> int:
    """Take names, and what they wrote or were told, out of classes that ended long ago; the figures of reports stay."""
    of_old = select(Student.id).join(LabSession, LabSession.id == Student.lab_session_id)
    old = of_old.where(LabSession.ends_at < now - keep, Student.name != "").limit(most)
    ids = list(db.scalars(old))
    db.execute(update(StepResult).where(StepResult.student_id.in_(ids)).values(said=""))
    db.execute(update(Keeping).where(Keeping.student_id.in_(ids)).values(words=""))
    db.execute(update(Student).where(Student.id.in_(ids)).values(name="", hand=None, hand_at=None))
    return len(ids) + forget_invited(db, now - keep, most)


def forget_invited(db: Session, before: datetime, most: int) -> int:
    of_old = select(Invitation.id).join(LabSession, LabSession.id == Invitation.lab_session_id)
    ids = list(db.scalars(of_old.where(LabSession.ends_at < before).limit(most)))
    db.execute(delete(Invitation).where(Invitation.id.in_(ids)))
    return len(ids)
