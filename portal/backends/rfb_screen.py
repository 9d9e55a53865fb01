"""A small made-up screen that speaks RFB 3.8: a square wanders, and each key leaves a mark."""

from __future__ import annotations

import struct

from portal.core.rfb import KEY, NO_PASSWORD, QEMU, SET_PIXEL_FORMAT, UPDATE_REQUEST, VERSION, Cutter

WIDTH, HEIGHT, SQUARE, MARK = 320, 200, 24, 8
GROUND, LEAF, SEED = (0x12, 0x3B, 0x2A), (0x8F, 0xD1, 0x4F), (0xF4, 0xE3, 0xB2)
NAME = b"Vivero simulator"
MARKS_IN_ROW = WIDTH // MARK
Colour = tuple[int, int, int]


class Screen:
    """The machine's side of one conversation: `answer` what came, `change` what moves meanwhile."""

    greeting = VERSION

    def __init__(self) -> None:
        self.cutter = Cutter()
        self.shifts = (16, 8, 0)
        self.bytes_per_pixel = 4
        self.at = (0, 40)
        self.marks = 0
        self.wants_change = False

    def answer(self, data: bytes) -> list[bytes]:
        parts: list[bytes] = []
        for message in self.cutter.cut(data):
            if self.cutter.greeted:
                parts.append(self.heed(message))
            else:
                parts.append(self.greet(len(self.cutter.greetings)))
        return parts

    def greet(self, left: int) -> bytes:
        """After their version our security types, after their choice "fine", after their flag the screen's shape."""
        if left == 3:
            return bytes([1, NO_PASSWORD])
        if left == 2:
            return struct.pack(">I", 0)
        pixel_format = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, *self.shifts)
        return struct.pack(">HH", WIDTH, HEIGHT) + pixel_format + struct.pack(">I", len(NAME)) + NAME

    def heed(self, message: bytes) -> bytes:
        kind = message[0]
        if kind == SET_PIXEL_FORMAT:
            self.bytes_per_pixel = message[4] // 8
            self.shifts = (message[14], message[15], message[16])
        elif kind == UPDATE_REQUEST and not message[1]:
            return update([self.rectangle(0, 0, WIDTH, HEIGHT, GROUND), self.square(SEED)])
        elif kind == UPDATE_REQUEST:
            self.wants_change = True
        elif (kind == KEY and message[1]) or (kind == QEMU and message[3]):
            self.marks += 1
        return b""

    def change(self) -> bytes:
        """One step of the square, and the marks of the keys so far."""
        self.wants_change = False
        erased = self.square(GROUND)
        x, y = self.at
        self.at = ((x + SQUARE) % (WIDTH - SQUARE), 40 + (y - 40 + 3) % (HEIGHT - 40 - SQUARE))
        shown = self.marks % (MARKS_IN_ROW + 1)
        row = [self.rectangle(0, 0, shown * MARK, MARK, LEAF)] if shown else []
        return update([erased, self.square(SEED), *row])

    def square(self, colour: Colour) -> bytes:
        return self.rectangle(*self.at, SQUARE, SQUARE, colour)

    def rectangle(self, x: int, y: int, width: int, height: int, colour: Colour) -> bytes:
        """In the raw encoding."""
        value = sum(part << shift for part, shift in zip(colour, self.shifts, strict=True))
        pixel = value.to_bytes(8, "little")[: self.bytes_per_pixel]
        return struct.pack(">HHHHi", x, y, width, height, 0) + pixel * (width * height)


def update(rectangles: list[bytes]) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)
