"""The teacher's board: marks, hands, counts and screens; news whenever something changes; few queries for many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.labs import Check, CheckBy, LabStep
from portal.core.lifecycle import SeatState, WorkflowState
from portal.core.templates import Words
from portal.models import LabSession, Seat, StepResult, Student
from portal.services import accounts, boards, checks, seats, students, teaching, workflows
from portal.services.boards import Mark
from portal.services.checks import CheckOutcome
from tests.factories import ListQueue, make_host, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW
from tests.factories.queries import counted

WORDS = Words("x", "x")
BY_SCRIPT = LabStep("look", WORDS, (Check(CheckBy.AGENT, WORDS, machine="web", script="x"),))
BY_EYES = LabStep("look", WORDS, (*BY_SCRIPT.checks, Check(CheckBy.TEACHER, WORDS)))


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    """María at seat 1, Noor at seat 2, seat 3 free."""
    lab_session, host = make_lab_session(db, seats=3), make_host(db)
    for number, name in ((1, "María"), (2, "Noor")):
        student = make_student(db, lab_session, name, joined_at=NOW + timedelta(minutes=number))
        make_seat(db, lab_session, number=number, student=student, host_id=host.id)
    make_seat(db, lab_session, number=3, host_id=host.id)
    return lab_session


def student(db: Session, name: str = "María") -> Student:
    return db.query(Student).where(Student.name == name).one()


def seat(db: Session, number: int) -> Seat:
    return db.query(Seat).where(Seat.number == number).one()


def board_of(db: Session, lab_session: LabSession) -> boards.Board:
    db.flush()
    db.expire_all()
    return boards.board_of(db, lab_session, NOW)


@pytest.mark.parametrize(
    ("step", "result", "at", "mark"),
    [
        (BY_SCRIPT, None, "", Mark.NOT_YET),
        (BY_SCRIPT, None, "look", Mark.HERE),
        (BY_SCRIPT, {"hints": 1}, "look", Mark.HERE),
        (BY_SCRIPT, {"hints": 1}, "touch", Mark.NOT_YET),
        (BY_SCRIPT, {"tries": 2}, "look", Mark.TRIED),
        (BY_SCRIPT, {"tries": 1, "passed_at": NOW}, "look", Mark.PASSED),
        (BY_SCRIPT, {"passed_at": NOW}, "touch", Mark.PASSED),
        (BY_EYES, {"tries": 1}, "look", Mark.ASKED),
        (BY_EYES, {"tries": 1, "passed_at": NOW}, "look", Mark.PASSED),
        (BY_EYES, {"hints": 1}, "look", Mark.HERE),
    ],
)
def test_a_mark_says_how_a_student_stands(
    db: Session, step: LabStep, result: dict[str, object] | None, at: str, mark: Mark
) -> None:
    who = make_student(db, make_lab_session(db), step=at)
    row = StepResult(student_id=who.id, step="look", begun_at=NOW, **result) if result else None  # type: ignore[arg-type]
    assert boards.mark_of(step, who, row).mark == mark


def test_rows_are_in_the_order_of_coming_with_seat_and_marks(db: Session, lab_session: LabSession) -> None:
    checks.note_try(db, student(db).id, "look", CheckOutcome(True), NOW)
    rows = board_of(db, lab_session).rows
    assert [(row.student.name, row.seat.number if row.seat else 0, row.passed) for row in rows] == [
        ("María", 1, 1),
        ("Noor", 2, 0),
    ]


def test_who_has_no_seat_stands_on_the_board_too(db: Session, lab_session: LabSession) -> None:
    make_student(db, lab_session, "Zoe", joined_at=NOW + timedelta(minutes=9))
    assert board_of(db, lab_session).rows[-1].seat is None


def test_hands_stand_in_the_order_in_which_they_were_raised(db: Session, lab_session: LabSession) -> None:
    students.raise_hand(db, student(db, "Noor"), "Where?", NOW)
    students.raise_hand(db, student(db, "María"), "", NOW + timedelta(seconds=5))
    students.raise_hand(db, student(db, "Noor"), "Where is it?", NOW + timedelta(seconds=9))
    assert [(row.student.name, row.student.hand) for row in board_of(db, lab_session).hands] == [
        ("Noor", "Where is it?"),
        ("María", ""),
    ]


def test_counts_are_of_living_seats(db: Session, lab_session: LabSession) -> None:
    make_seat(db, lab_session, number=4, state=SeatState.BUILDING)
    make_seat(db, lab_session, number=5, state=SeatState.REPLACED, trouble="It did not answer in time.")
    make_seat(db, lab_session, number=6, state=SeatState.GONE)
    board = board_of(db, lab_session)
    assert board.counts == {SeatState.BUILDING: 1, SeatState.READY: 1, SeatState.TAKEN: 2}
    assert (board.usable, [one.number for one in board.free]) == (3, [3, 4])
    assert [one.number for one in board.failed] == [5]


def test_steps_where_many_are_stuck_are_counted(db: Session, lab_session: LabSession) -> None:
    for name in ("María", "Noor"):
        checks.note_try(db, student(db, name).id, "look", CheckOutcome(False), NOW)
    checks.note_try(db, student(db).id, "touch", CheckOutcome(True), NOW)
    assert boards.stuck_steps(board_of(db, lab_session).rows) == {"look": 2}


def test_the_wall_shows_the_students_screens(db: Session, lab_session: LabSession) -> None:
    tiles = boards.tiles_of(db, lab_session)
    assert [(tile.student, tile.machine) for tile in tiles] == [
        ("María", "server"),
        ("María", "client"),
        ("Noor", "server"),
        ("Noor", "client"),
    ]
    assert boards.are_several(tiles)


def test_before_anybody_is_there_the_wall_shows_all_seats(db: Session, lab_session: LabSession) -> None:
    for number in (1, 2):
        seat(db, number).student_id = None
    db.flush()
    assert {tile.seat.number for tile in boards.tiles_of(db, lab_session)} == {1, 2, 3}


def test_work_is_shown_while_it_is_under_way_or_failed(db: Session, lab_session: LabSession) -> None:
    workflow = workflows.begin(db, kind="prepare_class", subject_id=lab_session.id, queue=ListQueue(), now=NOW)
    lab_session.workflow_id = workflow.id
    shown = {}
    for state in WorkflowState:
        workflow.state = state
        shown[state] = board_of(db, lab_session).work is not None
    assert {state for state, there in shown.items() if there} == {*workflows.LIVE, WorkflowState.FAILED}


def reset(db: Session, lab_session: LabSession) -> None:
    seats.ask_reset(db, seat=seat(db, 1), by=None, queue=ListQueue(), now=NOW)


def lose_seat(db: Session, lab_session: LabSession) -> None:
    seats.replace_seat(db, seat(db, 1), "It did not answer in time.", {}, NOW)


def lock(db: Session, lab_session: LabSession) -> None:
    teaching.set_lock(db, actor=actor_of(lab_session), lab_session_id=lab_session.id, locked=True, now=NOW)


def tell(db: Session, lab_session: LabSession) -> None:
    teaching.tell_all(db, actor=actor_of(lab_session), lab_session_id=lab_session.id, text="Look", now=NOW)


def confirm(db: Session, lab_session: LabSession) -> None:
    checks.confirm(db, student=student(db), step="touch", now=NOW)


def actor_of(lab_session: LabSession) -> accounts.Actor:
    return accounts.actor_of(lab_session.teacher)


CHANGES: dict[str, Callable[[Session, LabSession], object]] = {
    "a hand": lambda db, one: students.raise_hand(db, student(db), "Help", NOW),
    "a hand goes down": lambda db, one: students.lower_hand(db, student(db)),
    "a step is opened": lambda db, one: students.open_step(db, student(db), "touch", NOW),
    "a hint": lambda db, one: students.take_hint(db, student(db), "look", most=2, now=NOW),
    "a try": lambda db, one: checks.note_try(db, student(db).id, "look", CheckOutcome(False), NOW),
    "somebody joins": lambda db, one: students.join(db, code=one.join_code, name="Zoe", locale="en", now=NOW),
    "somebody sits down": lambda db, one: seats.take_seat(
        db, lab_session=one, student=make_student(db, one, "Zoe"), now=NOW
    ),
    "the teacher confirms": confirm,
    "a reset": reset,
    "a seat is replaced": lose_seat,
    "a lock": lock,
    "a message": tell,
    "trouble": lambda db, one: one.tell_trouble("Something."),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_news(
    db: Session, lab_session: LabSession, change: Callable[[Session, LabSession], object]
) -> None:
    before = boards.seen_of(board_of(db, lab_session))
    assert boards.seen_of(board_of(db, lab_session)) == before
    change(db, lab_session)
    assert boards.seen_of(board_of(db, lab_session)) != before
    assert boards.seen_now(db, lab_session, NOW) == boards.seen_of(board_of(db, lab_session))


def test_work_that_goes_on_is_news(db: Session, lab_session: LabSession) -> None:
    workflow = workflows.begin(db, kind="prepare_class", subject_id=lab_session.id, queue=ListQueue(), now=NOW)
    lab_session.workflow_id = workflow.id
    seen = {boards.seen_of(board_of(db, lab_session))}
    workflow.revision += 1
    seen.add(boards.seen_of(board_of(db, lab_session)))
    workflow.state = WorkflowState.DONE
    seen.add(boards.seen_of(board_of(db, lab_session)))
    assert len(seen) == 3


def queries(db: Session, look: Callable[[], object]) -> int:
    db.commit()
    db.expunge_all()
    with counted(db.get_bind()) as said:
        look()
    return len(said)


def test_a_full_class_asks_the_database_as_often_as_a_small_one(db: Session, lab_session: LabSession) -> None:
    class_id, host_id = lab_session.id, seat(db, 1).host_id

    def look() -> None:
        one = db.get_one(LabSession, class_id)
        for row in boards.board_of(db, one, NOW).rows:
            assert row.seat is None or row.seat.machines
        for tile in boards.tiles_of(db, one):
            assert tile.seat.host

    few = queries(db, look)
    one = db.get_one(LabSession, class_id)
    for number in range(4, 22):
        who = make_student(db, one, f"Student {number}")
        make_seat(db, one, number=number, student=who, host_id=host_id)
        checks.note_try(db, who.id, "look", CheckOutcome(False), NOW)
    assert queries(db, look) == few
    assert few <= 12
