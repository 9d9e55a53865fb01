"""Seats are brought to a step: what is missing before it is done, what is done already stays as it is."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.backends.fake_cluster import Trouble
from portal.core.labs import Check, CheckBy, LabStep, Solution
from portal.core.templates import Words
from portal.models import StepResult, Student
from portal.services import boards, checks
from portal.workflows.sequence import Hooks
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture

WORDS = Words("x", "x")
BY_EYES = LabStep("touch", WORDS, (Check(CheckBy.TEACHER, WORDS),), (Solution("server", "touch /srv/drawn\n"),))


def step(slug: str) -> LabStep:
    """Its solution makes the file that its check looks for."""
    check = Check(CheckBy.AGENT, WORDS, machine="server", script=f"test -e /srv/{slug}\n", tries=1)
    return LabStep(slug, WORDS, (check,), (Solution("server", f"touch /srv/{slug}\n"),))


LAST = LabStep("done", WORDS, ())


def opened(school: School, *steps: LabStep) -> tuple[UUID, UUID]:
    """A class of the lab with these steps, and Ada's seat in it."""
    class_id = school.book(seats=2, spares=0, **({"steps": (*steps, LAST)} if steps else {}))
    school.prepare(class_id)
    seat_id = school.sit_down(class_id, "Ada")
    assert seat_id is not None
    return class_id, seat_id


def student(school: School, name: str = "Ada") -> Student:
    with school.site.sessions() as db:
        return db.query(Student).where(Student.name == name).one()


def test_what_is_missing_before_the_step_is_done_and_the_guide_stands_at_it(school: School) -> None:
    class_id, seat_id = opened(school, step("look"), step("touch"))
    assert school.bring(class_id, "touch") == "done"
    assert school.files(seat_id) == ["/srv/look"]
    assert student(school).step == "touch"
    with school.site.sessions() as db:
        assert db.get_one(StepResult, (student(school).id, "touch")).passed_at is None


def test_a_step_that_is_done_is_not_done_again(school: School) -> None:
    class_id, seat_id = opened(school, step("look"), step("touch"))
    with school.cluster.world() as world:
        next(one for one in world.machines.values() if one.seat == str(seat_id)).files.append("/srv/look")
    school.cluster.answer_in_guest("touch /srv/look", 1, "this must not be run")
    assert school.bring(class_id, "done") == "done"
    assert school.files(seat_id) == ["/srv/look", "/srv/touch"]


def test_bringing_twice_does_nothing_the_second_time(school: School) -> None:
    class_id, _seat_id = opened(school, step("look"))
    assert school.bring(class_id, "done") == "done"
    school.cluster.answer_in_guest("touch /srv", 1, "this must not be run")
    assert school.bring(class_id, "done") == "done"


def test_all_who_sit_are_brought_and_free_seats_are_not(school: School) -> None:
    class_id, seat_id = opened(school, step("look"))
    (free,) = [seat for seat in school.seats(class_id) if seat.id != seat_id]
    school.bring(class_id, "done")
    assert (school.files(seat_id), school.files(free.id)) == (["/srv/look"], [])
    other_id = school.sit_down(class_id, "Noor")
    assert other_id == free.id
    assert school.bring(class_id, "done") == "done"
    assert school.files(other_id) == ["/srv/look"]


def test_a_solution_that_fails_is_told_on_the_board_and_the_guide_stays(school: School) -> None:
    class_id, seat_id = opened(school, step("look"), step("touch"))
    school.cluster.answer_in_guest("touch /srv/look", 3, "disk full\n")
    assert school.bring(class_id, "done") == "failed"
    told = school.session(class_id)
    assert told.trouble == "Seat %(number)s could not be brought to the step: %(reason)s"
    assert "disk full" in str(told.trouble_params["reason"])
    assert (student(school).step, school.files(seat_id)) == ("", [])


def test_a_failure_is_news_for_the_board(school: School) -> None:
    class_id, _seat_id = opened(school, step("look"))
    before = seen(school, class_id)
    school.cluster.answer_in_guest("touch /srv", 3, "disk full\n")
    school.bring(class_id, "done")
    assert seen(school, class_id) != before


def seen(school: School, class_id: UUID) -> str:
    with school.site.sessions() as db:
        return boards.seen_of(boards.board_of(db, db.merge(school.session(class_id), load=False), school.now()))


def test_a_seat_that_is_silent_stays_behind_and_says_so(school: School) -> None:
    class_id, seat_id = opened(school, step("look"))
    (host,) = {seat.host.name for seat in school.seats(class_id) if seat.id == seat_id and seat.host}
    school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert school.bring(class_id, "done") == "failed"
    assert host in str(school.session(class_id).trouble_params["reason"])


def test_a_step_that_only_a_teacher_can_judge_is_done_for_the_student(school: School) -> None:
    class_id, seat_id = opened(school, BY_EYES)
    assert school.bring(class_id, "done") == "done"
    assert school.files(seat_id) == ["/srv/drawn"]


def confirm(school: School, slug: str) -> None:
    with school.site.write_sessions.begin() as db:
        checks.confirm(db, student=db.get_one(Student, student(school).id), step=slug, now=school.now())


def test_what_a_teacher_saw_done_stays_as_it_is(school: School) -> None:
    class_id, seat_id = opened(school, BY_EYES)
    confirm(school, "touch")
    school.bring(class_id, "done")
    assert school.files(seat_id) == []


def test_what_a_teacher_saw_done_before_a_reset_is_done_on_the_new_machines(school: School) -> None:
    class_id, seat_id = opened(school, BY_EYES)
    confirm(school, "touch")
    school.reset(seat_id)
    school.bring(class_id, "done")
    assert school.files(seat_id) == ["/srv/drawn"]


def test_a_seat_of_a_class_that_ended_meanwhile_is_not_touched(school: School) -> None:
    class_id, _seat_id = opened(school, step("look"))
    school.cluster.answer_in_guest("touch /srv", 1, "this must not be run")
    school.ask_bring(class_id, "done")
    (late,) = school.queue.enqueued[-1:]
    school.end(class_id)
    assert school.run(entry=late) == "cancelled"
    assert school.session(class_id).trouble == ""


def test_a_worker_that_dies_in_between_is_followed_by_one_that_finishes(school: School) -> None:
    class_id, seat_id = opened(school, step("look"), step("touch"))

    class Dead(BaseException):
        pass

    def die(place: str) -> None:
        if place.endswith("done"):
            raise Dead

    school.ask_bring(class_id, "done")
    with pytest.raises(Dead):
        school.run(Hooks(pause=school.wait, checkpoint=die))
    school.cluster.answer_in_guest("touch /srv", 1, "this must not be run")
    assert school.run() == "done"
    assert school.files(seat_id) == ["/srv/look", "/srv/touch"]
