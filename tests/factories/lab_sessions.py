"""Labs that can be taught, and classes, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

from sqlalchemy.orm import Session

from portal.core.labs import lab_to_data
from portal.core.policy import Role
from portal.models import Account, Lab, LabSession, LabVersion
from tests.factories.accounts import make_account, make_department
from tests.factories.cluster import make_template, size
from tests.factories.labs import lab_spec
from tests.factories.moments import NOW

numbers = count(1)


def make_lab(db: Session, slug: str = "wiki-page", *, memory_mib: int = 512, **changes: object) -> LabVersion:
    """A lab with two machines a seat, each with half of 1 GiB, and its template with a built disk."""
    make_template(db, "micro-linux", sizes=(size("tiny", 1, memory_mib, 1),))
    lab = db.get(Lab, slug)
    if lab is None:
        lab = Lab(slug=slug, read_at=NOW)
        version = LabVersion(
            id=uuid4(),
            lab_slug=slug,
            version=1,
            digest="0" * 64,
            made_at=NOW,
            spec=lab_to_data(lab_spec(slug, **changes)),
        )
        lab.versions.append(version)
        db.add(lab)
        db.flush()
    return lab.versions[-1]


def make_lab_session(
    db: Session, *, teacher: Account | None = None, starts_at: datetime = NOW + timedelta(days=1), **changes: object
) -> LabSession:
    """A booked class of one hour, tomorrow, with ten seats of 1 GiB and one spare one."""
    version = make_lab(db, str(changes.pop("lab_slug", "wiki-page")))
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
