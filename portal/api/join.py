"""/join and /seat: a student joins with a code and a name, and comes back with the key that this gives."""

from __future__ import annotations

from typing import Any, cast

from apiflask import APIBlueprint
from flask import current_app, g, request
from sqlalchemy.orm import Session

from portal.api.auth import bearer_token, student_call
from portal.api.context import now, reading, student, writing
from portal.api.languages import language, translated
from portal.api.problems import answer
from portal.api.schemas.seats import JoinedOut, JoinIn, OwnClassOut, OwnSeatOut, StepResultOut
from portal.api.tries import WrongTries
from portal.core.errors import N_, PortalError
from portal.core.labs import LabStep
from portal.core.languages import language_for
from portal.models import Seat, StepResult, Student
from portal.services import seats, students

bp = APIBlueprint("join", __name__, tag="Students")


@bp.post("/join")
@bp.input(JoinIn, arg_name="wish")
@bp.output(JoinedOut, status_code=201)
@bp.doc(summary="Join a class with its code", operation_id="join")
def join(wish: JoinIn) -> Any:
    """Needs no token. Sent with the key of before, the same name in the same class is the same student.

    Where a seat is ready the student sits down at once, else with `POST /seat`.
    """
    tries = cast(WrongTries, current_app.extensions["vivero_wrong_codes"])
    address = request.remote_addr or ""
    if tries.too_many(address, now()):
        text = translated(N_("Too many codes that open no class. Please wait ten minutes."))
        return answer(429, "too-often", text, headers=tries.wait)
    try:
        with writing() as db:
            joined = students.join(db, code=wish.code, name=wish.name, locale=language(), now=now(), key=bearer_token())
            seat = students.sit_down(db, joined.student, now())
            return JoinedOut(**own_class(db, joined.student, seat), key=joined.key)
    except PortalError as error:
        if error.message == students.NO_SUCH_CODE:
            tries.count(address, now())
        raise


@bp.get("/seat")
@bp.output(OwnClassOut)
@bp.doc(summary="One's own place in the class", operation_id="get_own_seat")
@student_call
def show() -> OwnClassOut:
    with reading() as db:
        own = student(db)
        shown = OwnClassOut(**own_class(db, own, seats.seat_of(db, own.id)))
        note_is_due = students.needs_touch(own, now())
    if note_is_due:  # seldom, as on the page
        with writing() as db:
            students.touch(db, g.student_key_hash, now())
    return shown


@bp.post("/seat")
@bp.output(OwnClassOut)
@bp.doc(summary="Sit down, if a seat is ready", operation_id="sit_down")
@student_call
def sit_down() -> OwnClassOut:
    """For who waits: again and again, until `seat` is there. Who sits already stays there."""
    with writing() as db:
        own = student(db)
        return OwnClassOut(**own_class(db, own, students.sit_down(db, own, now())))


def own_class(db: Session, own: Student, seat: Seat | None) -> dict[str, Any]:
    lab_session = students.class_with(db, own)
    spec, results = students.spec_of(lab_session), students.results_of(db, own)
    locale = language_for(lab_session.languages, language())
    return {
        "student": own.name,
        "lab": lab_session.lab_slug,
        "title": spec.title.read(locale),
        "languages": lab_session.languages,
        "state": lab_session.state,
        "starts_at": lab_session.starts_at,
        "ends_at": lab_session.ends_at,
        "locked": lab_session.locked,
        "notice": lab_session.notice,
        "seat": own_seat_out(seat) if seat else None,
        "step": own.step or None,
        "steps": [step_out(step, results.get(step.slug), locale) for step in spec.steps],
    }


def own_seat_out(seat: Seat) -> OwnSeatOut:
    return OwnSeatOut(id=seat.id, number=seat.number, state=seat.state, ready_at=seat.ready_at)


def step_out(step: LabStep, result: StepResult | None, locale: str) -> StepResultOut:
    return StepResultOut(
        step=step.slug,
        title=step.title.read(locale),
        tries=result.tries if result else 0,
        hints=result.hints if result else 0,
        passed_at=result.passed_at if result else None,
        again=result.again if result else False,
        said=result.said if result else "",
    )
