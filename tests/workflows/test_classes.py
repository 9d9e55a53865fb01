"""The life of a class: prepared warm, failing seats replaced, reset one by one, and nothing left at its end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.backends.fake_cluster import Trouble
from portal.core.lifecycle import LabSessionState, SeatImageState, SeatState
from portal.core.people import Person
from portal.core.policy import Actor
from portal.core.templates import Personalisation
from portal.models import AuditEntry, Claim, LabSession, Mail, SeatImage, Template, TemplateVersion
from portal.services import accounts, class_clock, invitations, lab_sessions, teaching, workflows
from portal.workflows.sequence import Hooks
from tests.factories.classes import template_version_of
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture


MINE = "/home/vivero/mine"


def audited(school: School, action: str) -> list[AuditEntry]:
    with school.site.sessions() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def claims(school: School) -> list[Claim]:
    with school.site.sessions() as db:
        return list(db.scalars(select(Claim)))


def test_a_class_is_ready_with_all_its_seats_warm(school: School) -> None:
    class_id = school.book(seats=4, spares=1)
    assert school.prepare(class_id) == "done"
    ready = school.seats(class_id, SeatState.READY)
    assert school.session(class_id).state == LabSessionState.READY
    assert [seat.number for seat in ready] == [1, 2, 3, 4, 5]
    assert all(seat.warm for seat in ready)
    assert {seat.host.name for seat in ready if seat.host} == {"hv1", "hv2", "hv3"}


def test_all_machines_of_a_seat_are_on_one_host_and_claimed(school: School) -> None:
    class_id = school.book(seats=3, spares=0)
    school.prepare(class_id)
    for seat in school.seats(class_id):
        held = [claim for claim in claims(school) if claim.vm_id in {machine.id for machine in seat.machines}]
        assert {claim.host_id for claim in held} == {seat.host_id}
        assert len(held) == 2
        assert all(claim.department_id is None for claim in held)


def test_the_image_is_made_once_and_used_by_the_next_class(school: School) -> None:
    first = school.book()
    school.prepare(first)
    school.end(first)
    school.prepare(school.book())
    with school.site.sessions() as db:
        images = list(db.scalars(select(SeatImage)))
    assert [(image.state, image.fencing) for image in images] == [(SeatImageState.READY, 1)]


def test_an_image_that_nobody_used_for_long_is_removed_after_a_class(school: School) -> None:
    first = school.book()
    school.prepare(first)
    school.end(first)
    with school.site.write_sessions.begin() as db:
        image = db.scalars(select(SeatImage)).one()
        image.used_at = school.now() - timedelta(days=31)
        old = image.key
        template = db.get_one(TemplateVersion, template_version_of(db, "dokuwiki"))
        template.sha256 = "f" * 64  # a new disk: the next class needs another image
    second = school.book()
    school.prepare(second)
    school.end(second)
    with school.site.sessions() as db:
        assert db.get_one(SeatImage, old).state == SeatImageState.GONE
    with school.cluster.world() as world:
        assert old not in world.images
        assert len(world.images) == 1


def test_a_template_that_cannot_sleep_makes_cold_seats(school: School) -> None:
    class_id = school.book()
    with school.site.write_sessions.begin() as db:
        row = db.get_one(Template, "dokuwiki")
        assert row.spec is not None
        row.spec = {**row.spec, "personalisation": Personalisation.SYSPREP.value}
    school.prepare(class_id)
    assert [seat.warm for seat in school.seats(class_id)] == [False, False, False]


def test_an_image_that_cannot_be_made_holds_up_no_class(school: School) -> None:
    class_id = school.book(seats=1, spares=0)
    school.cluster.trouble("hv1", Trouble.HOST_DOWN)
    assert school.prepare(class_id) == "done"
    with school.site.sessions() as db:
        image = db.scalars(select(SeatImage)).one()
    assert image.state == SeatImageState.FAILED
    assert image.trouble
    assert all(seat.warm is False for seat in school.seats(class_id))


def test_seats_of_a_host_that_went_silent_are_made_elsewhere_under_new_numbers(school: School) -> None:
    warm_up = school.book()
    school.prepare(warm_up)
    school.end(warm_up)
    class_id = school.book(seats=3, spares=0)
    school.cluster.trouble("hv2", Trouble.HOST_DOWN)
    assert school.prepare(class_id) == "done"
    ready = school.seats(class_id, SeatState.READY)
    assert len(ready) == 3
    assert "hv2" not in {seat.host.name for seat in ready if seat.host}
    (replaced,) = school.seats(class_id, SeatState.REPLACED)
    assert replaced.host is not None
    assert (replaced.host.name, bool(replaced.trouble)) == ("hv2", True)
    assert replaced.number not in {seat.number for seat in ready}


def test_if_no_seat_can_be_made_the_teacher_is_told_why_once(school: School) -> None:
    class_id = school.book()
    for host in ("hv1", "hv2", "hv3"):
        school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert school.prepare(class_id) == "failed"
    assert school.session(class_id).state == LabSessionState.PREPARING
    assert school.session(class_id).trouble
    with school.site.sessions() as db:
        assert len(list(db.scalars(select(Mail)))) == 1


def test_the_end_leaves_nothing_and_the_log_proves_it(school: School) -> None:
    class_id = school.book()
    school.prepare(class_id)
    school.sit_down(class_id, "Ada")
    assert school.end(class_id) == "done"
    assert school.is_empty()
    assert claims(school) == []
    assert {seat.state for seat in school.seats(class_id, *SeatState)} == {SeatState.GONE}
    before, after = audited(school, "lab_session.inventory")[0], audited(school, "lab_session.cleared")[0]
    assert before.details["count"] > 0
    assert after.details == {"hosts": {}, "count": 0}


def test_what_a_silent_host_keeps_is_not_called_gone(school: School) -> None:
    class_id = school.book()
    school.prepare(class_id)
    school.cluster.trouble("hv2", Trouble.HOST_DOWN)
    assert school.end(class_id) == "failed"
    assert not audited(school, "lab_session.cleared")
    with school.cluster.world() as world:
        assert {seat.host for seat in world.seats.values()} == {"hv2"}  # it held up nobody else
    school.cluster.trouble("hv2")
    school.wait(120)
    with school.site.write_sessions.begin() as db:
        assert class_clock.end_due(db, queue=school.queue, now=school.now()) == 1
    assert school.run() == "done"
    assert school.is_empty()


def test_a_reset_makes_one_seat_anew_and_leaves_the_others_alone(school: School) -> None:
    class_id = school.book(seats=3, spares=0)
    school.prepare(class_id)
    seat_id = school.sit_down(class_id, "Ada")
    assert seat_id is not None
    with school.cluster.world() as world:
        for machine in world.machines.values():
            machine.files.append(MINE)
    assert school.reset(seat_id) == "done"
    with school.cluster.world() as world:
        touched = {machine.seat for machine in world.machines.values() if MINE not in machine.files}
    assert touched == {str(seat_id)}
    seat = next(seat for seat in school.seats(class_id) if seat.id == seat_id)
    assert (seat.state, seat.warm, seat.resets) == (SeatState.TAKEN, True, 1)


def test_a_student_whose_reset_fails_sits_at_a_spare_seat(school: School) -> None:
    class_id = school.book(seats=1, spares=1)
    school.prepare(class_id)
    seat_id = school.sit_down(class_id, "Ada")
    assert seat_id is not None
    host = next(seat.host for seat in school.seats(class_id) if seat.id == seat_id)
    assert host is not None
    school.cluster.trouble(host.name, Trouble.HOST_DOWN)
    assert school.reset(seat_id) == "failed"
    (taken,) = school.seats(class_id, SeatState.TAKEN)
    assert taken.id != seat_id


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_worker_that_dies_at_any_step_is_followed_by_one_that_finishes(school: School, step: int) -> None:
    class_id = school.book()
    begun: list[str] = []

    class Dead(BaseException):
        pass

    def die(place: str) -> None:
        if place.endswith("begun"):
            begun.append(place)
            if len(begun) == step + 1:
                raise Dead

    with pytest.raises(Dead):
        school.prepare(class_id, Hooks(pause=school.wait, checkpoint=die))
    assert school.run() == "done"
    assert len(school.seats(class_id, SeatState.READY)) == 3
    assert school.end(class_id) == "done"
    assert school.is_empty()


def test_a_class_that_is_ended_while_it_is_prepared_leaves_nothing(school: School) -> None:
    class_id = school.book()
    ended: list[UUID] = []

    def end_it(place: str) -> None:
        if place.startswith("Prepare the seats") and not ended:
            ended.append(class_id)
            with school.site.write_sessions.begin() as db:
                lab_session = db.get_one(LabSession, class_id)
                teaching.end_class(db, actor=None, lab_session=lab_session, queue=school.queue, now=school.now())

    assert school.prepare(class_id, Hooks(pause=school.wait, checkpoint=end_it)) == "cancelled"
    assert ended
    assert school.is_empty()
    assert claims(school) == []
    assert school.session(class_id).state == LabSessionState.CANCELLED
    assert {seat.state for seat in school.seats(class_id, *SeatState)} <= {SeatState.GONE}


def teacher_of(school: School, class_id: UUID) -> Actor:
    with school.site.sessions() as db:
        return accounts.actor_of(db.get_one(LabSession, class_id).teacher)


def test_a_class_that_is_cancelled_when_its_seats_are_ready_leaves_nothing(school: School) -> None:
    class_id = school.book()
    school.prepare(class_id)
    with school.site.write_sessions.begin() as db:
        lab_sessions.cancel(db, actor=teacher_of(school, class_id), lab_session_id=class_id, now=school.now())
        assert class_clock.end_due(db, queue=school.queue, now=school.now()) == 1
    assert school.run() == "done"
    assert school.is_empty()
    assert claims(school) == []
    assert school.session(class_id).state == LabSessionState.CANCELLED
    assert {seat.state for seat in school.seats(class_id, *SeatState)} == {SeatState.GONE}


def test_a_reset_that_comes_after_the_end_makes_nothing(school: School) -> None:
    class_id = school.book()
    school.prepare(class_id)
    seat_id = school.sit_down(class_id, "Ada")
    assert seat_id is not None
    with school.site.write_sessions.begin() as db:
        teaching.reset_seats(
            db,
            actor=teacher_of(school, class_id),
            lab_session_id=class_id,
            seat_ids=None,
            queue=school.queue,
            now=school.now(),
        )
    late = school.queue.enqueued[-1]
    school.end(class_id)
    assert school.run(entry=late) in ("cancelled", "done")
    assert school.is_empty()


def test_a_class_whose_templates_vanished_ends_and_leaves_nothing(school: School) -> None:
    class_id = school.book()
    school.prepare(class_id)
    school.lose_templates()
    assert school.end(class_id) == "done"
    assert school.is_empty()
    assert claims(school) == []
    assert [seat.state for seat in school.seats(class_id, *SeatState)] == [SeatState.GONE] * 3


def test_who_is_on_the_list_hears_when_a_preparation_is_cancelled_for_good(school: School) -> None:
    class_id = school.book()
    with school.site.write_sessions.begin() as db:
        row = db.get_one(LabSession, class_id)
        people = [Person("Ana", "ana@example.org")]
        tom = accounts.actor_of(row.teacher)
        invitations.invite(db, actor=tom, made=[row], people=people, now=school.now(), timezone="UTC")

    def stop(place: str) -> None:
        if place == "Prepare the seats begun":
            with school.site.write_sessions.begin() as db:
                workflow_id = db.get_one(LabSession, class_id).workflow_id or ""
                workflows.ask_cancel(db, workflow_id=workflow_id, now=school.now())

    assert school.prepare(class_id, Hooks(pause=school.wait, checkpoint=stop)) == "cancelled"
    assert school.session(class_id).state == LabSessionState.CANCELLED
    with school.site.sessions() as db:
        letters = list(db.scalars(select(Mail.subject).where(Mail.receiver == "ana@example.org")))
    assert letters == ["Cancelled: the class “First steps”"]
