"""The console of a machine: the page, the tickets that open it, and the sign that somebody works there."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from portal.core.errors import N_, Invalid, NotAllowed
from portal.core.policy import Permission
from portal.interfaces import ConsoleKind
from portal.services import consoles, login_sessions, vms
from portal.web.context import actor, db, now, permission
from portal.web.languages import in_words
from portal.web.sessions import current_key

bp = Blueprint("consoles", __name__, url_prefix="/vms/<uuid:vm_id>")


@bp.get("/console")
@permission(Permission.USE_MACHINE)
def show(vm_id: UUID) -> ResponseReturnValue:
    vm = vms.usable(db(), actor=actor(), vm_id=vm_id)
    return render_template("vms/console.html", vm=vm)


@bp.post("/console-ticket")
@permission(Permission.USE_MACHINE)
def ticket(vm_id: UUID) -> ResponseReturnValue:
    """A ticket as JSON; it goes into the WebSocket's protocol list, never into an address."""
    try:
        text = consoles.issue_ticket(
            db(),
            actor=actor(),
            vm_id=vm_id,
            kind=wanted_kind(),
            login_session_hash=own_login_hash(),
            now=now(),
            view_only=request.form.get("view_only") == "yes",
        )
    except Invalid as error:
        return jsonify(error=in_words(error)), error.status
    db().commit()
    return jsonify(ticket=text, url="/live/console")


@bp.post("/console-alive")
@permission(Permission.USE_MACHINE)
def alive(vm_id: UUID) -> ResponseReturnValue:
    """Who types in a console is not idle: the page calls this at most once a minute while somebody does."""
    vms.usable(db(), actor=actor(), vm_id=vm_id)
    return "", 204


def wanted_kind() -> ConsoleKind:
    kind = request.form.get("kind", "")
    if kind not in set(ConsoleKind):
        raise Invalid(N_("There is no such console."))
    return ConsoleKind(kind)


def own_login_hash() -> str:
    key = current_key()
    if key is None:
        raise NotAllowed(N_("Please log in."))
    return login_sessions.hash_of(key)
