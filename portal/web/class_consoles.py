"""A teacher's way to the screens of a class: look on, or take over; whoever sits there stays connected."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.core.errors import N_, NotFound, PortalError
from portal.core.lifecycle import SeatState
from portal.core.policy import Permission
from portal.models import Student
from portal.services import boards, lab_sessions, seat_consoles
from portal.services.lab_specs import spec_of
from portal.web.class_board import seat_in
from portal.web.consoles import own_login_hash, wanted_kind, words
from portal.web.context import actor, db, now, permission
from portal.web.languages import in_words

bp = Blueprint("class_consoles", __name__, url_prefix="/classes/<uuid:lab_session_id>/seats/<int:number>")
WITH_CONSOLES = (*boards.SHOWN, SeatState.KEPT)


@bp.get("/<machine>/console")
@permission(Permission.TEACH)
def show(lab_session_id: UUID, number: int, machine: str) -> ResponseReturnValue:
    """Looking on is the ordinary way; `?take=yes` also types."""
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    seat = seat_in(lab_session_id, number, WITH_CONSOLES)
    found = spec_of(lab_session.lab_version).machine(machine)
    if found is None:
        raise NotFound(N_("There is no such machine."))
    takes = request.args.get("take") == "yes"
    return render_template(
        "lab_sessions/console.html",
        lab_session=lab_session,
        seat=seat,
        machine=found,
        student=db().get(Student, seat.student_id) if seat.student_id else None,
        takes=takes,
        tickets=url_for(".ticket", lab_session_id=lab_session_id, number=number, take="yes" if takes else None),
        words=words(),
    )


@bp.post("/console-ticket")
@permission(Permission.TEACH)
def ticket(lab_session_id: UUID, number: int) -> ResponseReturnValue:
    """As for the machines of departments (web/consoles.py)."""
    try:
        text = seat_consoles.issue_for_teacher(
            db(),
            actor=actor(),
            login_session_hash=own_login_hash(),
            seat_id=seat_in(lab_session_id, number, WITH_CONSOLES).id,
            machine=request.form.get("machine", "")[:60],
            kind=wanted_kind(),
            view_only=request.args.get("take") != "yes",
            now=now(),
        )
    except PortalError as error:
        return jsonify(error=in_words(error)), error.status
    db().commit()
    return jsonify(ticket=text, url="/live/console")
