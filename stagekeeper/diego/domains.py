"""The deep probe: `POST /v1/domains/list`, one read of the BBS's database. Pure.

A BBS whose own database connections are black-holed goes on answering its ping while every database route hangs: only
this question sees it. It is off by default, since each such request may hold one of the BBS's connections meanwhile.

The answer is a DomainsResponse in protobuf (`bbs:models/domain.proto`): `error = 1`, a message with `type = 1` and
`message = 2`, and `domains = 2`, repeated text. HTTP is 200 even when there is an error. A list of nothing is a body of
zero bytes: the database was read, and nobody has vouched for any domain of late.
"""

from collections.abc import Iterator

from stagekeeper.diego.observation import Domains, Probe, Reply

PATH = "/v1/domains/list"
CF_APPS = "cf-apps"
"""The domain that the Cloud Controller's bulk sync keeps fresh. While it is not, Diego stops no surplus instance."""
_ERROR, _DOMAIN = 1, 2
_TYPE, _MESSAGE = 1, 2
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of each kind of value that has a fixed length."""


class _NotProtobuf(Exception):
    """The bytes are no protobuf message."""


def told(probe: Probe) -> Domains:
    """What the answer to a request for `PATH` says."""
    if probe.reply is not Reply.OK:
        return Domains(listed=False, detail=f"{probe.reply}: {probe.detail}" if probe.detail else probe.reply)
    try:
        fields = [*_fields(probe.body)]
        errors = [_error(value) for number, value in fields if number == _ERROR]
        names = tuple(_text(value) for number, value in fields if number == _DOMAIN)
    except _NotProtobuf:
        return Domains(listed=False, detail=f"{len(probe.body)} bytes that are no list of domains")
    return Domains(listed=False, detail=errors[0]) if errors else Domains(listed=True, names=names)


def _error(value: int | bytes) -> str:
    if isinstance(value, int):
        raise _NotProtobuf
    fields = dict(_fields(value))
    return f"error {fields.get(_TYPE, 0)!r}: {_text(fields.get(_MESSAGE, b''))}"


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise _NotProtobuf
    return value.decode(errors="replace")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field. Raises `_NotProtobuf`."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size, at = _size(message, at, kind)
        if at + size > len(message):
            raise _NotProtobuf
        yield number, message[at : at + size]
        at += size


def _size(message: bytes, at: int, kind: int) -> tuple[int, int]:
    """How long the value of this kind is, and where it begins. Raises `_NotProtobuf`."""
    if kind == _BYTES:
        return _varint(message, at)
    if kind not in _FIXED:
        raise _NotProtobuf
    return _FIXED[kind], at


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends. Raises `_NotProtobuf`."""
    value = 0
    for shift, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:  # noqa: PLR2004 -- the bit that says "there is more"
            return value, at + shift + 1
    raise _NotProtobuf
