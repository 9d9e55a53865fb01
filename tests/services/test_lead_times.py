"""When the preparation of a class begins, by what its lab's last classes took."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.core.calendar import LEAD
from portal.core.lead import MARGIN, SHORTEST
from portal.core.lifecycle import LabSessionState, SeatImageState, WorkflowState
from portal.models import LabSession, LabVersion, SeatImage, Workflow
from portal.services import class_clock, lead_times
from portal.services.seat_designs import design_of, image_key
from tests.factories.classes import make_lab_session, make_lab_version, make_seat, template_version_of
from tests.factories.cluster import make_host
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

QUICK = SHORTEST + MARGIN
MINUTE = timedelta(minutes=1)


def make_lab(db: Session, *, image: SeatImageState | None = SeatImageState.READY) -> LabVersion:
    template_version_of(db, "dokuwiki")
    version, host = make_lab_version(db), make_host(db, "hv1")
    if image is not None:
        key = image_key(design_of(db, version), host)
        db.add(SeatImage(key=key, lab_version_id=version.id, made_at=NOW, state=image))
    db.flush()
    return version


def ran(db: Session, version: LabVersion, *, seconds: int = 30, served: int = 2, tries: int = 1) -> LabSession:
    """A class that is over, prepared within so many seconds."""
    began = NOW - timedelta(days=1)
    ready = began + timedelta(seconds=seconds)
    over = make_lab_session(db, lab_version=version, state=LabSessionState.ENDED, prepared_at=ready)
    for number in range(1, served + 1):
        make_seat(db, over, number=number, ready_at=ready)
    for number in range(1, tries + 1):
        state = WorkflowState.DONE if number == tries else WorkflowState.FAILED
        id = f"prepare_class-{over.id}-{number}"
        db.add(Workflow(id=id, kind="prepare_class", subject_id=over.id, created_at=began, state=state))
    db.flush()
    return over


def coming(db: Session, version: LabVersion, at: datetime) -> LabSession:
    end = at + timedelta(hours=1)
    return make_lab_session(
        db, lab_version=version, state=LabSessionState.BOOKED, starts_at=at, ends_at=end, prepare_at=at - LEAD
    )


def lead(db: Session, version: LabVersion) -> timedelta:
    lab_session = coming(db, version, NOW + timedelta(hours=1))
    return lab_session.starts_at - lead_times.begins_at(db, lab_session)


def test_without_history_a_class_is_prepared_from_when_its_room_is_proven(db: Session) -> None:
    assert lead(db, make_lab(db)) == LEAD


def test_a_lab_that_was_quick_is_prepared_later(db: Session) -> None:
    version = make_lab(db)
    for _ in range(3):
        ran(db, version)
    assert lead(db, version) == QUICK


def test_the_clock_begins_it_then_and_not_before(db: Session) -> None:
    version, queue = make_lab(db), ListQueue()
    for _ in range(3):
        ran(db, version)
    coming(db, version, NOW + LEAD)
    assert class_clock.prepare_due(db, queue=queue, now=NOW) == 0
    assert class_clock.prepare_due(db, queue=queue, now=NOW + LEAD - QUICK - timedelta(seconds=1)) == 0
    assert class_clock.prepare_due(db, queue=queue, now=NOW + LEAD - QUICK) == 1


def test_runs_that_failed_first_or_lacked_seats_say_nothing(db: Session) -> None:
    version = make_lab(db)
    ran(db, version)
    ran(db, version)
    ran(db, version, tries=2)
    ran(db, version, served=1)
    assert lead(db, version) == LEAD


def test_while_an_image_must_be_made_first_nothing_is_saved(db: Session) -> None:
    version = make_lab(db, image=SeatImageState.FAILED)
    for _ in range(3):
        ran(db, version)
    assert lead(db, version) == LEAD


def test_the_seats_of_other_classes_at_the_same_hour_count(db: Session) -> None:
    version = make_lab(db)
    for _ in range(3):
        ran(db, version, seconds=120)
    coming(db, version, NOW + timedelta(hours=1))
    assert lead(db, version) == timedelta(seconds=300)


def test_what_was_proven_bounds_it(db: Session) -> None:
    lab_session = coming(db, make_lab(db), NOW + timedelta(hours=1))
    lab_session.prepare_at = lab_session.starts_at - MINUTE
    assert lead_times.begins_at(db, lab_session) == lab_session.starts_at - MINUTE
