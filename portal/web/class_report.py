"""What became of a class: to read, to print, and as a table to take away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _

from portal.core.policy import Permission
from portal.services import class_reports
from portal.services.class_reports import Attendance, ClassReport, StudentStep
from portal.services.class_seats import KINDS
from portal.web.context import actor, db, permission
from portal.web.csv_files import csv_answer
from portal.web.formats import when
from portal.web.languages import current_language

bp = Blueprint("class_report", __name__, url_prefix="/classes/<uuid:lab_session_id>")


def report(lab_session_id: UUID) -> ClassReport:
    return class_reports.report_of(db(), actor=actor(), lab_session_id=lab_session_id)


@bp.app_template_filter("minutes")
def minutes(time: timedelta | None) -> str:
    """How long something took: whole minutes, and seconds below one."""
    if time is None:
        return "–"
    seconds = round(time.total_seconds())
    if seconds < 60:
        return str(_("%(count)s s", count=seconds))
    return str(_("%(count)s min", count=round(seconds / 60)))


@bp.get("/report")
@permission(Permission.TEACH)
def show(lab_session_id: UUID) -> str:
    found = report(lab_session_id)
    title = found.spec.title.read(current_language())
    return render_template("class_report/show.html", report=found, title=title, kinds=KINDS)


@bp.get("/report.csv")
@permission(Permission.TEACH)
def table(lab_session_id: UUID) -> Response:
    """One row a student. Whole minutes, so that a spreadsheet can count with them."""
    found = report(lab_session_id)
    name = f"class-{found.lab_session.lab_slug}-{found.lab_session.starts_at:%Y-%m-%d}"
    return csv_answer(name, list(titles_of(found)), [list(row_of(student)) for student in found.students])


def titles_of(found: ClassReport) -> Iterator[object]:
    yield from (_("Student"), _("Seat"), _("Came at"), _("Minutes there"), _("Steps passed"), _("Tries"), _("Hints"))
    yield _("Times begun again")
    for step in found.steps:
        yield _("Step %(number)s: passed", number=step.number)
        yield _("Step %(number)s: minutes", number=step.number)
        yield _("Step %(number)s: tries", number=step.number)
        yield _("Step %(number)s: hints", number=step.number)


def row_of(student: Attendance) -> Iterator[object]:
    yield student.name or _("forgotten")
    yield "" if student.seat is None else student.seat
    yield when(student.came_at)
    yield whole_minutes(student.stayed)
    yield from (student.passed, student.tries, student.hints, student.resets)
    for step in student.steps:
        yield from cells_of(step)


def cells_of(step: StudentStep) -> Sequence[object]:
    if step.result is None:
        return (_("no"), "", "", "")
    passed = _("yes") if step.passed else _("no")
    return (passed, whole_minutes(step.took), step.result.tries, step.result.hints)


def whole_minutes(time: timedelta | None) -> object:
    return "" if time is None else round(time.total_seconds() / 60)
