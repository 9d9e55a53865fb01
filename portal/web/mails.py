"""The mails that went out, or wait to, for administrators; in the demo this page is the only mailbox."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal.core.errors import N_, NotFound
from portal.core.lifecycle import MailState
from portal.core.policy import Permission
from portal.models import Mail
from portal.services import mails
from portal.web.context import actor, db, permission, site

bp = Blueprint("mails", __name__, url_prefix="/mails")


@bp.get("")
@permission(Permission.SEE_MAILS)
def index() -> ResponseReturnValue:
    state = request.args.get("state", "")
    wanted = MailState(state) if state in set(MailState) else None
    found = mails.listing(db(), actor=actor(), page=request.args.get("page", 1, type=int), state=wanted)
    kept_here = site().settings.mailer == "page"
    return render_template("mails/index.html", found=found, wanted=wanted, states=list(MailState), kept_here=kept_here)


@bp.get("/<uuid:mail_id>")
@permission(Permission.SEE_MAILS)
def show(mail_id: UUID) -> ResponseReturnValue:
    mail = db().get(Mail, mail_id)
    if mail is None:
        raise NotFound(N_("There is no such mail."))
    text = mail.text if site().settings.mailer == "page" else mails.without_keys(mail.text)
    return render_template("mails/show.html", mail=mail, text=text)
