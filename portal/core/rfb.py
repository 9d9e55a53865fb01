"""What a browser may say to a graphical console (RFB 3.8, RFC 6143): cut into messages, so that looking only looks.

QEMU's socket asks for no password: whoever reaches it was let in by a ticket. The server's side is passed on unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VERSION = b"RFB 003.008\n"
NO_PASSWORD = 1  # the security type
LONGEST_MESSAGE = 1 << 20

SET_PIXEL_FORMAT, SET_ENCODINGS, UPDATE_REQUEST, KEY, POINTER, CUT_TEXT = 0, 2, 3, 4, 5, 6
CONTINUOUS_UPDATES, FENCE, XVP, SET_DESKTOP_SIZE, QEMU = 150, 248, 250, 251, 255
QEMU_KEY, QEMU_AUDIO, QEMU_AUDIO_FORMAT = 0, 1, 2

LOOKING = frozenset({SET_PIXEL_FORMAT, SET_ENCODINGS, UPDATE_REQUEST, CONTINUOUS_UPDATES, FENCE})
FIXED = {SET_PIXEL_FORMAT: 20, UPDATE_REQUEST: 10, KEY: 8, POINTER: 6, CONTINUOUS_UPDATES: 10, XVP: 4}


class RfbTrouble(Exception):
    """The browser said something that is not RFB 3.8, or too much at once."""


class Cutter:
    """Cuts a browser's bytes into whole messages; the first three are the greetings (`greeted` is false for them)."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.greetings = [len(VERSION), 1, 1]  # version, security type, shared flag

    @property
    def greeted(self) -> bool:
        return not self.greetings

    def cut(self, data: bytes) -> Iterator[bytes]:
        """The whole messages so far, while they are looked at; a part of one waits for the rest."""
        self.buffer += data
        while (length := self.next_length()) is not None and len(self.buffer) >= length:
            message = bytes(self.buffer[:length])
            del self.buffer[:length]
            yield message
            if self.greetings:
                self.greetings.pop(0)

    def next_length(self) -> int | None:
        """The length of the message that begins in the buffer; None while too little of it is there to know."""
        if self.greetings:
            return self.greetings[0]
        if not self.buffer:
            return None
        length = FIXED.get(self.buffer[0]) or self.variable_length()
        if length is not None and length > LONGEST_MESSAGE:
            raise RfbTrouble("message too long")
        return length

    def variable_length(self) -> int | None:
        kind = self.buffer[0]
        if kind == SET_ENCODINGS:
            return self.counted(at=2, size=2, each=4, head=4)
        if kind == CUT_TEXT:
            return self.counted(at=4, size=4, each=1, head=8, signed=True)
        if kind == FENCE:
            return self.counted(at=8, size=1, each=1, head=9)
        if kind == SET_DESKTOP_SIZE:
            return self.counted(at=6, size=1, each=16, head=8)
        if kind == QEMU:
            return self.qemu_length()
        raise RfbTrouble(f"unknown message {kind}")

    def counted(self, *, at: int, size: int, each: int, head: int, signed: bool = False) -> int | None:
        """A head that says how many things of `each` bytes follow. The extended clipboard says it negatively."""
        if len(self.buffer) < head:
            return None
        count = int.from_bytes(self.buffer[at : at + size], "big", signed=signed)
        return head + abs(count) * each

    def qemu_length(self) -> int | None:
        """QEMU's own messages: a key with its scan code, or sound."""
        if len(self.buffer) < 4:
            return None
        if self.buffer[1] == QEMU_KEY:
            return 12
        if self.buffer[1] == QEMU_AUDIO:
            return 10 if self.buffer[3] == QEMU_AUDIO_FORMAT else 4
        raise RfbTrouble("unknown message of QEMU")


@dataclass(frozen=True)
class Passed:
    """What goes on to the machine, and whether a person typed or moved something."""

    data: bytes
    touched: bool


class ClientMessages:
    """Follows one browser's side of a conversation; `view_only` keeps keys, pointer and clipboard back."""

    def __init__(self, *, view_only: bool) -> None:
        self.view_only = view_only
        self.cutter = Cutter()

    def feed(self, data: bytes) -> Passed:
        """Raises RfbTrouble."""
        out = bytearray()
        touched = False
        for message in self.cutter.cut(data):
            if not self.cutter.greeted:
                if len(message) == len(VERSION) and message != VERSION:
                    raise RfbTrouble("only RFB 3.8 is spoken here")
                out += message
            elif message[0] in LOOKING:
                out += message
            elif not self.view_only:
                out += message
                touched = True
        return Passed(bytes(out), touched)
