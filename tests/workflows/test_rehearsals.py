"""A rehearsal: one seat for real, what it shows told to the teacher, and nothing left of it, whatever happens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.backends.fake_cluster import Trouble
from portal.core.calendar import LEAD
from portal.core.lifecycle import LabSessionState
from portal.models import Claim, LabSession, Mail, Rehearsal, SeatImage
from portal.services import accounts, lab_sessions, rehearsals, teaching
from portal.services.preconditions import CANNOT_RUN, PASSES_ALREADY
from portal.workflows.sequence import Hooks
from tests.factories.moments import NOW
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture

STEPS = 6


class Dead(BaseException):
    """What a worker's end looks like from inside a step."""


def book(school: School) -> UUID:
    """For tomorrow: nothing is prepared yet."""
    class_id = school.book()
    with school.site.write_sessions.begin() as db:
        lab_session = db.get_one(LabSession, class_id)
        lab_session.starts_at = NOW + timedelta(days=1)
        lab_session.ends_at = lab_session.starts_at + timedelta(hours=1)
        lab_session.prepare_at = lab_session.starts_at - LEAD
    return class_id


def ask(school: School, class_id: UUID) -> None:
    with school.site.write_sessions.begin() as db:
        teacher = accounts.actor_of(db.get_one(LabSession, class_id).teacher)
        rehearsals.ask(db, actor=teacher, lab_session_id=class_id, queue=school.queue, now=school.now())


def rehearse(school: School, class_id: UUID, hooks: Hooks | None = None) -> str:
    ask(school, class_id)
    return school.run(hooks)


def result(school: School, class_id: UUID) -> Rehearsal:
    with school.site.sessions() as db:
        found = rehearsals.newest(db, class_id)
    assert found is not None
    return found


def letters(school: School) -> list[Mail]:
    with school.site.sessions() as db:
        return list(db.scalars(select(Mail)))


def nothing_is_left(school: School) -> bool:
    with school.site.sessions() as db:
        return school.is_empty() and db.scalar(select(Claim.id).limit(1)) is None


def troubles(school: School, class_id: UUID) -> dict[str, str]:
    return {finding["step"]: finding["trouble"] for finding in result(school, class_id).findings}


def clear(school: School) -> None:
    """As the clock does, later."""
    school.wait(120)
    with school.site.write_sessions.begin() as db:
        assert rehearsals.clear_due(db, queue=school.queue, now=school.now()) == 1


def test_all_is_green_measured_told_and_gone(school: School) -> None:
    class_id = book(school)
    assert rehearse(school, class_id) == "done"
    rehearsal = result(school, class_id)
    assert rehearsal.is_green
    assert troubles(school, class_id) == {"look": "", "touch": "", "done": ""}
    assert None not in (rehearsal.boot_s, rehearsal.restore_s, rehearsal.ended_at)
    assert len(letters(school)) == 1
    assert nothing_is_left(school)


def test_the_image_stays_for_the_class_which_stays_booked(school: School) -> None:
    class_id = book(school)
    rehearse(school, class_id)
    with school.site.sessions() as db:
        assert len(list(db.scalars(select(SeatImage)))) == 1
    assert school.session(class_id).state == LabSessionState.BOOKED
    assert school.prepare(class_id) == "done"
    assert all(seat.warm for seat in school.seats(class_id))


@pytest.mark.parametrize(
    ("answer", "trouble"), [((0, ""), PASSES_ALREADY), ((127, "sh: 1: hl7: not found"), CANNOT_RUN)]
)
def test_a_check_that_does_not_simply_fail_is_red(school: School, answer: tuple[int, str], trouble: str) -> None:
    class_id = book(school)
    school.cluster.answer_in_guest("test -e", *answer)
    assert rehearse(school, class_id) == "done"
    assert troubles(school, class_id) == {"look": trouble, "touch": "", "done": ""}
    assert not result(school, class_id).is_green
    assert nothing_is_left(school)


def test_a_seat_that_cannot_be_made_is_told_and_cleared_when_its_host_is_back(school: School) -> None:
    class_id = book(school)
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert rehearse(school, class_id) == "failed"  # the host keeps what it may have
    (letter,) = letters(school)
    assert result(school, class_id).trouble
    assert result(school, class_id).ended_at is None
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host)
    clear(school)
    assert school.run() == "cancelled"
    assert result(school, class_id).ended_at is not None
    assert [letter.id] == [each.id for each in letters(school)]
    assert nothing_is_left(school)


@pytest.mark.parametrize("step", range(STEPS))
def test_a_worker_that_dies_at_any_step_is_followed_by_one_that_leaves_nothing(school: School, step: int) -> None:
    class_id, seen = book(school), list[str]()

    def die(place: str) -> None:
        seen.append(place)
        if place.endswith("done") and sum(each.endswith("done") for each in seen) == step + 1:
            raise Dead

    with pytest.raises(Dead):
        rehearse(school, class_id, Hooks(pause=school.wait, checkpoint=die))
    assert school.run() == "done"
    assert result(school, class_id).is_green
    assert len(letters(school)) == 1
    assert nothing_is_left(school)


@pytest.mark.parametrize("step", range(STEPS - 1))
def test_a_class_that_is_cancelled_meanwhile_ends_its_rehearsal(school: School, step: int) -> None:
    class_id, seen = book(school), list[str]()

    def cancel(place: str) -> None:
        seen.append(place)
        if place.endswith("begun") and len([each for each in seen if each.endswith("begun")]) == step + 1:
            with school.site.write_sessions.begin() as db:
                teacher = accounts.actor_of(db.get_one(LabSession, class_id).teacher)
                lab_sessions.cancel(db, actor=teacher, lab_session_id=class_id, now=school.now())

    assert rehearse(school, class_id, Hooks(pause=school.wait, checkpoint=cancel)) in ("cancelled", "done")
    assert result(school, class_id).ended_at is not None
    assert nothing_is_left(school)


def test_the_preparation_of_the_class_stops_its_rehearsal(school: School) -> None:
    class_id, begun = book(school), list[str]()

    def prepare(place: str) -> None:
        if place == "Look at all checks begun" and not begun:
            begun.append(place)
            with school.site.write_sessions.begin() as db:
                lab_session = db.get_one(LabSession, class_id)
                teaching.prepare(db, lab_session=lab_session, queue=school.queue, now=school.now(), by=None)

    assert rehearse(school, class_id, Hooks(pause=school.wait, checkpoint=prepare)) == "cancelled"
    assert nothing_is_left(school)
    assert school.run() == "done"  # the preparation
    assert letters(school) == []
