"""What is photographed stays what it was, in fewer bytes."""

import struct
import zlib
from itertools import product

import pytest

from tests.testbed.png import _chunk, _chunks, _nearest, smaller

WIDTH, HEIGHT = 7, 10
ROWS = [bytes(each for x in range(WIDTH) for each in (x * y % 251, 255 - x, y * 17 % 256)) for y in range(HEIGHT)]
"""A picture of few colours whose neighbours differ."""


def filtered(kind: int, row: bytes, above: bytes) -> bytes:
    """A line as a browser writes it with this filter."""
    found = bytearray()
    for at, one in enumerate(row):
        left, corner = (row[at - 3], above[at - 3]) if at >= 3 else (0, 0)
        up = above[at]
        found.append((one - (0, left, up, (left + up) // 2, _nearest(left, up, corner))[kind]) & 255)
    return bytes([kind]) + bytes(found)


def png(depth: int = 8) -> bytes:
    """The picture, with every filter in turn."""
    lines = [filtered(y % 5, row, ROWS[y - 1] if y else bytes(WIDTH * 3)) for y, row in enumerate(ROWS)]
    data = zlib.compress(b"".join(lines))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", data[:9]), (b"IDAT", data[9:]), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, part) for name, part in parts)


def test_every_pixel_keeps_its_colour() -> None:
    found = dict(_chunks(smaller(png())))
    palette, lines = found[b"PLTE"], zlib.decompress(found[b"IDAT"])
    for y, x in product(range(HEIGHT), range(WIDTH)):
        number = lines[y * (WIDTH + 1) + 1 + x]
        assert palette[number * 3 : number * 3 + 3] == ROWS[y][x * 3 : x * 3 + 3]


def test_what_no_browser_writes_is_refused() -> None:
    with pytest.raises(ValueError, match="it is of 16 bits and kind 2"):
        smaller(png(16))
