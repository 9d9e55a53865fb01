"""/lab-sessions/import: a whole timetable, first tried out line by line, then booked where it fits."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, now, site
from portal.api.idempotency import once
from portal.api.lab_sessions import department_id_of
from portal.api.languages import in_words
from portal.api.schemas.timetables import LineOut, TimetableIn, TimetableOut
from portal.core.policy import Permission
from portal.services import timetables
from portal.services.timetable_files import read_timetable
from portal.services.timetables import Line, Terms, Verdict

bp = APIBlueprint("timetables", __name__, url_prefix="/lab-sessions/import", tag="Classes")


@bp.post("")
@bp.input(TimetableIn, arg_name="timetable")
@bp.output(TimetableOut)
@bp.doc(summary="Try out or book a whole timetable", operation_id="import_timetable")
@permission(Permission.TEACH)
def read(timetable: TimetableIn) -> tuple[Any, int]:
    """Without `book` nothing is changed. With it, lines that fit are booked and the others change nothing.

    A line that is booked already is told as `there`, so the same timetable may be sent again.
    """
    return once(lambda db: imported(db, timetable), status=200)


def imported(db: Session, timetable: TimetableIn) -> dict[str, Any]:
    settings = site().settings
    terms = Terms(
        actor=actor(),
        department_id=department_id_of(db, timetable.department) if timetable.department else None,
        seats=timetable.seats,
        now=now(),
        reserve_hosts=settings.reserve_hosts,
        timezone=settings.timezone,
        limit=site().class_limit,
        base_url=settings.base_url,
    )
    rows = read_timetable(timetable.text, settings.timezone)
    lines = (timetables.book_all if timetable.book else timetables.try_out)(db, rows, terms)
    booked = sum(line.verdict == Verdict.BOOKED for line in lines)
    return TimetableOut(booked=booked, lines=[line_out(line) for line in lines]).model_dump(mode="json")


def line_out(line: Line) -> LineOut:
    understood = line.lab is not None
    return LineOut(
        number=line.row.number,
        text=line.row.text,
        verdict=line.verdict,
        lab=line.lab.slug if line.lab is not None else None,
        starts_at=line.row.starts_at,
        minutes=line.minutes if understood else line.row.minutes,
        seats=line.seats if understood else line.row.seats,
        room=line.row.room,
        needs_approval=line.waits,
        troubles=[in_words(trouble) for trouble in line.troubles],
        alternatives=list(line.alternatives),
    )
