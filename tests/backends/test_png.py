"""Pictures of screens."""

from __future__ import annotations

import struct
import zlib

import pytest

from portal.backends.png import png_from_ppm


def rows_of(png: bytes, width: int) -> list[bytes]:
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    rows = zlib.decompress(png[start + 4 : start + 4 + length])
    size = width * 3 + 1
    return [rows[at + 1 : at + size] for at in range(0, len(rows), size)]


def test_the_pixels_stay_what_they_were() -> None:
    pixels = bytes(range(18))
    png = png_from_ppm(b"P6\n3 2\n255\n" + pixels)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (3, 2)
    assert rows_of(png, 3) == [pixels[:9], pixels[9:]]


@pytest.mark.parametrize("ppm", [b"", b"P5\n1 1\n255\n0", b"P6\n3 2\n255\nshort", b"P6\n3 2\n65535\n" + bytes(36)])
def test_what_is_no_such_picture_is_refused(ppm: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        png_from_ppm(ppm)
