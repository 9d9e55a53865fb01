"""What pages cost in a large hospital beside a small one, on real servers; and how many queries each page asks."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, event
from werkzeug.test import Client

from portal.backends import engine_dbos
from portal.bench.crowd import Times, visit
from portal.bench.hospital import BenchVisitor, Size, fill
from portal.bench.tables import Table
from portal.config import Settings, read_settings
from portal.core.errors import N_, OutsideUnavailable
from portal.demo.api import ApiTrouble, wait_for
from portal.demo.processes import Children
from portal.models import Template
from portal.models.database import open_database
from portal.services import migrations
from portal.web import make_app
from portal.wiring import build_site, sync_catalogue

Say = Callable[[str], None]
# One department and forty: the pages are equally full, so that only the hospital's size differs.
SMALL, LARGE = Size(100, 50, 20, 1), Size(100_000, 10_000, 2_000, 40)
VISITORS = 20
LOOKS = 4  # of each visitor at each page in one round
AIM = 1.5
PAGES: Mapping[str, str] = {
    "catalogue": "/catalogue",
    "queue": "/approvals",
    "my machines": "/vms?mine=yes",
    "machine": "/vms/{vm}",
}


@dataclass(frozen=True)
class Place:
    """One hospital with its server."""

    settings: Settings
    port: int
    visitors: Sequence[BenchVisitor]


def bench_pages(*, rounds: int, say: Say) -> Table:
    """Small and large in turns, so that a noisy machine is noisy for both."""
    with ExitStack() as open_places:
        small, large = (open_places.enter_context(opened(size, say)) for size in (SMALL, LARGE))
        rows = []
        for name, path in PAGES.items():
            for place in (small, large):
                visit(place.port, place.visitors, path, times=1)  # nobody measures a first time
            times = [Times(()), Times(())]
            for _ in range(rounds * LOOKS):
                times = [
                    before + visit(place.port, place.visitors, path, times=1)
                    for before, place in zip(times, (small, large), strict=True)
                ]
            say(f"{name}: {len(times[1].ms)} answers each")
            rows.append(row_of(name, times, [queries(place, path) for place in (small, large)]))
    notes = (
        f"{VISITORS} people at once. Small: {SMALL.requests} requests. Large: {LARGE.requests:,} requests,",
        f"{LARGE.machines:,} machines, {LARGE.accounts:,} accounts.",
        f"Aim: p95 at most {AIM} times its own p95 in the small hospital, with the same number of queries.",
    )
    columns = ("page", "p50 small ms", "p95 small ms", "p50 large ms", "p95 large ms", "p95 ratio", "queries", "aim")
    return Table("Pages", columns, rows, notes)


def row_of(name: str, times: Sequence[Times], asked: Sequence[int]) -> Mapping[str, str | float | int | bool]:
    small, large = times
    ratio = large.percentile(0.95) / small.percentile(0.95)
    return {
        "page": name,
        "p50 small ms": small.percentile(0.5),
        "p95 small ms": small.percentile(0.95),
        "p50 large ms": large.percentile(0.5),
        "p95 large ms": large.percentile(0.95),
        "p95 ratio": ratio,
        "queries": asked[0] if asked[0] == asked[1] else f"{asked[0]} / {asked[1]}",
        "aim": ratio <= AIM and asked[0] == asked[1],
    }


@contextmanager
def opened(size: Size, say: Say) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="vivero-bench-") as folder:
        environ = environ_of(Path(folder))
        settings = read_settings(environ)
        say(f"filling a hospital with {size.requests:,} requests")
        visitors = filled(settings, size)
        port = free_port()
        server = Children(Path(folder), environ)
        try:
            server.start("server", [sys.executable, "-m", "portal.cli", "server", "--port", str(port)])
            wait_for(lambda: listens(port), seconds=60, what="the server's first answer", every_s=0.1)
            yield Place(settings, port, visitors)
        except ApiTrouble as trouble:
            raise OutsideUnavailable(
                N_("The server does not start: %(words)s"), words=server.tail("server")
            ) from trouble
        finally:
            server.stop()


def environ_of(folder: Path) -> dict[str, str]:
    """The simulator's settings and nothing of this machine's own."""
    return {
        "VIVERO_VAR": str(folder),
        "VIVERO_DATABASE_URL": f"sqlite:///{folder}/vivero.db",
        "VIVERO_ENGINE_DATABASE_URL": f"sqlite:///{folder}/vivero.db",
        "VIVERO_HYPERVISOR": "fake",
        "VIVERO_PLAYBOOKS": "fake",
        "VIVERO_MAILER": "page",
    }


def filled(settings: Settings, size: Size) -> list[BenchVisitor]:
    engine = open_database(settings.database_url)
    migrations.upgrade(engine)
    engine_dbos.migrate(settings.engine_database_url)
    site = build_site(settings)
    now = datetime.now(UTC)
    with site.write_sessions.begin() as db:
        sync_catalogue(settings, db, now=now)
        template = db.get_one(Template, "micro-linux")
        return fill(db, size, version=template.versions[-1], visitors=VISITORS, now=now)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def queries(place: Place, path: str) -> int:
    """Counted in this process, on the same database; a second look, when nothing is new."""
    client = Client(make_app(build_site(place.settings)))
    client.set_cookie("vivero_session", place.visitors[0].key)
    address = path.format(vm=place.visitors[0].vm_id)
    client.get(address)
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        client.get(address)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(seen)
