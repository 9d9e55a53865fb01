"""The teacher's board of one class: seats, students and steps, screens, and what a teacher does with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.core.errors import N_, NotFound, PortalError
from portal.core.lifecycle import KeepingState, SeatState
from portal.core.policy import Permission
from portal.models import LabSession, Seat
from portal.services import boards, keepings, lab_sessions, seats, students, teaching
from portal.web.class_choices import Choices, again_choices
from portal.web.context import actor, background, db, now, permission, site
from portal.web.languages import in_words
from portal.web.screens import picture_of
from portal.web.seat_signs import view_of

bp = Blueprint("class_board", __name__, url_prefix="/classes/<uuid:lab_session_id>")
NOTHING_NEW = ("", 204)


def own(lab_session_id: UUID) -> LabSession:
    return lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)


def back(lab_session_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("lab_sessions.show", lab_session_id=lab_session_id), 303)


def act(lab_session_id: UUID, work: Callable[[], object], done: str) -> ResponseReturnValue:
    """Do it, commit and say so; what cannot be done now is said on the board. A class of others there is none."""
    try:
        work()
    except NotFound:
        raise
    except PortalError as error:
        db().rollback()
        flash(in_words(error), "error")
    else:
        db().commit()
        flash(done, "success")
    return back(lab_session_id)


@bp.get("/board")
@permission(Permission.TEACH)
@background
def show(lab_session_id: UUID) -> ResponseReturnValue:
    """The board's fragment; nothing while the page shows the newest state already."""
    lab_session = own(lab_session_id)
    if request.args.get("seen") == boards.seen_now(db(), lab_session, now()):
        return NOTHING_NEW
    board = boards.board_of(db(), lab_session, now())
    return render_template(
        "lab_sessions/_board.html", board=board, view=view_of(board), seen=boards.seen_of(board), alone=True
    )


def confirm(
    lab_session_id: UUID,
    *,
    title: str,
    text: str,
    words: str,
    action: str,
    choices: Choices | None = None,
    note: str = "",
) -> ResponseReturnValue:
    return render_template(
        "components/confirm.html",
        title=title,
        text=text,
        words=words,
        danger=True,
        action=action,
        fields={},
        choices=choices,
        note=note,
        back=url_for("lab_sessions.show", lab_session_id=lab_session_id),
    )


@bp.post("/prepare")
@permission(Permission.TEACH)
def prepare(lab_session_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        lab_session = lab_sessions.locked(db(), actor(), lab_session_id)
        teaching.prepare(db(), lab_session=lab_session, queue=site().queue, now=now(), by=actor())

    return act(lab_session_id, work, _("The seats are being prepared."))


@bp.post("/open")
@permission(Permission.TEACH)
def open_class(lab_session_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        teaching.open_class(db(), actor=actor(), lab_session_id=lab_session_id, now=now())

    return act(lab_session_id, work, _("The class has begun."))


@bp.get("/end")
@permission(Permission.TEACH)
def ask_end(lab_session_id: UUID) -> ResponseReturnValue:
    own(lab_session_id)
    return confirm(
        lab_session_id,
        title=_("End the class?"),
        text=_("Everybody is sent out, and all machines with everything on them are deleted. This cannot be undone."),
        words=_("End the class"),
        note=keeping_note(lab_session_id),
        action=url_for("class_board.end", lab_session_id=lab_session_id),
    )


def keeping_note(lab_session_id: UUID) -> str:
    """Who still waits for an answer loses what they asked to keep."""
    states = [keeping.state for keeping in keepings.of_class(db(), lab_session_id)]
    granted, asked = states.count(KeepingState.GRANTED), states.count(KeepingState.ASKED)
    said = []
    if granted:
        said.append(ngettext("%(num)d seat is kept.", "%(num)d seats are kept.", granted))
    if asked:
        said.append(
            ngettext(
                "%(num)d student asks to keep a seat and has no answer yet: it is deleted too.",
                "%(num)d students ask to keep their seats and have no answer yet: they are deleted too.",
                asked,
            )
        )
    return " ".join(said)


@bp.post("/end")
@permission(Permission.TEACH)
def end(lab_session_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        lab_session = lab_sessions.locked(db(), actor(), lab_session_id)
        teaching.end_class(db(), actor=actor(), lab_session=lab_session, queue=site().queue, now=now())

    return act(lab_session_id, work, _("The class has ended. Its machines are being taken away."))


@bp.post("/lock")
@permission(Permission.TEACH)
def lock(lab_session_id: UUID) -> ResponseReturnValue:
    locked = request.form.get("locked") == "yes"

    def work() -> None:
        teaching.set_lock(db(), actor=actor(), lab_session_id=lab_session_id, locked=locked, now=now())

    said = _("Everybody can look and nobody can type.") if locked else _("Everybody can type again.")
    return act(lab_session_id, work, said)


@bp.post("/notice")
@permission(Permission.TEACH)
def notice(lab_session_id: UUID) -> ResponseReturnValue:
    text = request.form.get("text", "")

    def work() -> None:
        teaching.tell_all(db(), actor=actor(), lab_session_id=lab_session_id, text=text, now=now())

    return act(lab_session_id, work, _("Everybody sees your message.") if text.strip() else _("The message is gone."))


@bp.get("/reset")
@permission(Permission.TEACH)
def ask_reset(lab_session_id: UUID) -> ResponseReturnValue:
    """One seat, by its number in the address, or all."""
    steps = students.spec_of(own(lab_session_id)).steps
    number = request.args.get("seat", type=int)
    seat = seat_in(lab_session_id, number) if number is not None else None
    title = _("Begin seat %(number)s again?", number=seat.number) if seat else _("Begin all seats again?")
    return confirm(
        lab_session_id,
        title=title,
        text=_("The machines go back to how they were at the beginning. What was done on them is lost."),
        words=_("Begin again"),
        action=url_for("class_board.reset", lab_session_id=lab_session_id, seat=seat.number if seat else None),
        choices=again_choices(steps, beginning_step=steps[0].slug) if seat and seat.student_id else None,
    )


@bp.post("/reset")
@permission(Permission.TEACH)
def reset(lab_session_id: UUID) -> ResponseReturnValue:
    number = request.args.get("seat", type=int)

    def work() -> None:
        wanted = [seat_in(lab_session_id, number).id] if number is not None else None
        teaching.reset_seats(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            seat_ids=wanted,
            queue=site().queue,
            now=now(),
            step=request.form.get("step", "")[:60] if number is not None else "",
        )

    return act(lab_session_id, work, _("It begins again: that takes a few seconds."))


def seat_in(lab_session_id: UUID, number: int, states: Collection[SeatState] = boards.SHOWN) -> Seat:
    own(lab_session_id)
    seat = seats.seat_numbered(db(), lab_session_id, number, states)
    if seat is None:
        raise NotFound(N_("There is no such seat in this class."))
    return seat


@bp.post("/students/<uuid:student_id>/hand")
@permission(Permission.TEACH)
def lower_hand(lab_session_id: UUID, student_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        teaching.lower_hand(db(), actor=actor(), lab_session_id=lab_session_id, student_id=student_id)

    return act(lab_session_id, work, _("The hand is down."))


@bp.post("/students/<uuid:student_id>/steps/<step>")
@permission(Permission.TEACH)
def confirm_step(lab_session_id: UUID, student_id: UUID, step: str) -> ResponseReturnValue:
    def work() -> None:
        teaching.confirm_step(
            db(), actor=actor(), lab_session_id=lab_session_id, student_id=student_id, step=step, now=now()
        )

    return act(lab_session_id, work, _("The step is done."))


@bp.post("/prolong")
@permission(Permission.TEACH)
def prolong(lab_session_id: UUID) -> ResponseReturnValue:
    settings = site().settings

    def work() -> None:
        teaching.prolong(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            minutes=request.form.get("minutes", 0, type=int),
            now=now(),
            reserve_hosts=settings.reserve_hosts,
            timezone=settings.timezone,
        )

    return act(lab_session_id, work, _("The class ends later."))


@bp.post("/bring")
@permission(Permission.TEACH)
def bring(lab_session_id: UUID) -> ResponseReturnValue:
    """All seats to the step that was chosen."""

    def work() -> None:
        step = request.form.get("step", "")[:60]
        teaching.bring_all(db(), actor=actor(), lab_session_id=lab_session_id, step=step, queue=site().queue, now=now())

    return act(lab_session_id, work, _("Everybody is being brought to that step."))


@bp.post("/students/<uuid:student_id>/key")
@permission(Permission.TEACH)
def let_in_again(lab_session_id: UUID, student_id: UUID) -> ResponseReturnValue:
    """Shows the personal link once, for a student whose computer broke."""
    lab_session = own(lab_session_id)
    key = teaching.let_in_again(db(), actor=actor(), lab_session_id=lab_session_id, student_id=student_id, now=now())
    student = teaching.student_in(db(), lab_session, student_id)
    db().commit()
    link = f"{url_for('join.ask_back', _external=True)}#{key}"
    return render_template("lab_sessions/key.html", lab_session=lab_session, student=student, link=link)


@bp.get("/wall")
@permission(Permission.TEACH)
@background
def wall(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = own(lab_session_id)
    tiles = boards.tiles_of(db(), lab_session)
    several = boards.are_several(tiles)
    return render_template("lab_sessions/_wall.html", lab_session=lab_session, tiles=tiles, several=several)


@bp.get("/seats/<int:number>/<machine>/screen")
@permission(Permission.TEACH)
@background
def screen(lab_session_id: UUID, number: int, machine: str) -> Response:
    """What the machine shows, at most a few seconds old."""
    seat = seat_in(lab_session_id, number)
    found = seats.machine_of(seat, machine)
    if found is None or seat.host is None:
        raise NotFound(N_("There is no such machine."))
    host, machine_id = seat.host.reached_at, found.id
    db().commit()  # a wall of pictures of a silent host must not keep all connections to the database
    return Response(picture_of(site(), host, machine_id), mimetype="image/png")
