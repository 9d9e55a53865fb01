"""Expected trouble: each error carries a stable code and a message a nurse can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


def N_(message: str) -> str:  # noqa: N802 - gettext's own name: marks a message for translation
    """Mark a message for translation where it is written; it is translated where it is shown."""
    return message


def filled(message: str, params: Mapping[str, Any], translate: Callable[[str], str] = str) -> str:
    """A msgid with its values, as they were written down. A value may be a sentence of its own: see `inner`.

    `reason` is what somebody outside said: the translation may know its words.
    """
    values = {
        name: filled(value["message"], value["params"], translate)
        if isinstance(value, Mapping)
        else translate(value)
        if name == "reason" and isinstance(value, str)
        else value
        for name, value in params.items()
    }
    text = translate(message) if message else ""
    return text % values if values else text


def inner(message: str, params: Mapping[str, object]) -> dict[str, object]:
    """A msgid with its values as the value of another one: it is translated where that is shown."""
    return {"message": message, "params": plain(params)}


def plain(params: Mapping[str, object]) -> dict[str, object]:
    """Values that can be written down as JSON."""
    return {key: value if isinstance(value, int | float | Mapping) else str(value) for key, value in params.items()}


@dataclass(frozen=True)
class Phrase:
    """A part of a message that is translated by itself: a msgid and what fills it."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return filled(self.message, self.params)


class Phrases(tuple[Phrase, ...]):
    """Several of them, shown with commas between."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self))


class PortalError(Exception):
    """Expected trouble. `message` is an English msgid with %(name)s places, `params` fill them.

    `code` is stable (the API's problem type), `status` its HTTP status, `field` the form field it belongs to.
    """

    code = "portal-error"
    status = 400

    def __init__(self, message: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(message % params if params else message)
        self.message = message
        self.field = field
        self.params = params


class NotAllowed(PortalError):
    """The person may not do this."""

    code, status = "not-allowed", 403


class OwnRequest(NotAllowed):
    """Nobody decides on their own request (separation of duties, ENS op.acc.3)."""

    code = "own-request"


class LoginFailed(PortalError):
    """One message for all reasons: who tries learns nothing (ENS op.acc.6)."""

    code, status = "login-failed", 401


class NotFound(PortalError):
    code, status = "not-found", 404


class Invalid(PortalError):
    """Input that makes no sense; `field` names the place."""

    code, status = "invalid", 422


class InvalidOrder(Invalid):
    """Several places are wrong at once; each error names its own field."""

    code = "invalid-order"

    def __init__(self, errors: tuple[PortalError, ...]) -> None:
        super().__init__(N_("Some answers need another look."))
        self.errors = errors


class Conflict(PortalError):
    """The thing has changed meanwhile, or the move is not legal from here."""

    code, status = "conflict", 409


class AlreadyDecided(Conflict):
    code = "already-decided"


class NoCapacity(Conflict):
    code = "no-capacity"


class ClassDoesNotFit(NoCapacity):
    """A class that the cluster cannot carry at its time, with the nearest times at which it could.

    `seats_that_fit` is how many the wished time has room for; 0: not even one.
    """

    code = "class-does-not-fit"

    def __init__(
        self,
        message: str,
        *,
        alternatives: tuple[datetime, ...] = (),
        seats_that_fit: int = 0,
        field: str | None = None,
        **params: object,
    ) -> None:
        super().__init__(message, field=field, **params)
        self.alternatives = alternatives
        self.seats_that_fit = seats_that_fit


@dataclass(frozen=True)
class Misfit:
    """A date of a series that cannot be changed as wished: which class, when it begins now, and why not."""

    lab_session_id: UUID
    starts_at: datetime
    error: PortalError


class DatesDoNotFit(NoCapacity):
    """Some dates of a series cannot be changed as wished, so none was. Without these, all the others can."""

    code = "dates-do-not-fit"

    def __init__(self, misfits: tuple[Misfit, ...], *, of: int) -> None:
        message = N_("%(count)s of %(of)s dates cannot be changed so; nothing is changed yet.")
        super().__init__(message, count=len(misfits), of=of)
        self.misfits = misfits


class OverQuota(Invalid):
    code = "over-quota"


class OutsideUnavailable(PortalError):
    """Something outside did not answer. Worth trying again."""

    code, status = "unavailable", 503


class HypervisorUnavailable(OutsideUnavailable):
    code = "hypervisor-unavailable"


class MachineMissing(PortalError):
    """The hypervisor does not know this machine (any more)."""

    code, status = "machine-missing", 409


class GuestSilent(PortalError):
    """A machine's agent does not answer, or what it was asked to run did not end in time."""

    code, status = "guest-silent", 409


class PlaybookFailed(PortalError):
    """A playbook ended without doing all it should; the message says for which machines and why."""

    code, status = "playbook-failed", 502


class Cancelled(PortalError):
    """A person asked for the work to stop; raised at the next safe point."""

    code, status = "cancelled", 409
