"""A picture of a screen as PNG, out of the plain pixels that QEMU gives."""

from __future__ import annotations

import re
import struct
import zlib

PPM_HEADER = re.compile(rb"P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
FAST = 1


def png_from_ppm(ppm: bytes) -> bytes:
    """Raise ValueError if it is no such picture."""
    header = PPM_HEADER.match(ppm)
    if header is None:
        raise ValueError("not a picture of 24 bits a pixel")
    width, height = int(header[1]), int(header[2])
    pixels = memoryview(ppm)[header.end() :]
    if len(pixels) < width * height * 3:
        raise ValueError("the picture is cut off")
    return png_from_pixels(width, height, pixels)


def png_from_pixels(width: int, height: int, pixels: memoryview | bytes) -> bytes:
    """Three bytes a pixel, rows from the top; each row without a filter."""
    row = width * 3
    rows = b"".join(b"\0" + bytes(pixels[start : start + row]) for start in range(0, row * height, row))
    shape = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", shape) + chunk(b"IDAT", zlib.compress(rows, FAST)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
