"""Rehearsals on the page of a class: the newest one with what it found, and the button that begins another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.lifecycle import LabSessionState
from portal.core.policy import Permission
from portal.models import LabSession, Rehearsal
from portal.services import lab_sessions, rehearsals, workflows
from portal.services.lab_specs import spec_of
from portal.services.workflows import Progress
from portal.web.class_board import act
from portal.web.context import actor, background, db, now, permission, site
from portal.web.languages import current_language

bp = Blueprint("rehearsals", __name__, url_prefix="/classes/<uuid:lab_session_id>")


@dataclass(frozen=True)
class RehearsalCard:
    """`rehearsal` is the newest; `work` stands while it is under way. `titles` are of the lab's steps."""

    lab_session: LabSession
    rehearsal: Rehearsal | None
    work: Progress | None
    titles: dict[str, str]

    @property
    def may_begin(self) -> bool:
        goes_on = self.rehearsal is not None and self.rehearsal.ended_at is None
        waits = self.lab_session.waits_for_approval
        return self.lab_session.state == LabSessionState.BOOKED and not waits and not goes_on

    @property
    def is_told(self) -> bool:
        """It came to a result. One that was stopped before shows none."""
        return self.rehearsal is not None and self.rehearsal.reported_at is not None

    @property
    def findings(self) -> list[dict[str, Any]]:
        return self.rehearsal.findings if self.rehearsal is not None else []


def card_of(lab_session: LabSession) -> RehearsalCard:
    rehearsal = rehearsals.newest(db(), lab_session.id)
    work = workflows.progress_of(db(), rehearsal.workflow_id, now()) if rehearsal and rehearsal.workflow_id else None
    steps = spec_of(lab_session.lab_version).steps
    titles = {step.slug: step.title.read(current_language()) for step in steps}
    return RehearsalCard(lab_session, rehearsal, work if work and work.state in workflows.LIVE else None, titles)


@bp.get("/rehearsal")
@permission(Permission.TEACH)
@background
def show(lab_session_id: UUID) -> ResponseReturnValue:
    """The card's fragment, fetched while a rehearsal goes on."""
    lab_session = lab_sessions.get(db(), actor=actor(), lab_session_id=lab_session_id)
    return render_template("lab_sessions/_rehearsal.html", card=card_of(lab_session))


@bp.post("/rehearse")
@permission(Permission.TEACH)
def rehearse(lab_session_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        rehearsals.ask(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            queue=site().queue,
            now=now(),
            reserve_hosts=site().settings.reserve_hosts,
        )

    return act(lab_session_id, work, _("One seat is being made and looked at. The result comes by mail, too."))
