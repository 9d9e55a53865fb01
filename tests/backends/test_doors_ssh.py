"""What comes out of a door, read without any door."""

from __future__ import annotations

import pytest

from portal.backends.doors_ssh import LARGEST_BODY, Heard, door_place, has_connection, request_bytes
from portal.core.errors import Invalid
from portal.interfaces import DoorAnswer

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue
   0: FE000A0A:D2F0 0A000A0A:0050 01 00000000:00000000
   1: FE000A0A:D2F2 4D000A0A:0050 02 00000000:00000000
"""


def heard(*parts: bytes) -> DoorAnswer:
    ear = Heard()
    for part in parts:
        if not ear.over:
            ear.listen(part)
    return ear.answer()


def test_a_page_is_read_however_it_is_cut() -> None:
    page = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhola\r\n0\r\n\r\n"
    assert heard(page) == heard(*(page[i : i + 1] for i in range(len(page)))) == DoorAnswer(True, 200, "hola")


def test_a_door_that_hangs_up_at_once_is_closed() -> None:
    assert heard(b"") == DoorAnswer(open=False)


def test_something_that_speaks_no_http_is_open_without_a_status() -> None:
    assert heard(b"SSH-2.0-dropbear\r\n", b"") == DoorAnswer(open=True, status=None)


def test_a_page_without_end_is_cut() -> None:
    body = [b"x" * 65536] * 10
    assert len(heard(b"HTTP/1.1 200 OK\r\n\r\n", *body).body) == LARGEST_BODY


def test_only_an_established_connection_counts() -> None:
    assert has_connection(TABLE, "10.10.0.10", 80)
    assert not has_connection(TABLE, "10.10.0.77", 80)
    assert not has_connection(TABLE, "10.10.0.10", 81)


@pytest.mark.parametrize("plan", [None, b"", b"[]", b'{"doors": [["web"]]}', b'{"doors": 3}'])
def test_a_plan_that_makes_no_sense_has_no_doors(plan: bytes | None) -> None:
    assert door_place(plan, "web") is None


@pytest.mark.parametrize("path", ["/a b", "/\r\nHost: other", "/ñ"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        request_bytes(path)
