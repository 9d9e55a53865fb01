"""People who use the portal for a while: its pages again and again, with the consoles of their machines open."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import select
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from portal.bench import ours
from portal.bench.crowd import ask
from portal.core.errors import N_, OutsideUnavailable
from portal.interfaces import ConsoleKind
from portal.models import Vm
from portal.services import consoles, log_ins, login_sessions
from portal.services.passwords import random_password
from portal.site import Site

PAGES = 30
PEOPLE = 10


@dataclass(frozen=True)
class Visitor:
    """Somebody logged in; `vm_ids` are the machines of the request."""

    port: int
    key: str
    vm_request_id: UUID
    vm_ids: Sequence[UUID]

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"vivero_session={self.key}"}


def look_around(site: Site, port: int, vm_request_id: UUID) -> None:
    """The pages of the main road by people who come at the same time: each may meet another thread."""
    password = new_password(site)
    with ThreadPoolExecutor(PEOPLE) as threads:
        keys = list(threads.map(lambda _number: log_in(port, password), range(PEOPLE)))
        with site.sessions() as db:
            vm_ids = db.scalars(select(Vm.id).where(Vm.vm_request_id == vm_request_id)).all()
        visitors = [Visitor(port, key, vm_request_id, vm_ids) for key in keys]
        with open_consoles(site, visitors[0]):
            list(threads.map(turn_pages, visitors, range(PEOPLE)))


def new_password(site: Site) -> str:
    """The demonstration's is known only to who seeded it."""
    password = random_password()
    with site.write_sessions.begin() as db:
        account_id = ours.actor(db, ours.REQUESTER).account_id
        log_ins.set_password(db, actor=None, account_id=account_id, password=password, now=site.clock())
    return password


def log_in(port: int, password: str) -> str:
    """The key of a new log-in, got as a browser does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/login")
    answer = connection.getresponse()
    token = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', answer.read().decode())[0]
    form = urlencode({"login": ours.REQUESTER, "password": password, "csrf_token": token})
    cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    connection.request("POST", "/login", form, kind)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    found = re.search(r"vivero_session=([^;]+)", answer.getheader("Set-Cookie") or "")
    if answer.status != http.client.SEE_OTHER or found is None:
        raise OutsideUnavailable(N_("%(path)s answered %(status)s."), path="/login", status=answer.status)
    return found.group(1)


def turn_pages(visitor: Visitor, first: int) -> None:
    paths = ["/", "/catalogue", "/catalogue/micro-linux/order", f"/vm-requests/{visitor.vm_request_id}", "/vms"]
    for vm_id in visitor.vm_ids:
        paths += [f"/vms/{vm_id}", f"/vms/{vm_id}/console", f"/vms/{vm_id}/screenshot"]
    connection = http.client.HTTPConnection("127.0.0.1", visitor.port, timeout=30)
    for number in range(first, first + PAGES):
        ask(connection, paths[number % len(paths)], visitor.cookie)
    connection.close()


@contextmanager
def open_consoles(site: Site, visitor: Visitor) -> Iterator[None]:
    """Screen and serial line of each machine."""
    with ExitStack() as opened:
        for vm_id in visitor.vm_ids:
            for kind in ConsoleKind:
                opened.enter_context(console(site, visitor, vm_id, kind))
        yield


def console(site: Site, visitor: Visitor, vm_id: UUID, kind: ConsoleKind) -> ClientConnection:
    with site.write_sessions.begin() as db:
        ticket = consoles.issue_ticket(
            db,
            actor=ours.actor(db, ours.REQUESTER),
            vm_id=vm_id,
            kind=kind,
            login_session_hash=login_sessions.hash_of(visitor.key),
            now=site.clock(),
        )
    return connect(
        f"ws://127.0.0.1:{visitor.port}/live/console",
        origin=Origin(site.settings.base_url),
        subprotocols=[Subprotocol("binary"), Subprotocol(f"vivero.ticket.{ticket}")],
        additional_headers=visitor.cookie,
        compression=None,
    )
