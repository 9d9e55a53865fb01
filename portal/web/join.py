"""Joining a class: a code, a name, and no account."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.core.languages import GUIDE_LANGUAGES, in_link
from portal.services import invitations, students
from portal.services.students import MOST_IN_NAME, Joined
from portal.web.context import db, now, own_key, public, student_or_none
from portal.web.forms.join import BackForm, JoinForm
from portal.web.languages import class_languages, current_language, in_words
from portal.web.limits import WRONG_CODES, limiter, note_wrong_code, was_wrong_code
from portal.web.students import give_key

bp = Blueprint("join", __name__, url_prefix="/join")


@bp.get("")
@public
def show() -> str:
    """A link may bring the code and the name along."""
    form = JoinForm(
        formdata=None,
        code=request.args.get("code", "")[:40],
        name=request.args.get("name", "")[:MOST_IN_NAME],
    )
    return page(form)


def page(form: JoinForm) -> str:
    seated = student_or_none()
    lab_session = students.class_with(db(), seated) if seated else None
    spec = students.spec_of(lab_session) if lab_session else None
    return render_template("join/show.html", form=form, seated=seated, lab=spec, kept=kept_languages())


def kept_languages() -> dict[str, str]:
    """What the link said, for the next address."""
    languages = in_link(class_languages() or GUIDE_LANGUAGES)
    return {"languages": languages} if languages else {}


@bp.post("")
@public
@limiter.limit(WRONG_CODES, deduct_when=was_wrong_code)
def join() -> ResponseReturnValue:
    form = JoinForm()
    if not form.validate_on_submit():
        return page(form), 422
    try:
        joined = try_to_join(form)
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(form), 422
    db().commit()
    answer = make_response(redirect(url_for("class_room.show"), 303))
    give_key(answer, joined)
    return answer


@bp.get("/back")
@public
def ask_back() -> str:
    """Coming back by a personal link. The key stands behind its #, which no server and no log ever sees."""
    return render_template("join/back.html", form=BackForm(formdata=None), kept=kept_languages())


@bp.post("/back")
@public
@limiter.limit(WRONG_CODES, deduct_when=was_wrong_code)
def come_back() -> ResponseReturnValue:
    form = BackForm()
    key = str(form.key.data or "").strip()
    try:
        joined = invitations.come_in(db(), key=key, locale=current_language(), now=now()) if form.validate() else None
    except PortalError as error:  # too early: a right key, which is no guess
        form.add_problem(error.field, in_words(error))
        return render_template("join/back.html", form=form, kept=kept_languages()), 422
    if joined is None:
        note_wrong_code()
        form.add_problem("key", _("This link leads to no class now. Please ask your teacher."))
        return render_template("join/back.html", form=form, kept=kept_languages()), 422
    students.sit_down(db(), joined.student, now())
    db().commit()
    answer = make_response(redirect(url_for("class_room.show"), 303))
    give_key(answer, joined)
    return answer


def try_to_join(form: JoinForm) -> Joined:
    """Join and, where a seat is ready, sit down at once."""
    try:
        joined = students.join(
            db(),
            code=str(form.code.data),
            name=str(form.name.data),
            locale=current_language(),
            now=now(),
            key=own_key(),
        )
    except PortalError as error:
        if error.message == students.NO_SUCH_CODE:
            note_wrong_code()
        raise
    students.sit_down(db(), joined.student, now())
    return joined
