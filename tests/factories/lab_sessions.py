"""Labs that can be taught, and classes, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import Account, Lab, LabSession, LabVersion
from tests.factories.accounts import make_account, make_department
from tests.factories.cluster import make_template, size
from tests.factories.labs import make_lab
from tests.factories.moments import NOW

numbers = count(1)


def make_taught_lab(db: Session, slug: str = "wiki-page", **changes: object) -> LabVersion:
    """A lab with two machines a seat, each with half a GiB, and its template with a built disk."""
    make_template(db, "micro-linux", sizes=(size("tiny", 1, 512, 1),))
    lab = db.get(Lab, slug)
    return lab.newest if lab is not None and lab.newest is not None else make_lab(db, slug, **changes)


def make_lab_session(
    db: Session, *, teacher: Account | None = None, starts_at: datetime = NOW + timedelta(days=1), **changes: object
) -> LabSession:
    """A booked class of one hour, tomorrow, with ten seats of 1 GiB and one spare one."""
    version = make_taught_lab(db, str(changes.pop("lab_slug", "wiki-page")))
    ordinary = {
        "lab_slug": version.lab_slug,
        "lab_version_id": version.id,
        "teacher_id": (teacher or make_account(db, role=Role.TEACHER)).id,
        "department_id": make_department(db).id,
        "made_at": NOW,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "seats": 10,
        "spares": 1,
        "seat_vcpus": 2,
        "seat_memory_mib": 1024,
        "seat_disk_gib": 2,
        "join_code": f"CODE{next(numbers):04d}",
    }
    lab_session = LabSession(**{**ordinary, **changes})
    db.add(lab_session)
    db.flush()
    return lab_session
