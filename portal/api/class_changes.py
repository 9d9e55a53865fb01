"""PATCH /lab-sessions/<id> and its /cancel: one date, this and the following ones, or all that are still to come."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, now, site, writing
from portal.api.lab_session_views import fields_of
from portal.api.schemas.class_changes import CancelIn, ChangedOut, ChangeIn
from portal.api.schemas.lab_sessions import DateOut
from portal.core.policy import Permission
from portal.models import LabSession
from portal.services import class_changes, class_scopes, lab_sessions
from portal.services.class_targets import Change, Terms

bp = APIBlueprint("class_changes", __name__, url_prefix="/lab-sessions/<uuid:lab_session_id>", tag="Classes")


@bp.patch("")
@bp.input(ChangeIn, arg_name="wish")
@bp.output(ChangedOut)
@bp.doc(summary="Change it, or several dates of its series", operation_id="change_lab_session")
@permission(Permission.TEACH)
def change(lab_session_id: UUID, wish: ChangeIn) -> ChangedOut:
    """On all these dates or on none. 409 `dates-do-not-fit` names in `misfits` those that cannot be changed so: sent
    again with them in `skip`, the others are changed. The other dates move by as many days and minutes as this one.
    """
    settings = site().settings
    terms = Terms(now(), settings.timezone, settings.reserve_hosts, site().class_limit, settings.base_url)
    languages = tuple(wish.languages) if wish.languages is not None else None
    with writing() as db:
        changed = class_changes.change(
            db,
            actor=actor(),
            lab_session_id=lab_session_id,
            wanted=Change(wish.starts_at, wish.seats, wish.room, languages),
            terms=terms,
            scope=wish.scope,
            skip=wish.skip,
        )
        return changed_out(lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id), changed)


@bp.post("/cancel")
@bp.input(CancelIn, arg_name="answer")
@bp.output(ChangedOut)
@bp.doc(summary="It does not take place", operation_id="cancel_lab_session")
@permission(Permission.TEACH)
def cancel(lab_session_id: UUID, answer: CancelIn) -> ChangedOut:
    """Of a series only this date, unless `scope` says more."""
    with writing() as db:
        cancelled = class_scopes.cancel(
            db,
            actor=actor(),
            lab_session_id=lab_session_id,
            scope=answer.scope,
            now=now(),
            reason=answer.reason,
            timezone=site().settings.timezone,
        )
        return changed_out(lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id), cancelled)


def changed_out(lab_session: LabSession, changed: Sequence[LabSession]) -> ChangedOut:
    dates = [DateOut(id=one.id, starts_at=one.starts_at) for one in changed]
    return ChangedOut(**fields_of(lab_session), dates=dates)
