"""Why a console ended, as the browser reads it in the WebSocket's close frame (docs/api.md lists them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.services.consoles import Refusal


@dataclass(frozen=True)
class Ending:
    code: int
    reason: str


LEFT = Ending(1000, "left")
SERVER_STOPS = Ending(1001, "server-stops")
NOT_RFB = Ending(1002, "not-rfb")
TOO_BIG = Ending(1009, "too-big")
LOGGED_OUT = Ending(4401, "logged-out")
NOT_ALLOWED = Ending(4403, "not-allowed")
TAKEN_OVER = Ending(4409, "opened-elsewhere")
CLASS_OVER = Ending(4404, "class-over")
STOPPED = Ending(4410, "machine-stopped")
TURNED = Ending(4423, "turned")  # looking and touching have changed: begin again
FULL = Ending(4429, "too-many-consoles")
UNREACHABLE = Ending(4503, "host-unreachable")

ENDINGS: Mapping[Refusal, Ending] = {
    Refusal.LOGGED_OUT: LOGGED_OUT,
    Refusal.NOT_ALLOWED: NOT_ALLOWED,
    Refusal.TURNED: TURNED,
    Refusal.CLASS_OVER: CLASS_OVER,
}
