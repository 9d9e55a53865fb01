"""`vivero server`: pages, API and everything that stays open, in one process."""

from __future__ import annotations

import socket

import uvicorn

from portal.asgi import Portal

LAST_SECONDS = 10
LONGEST_FRAME = 1 << 20
MOST_CONNECTIONS = 1000


class PortalServer(uvicorn.Server):
    """Tells what stays open that the end is near, before uvicorn waits for it."""

    def __init__(self, config: uvicorn.Config, portal: Portal) -> None:
        super().__init__(config)
        self.portal = portal

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.portal.live.stop_soon()
        await super().shutdown(sockets)


def make_server(portal: Portal, *, host: str, port: int, trusted_proxies: str = "") -> PortalServer:
    """One process and one event loop. `X-Forwarded-*` is believed only from `trusted_proxies`."""
    config = uvicorn.Config(
        portal,
        host=host,
        port=port,
        lifespan="on",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=LONGEST_FRAME,
        ws_per_message_deflate=False,  # costs memory on every console, and screens come compressed already
        log_config=None,
        access_log=False,  # asgi.py writes a line without what must not be kept
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    return PortalServer(config, portal)
