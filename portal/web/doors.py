"""The way to a seat's doors: a ticket, and off to the door's own origin."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from portal.core.errors import NotAllowed
from portal.core.policy import Permission
from portal.services import doors, students
from portal.web.class_board import seat_in
from portal.web.consoles import own_login_hash
from portal.web.context import actor, close_db, now, permission, site, student, student_page

bp = Blueprint("doors", __name__)


@bp.get("/class/doors/<name>")
@student_page
def enter(name: str) -> ResponseReturnValue:
    """Of the student's own seat."""
    key_hash = student().key_hash
    close_db()  # a page that is only looked at may not write; the ticket is written
    with site().write_sessions.begin() as db:
        person = students.student_by_hash(db, key_hash)
        if person is None:
            raise NotAllowed(doors.CLASS_IS_OVER)
        address = doors.issue_for_student(db, settings=site().settings, student=person, door=name, now=now())
    return redirect(address, 303)


@bp.get("/classes/<uuid:lab_session_id>/seats/<int:number>/doors/<name>")
@permission(Permission.TEACH)
def enter_as_teacher(lab_session_id: UUID, number: int, name: str) -> ResponseReturnValue:
    """Of any seat of the teacher's class."""
    seat_id, person, login_hash = seat_in(lab_session_id, number).id, actor(), own_login_hash()
    close_db()
    with site().write_sessions.begin() as db:
        address = doors.issue_for_teacher(
            db,
            settings=site().settings,
            actor=person,
            login_session_hash=login_hash,
            seat_id=seat_id,
            door=name,
            now=now(),
        )
    return redirect(address, 303)
