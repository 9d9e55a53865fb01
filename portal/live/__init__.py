"""What stays open: console WebSockets and server-sent events, plain ASGI."""

from __future__ import annotations

from portal.live.app import Live, make_live

__all__ = ["Live", "make_live"]
