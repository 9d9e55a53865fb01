"""Booking a whole timetable: a report of what would come of it, and a second button that books what fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from portal.core.errors import PortalError
from portal.core.policy import Permission
from portal.services import quotas, timetables
from portal.services.timetables import Line, Terms, Verdict
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.timetables import TimetableForm
from portal.web.languages import in_words

bp = Blueprint("timetables", __name__, url_prefix="/classes/import")
FIRST_SEATS = 12


def timetable_form() -> TimetableForm:
    departments = quotas.departments(db(), actor=actor(), permission=Permission.TEACH)
    return TimetableForm(data={"seats": FIRST_SEATS}).offer(departments)


def timetable_page(form: TimetableForm, lines: Sequence[Line] = ()) -> str:
    counts = Counter(line.verdict for line in lines)
    return render_template(
        "lab_sessions/import.html",
        form=form,
        lines=lines,
        counts=counts,
        waiting=sum(line.waits for line in lines),
        Verdict=Verdict,
        in_words=in_words,
    )


@bp.get("")
@permission(Permission.TEACH)
def show() -> ResponseReturnValue:
    return timetable_page(timetable_form())


@bp.post("")
@permission(Permission.TEACH)
def read() -> ResponseReturnValue:
    """Only tries it out, unless the second button was pressed; that one checks everything again."""
    form = timetable_form()
    if not form.validate_on_submit():
        return timetable_page(form), 422
    settings = site().settings
    terms = Terms(
        actor=actor(),
        department_id=form.chosen_department(),
        seats=form.seats.data or 0,
        now=now(),
        reserve_hosts=settings.reserve_hosts,
        timezone=settings.timezone,
        limit=site().class_limit,
        base_url=settings.base_url,
    )
    booking = request.form.get("step") == "book"
    try:
        lines = (timetables.book_all if booking else timetables.try_out)(db(), form.rows, terms)
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return timetable_page(form), error.status
    if booking:
        db().commit()
        booked = sum(line.verdict == Verdict.BOOKED for line in lines)
        flash(ngettext("%(num)d class is booked.", "%(num)d classes are booked.", booked), "success")
    else:
        db().rollback()  # what was tried leaves nothing
    return timetable_page(form, lines)
