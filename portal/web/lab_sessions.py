"""Classes: booking one, the list of my own, the page of one, and the calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import ClassDoesNotFit, PortalError
from portal.core.labs import LabSpec
from portal.core.lease import local_day
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Permission
from portal.models import LabSession
from portal.services import boards, invitations, lab_sessions, quotas
from portal.services.lab_specs import spec_of
from portal.web.calendars import sheet_of
from portal.web.class_links import links_page, title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.formats import day, when
from portal.web.forms.lab_sessions import NEVER_BROUGHT, ONCE, BookForm, MoveForm
from portal.web.languages import in_words
from portal.web.rehearsals import card_of

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
    proposed = {"day": tomorrow, "at": FIRST_HOUR, "minutes": minutes, "seats": FIRST_SEATS, "repeat": ONCE}
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
    return render_template(
        "lab_sessions/show.html",
        lab_session=lab_session,
        board=board,
        seen=boards.seen_of(board),
        tiles=tiles,
        listed=invitations.listed(db(), lab_session),
        several=boards.are_several(tiles),
        lab=spec_of(lab_session.lab_version),
        title=title_of(lab_session),
        join=join_address(lab_session.join_code),
        card=card_of(lab_session),
        may_cancel=lab_session.state == LabSessionState.BOOKED,  # later the board ends it
        may_move=lab_session.state == LabSessionState.BOOKED,
    )


def join_address(code: str) -> str:
    """What the students type in or open."""
    known = "join.show" in current_app.view_functions
    path = url_for("join.show", code=code) if known else f"/join?code={code}"
    return site().settings.base_url.rstrip("/") + path


@bp.get("/<uuid:lab_session_id>/cancel")
@permission(Permission.TEACH)
def ask_cancel(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    return render_template(
        "components/confirm.html",
        title=_("Cancel this class?"),
        text=_("%(lab)s on %(when)s does not take place, and its room is free for others.", lab=title_of(lab_session),
               when=when(lab_session.starts_at)),
        note=_("Only this date is cancelled; other dates of a series stay."),
        words=_("Cancel the class"),
        danger=True,
        action=url_for("lab_sessions.cancel", lab_session_id=lab_session_id),
        back=url_for("lab_sessions.show", lab_session_id=lab_session_id),
    )  # fmt: skip


@bp.post("/<uuid:lab_session_id>/cancel")
@permission(Permission.TEACH)
def cancel(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = lab_sessions.cancel(db(), actor=actor(), lab_session_id=lab_session_id, now=now())
    db().commit()
    flash(_("The class on %(day)s is cancelled.", day=day(lab_session.starts_at)), "success")
    return redirect(url_for("lab_sessions.index"), 303)


@bp.route("/<uuid:lab_session_id>/move", methods=["GET", "POST"])
@permission(Permission.TEACH)
def move(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    settings = site().settings
    local = lab_session.starts_at.astimezone(ZoneInfo(settings.timezone))
    form = MoveForm(data={"day": local.date(), "at": local.time()})
    if not form.validate_on_submit():
        return move_page(lab_session, form), 422 if form.is_submitted() else 200
    try:
        lab_sessions.move(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            starts_at=form.starts_at(settings.timezone),
            now=now(),
            reserve_hosts=settings.reserve_hosts,
            timezone=settings.timezone,
        )
    except PortalError as error:
        db().rollback()
        form.show_trouble(error)
        others = error.alternatives if isinstance(error, ClassDoesNotFit) else ()
        return move_page(
            lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id), form, others
        ), error.status
    db().commit()
    flash(_("The class begins on %(when)s now.", when=when(lab_session.starts_at)), "success")
    return redirect(url_for("lab_sessions.show", lab_session_id=lab_session_id), 303)


def move_page(lab_session: LabSession, form: MoveForm, others: tuple[datetime, ...] = ()) -> str:
    title = title_of(lab_session)
    return render_template("lab_sessions/move.html", lab_session=lab_session, form=form, title=title, others=others)


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
