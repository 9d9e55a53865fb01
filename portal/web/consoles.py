"""The console of a machine: the page, and the tickets that open it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import N_, Invalid, NotAllowed, PortalError
from portal.core.policy import Permission
from portal.core.templates import spec_from_data
from portal.interfaces import ConsoleKind
from portal.models import Vm
from portal.services import consoles, login_sessions, vms
from portal.web.context import actor, db, now, permission
from portal.web.languages import in_words
from portal.web.sessions import current_key

bp = Blueprint("consoles", __name__, url_prefix="/vms/<uuid:vm_id>")


@bp.get("/console")
@permission(Permission.USE_MACHINE)
def show(vm_id: UUID) -> ResponseReturnValue:
    vm = vms.usable(db(), actor=actor(), vm_id=vm_id)
    return render_template("vms/console.html", vm=vm, words=words(), keyboard=keyboard_of(vm))


def words() -> dict[str, Any]:
    """What the scripts say, in the person's language; `closed` by the codes of live/endings.py."""
    return {
        "connecting": _("connecting …"),
        "connected": _("connected"),
        "lost": _("The connection was lost."),
        "left": _("You have left the screen. Press Tab to go on."),
        "silent": _("The portal does not answer."),
        "again": _("Trying again …"),
        "given_up": _("“Connect again” tries once more."),
        "paste": paste_words(),
        "screens": {"graphical": _("Screen of the machine"), "serial": _("Serial line of the machine")},
        "closed": {
            "1000": _("The console is closed."),
            "1001": _("The portal is being restarted."),
            "4401": _("Your log-in has ended. Please log in again."),
            "4403": _("You may no longer use this machine."),
            "4404": _("The class has ended."),
            "4409": _("The serial line was opened elsewhere: it has only one place."),
            "4410": _("The machine does not run. Start it, then connect again."),
            "4423": _("Looking and typing have changed."),
            "4429": _("Too many consoles are open. Close one first."),
            "4503": _("The host does not answer."),
        },
    }


def paste_words() -> dict[str, str]:
    """What is said about typing a text; the scripts fill the places."""
    return {
        "untypable": _("This keyboard has no key for: %(characters)s"),
        "by_layout": _("Right only if the keyboard of the machine is set to “%(keyboard)s”: %(characters)s"),
        "by_character_set": _(
            "Whether these come out right depends on the character set of the machine: %(characters)s"
        ),
        "not_connected": _("Not connected: nothing was typed."),
        "nothing_typed": _("Nothing was typed, for this keyboard has no key for: %(characters)s"),
        "typing": _("Typing %(total)s characters …"),
        "typed": _("All %(total)s characters were typed."),
        "stopped": _("Stopped: %(typed)s of %(total)s characters were typed."),
        "broken": _("The connection broke: about %(typed)s of %(total)s characters came through. The text is kept."),
    }


def keyboard_of(vm: Vm) -> str:
    """Windows reads some keys of a Spanish keyboard in its own way: AltGr + 4 waits for a letter there."""
    system = spec_from_data(vm.template_version.spec).system.name
    return "es-windows" if vm.keyboard == "es" and system.startswith("Windows") else vm.keyboard


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
    except PortalError as error:
        return jsonify(error=in_words(error)), error.status
    db().commit()
    return jsonify(ticket=text, url="/live/console")


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
