"""A seat begins again at a step: made anew, the steps before it done as their solutions do them, the rest to do."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.backends.fake_cluster import Trouble
from portal.core.errors import Conflict, NotFound
from portal.core.lifecycle import SeatState
from portal.models import Seat, StepResult, Student, Workflow
from portal.services import boards, checks, restarts, students
from portal.workflows.sequence import Hooks
from tests.workflows.school import School, school
from tests.workflows.test_bring_seat import BY_EYES, LAST, confirm, opened, step, student

__all__ = ["school"]  # a fixture
LOOK, STUDY, TEST = step("look"), step("study"), step("test")


def passed(school: School, *slugs: str) -> None:
    """Ada has passed these steps; what she made for it is hers, not the solution's."""
    with school.site.write_sessions.begin() as db:
        for slug in slugs:
            checks.note_try(db, student(school).id, slug, checks.CheckOutcome(True), school.now())


def result(school: School, slug: str) -> StepResult:
    with school.site.sessions() as db:
        return db.get_one(StepResult, (student(school).id, slug))


def write(school: School, seat_id: UUID, path: str) -> None:
    with school.cluster.world() as world:
        next(one for one in world.machines.values() if one.seat == str(seat_id)).files.append(path)


def seat(school: School, seat_id: UUID) -> Seat:
    with school.site.sessions() as db:
        return db.get_one(Seat, seat_id)


def marks(school: School, class_id: UUID) -> list[str]:
    with school.site.sessions() as db:
        board = boards.board_of(db, db.merge(school.session(class_id), load=False), school.now())
        return [str(mark.mark) for mark in board.rows[0].marks]


def test_the_steps_before_are_done_on_new_machines_and_nothing_else_is(school: School) -> None:
    _class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    write(school, seat_id, "/home/mine")
    passed(school, "look", "study", "test")
    assert school.reset(seat_id, step="test") == "done"
    assert school.files(seat_id) == ["/srv/look", "/srv/study"]
    assert (seat(school, seat_id).state, student(school).step) == (SeatState.TAKEN, "test")


def test_what_was_passed_from_there_on_is_to_be_done_again_and_stays_in_the_report(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    passed(school, "look", "study", "test")
    when = result(school, "study").passed_at
    school.reset(seat_id, step="study")
    assert marks(school, class_id)[:3] == ["passed", "here", "not_yet"]
    assert result(school, "study").passed_at == when
    passed(school, "study")
    assert marks(school, class_id)[:3] == ["passed", "passed", "not_yet"]
    assert result(school, "study").passed_at == when


def test_the_first_step_is_the_beginning(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY)
    passed(school, "look")
    school.reset(seat_id, step="look")
    assert (school.files(seat_id), marks(school, class_id)[0]) == ([], "here")


def test_what_a_teacher_confirmed_stays_confirmed_and_is_done_on_the_new_machines(school: School) -> None:
    class_id, seat_id = opened(school, BY_EYES, LOOK)
    confirm(school, "touch")
    school.reset(seat_id, step="look")
    assert (school.files(seat_id), marks(school, class_id)[0]) == (["/srv/drawn"], "passed")


@pytest.mark.parametrize(("done", "there"), [((), 1), (("look",), 2), (("study",), 3), (("look", "study", "test"), 4)])
def test_nobody_goes_further_than_they_have_come(school: School, done: tuple[str, ...], there: int) -> None:
    _class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    passed(school, *done)
    with school.site.write_sessions.begin() as db:
        own = db.get_one(Student, student(school).id)
        students.open_step(db, own, "done", school.now())  # reading on is no progress
        assert len(restarts.reached(db, own)) == there
    beyond = [LOOK, STUDY, TEST, LAST][there:]
    for further in beyond:
        with pytest.raises(Conflict):
            school.reset(seat_id, step=further.slug)
    assert seat(school, seat_id).resets == 0


def test_where_the_class_was_brought_everybody_has_come(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    school.bring(class_id, "study")
    assert school.reset(seat_id, step="study") == "done"
    assert school.files(seat_id) == ["/srv/look"]


def test_a_step_that_is_not_in_the_lab_is_refused(school: School) -> None:
    _class_id, seat_id = opened(school, LOOK)
    with pytest.raises(NotFound):
        school.reset(seat_id, step="nonsense")


def test_a_solution_that_fails_leaves_a_fresh_seat_and_a_student_who_knows(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    passed(school, "look", "study")
    school.cluster.answer_in_guest("touch /srv/study", 3, "disk full\n")
    assert school.reset(seat_id, step="test") == "done"
    after = seat(school, seat_id)
    assert (after.state, school.files(seat_id)) == (SeatState.TAKEN, [])
    assert "disk full" in str(after.trouble_params["reason"])
    assert (student(school).step, marks(school, class_id)[:2]) == ("look", ["here", "not_yet"])


def test_other_seats_are_left_alone(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY)
    other = school.sit_down(class_id, "Noor")
    assert other is not None
    write(school, other, "/home/noor")
    passed(school, "look")
    school.reset(seat_id, step="study")
    assert school.files(other) == ["/home/noor"]


def test_who_waits_sees_how_far_it_is(school: School) -> None:
    _class_id, seat_id = opened(school, LOOK, STUDY, TEST)
    passed(school, "look", "study")
    seen: list[tuple[int, int]] = []

    def note(seconds: float) -> None:
        school.wait(seconds)

    def look(place: str) -> None:
        with school.site.sessions() as db:
            work = db.query(Workflow).where(Workflow.subject_id == seat_id).one()
            seen.append((work.done, work.total))

    school.reset(seat_id, Hooks(pause=note, checkpoint=look), step="test")
    assert (seen[0], seen[-1]) == ((0, 3), (3, 3))


@pytest.mark.parametrize("checkpoint", range(1, 6))
def test_a_worker_that_dies_at_any_step_is_followed_by_one_that_finishes(school: School, checkpoint: int) -> None:
    _class_id, seat_id = opened(school, LOOK, STUDY)
    passed(school, "look")
    left = [checkpoint]

    class Dead(BaseException):
        pass

    def die(place: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Dead

    with pytest.raises(Dead):
        school.reset(seat_id, Hooks(pause=school.wait, checkpoint=die), step="study")
    school.run()
    assert (seat(school, seat_id).state, school.files(seat_id)) == (SeatState.TAKEN, ["/srv/look"])


def test_a_host_that_is_silent_makes_the_student_move_and_says_why(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY)
    passed(school, "look")
    (host,) = {one.host.name for one in school.seats(class_id) if one.id == seat_id and one.host}
    school.cluster.trouble(host, Trouble.HOST_DOWN)
    assert school.reset(seat_id, step="study") == "failed"
    (now,) = [one for one in school.seats(class_id) if one.student_id == student(school).id]
    assert now.id != seat_id
    assert (host in str(now.trouble_params["reason"]), student(school).step) == (True, "look")


def test_a_reset_without_a_step_leaves_the_guide_as_it_is(school: School) -> None:
    class_id, seat_id = opened(school, LOOK, STUDY)
    passed(school, "look")
    school.reset(seat_id)
    assert marks(school, class_id)[0] == "passed"
