"""Who stands at a door: a signed cookie of this one origin, and whether its bearer may still pass."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from portal.config import Settings
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.live.asgi_types import Scope
from portal.live.desk import Desk
from portal.live.visitors import cookies_of
from portal.services import doors
from portal.services.doors import DoorPass, Way
from portal.site import Site

COOKIE = "vivero_door"
LIVES_S = 24 * 3600  # the key or log-in behind it ends earlier
LONGEST = 1000
FRESH_S = 2.0
TOUCH_EVERY_S = 60.0
MOST_KNOWN = 2000


def sealer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret_key, salt="vivero.door")


def seal(settings: Settings, who: DoorPass) -> str:
    account, student = (str(one) if one else "" for one in (who.account_id, who.student_id))
    return sealer(settings).dumps([str(who.seat_id), who.door, who.key_hash, account, student])


def unseal(settings: Settings, text: str) -> DoorPass | None:
    if len(text) > LONGEST:
        return None
    try:
        seat_id, door, key_hash, account, student = sealer(settings).loads(text, max_age=LIVES_S)
    except BadData:
        return None
    return DoorPass(
        UUID(seat_id),
        door,
        key_hash,
        UUID(account) if account else None,
        UUID(student) if student else None,
    )


def pass_of(scope: Scope, settings: Settings, label: str) -> DoorPass | None:
    """The pass in the cookie that belongs to this very label. Other doors' pages may have planted further ones."""
    for text in cookies_of(scope, settings.cookie(COOKIE)):
        who = unseal(settings, text)
        if who is not None and fits(settings, who, label):
            return who
    return None


def fits(settings: Settings, who: DoorPass, label: str) -> bool:
    return hmac.compare_digest(doors.label_of(settings, who).encode(), label.encode())


def admit(site: Site, ticket: str, *, door: str, label: str) -> tuple[DoorPass, Way] | None:
    """Burn the ticket, then look whether it opens this door. Two transactions: it is used up whatever that finds."""
    with site.write_sessions.begin() as db:
        who = doors.burn(db, ticket, door=door, now=site.clock())
    if who is None or not fits(site.settings, who, label):
        return None
    try:
        with site.write_sessions.begin() as db:
            way = doors.way_of(db, who, now=site.clock(), idle_minutes=site.settings.idle_minutes)
            doors.note_opening(db, who, now=site.clock())
    except (Conflict, NotAllowed, NotFound):
        return None
    return who, way


@dataclass(frozen=True)
class Asked:
    at: float
    answer: asyncio.Future[Way | None]


class Gate:
    """Answers whether a pass still opens its door. No answer is older than FRESH_S; many at once ask once."""

    def __init__(self, desk: Desk) -> None:
        self.fresh_s = FRESH_S
        self._desk = desk
        self._asked: dict[DoorPass, Asked] = {}
        self._touched: dict[DoorPass, float] = {}

    async def way(self, who: DoorPass, *, is_present: bool = False) -> Way | None:
        """None when it is closed. `is_present`: a person did something, so their log-in is not idle."""
        now = asyncio.get_running_loop().time()
        asked = self._asked.get(who)
        if asked is None or now - asked.at > self.fresh_s:
            self.forget_old(now)
            asked = self._asked[who] = Asked(now, asyncio.ensure_future(self.ask(who)))
        way = await asyncio.shield(asked.answer)
        if way is not None and is_present and now - self._touched.get(who, -TOUCH_EVERY_S) >= TOUCH_EVERY_S:
            self._touched[who] = now
            await self._desk.off_loop(lambda: self.touch(who))
        return way

    async def ask(self, who: DoorPass) -> Way | None:
        return await self._desk.off_loop(lambda: self.look(who))

    def look(self, who: DoorPass) -> Way | None:
        site = self._desk.site
        try:
            with site.sessions() as db:
                return doors.way_of(db, who, now=site.clock(), idle_minutes=site.settings.idle_minutes)
        except (Conflict, NotAllowed, NotFound):
            return None

    def touch(self, who: DoorPass) -> None:
        with self._desk.site.write_sessions.begin() as db:
            doors.touch(db, who, self._desk.site.clock())

    def forget_old(self, now: float) -> None:
        if len(self._asked) >= MOST_KNOWN:
            self._asked = {who: asked for who, asked in self._asked.items() if now - asked.at <= self.fresh_s}
            self._touched = {who: at for who, at in self._touched.items() if now - at < TOUCH_EVERY_S}

    async def closes(self, who: DoorPass) -> None:
        """Return once the pass opens nothing any more."""
        while await self.way(who) is not None:
            await asyncio.sleep(self.fresh_s)
