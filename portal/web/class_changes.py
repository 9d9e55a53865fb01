"""Changing and cancelling classes on their pages: one date, this and the following ones, or all still to come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.core.errors import ClassDoesNotFit, DatesDoNotFit, Misfit, PortalError
from portal.core.policy import Permission
from portal.core.series import Scope
from portal.models import LabSession
from portal.services import class_changes, class_scopes, invitation_notices, lab_sessions
from portal.services.class_targets import Terms
from portal.web.class_links import title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.formats import when
from portal.web.forms.class_changes import ChangeForm, scope_words
from portal.web.languages import in_words

bp = Blueprint("class_changes", __name__, url_prefix="/classes/<uuid:lab_session_id>")
MOST_SKIPPED = 60


def terms_of_house() -> Terms:
    settings = site().settings
    return Terms(now(), settings.timezone, settings.reserve_hosts, site().class_limit, settings.base_url)


@bp.route("/change", methods=["GET", "POST"])
@permission(Permission.TEACH)
def change(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = load(lab_session_id)
    form = form_for(lab_session)
    if not form.validate_on_submit():
        return change_page(lab_session, form), 422 if form.is_submitted() else 200
    try:
        changed = class_changes.change(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            wanted=form.change(lab_session, site().settings.timezone),
            terms=terms_of_house(),
            scope=form.chosen_scope,
            skip=skipped(),
        )
    except PortalError as error:
        db().rollback()
        return refused(load(lab_session_id), form, error), error.status
    db().commit()
    if any(one.waits_for_approval for one in changed):
        flash(_("It is so large that somebody has to approve it; until then its room is kept."), "warning")
    flash(ngettext("The class is changed.", "%(num)d classes are changed.", len(changed)), "success")
    return redirect(url_for("lab_sessions.show", lab_session_id=lab_session_id), 303)


def load(lab_session_id: UUID) -> LabSession:
    return lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)


def form_for(lab_session: LabSession) -> ChangeForm:
    local = lab_session.starts_at.astimezone(ZoneInfo(site().settings.timezone))
    proposed = {
        "day": local.date(),
        "at": local.time(),
        "seats": lab_session.seats,
        "room": lab_session.room,
        "languages": ",".join(lab_session.languages),
        "scope": Scope.THIS,
    }
    return ChangeForm(data=proposed).offer(counts_of(lab_session))


def counts_of(lab_session: LabSession) -> dict[Scope, int]:
    """How many dates each choice is about; only those that differ from the ones before."""
    dates = class_scopes.to_come(db(), lab_session, now())
    following = sum(one.starts_at >= lab_session.starts_at for one in dates)
    counts = {Scope.THIS: 1, Scope.FOLLOWING: following, Scope.ALL: len(dates)}
    return {scope: count for scope, count in counts.items() if scope == Scope.THIS or count > 1}


def skipped() -> frozenset[UUID]:
    """Dates that stay as they are; nonsense is left out."""
    found = set()
    for text in request.form.getlist("skip")[:MOST_SKIPPED]:
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return frozenset(found)


def refused(lab_session: LabSession, form: ChangeForm, error: PortalError) -> str:
    """What is missing, date by date, and what would do instead."""
    if isinstance(error, DatesDoNotFit):
        return change_page(lab_session, form, misfits=error.misfits)
    form.show_trouble(error)
    others = error.alternatives if isinstance(error, ClassDoesNotFit) else ()
    return change_page(lab_session, form, others=others)


def change_page(
    lab_session: LabSession, form: ChangeForm, *, others: Sequence[datetime] = (), misfits: Sequence[Misfit] = ()
) -> str:
    left_out = skipped()
    dates = class_scopes.to_come(db(), lab_session, now())
    return render_template(
        "lab_sessions/change.html",
        lab_session=lab_session,
        form=form,
        title=title_of(lab_session),
        others=others,
        misfits=[(one, in_words(one.error)) for one in misfits],
        left_out=[one for one in dates if one.id in left_out],
        several=len(dates) > 1,
        readers=len(invitation_notices.readers_of(db(), dates)),
    )


@bp.route("/cancel", methods=["GET", "POST"])
@permission(Permission.TEACH)
def cancel(lab_session_id: UUID) -> ResponseReturnValue:
    """Several dates are cancelled only after a page that says which and how many."""
    lab_session, scope = load(lab_session_id), asked_scope()
    chosen = class_scopes.cancellable(db(), actor=actor(), lab_session_id=lab_session_id, scope=scope, now=now())
    confirmed = request.form.get("count", type=int) == len(chosen)
    if request.method == "GET" or (scope != Scope.THIS and not confirmed):
        return cancel_page(lab_session, scope, chosen)
    done = class_scopes.cancel(
        db(),
        actor=actor(),
        lab_session_id=lab_session_id,
        scope=scope,
        now=now(),
        timezone=site().settings.timezone,
    )
    db().commit()
    if len(done) == 1:
        flash(_("The class on %(day)s is cancelled.", day=when(done[0].starts_at)), "success")
    else:
        flash(ngettext("%(num)d class is cancelled.", "%(num)d classes are cancelled.", len(done)), "success")
    return redirect(url_for("lab_sessions.index"), 303)


def cancel_page(lab_session: LabSession, scope: Scope, chosen: Sequence[LabSession]) -> str:
    """First which dates, then whether really these."""
    counts = counts_of(lab_session) if request.method == "GET" else {}
    return render_template(
        "lab_sessions/cancel.html",
        lab_session=lab_session,
        title=title_of(lab_session),
        scope=scope,
        chosen=chosen,
        readers=len(invitation_notices.readers_of(db(), chosen)),
        counts=counts,
        scopes=scope_words(counts),
    )


def asked_scope() -> Scope:
    try:
        return Scope(request.form.get("scope", Scope.THIS))
    except ValueError:
        return Scope.THIS
