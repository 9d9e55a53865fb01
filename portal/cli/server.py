"""`vivero server`: pages, API and everything that stays open, in one process."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Annotated

import structlog
import typer
import uvicorn

from portal.asgi import Portal, build_portal
from portal.cli.signals import told_to_stop
from portal.cli.work import one_clear_line
from portal.config import read_settings
from portal.logs import set_up_logging
from portal.memory import settle, share_pools

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


def server(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8080,
    trusted_proxies: Annotated[
        str, typer.Option(help="Addresses of proxies whose X-Forwarded-* headers are believed, with commas.")
    ] = "",
) -> None:
    """Serve pages, API, consoles and live progress until Ctrl-C or SIGTERM, in one process.

    Put a proxy that speaks TLS in front of it, and name the address people use in VIVERO_BASE_URL.
    """
    share_pools()
    set_up_logging(sys.stderr)
    with one_clear_line():
        settings = read_settings()
        portal = build_portal(settings)
    settle()
    structlog.get_logger(__name__).info("server starts", host=host, port=port, base_url=settings.base_url)
    serving = make_server(portal, host=host, port=port, trusted_proxies=trusted_proxies)
    with told_to_stop((signal.SIGINT, signal.SIGTERM)):  # uvicorn raises them again after the last answer
        serving.run()
    portal.close()
    structlog.get_logger(__name__).info("server stopped")
    sys.stderr.flush()
    os._exit(0 if serving.started else 1)  # a page that waits for a host that never answers must not keep the process
