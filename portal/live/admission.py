"""Who may open a console: one of our own pages, a living log-in, and a ticket that is burnt while it is read."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.live.asgi_types import Scope
from portal.live.endings import NOT_ALLOWED, STOPPED, Ending
from portal.live.visitors import from_our_pages, login_key, visitor_of
from portal.services import consoles
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
    ticket: str


def showing_of(scope: Scope, base_url: str) -> Showing:
    """Raises NoTicket unless one of our pages asks with one ticket, beside `binary`, in Sec-WebSocket-Protocol.

    Never in the address, which ends up in logs.
    """
    offered = list(scope.get("subprotocols", ()))
    tickets = [one.removeprefix(TICKET) for one in offered if one.startswith(TICKET)]
    if PROTOCOL not in offered or len(tickets) != 1 or not 0 < len(tickets[0]) <= LONGEST_TICKET:
        raise NoTicket
    if not from_our_pages(scope, base_url):
        raise NoTicket
    return Showing(login_key(scope), tickets[0])


def admit(site: Site, shown: Showing) -> Entry | Ending:
    """Burn the ticket, then check again what it was for. Two transactions: it is used up whatever the second finds."""
    visitor = visitor_of(site, shown.key)
    if visitor is None:
        raise NoTicket
    with site.write_sessions.begin() as db:
        burnt = consoles.burn_ticket(db, shown.ticket, login_session_hash=visitor.login_session_hash, now=site.clock())
    if burnt is None or burnt.account_id != visitor.actor.account_id:
        raise NoTicket
    try:
        with site.write_sessions.begin() as db:
            return consoles.enter(db, burnt, now=site.clock())
    except Conflict:
        return STOPPED
    except (NotAllowed, NotFound):
        return NOT_ALLOWED
