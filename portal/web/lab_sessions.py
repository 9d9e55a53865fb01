"""Classes: booking one, the list of my own, the page of one, and the calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import ClassDoesNotFit, PortalError
from portal.core.labs import LabSpec
from portal.core.languages import in_link
from portal.core.lease import local_day
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Permission
from portal.models import LabSession
from portal.services import boards, class_series, invitations, lab_sessions, quotas
from portal.services.lab_specs import spec_of
from portal.web.calendars import sheet_of
from portal.web.class_links import links_page, series_words, title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.formats import when
from portal.web.forms.lab_sessions import BOTH, NEVER_BROUGHT, ONCE, BookForm
from portal.web.languages import in_words
from portal.web.rehearsals import card_of
from portal.web.seat_signs import view_of

bp = Blueprint("lab_sessions", __name__, url_prefix="/classes")
FIRST_HOUR = time(10)  # what the form proposes
FIRST_SEATS = 12


@bp.get("")
@permission(Permission.TEACH)
def index() -> ResponseReturnValue:
    words, past = request.args.get("text", "").strip()[:80], request.args.get("past") == "yes"
    found = lab_sessions.mine(
        db(), actor=actor(), now=now(), past=past, words=words, page=request.args.get("page", 1, type=int)
    )
    page = "lab_sessions/_list.html" if "HX-Request" in request.headers else "lab_sessions/index.html"
    return render_template(page, found=found, words=words, past=past, title_of=title_of)


@bp.get("/new")
@permission(Permission.TEACH)
def new() -> ResponseReturnValue:
    """The form; an address may bring answers along, as the lab's page and the offered times do."""
    labs = lab_sessions.teachable(db(), actor=actor())
    form = book_form(labs, lab=request.args.get("lab", ""))
    return book_page(form.fill(request.args), labs)


def book_form(labs: list[LabSpec], *, lab: str = "") -> BookForm:
    minutes = next((one.minutes for one in labs if one.slug == lab), 60)
    tomorrow = local_day(now(), site().settings.timezone) + timedelta(days=1)
    proposed = {
        "day": tomorrow,
        "at": FIRST_HOUR,
        "minutes": minutes,
        "seats": FIRST_SEATS,
        "repeat": ONCE,
        "languages": BOTH,
    }
    departments = quotas.departments(db(), actor=actor(), permission=Permission.TEACH)
    return BookForm(data={**proposed, "lab": lab}).offer(labs, departments)


def book_page(form: BookForm, labs: list[LabSpec], refusal: ClassDoesNotFit | None = None) -> str:
    others = [other_time(form, start) for start in refusal.alternatives] if refusal else []
    fewer = {"seats": str(refusal.seats_that_fit)} if refusal and refusal.seats_that_fit else {}
    return render_template(
        "lab_sessions/new.html",
        form=form,
        labs=labs,
        refusal=refusal,
        why=in_words(refusal) if refusal else "",
        others=others,
        fewer=fewer,
        listed=bool(form.people.data),
        address_with=partial(address_with, form),
    )


def other_time(form: BookForm, start: datetime) -> tuple[str, dict[str, str]]:
    """Words, and what changes in the form with this beginning; the other days of a list move along."""
    local = start.astimezone(ZoneInfo(site().settings.timezone))
    shift = local.date() - (form.days()[0])
    dates = "\n".join(f"{one + shift:%d/%m/%Y}" for one in form.days()[1:]) if form.repeat.data == "listed" else ""
    return when(start), {"day": local.date().isoformat(), "at": f"{local:%H:%M}", "dates": dates}


def address_with(form: BookForm, changes: dict[str, str]) -> str:
    """The form with all that was typed, but for these changes and for people's names."""
    typed = {name: value for name, value in request.form.items() if name in form.data and name not in NEVER_BROUGHT}
    answers = {name: value for name, value in {**typed, **changes}.items() if value}
    return f"{url_for('lab_sessions.new')}?{urlencode(answers)}"


@bp.post("/new")
@permission(Permission.TEACH)
def book() -> ResponseReturnValue:
    labs = lab_sessions.teachable(db(), actor=actor())
    form = book_form(labs)
    if not form.validate_on_submit():
        return book_page(form, labs), 422
    if "instead" in request.form:  # an offered time, chosen with a list of people that stands in no address
        return book_page(form.fill(dict(parse_qsl(request.form["instead"][:3000]))), labs)
    settings, refusal = site().settings, None
    try:
        made = lab_sessions.book(
            db(),
            actor=actor(),
            wish=form.wish(settings.timezone),
            now=now(),
            reserve_hosts=settings.reserve_hosts,
            timezone=settings.timezone,
            limit=site().class_limit,
            base_url=settings.base_url,
        )
        links = invitations.invite(
            db(),
            actor=actor(),
            made=made,
            people=form.persons,
            now=now(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
    except PortalError as error:
        db().rollback()
        if isinstance(error, ClassDoesNotFit):
            refusal = error
        else:
            form.show_trouble(error)
        return book_page(form, labs, refusal), error.status
    db().commit()
    if any(one.waits_for_approval for one in made):
        flash(_("It is so large that somebody has to approve it; until then its room is kept."), "warning")
    if links:
        return links_page(links, made)
    if len(made) == 1:
        flash(_("The class is booked. Its room is kept."), "success")
        return redirect(url_for("lab_sessions.show", lab_session_id=made[0].id), 303)
    flash(_("%(count)s classes are booked. Their room is kept.", count=len(made)), "success")
    return redirect(url_for("lab_sessions.index"), 303)


@bp.get("/<uuid:lab_session_id>")
@permission(Permission.TEACH)
def show(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    board = boards.board_of(db(), lab_session, now())
    tiles = boards.tiles_of(db(), lab_session)
    dates = class_series.dates_of(db(), lab_session)
    return render_template(
        "lab_sessions/show.html",
        lab_session=lab_session,
        board=board,
        view=view_of(board),
        seen=boards.seen_of(board),
        tiles=tiles,
        listed=invitations.listed(db(), lab_session),
        several=boards.are_several(tiles),
        lab=spec_of(lab_session.lab_version),
        title=title_of(lab_session),
        join=join_address(lab_session),
        card=card_of(lab_session),
        may_cancel=lab_session.state == LabSessionState.BOOKED,  # later the board ends it
        dates=dates,
        series_words=series_words(dates),
    )


def join_address(lab_session: LabSession) -> str:
    """What the students type in or open."""
    languages = in_link(lab_session.languages) or None
    path = url_for("join.show", code=lab_session.join_code, languages=languages)
    return site().settings.base_url.rstrip("/") + path


@bp.get("/calendar")
@permission(Permission.TEACH)
def calendar() -> ResponseReturnValue:
    timezone = site().settings.timezone
    today = local_day(now(), timezone)
    sheet = sheet_of(asked_day() or today, month=request.args.get("view") == "month", today=today)
    zone = ZoneInfo(timezone)
    since, until = (datetime.combine(one, time(), zone) for one in (sheet.first, sheet.last + timedelta(days=1)))
    by_day: dict[date, list[LabSession]] = {}
    for lab_session in lab_sessions.calendar(db(), actor=actor(), since=since, until=until):
        by_day.setdefault(local_day(lab_session.starts_at, timezone), []).append(lab_session)
    return render_template(
        "lab_sessions/calendar.html", sheet=sheet, by_day=by_day, title_of=title_of, may_teach=lab_sessions.may_teach,
        me=actor(),
    )  # fmt: skip


def asked_day() -> date | None:
    try:
        asked = date.fromisoformat(request.args.get("day", "")[:10])
    except ValueError:
        return None
    return asked if 2000 <= asked.year <= 2200 else None
