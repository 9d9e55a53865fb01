"""Students join a class by its code and come back by their key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.lifecycle import LabSessionState
from portal.models import LabSession, Student
from portal.services import students
from portal.services.login_sessions import hash_of
from tests.factories import make_lab_session, make_student
from tests.factories.moments import NOW


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    return make_lab_session(db, join_code="K7M4QP", seats=2)


def join(db: Session, name: str = "María", **changes: object) -> students.Joined:
    ordinary = {"code": "K7M4QP", "name": name, "locale": "es", "now": NOW}
    return students.join(db, **{**ordinary, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["K7M4QP", "k7m-4qp", " K7M 4QP ", "k7m_4qp"])
def test_a_code_is_read_however_it_was_typed(db: Session, lab_session: LabSession, code: str) -> None:
    assert join(db, code=code).student.lab_session_id == lab_session.id


def test_only_the_hash_of_the_key_is_kept_and_the_key_finds_the_student(db: Session, lab_session: LabSession) -> None:
    joined = join(db)
    assert joined.student.key_hash == hash_of(joined.key)
    assert students.student_of(db, joined.key) is joined.student
    assert students.student_of(db, joined.key + "x") is None
    assert students.student_of(db, None) is None


def test_a_new_key_ends_the_old_one(db: Session, lab_session: LabSession) -> None:
    joined = join(db)
    key = students.renew_key(db, joined.student)
    assert students.student_of(db, joined.key) is None
    assert students.student_of(db, key) is joined.student


@pytest.mark.parametrize("state", [LabSessionState.ENDED, LabSessionState.CANCELLED])
def test_keys_end_with_the_class(db: Session, lab_session: LabSession, state: LabSessionState) -> None:
    key = join(db).key
    lab_session.state = state
    db.flush()
    assert students.student_of(db, key) is None
    assert students.was_student(db, key)


@pytest.mark.parametrize(
    "changes",
    [
        {"join_code": "ANOTHER"},
        {"state": LabSessionState.ENDED},
        {"state": LabSessionState.CANCELLED},
        {"state": LabSessionState.BOOKED, "starts_at": NOW + timedelta(days=3)},
    ],
    ids=["unknown", "ended", "cancelled", "future"],
)
def test_a_code_that_opens_nothing_says_no_more_than_that(
    db: Session, lab_session: LabSession, changes: dict[str, object]
) -> None:
    for name, value in changes.items():
        setattr(lab_session, name, value)
    db.flush()
    with pytest.raises(Invalid) as refused:
        join(db)
    assert (refused.value.message, refused.value.field) == (students.NO_SUCH_CODE, "code")


@pytest.mark.parametrize(("minutes", "let_in"), [(120, False), (16, False), (15, True), (1, True)])
def test_a_booked_class_lets_in_a_quarter_of_an_hour_before(
    db: Session, lab_session: LabSession, minutes: int, let_in: bool
) -> None:
    lab_session.state, lab_session.starts_at = LabSessionState.BOOKED, NOW + timedelta(minutes=minutes)
    db.flush()
    if let_in:
        assert join(db).student.name == "María"
    else:
        with pytest.raises(Invalid, match="begins at"):
            join(db)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b", "a\u202eb"])
def test_a_name_is_one_line_that_can_be_read(db: Session, lab_session: LabSession, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        join(db, name)
    assert refused.value.field == "name"


def test_a_second_maria_is_told_to_add_something(db: Session, lab_session: LabSession) -> None:
    join(db)
    with pytest.raises(Invalid, match="add something"):
        join(db, " maría ")


def test_the_same_browser_is_the_same_student(db: Session, lab_session: LabSession) -> None:
    first = join(db)
    again = join(db, key=first.key)
    assert (again.student.id, again.key) == (first.student.id, first.key)


def test_there_are_no_more_students_than_seats(db: Session, lab_session: LabSession) -> None:
    join(db, "Ana")
    join(db, "Bea")
    with pytest.raises(Conflict, match="tell your teacher"):
        join(db, "Carla")


def revision(db: Session, lab_session: LabSession) -> int:
    db.refresh(lab_session)
    return lab_session.revision


def test_what_others_see_moves_the_revision_and_being_there_does_not(db: Session, lab_session: LabSession) -> None:
    student = join(db).student
    seen = [revision(db, lab_session)]
    students.raise_hand(db, student, "  ¿Dónde\n está?  ", NOW)
    seen.append(revision(db, lab_session))
    students.lower_hand(db, student)
    seen.append(revision(db, lab_session))
    students.open_step(db, student, "touch", NOW)
    seen.append(revision(db, lab_session))
    students.take_hint(db, student, "touch", most=1, now=NOW)
    seen.append(revision(db, lab_session))
    assert seen == [1, 2, 3, 4, 5]
    students.touch(db, student.key_hash, NOW + timedelta(minutes=1))
    assert revision(db, lab_session) == 5


def test_a_hand_keeps_its_place_in_the_row(db: Session, lab_session: LabSession) -> None:
    student = join(db).student
    students.raise_hand(db, student, "¿Dónde está?", NOW)
    students.raise_hand(db, student, "¿Y ahora?", NOW + timedelta(minutes=5))
    assert (student.hand, student.hand_at) == ("¿Y ahora?", NOW)


def test_what_is_said_with_a_hand_has_an_end(db: Session, lab_session: LabSession) -> None:
    with pytest.raises(Invalid):
        students.raise_hand(db, join(db).student, "x" * 301, NOW)


def test_the_first_look_at_a_step_is_remembered(db: Session, lab_session: LabSession) -> None:
    student = make_student(db, lab_session)
    students.open_step(db, student, "look", NOW)
    students.open_step(db, student, "touch", NOW + timedelta(minutes=2))
    students.open_step(db, student, "look", NOW + timedelta(minutes=4))
    begun = {step: row.begun_at for step, row in students.results_of(db, student).items()}
    assert begun == {"look": NOW, "touch": NOW + timedelta(minutes=2)}
    assert db.get_one(Student, student.id).step == "look"


def test_a_step_that_the_lab_does_not_have_is_refused(db: Session, lab_session: LabSession) -> None:
    with pytest.raises(NotFound):
        students.open_step(db, make_student(db, lab_session), "../look", NOW)


def test_hints_end_where_the_guide_has_no_more(db: Session, lab_session: LabSession) -> None:
    student = make_student(db, lab_session)
    assert [students.take_hint(db, student, "look", most=2, now=NOW) for _ in range(4)] == [1, 2, 2, 2]


def test_the_time_that_is_left_is_never_less_than_none(lab_session: LabSession) -> None:
    assert students.remaining(lab_session, NOW) == timedelta(minutes=55)
    assert students.remaining(lab_session, NOW + timedelta(hours=2)) == timedelta(0)
