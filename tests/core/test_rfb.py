"""What browsers say to screens, cut into messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.rfb import VERSION, ClientMessages, RfbTrouble

GREETING = VERSION + b"\x01\x01"
PIXELS = b"\x00" * 20
ENCODINGS = b"\x02\x00\x00\x02" + b"\x00" * 8
UPDATE = b"\x03" + b"\x00" * 9
KEY = b"\x04" + b"\x00" * 7
POINTER = b"\x05" + b"\x00" * 5
CUT = b"\x06\x00\x00\x00\x00\x00\x00\x03abc"
EXTENDED_CUT = b"\x06\x00\x00\x00\xff\xff\xff\xfcabcd"
CONTINUOUS = b"\x96" + b"\x00" * 9
FENCE = b"\xf8" + b"\x00" * 7 + b"\x02xy"
POWER = b"\xfa\x00\x01\x02"
DESKTOP = b"\xfb\x00\x00\x00\x00\x00\x01\x00" + b"\x00" * 16
QEMU_KEY = b"\xff\x00" + b"\x00" * 10
QEMU_AUDIO_ON = b"\xff\x01\x00\x00"
QEMU_AUDIO_FORMAT = b"\xff\x01\x00\x02" + b"\x00" * 6

LOOKING = [PIXELS, ENCODINGS, UPDATE, CONTINUOUS, FENCE]
ACTING = [KEY, POINTER, CUT, EXTENDED_CUT, POWER, DESKTOP, QEMU_KEY, QEMU_AUDIO_ON, QEMU_AUDIO_FORMAT]


def said(messages: list[bytes], *, view_only: bool, part: int = 10_000) -> tuple[bytes, bool]:
    """What passes when it comes in parts of this length."""
    whole = GREETING + b"".join(messages)
    client = ClientMessages(view_only=view_only)
    passed = [client.feed(whole[at : at + part]) for at in range(0, len(whole), part)]
    return b"".join(one.data for one in passed).removeprefix(GREETING), any(one.touched for one in passed)


@pytest.mark.parametrize("message", LOOKING)
def test_looking_passes_and_touches_nothing(message: bytes) -> None:
    assert said([message], view_only=True) == (message, False)


@pytest.mark.parametrize("message", ACTING)
def test_who_only_looks_does_nothing(message: bytes) -> None:
    assert said([message, UPDATE], view_only=True) == (UPDATE, False)
    assert said([message, UPDATE], view_only=False) == (message + UPDATE, True)


@given(messages=st.lists(st.sampled_from([*LOOKING, *ACTING]), max_size=12), part=st.integers(1, 40))
def test_it_does_not_matter_how_bytes_arrive(messages: list[bytes], part: int) -> None:
    looking = b"".join(message for message in messages if message in LOOKING)
    assert said(messages, view_only=True, part=part) == (looking, False)
    assert said(messages, view_only=False, part=part)[0] == b"".join(messages)


@pytest.mark.parametrize(
    "spoken",
    [b"RFB 003.003\n", GREETING + b"\x07", GREETING + b"\xff\x09\x00\x00", GREETING + b"\x06\0\0\0\x7f\xff\xff\xff"],
)
def test_what_is_not_rfb_or_too_long_is_refused(spoken: bytes) -> None:
    with pytest.raises(RfbTrouble):
        ClientMessages(view_only=False).feed(spoken)
