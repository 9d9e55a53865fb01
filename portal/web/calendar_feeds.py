"""Secret links for calendar programs: made, renewed and ended by each teacher; and the files behind them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_limiter.util import get_remote_address
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from portal.core.errors import N_, NotFound, PortalError
from portal.core.policy import Permission
from portal.services import calendar_feeds
from portal.web.context import actor, db, now, permission, public, site
from portal.web.forms.fields import PortalForm, stripped
from portal.web.icalendar_files import calendar_of
from portal.web.languages import in_words
from portal.web.limits import READS_OF_FEED, WRONG_CODES, limiter, note_wrong_code, was_wrong_code

bp = Blueprint("calendar_feeds", __name__)


class RoomForm(PortalForm):
    room = StringField(
        lazy_gettext("Room"),
        filters=[stripped],
        validators=[
            DataRequired(message=lazy_gettext("Please write the name of the room.")),
            Length(max=calendar_feeds.LONGEST_ROOM, message=lazy_gettext("The room's name is too long.")),
        ],
        render_kw={"list": "rooms", "autocomplete": "off"},
    )


def feeds_page(form: RoomForm, fresh: str = "", fresh_room: str = "") -> str:
    return render_template(
        "lab_sessions/feeds.html",
        form=form,
        feeds=calendar_feeds.own(db(), actor()),
        rooms=calendar_feeds.rooms(db(), actor()),
        fresh=fresh,
        fresh_room=fresh_room,
    )


@bp.get("/classes/feeds")
@permission(Permission.TEACH)
def index() -> ResponseReturnValue:
    return feeds_page(RoomForm(formdata=None))


@bp.post("/classes/feeds")
@permission(Permission.TEACH)
def make() -> ResponseReturnValue:
    """For one's own classes, or for a room. The link stands on this one answer and nowhere else."""
    own = "own" in request.form
    form = RoomForm(formdata=None) if own else RoomForm()
    if not own and not form.validate_on_submit():
        return feeds_page(form), 422
    room = "" if own else form.room.data or ""
    try:
        key = calendar_feeds.renew(db(), actor=actor(), room=room, now=now())
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return feeds_page(form), error.status
    db().commit()
    base = site().settings.base_url.rstrip("/")
    link = base + url_for("calendar_feeds.show", key=key) if base else url_for(".show", key=key, _external=True)
    return feeds_page(RoomForm(formdata=None), fresh=link, fresh_room=room)


@bp.post("/classes/feeds/<uuid:feed_id>/revoke")
@permission(Permission.TEACH)
def revoke(feed_id: UUID) -> ResponseReturnValue:
    calendar_feeds.revoke(db(), actor=actor(), feed_id=feed_id, now=now())
    db().commit()
    flash(_("The link leads nowhere any more."), "success")
    return redirect(url_for("calendar_feeds.index"), 303)


def address_and_feed() -> str:
    key = (request.view_args or {}).get("key", "")
    return f"{get_remote_address()} {str(key)[:100]}"


@bp.get("/calendar/<key>.ics")
@public
@limiter.limit(WRONG_CODES, deduct_when=was_wrong_code)
@limiter.limit(READS_OF_FEED, key_func=address_and_feed)
def show(key: str) -> ResponseReturnValue:
    """For programs: who has the link may read. Nothing tells an ended link from one that never was."""
    feed = calendar_feeds.read(db(), key=key, now=now())
    if feed is None:
        note_wrong_code()
        raise NotFound(N_("There is no such calendar."))
    body = calendar_of(feed, base_url=site().settings.base_url or request.host_url, now=now())
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Disposition"] = 'inline; filename="vivero.ics"'
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
