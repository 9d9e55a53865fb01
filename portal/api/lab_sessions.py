"""/lab-sessions: book a class, look at it, and lead it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, letters, now, reading, site
from portal.api.idempotency import once
from portal.api.lab_session_views import detail_out, fields_of, lab_session_out
from portal.api.paging import as_asked
from portal.api.schemas.lab_sessions import (
    BookedOut,
    BookIn,
    DateOut,
    LabSessionDetailOut,
    LabSessionsOut,
    LabSessionsQuery,
    LinkOut,
    PersonIn,
)
from portal.core import recurrence
from portal.core.errors import N_, Invalid
from portal.core.people import Person, check_people
from portal.core.policy import Permission
from portal.services import invitations, lab_sessions, quotas
from portal.services.invitations import PersonalLink
from portal.services.lab_sessions import Wish

bp = APIBlueprint("lab_sessions", __name__, url_prefix="/lab-sessions", tag="Classes")


@bp.post("")
@bp.input(BookIn, arg_name="booking")
@bp.output(BookedOut, status_code=201)
@bp.doc(summary="Book a class", operation_id="book_lab_session")
@permission(Permission.TEACH)
def book(booking: BookIn) -> tuple[Any, int, dict[str, str]]:
    """On all its dates or on none. 409 `class-does-not-fit` offers `alternatives` and `seats_that_fit`.

    The header Idempotency-Key makes it safe to send the same booking again.
    """
    answer, status = once(lambda db: booked(db, booking), status=201, shown_once="links")
    return answer, status, {"Location": f"/api/v1/lab-sessions/{answer['id']}"}


def booked(db: Session, booking: BookIn) -> dict[str, Any]:
    wish = wish_of(db, booking)
    made = lab_sessions.book(
        db,
        actor=actor(),
        wish=wish,
        now=now(),
        reserve_hosts=site().settings.reserve_hosts,
        limit=site().class_limit,
        **letters(),
    )
    links = invitations.invite(
        db,
        actor=actor(),
        made=made,
        people=wish.people,
        now=now(),
        **letters(),
    )
    dates = [DateOut(id=one.id, starts_at=one.starts_at) for one in made]
    return BookedOut(**fields_of(made[0]), dates=dates, links=[link_out(link) for link in links]).model_dump(
        mode="json"
    )


def wish_of(db: Session, booking: BookIn) -> Wish:
    department = department_id_of(db, booking.department) if booking.department else None
    wish = Wish(booking.lab, dates_of(booking), booking.minutes, booking.seats, booking.room, department)
    people = people_named(booking.people)
    return replace(wish, people=people, only_listed=booking.only_listed, languages=tuple(booking.languages))


def people_named(people: Sequence[str | PersonIn]) -> tuple[Person, ...]:
    return check_people([Person(one) if isinstance(one, str) else Person(one.name, one.email) for one in people])


def link_out(link: PersonalLink) -> LinkOut:
    base_url = site().settings.base_url.rstrip("/")
    return LinkOut(lab_session=link.lab_session.id, name=link.name, email=link.email, link=base_url + link.path)


def dates_of(booking: BookIn) -> tuple[datetime, ...]:
    """All beginnings in order, at the hospital's local time of the first; what is too far off the service refuses."""
    first, repeat = booking.starts_at, booking.repeat
    if repeat is None:
        return (first,)
    timezone = site().settings.timezone
    try:
        local = first.astimezone(ZoneInfo(timezone))
        further = recurrence.weekly(local.date(), repeat.times) if repeat.times else repeat.dates or ()
        days = set(further) - {local.date()} - set(repeat.without)
        moments = set(recurrence.moments(sorted(days), local.time(), timezone))
    except OverflowError:
        return (first,)
    return tuple(sorted(moments if local.date() in repeat.without else {first, *moments}))


def department_id_of(db: Session, slug: str) -> UUID:
    for department in quotas.departments(db, actor=actor(), permission=Permission.TEACH):
        if department.slug == slug:
            return department.id
    raise Invalid(N_("You may not book classes for this department."), field="department")


@bp.get("")
@bp.input(LabSessionsQuery, location="query", arg_name="query")
@bp.output(LabSessionsOut)
@bp.doc(summary="One's own classes", operation_id="list_lab_sessions")
@permission(Permission.TEACH)
def index(query: LabSessionsQuery) -> LabSessionsOut:
    """Those to come, soonest first; with `past` those that are over, newest first."""
    with reading() as db:
        found = lab_sessions.mine(
            db,
            actor=actor(),
            now=now(),
            past=query.past,
            words=query.text,
            page=query.page,
            per_page=query.limit,
        )
        page = as_asked(found, query.page)
        items = [lab_session_out(one) for one in page.items]
    return LabSessionsOut(items=items, page=page.number, pages=page.pages, total=page.total, more=page.more)


@bp.get("/<uuid:lab_session_id>")
@bp.output(LabSessionDetailOut)
@bp.doc(summary="One class with its seats and students", operation_id="get_lab_session")
@permission(Permission.TEACH)
def get(lab_session_id: UUID) -> LabSessionDetailOut:
    with reading() as db:
        return detail_out(db, lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id))
