"""Signs of seats on pages: their names, how they stand in a word and a picture, and which rows a board shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, request
from flask_babel import lazy_gettext as _

from portal.core.lifecycle import LabSessionState
from portal.core.seat_signs import How, Sign, SignSeen, Traits
from portal.services import class_readiness
from portal.services.boards import Board
from portal.services.class_readiness import Readiness, SeatReadiness
from portal.web.context import db

MANY = 10  # from here on there is a choice to see less
SIGNS: Mapping[Sign, object] = {
    Sign.CLONED: _("Cloned"),
    Sign.RUNNING: _("Running"),
    Sign.ANSWERS: _("Agent"),
    Sign.NETWORK: _("Network"),
    Sign.DOORS: _("Doors"),
}
HOWS: Mapping[How, object] = {
    How.SEEN: _("yes"),
    How.NOT_YET: _("not yet"),
    How.FAILED: _("failed"),
    How.LOST: _("lost"),
    How.NONE: _("does not apply"),
}
ICONS = {How.SEEN: "circle-check", How.NOT_YET: "clock", How.FAILED: "circle-x", How.LOST: "alert-triangle"}
TONES = {How.SEEN: "good", How.NOT_YET: "wait", How.FAILED: "bad", How.LOST: "bad"}


@dataclass(frozen=True)
class ReadinessView:
    """What a board shows of the seats. `may_choose`: to see all of them, or only what is not ready."""

    readiness: Readiness
    rows: tuple[SeatReadiness, ...]
    only: str
    may_choose: bool

    @property
    def asked(self) -> str | None:
        """What the address says, and the page that fetches itself says again."""
        return self.only if request.args.get("seats") else None

    @property
    def is_shown(self) -> bool:
        return bool(self.rows) or self.may_choose


def view_of(board: Board) -> ReadinessView:
    """Before the class all its seats; while it goes on those that are amiss. The address may ask for the others."""
    lab_session = board.lab_session
    readiness = class_readiness.readiness_of(db(), lab_session, (*board.seats, *board.failed))
    coming = lab_session.state in class_readiness.COMING
    goes_on = lab_session.state == LabSessionState.RUNNING
    asked = request.args.get("seats", "")
    only = asked if asked in ("all", "waiting") else "all" if coming else "waiting"
    rows = readiness.rows if only == "all" else readiness.waiting if coming else readiness.amiss
    return ReadinessView(
        readiness,
        rows if coming or goes_on else (),
        only,
        (coming and len(readiness.rows) > MANY) or (goes_on and bool(readiness.rows)),
    )


def init_seat_signs(app: Flask) -> None:
    app.add_template_filter(sign_word)
    app.add_template_filter(how_word)
    app.add_template_filter(how_icon)
    app.add_template_filter(how_tone)


def sign_word(sign: Sign, traits: Traits) -> str:
    return str(_("Answers") if sign == Sign.ANSWERS and not traits.agent else SIGNS[sign])


def how_word(seen: SignSeen) -> str:
    """A door that is shut is nobody's failure: its service may be the student's to start."""
    if seen.sign == Sign.DOORS and seen.how == How.NOT_YET:
        return str(_("not open yet"))
    return str(HOWS[seen.how])


def how_icon(how: How) -> str:
    return ICONS.get(how, "")


def how_tone(seen: SignSeen) -> str:
    is_late = seen.sign in (Sign.NETWORK, Sign.DOORS) and seen.how == How.NOT_YET
    return "calm" if is_late else TONES.get(seen.how, "calm")
