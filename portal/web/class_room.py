"""A student's page in the class: the guide, the machines, and what can be asked for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import N_, Conflict, PortalError
from portal.core.languages import in_link
from portal.services import keepings, login_sessions, restarts, seat_consoles, seats, students
from portal.services.seat_designs import KEYBOARD
from portal.web.class_choices import again_choices
from portal.web.class_views import ClassView, Phase, present_marks, view_of_class
from portal.web.consoles import wanted_kind, words
from portal.web.context import background, close_db, db, now, own_key, public, read_again, site, student, student_page
from portal.web.languages import current_language, in_words
from portal.web.students import keep_key, note_presence
from portal.workflows.checking import check_step

bp = Blueprint("class_room", __name__, url_prefix="/class")


@bp.get("")
@student_page
def show() -> Response:
    note_presence()
    view = view_of_class()
    page = "class_room/room.html" if view.phase in (Phase.SEATED, Phase.KEPT) else "class_room/waiting.html"
    answer = make_response(
        render_template(page, view=view, words=words(), class_words=class_words(view), keyboard=KEYBOARD)
    )
    if view.keeping is not None and view.keeping.until_at is not None:
        keep_key(answer, view.keeping.until_at)
    return answer


def class_words(view: ClassView) -> dict[str, Any]:
    """What the script of the page says."""
    language = current_language()
    return {
        "machines": {machine.name: machine.label.read(language) for machine in view.machines},
        "copied": _("Copied."),
        "not_copied": _("The browser did not let this be copied. Please mark it and copy it yourself."),
        "typed": _("Typed into “%(name)s”."),
        "not_connected": _("The machine is not connected: nothing was typed."),
        "silent": _("This did not work. Please try again in a moment."),
        "left": _("%(minutes)s min left"),
        "over": _("Time is up"),
        "minutes_left": _("There are %(minutes)s minutes left."),
    }


@bp.get("/ended")
@public
def ended() -> str:
    past = students.past_student(db(), own_key())
    return render_template("class_room/ended.html", keeping=keepings.of_student(db(), past.id) if past else None)


@bp.get("/status")
@background
@student_page
def status() -> ResponseReturnValue:
    """What has changed of the page: nothing, some parts of it, or so much that it is to be loaded again."""
    note_presence()
    seen, marks = request.args.get("mark", "").split("."), present_marks()
    if str(marks) == ".".join(seen):
        return "", 204
    if seen[0] != marks.phase or len(seen) != len(str(marks).split(".")):
        return load_again()
    changed = {"hand": seen[2] != marks.hand, "guide": seen[3] != marks.guide}
    return render_template("class_room/_changes.html", view=view_of_class(), changed=changed)


def load_again() -> Response:
    answer = make_response("", 204)
    answer.headers["HX-Refresh"] = "true"
    return answer


@bp.post("/seat")
@background
@student_page
def sit_down() -> ResponseReturnValue:
    """Asked again and again by the page that waits; without JavaScript by a button."""
    students.sit_down(db(), student(), now())
    db().commit()
    if "HX-Request" not in request.headers:
        return to_class()
    read_again()
    return load_again() if request.form.get("phase") != present_marks().phase else ("", 204)


@bp.post("/step")
@student_page
def open_step() -> ResponseReturnValue:
    students.open_step(db(), student(), wanted_step(), now())
    db().commit()
    return guide_again()


@bp.post("/hint")
@student_page
def take_hint() -> ResponseReturnValue:
    step = wanted_step()
    view = next((one for one in view_of_class().steps if one.slug == step), None)
    students.take_hint(db(), student(), step, most=len(view.page.hints) if view else 0, now=now())
    db().commit()
    return guide_again()


@bp.post("/check")
@student_page
def check() -> ResponseReturnValue:
    """Nothing of the database is held while the machines are asked."""
    student_id, step = student().id, wanted_step()
    students.note_locale(db(), student(), current_language())
    db().commit()
    close_db()
    try:
        check_step(site(), student_id=student_id, step=step)
    except PortalError as error:
        read_again()
        if "HX-Request" not in request.headers:
            raise
        return render_template("class_room/_guide.html", view=view_of_class(), told=in_words(error))
    return guide_again()


def wanted_step() -> str:
    return request.form.get("step", "")[:60]


def guide_again() -> ResponseReturnValue:
    if "HX-Request" in request.headers:
        read_again()
        return render_template("class_room/_guide.html", view=view_of_class())
    return to_class()


@bp.post("/hand")
@student_page
def raise_hand() -> ResponseReturnValue:
    students.raise_hand(db(), student(), request.form.get("text", ""), now())
    db().commit()
    return hand_again()


@bp.post("/hand/lower")
@student_page
def lower_hand() -> ResponseReturnValue:
    students.lower_hand(db(), student())
    db().commit()
    return hand_again()


def hand_again() -> ResponseReturnValue:
    if "HX-Request" in request.headers:
        read_again()
        return render_template("class_room/_hand.html", view=view_of_class())
    return to_class()


@bp.get("/device")
@student_page
def another_device() -> str:
    """The personal link. Shown only here: no other page holds the key where a script could read it."""
    view = view_of_class()
    path = url_for("join.ask_back", languages=in_link(view.lab_session.languages) or None)
    address = f"{site().settings.base_url.rstrip('/')}{path}#{own_key()}"
    return render_template("class_room/device.html", view=view, address=address)


@bp.get("/again")
@student_page
def ask_again() -> str:
    reached = restarts.reached(db(), student())
    return render_template(
        "components/confirm.html",
        title=_("Start again?"),
        text=_("All your machines are made anew. What you did in them is lost."),
        action=url_for("class_room.begin_again"),
        back=url_for("class_room.show"),
        words=_("Yes, start again"),
        danger=True,
        choices=again_choices(reached, beginning_step=reached[0].slug),
    )


@bp.post("/again")
@student_page
def begin_again() -> ResponseReturnValue:
    seat = seats.seat_of(db(), student().id)
    if seat is None:
        raise Conflict(N_("You have no seat yet."))
    restarts.begin_again(db(), seat=seat, by=None, queue=site().queue, now=now(), step=wanted_step())
    db().commit()
    flash(_("Your machines begin again. This takes a moment."), "info")
    return to_class()


@bp.post("/understood")
@student_page
def understand() -> ResponseReturnValue:
    """What was told about the own machines is read."""
    seats.forget_trouble(db(), student())
    db().commit()
    return to_class()


@bp.post("/console-ticket")
@student_page
def ticket() -> ResponseReturnValue:
    """As for the machines of departments (web/consoles.py), only of the own seat."""
    try:
        text = seat_consoles.issue_for_student(
            db(),
            student=student(),
            key_hash=login_sessions.hash_of(own_key() or ""),
            machine=request.form.get("machine", "")[:60],
            kind=wanted_kind(),
            now=now(),
        )
    except PortalError as error:
        return jsonify(error=in_words(error)), error.status
    db().commit()
    return jsonify(ticket=text, url="/live/console")


def to_class() -> ResponseReturnValue:
    return redirect(url_for("class_room.show"), 303)
