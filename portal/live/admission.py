"""Who may open a console: one of our own pages, a living log-in or a student's key, and a ticket that is burnt at once.

A browser may hold both, as that of a teacher who tries a class: the ticket says which of them it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from portal.config import Settings
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.live.asgi_types import Scope
from portal.live.endings import NOT_ALLOWED, STOPPED, Ending
from portal.live.visitors import from_our_pages, login_key, seat_key, visitor_of
from portal.models import ConsoleTicket
from portal.services import consoles, seat_consoles, students
from portal.services.consoles import Entry
from portal.site import Site

PROTOCOL = "binary"
TICKET = "vivero.ticket."
LONGEST_TICKET = 200


class NoTicket(Exception):
    """Whoever asks showed no ticket of theirs: they learn nothing."""


@dataclass(frozen=True)
class Showing:
    """What a browser shows at the door."""

    key: str | None
    seat_key: str | None
    ticket: str


@dataclass(frozen=True)
class Holder:
    """One that the ticket may belong to: an account within its log-in, or a student."""

    key_hash: str
    account_id: UUID | None = None
    student_id: UUID | None = None


def showing_of(scope: Scope, settings: Settings) -> Showing:
    """Raises NoTicket unless one of our pages asks with one ticket, beside `binary`, in Sec-WebSocket-Protocol.

    Never in the address, which ends up in logs.
    """
    offered = list(scope.get("subprotocols", ()))
    tickets = [one.removeprefix(TICKET) for one in offered if one.startswith(TICKET)]
    if PROTOCOL not in offered or len(tickets) != 1 or not 0 < len(tickets[0]) <= LONGEST_TICKET:
        raise NoTicket
    if not from_our_pages(scope, settings.base_url):
        raise NoTicket
    return Showing(login_key(scope, settings), seat_key(scope, settings), tickets[0])


def admit(site: Site, shown: Showing) -> Entry | Ending:
    """Burn the ticket, then check again what it was for. Two transactions: it is used up whatever the second finds."""
    burnt = burn(site, shown)
    if burnt is None:
        raise NoTicket
    enter = consoles.enter if burnt.seat_machine_id is None else seat_consoles.enter
    try:
        with site.write_sessions.begin() as db:
            return enter(db, burnt, now=site.clock())
    except Conflict:
        return STOPPED
    except (NotAllowed, NotFound):
        return NOT_ALLOWED


def burn(site: Site, shown: Showing) -> ConsoleTicket | None:
    """The ticket, used up now, if it belongs to one of those behind this browser."""
    for holder in holders(site, shown):
        with site.write_sessions.begin() as db:
            burnt = consoles.burn_ticket(db, shown.ticket, login_session_hash=holder.key_hash, now=site.clock())
        if burnt is not None and (burnt.account_id, burnt.student_id) == (holder.account_id, holder.student_id):
            return burnt
    return None


def holders(site: Site, shown: Showing) -> Iterator[Holder]:
    visitor = visitor_of(site, shown.key)
    if visitor is not None:
        yield Holder(visitor.login_session_hash, account_id=visitor.actor.account_id)
    if shown.seat_key is not None:
        with site.sessions() as db:
            student = students.student_of(db, shown.seat_key)
        if student is not None:
            yield Holder(student.key_hash, student_id=student.id)
