"""A teacher's page with the wall of screens, as a browser keeps it up to date: board, fragment, pictures."""

from __future__ import annotations

import html
import http.client
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue

from portal.bench.full_classes import FullClass
from portal.core.errors import N_, OutsideUnavailable

PICTURE = re.compile(r'<img src="([^"]+)"')
SEEN = re.compile(r'hx-get="([^"]+/board\?[^"]*)"')
BOARD_EVERY_S, WALL_EVERY_S = 2.0, 3.0  # what the pages' hx-trigger say
CONNECTIONS = 6  # a browser's limit for one server
PATIENCE_S = 30.0


@dataclass
class Looked:
    """What came while somebody looked. `unchanged` are pictures that the browser had already."""

    tiles: int = 0
    fragments: int = 0
    pictures: int = 0
    unchanged: int = 0
    failed: int = 0
    kib: float = 0.0
    waited_ms: list[float] = field(default_factory=list)


@dataclass
class Viewer:
    """One browser: its connections, what it has seen, and the pictures that it keeps with their tags."""

    port: int
    teacher: str
    page: str
    board: str
    connections: SimpleQueue[http.client.HTTPConnection] = field(default_factory=SimpleQueue)
    kept: set[str] = field(default_factory=set)
    looked: Looked = field(default_factory=Looked)

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = self.connections.get(timeout=PATIENCE_S)
        try:
            yield connection
        finally:
            self.connections.put(connection)

    def get(self, path: str) -> tuple[int, bytes]:
        with self.connection() as connection:
            connection.request("GET", path, headers={"Cookie": f"vivero_session={self.teacher}"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def renew_board(self) -> None:
        status, body = self.get(self.board)
        if status == http.client.OK:
            self.board = seen_in(body) or self.board
        elif status != http.client.NO_CONTENT:
            raise OutsideUnavailable(N_("%(path)s answered %(status)s."), path=self.board, status=status)

    def renew_wall(self, threads: ThreadPoolExecutor) -> None:
        """A picture whose address has not changed is not asked for again."""
        status, body = self.get(f"{self.page}/wall")
        if status != http.client.OK:
            raise OutsideUnavailable(N_("%(path)s answered %(status)s."), path=self.page, status=status)
        wanted = [html.unescape(path) for path in PICTURE.findall(body.decode())]
        new = [path for path in wanted if path not in self.kept]
        self.looked.tiles = len(wanted)
        self.looked.fragments += 1
        self.looked.unchanged += len(wanted) - len(new)
        self.kept = set(wanted)
        list(threads.map(self.load_picture, new))

    def load_picture(self, path: str) -> None:
        began = time.perf_counter()
        status, body = self.get(path)
        self.looked.waited_ms.append((time.perf_counter() - began) * 1000)
        self.looked.pictures += 1
        self.looked.failed += status != http.client.OK
        self.looked.kib += len(body) / 1024


def look_at_wall(port: int, full: FullClass, *, seconds: float) -> Looked:
    """The wall for so many seconds, from the moment at which the page was loaded."""
    page = f"/classes/{full.lab_session_id}"
    viewer = Viewer(port, full.teacher, page, f"{page}/board")
    began = time.monotonic()
    board_at = wall_at = began
    with connected(viewer), ThreadPoolExecutor(CONNECTIONS) as threads:
        while (now := time.monotonic()) < began + seconds:
            if now >= board_at:
                viewer.renew_board()
                board_at += BOARD_EVERY_S
            if now >= wall_at:
                viewer.renew_wall(threads)
                wall_at = max(wall_at + WALL_EVERY_S, time.monotonic())
            time.sleep(max(0.0, min(board_at, wall_at) - time.monotonic()))
    return viewer.looked


@contextmanager
def connected(viewer: Viewer) -> Iterator[None]:
    opened = [http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=PATIENCE_S) for _ in range(CONNECTIONS)]
    for one in opened:
        viewer.connections.put(one)
    try:
        yield
    finally:
        for one in opened:
            one.close()


def seen_in(body: bytes) -> str | None:
    found = SEEN.search(body.decode())
    return html.unescape(found.group(1)) if found else None
