"""Whether a machine serves yet: one TCP connection, opened and closed."""

from __future__ import annotations

import socket


class TcpReachability:
    def tcp_open(self, address: str, port: int, *, timeout_s: float = 1.0) -> bool:
        try:
            with socket.create_connection((address, port), timeout=timeout_s):
                return True
        except OSError:
            return False
