"""Whether a port answers."""

from __future__ import annotations

import socket

from portal.backends.reachability_tcp import TcpReachability


def test_a_listening_port_is_open_and_a_closed_one_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert TcpReachability().tcp_open("127.0.0.1", port)
    assert not TcpReachability().tcp_open("127.0.0.1", port)


def test_an_address_that_swallows_everything_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        assert not TcpReachability().tcp_open("127.0.0.1", port, timeout_s=0.1)
        for client in waiting:
            client.close()
