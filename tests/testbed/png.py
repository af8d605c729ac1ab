"""A photograph of a page as a PNG with a palette: a third of the size, and no eye sees the difference."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_COLOURS = 256
_EXACT = 64
"""How many of the most frequent colours stay as they are: areas and letters, and not the edges of letters."""
_KINDS = {2: 3, 6: 4}
"""Bytes of a pixel by the kind of the picture: with and without transparency, 8 bits a channel."""


def smaller(picture: bytes) -> bytes:
    """The same picture with at most 256 colours. Raises ValueError for a PNG that is none of a browser's."""
    chunks = dict(_chunks(picture))
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or kind not in _KINDS:
        raise ValueError(f"must have 8 bits a channel and be of kind 2 or 6; it is of {depth} bits and kind {kind}")
    size = _KINDS[kind]
    rows = [
        [bytes(row[at : at + 3]) for at in range(0, len(row), size)]
        for row in _rows(zlib.decompress(chunks[b"IDAT"]), width, size)
    ]
    colours = _palette(Counter(pixel for row in rows for pixel in row))
    numbers = {colour: number for number, colour in enumerate(dict.fromkeys(colours.values()))}
    lines = b"".join(bytes([0, *(numbers[colours[pixel]] for pixel in row)]) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(numbers)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _palette(pixels: Counter[bytes]) -> dict[bytes, bytes]:
    """The colour that each gets: its own where it is frequent, else, where they are too many, with fewer bits."""
    exact = {colour for colour, _ in pixels.most_common(_EXACT)}
    for bits in range(8):
        mask = 256 - 2**bits
        found = {each: each if each in exact else bytes(channel & mask for channel in each) for each in pixels}
        if len(set(found.values())) <= _MOST_COLOURS:
            return found
    raise AssertionError("two values a channel are eight colours")


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and data; those of one name as one."""
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        found[name] = found.get(name, b"") + picture[at + 8 : at + 8 + length]
        at += length + 12
    yield from found.items()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(raw: bytes, width: int, size: int) -> Iterator[bytearray]:
    """The lines of pixels, with PNG's five filters undone (RFC 2083, section 6)."""
    above, length = bytearray(width * size), width * size
    for start in range(0, len(raw), length + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + length])
        if kind == 2:
            row = bytearray((one + up) & 255 for one, up in zip(row, above, strict=True))
        elif kind:
            for at in range(length):
                left, up = (row[at - size] if at >= size else 0), above[at]
                corner = above[at - size] if at >= size else 0
                row[at] = (row[at] + (left, up, (left + up) // 2, _nearest(left, up, corner))[kind - 1]) & 255
        yield row
        above = row


def _nearest(left: int, up: int, corner: int) -> int:
    """Paeth's predictor."""
    guess = left + up - corner
    by_distance = (abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner)
    return min(by_distance)[2]
