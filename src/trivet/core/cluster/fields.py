"""Reading the arguments of the map's verbs. Each reader answers the value, or the ``Error`` to reply."""

from typing import Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.cluster.ranges import Range, parse
from trivet.core.cluster.rows import (
    HOST_BYTES_MAX,
    ID_MAX,
    LABEL_CHARS_MAX,
    LABEL_NAME_CHARS_MAX,
    LABELS_BYTES_MAX,
    LABELS_MAX,
    NAME_BYTES_MAX,
    RANGES_MAX,
    REASON_BYTES_MAX,
    ZONE_BYTES_MAX,
)
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error

NOT_AN_INTEGER: Final = Error("ERR value is not an integer or out of range")
SYNTAX: Final = Error("ERR syntax error")
IDS_MAX: Final = 1_000
"""Nodes named by one verb."""
_PORT_MAX: Final = 65_535
_NAME: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_HOST: Final = _NAME + b":%"
_labels: Final = msgspec.json.Decoder(dict[str, str])


def number(data: bytes, low: int, high: int) -> int | Error:
    """An integer within [low, high]."""
    value = parse_int(data)
    return NOT_AN_INTEGER if value is None or not low <= value <= high else value


def identity(data: bytes) -> int | Error:
    """An id, >= 1."""
    return number(data, 1, ID_MAX)


def port(data: bytes) -> int | Error:
    """A TCP port."""
    value = parse_int(data)
    return Error("ERR invalid port: 1 to 65535") if value is None or not 1 <= value <= _PORT_MAX else value


def identities(words: list[bytes]) -> list[NodeId] | Error:
    """Ids of nodes, each once."""
    if len(words) > IDS_MAX:
        return Error(f"ERR too many nodes: at most {IDS_MAX}")
    found: list[NodeId] = []
    for word in words:
        node = identity(word)
        if isinstance(node, Error):
            return node
        if node in found:
            return Error(f"ERR node {node} stands there twice")
        found.append(node)
    return found


def host(data: bytes) -> str | Error:
    """A name or an address."""
    if not data or len(data) > HOST_BYTES_MAX:
        return Error(f"ERR invalid host: a name or an address of at most {HOST_BYTES_MAX} bytes")
    return _only(data, _HOST, "host")


def zone(data: bytes) -> str | Error:
    """A zone's name; empty: none."""
    if len(data) > ZONE_BYTES_MAX:
        return Error(f"ERR invalid zone: at most {ZONE_BYTES_MAX} bytes")
    return _only(data, _NAME, "zone")


def name(data: bytes) -> str | Error:
    """A keyspace's name: no number, so that ``SELECT`` tells the two apart."""
    if not data or len(data) > NAME_BYTES_MAX:
        return Error(f"ERR invalid keyspace name: 1 to {NAME_BYTES_MAX} bytes")
    if data.lstrip(b"-").isdigit():
        return Error("ERR invalid keyspace name: a number is the name of a database")
    return _only(data, _NAME, "keyspace name")


def labels(data: bytes) -> dict[str, str] | Error:
    """A JSON object of texts; empty: none."""
    if not data:
        return {}
    if len(data) > LABELS_BYTES_MAX:
        return Error(f"ERR invalid labels: at most {LABELS_BYTES_MAX} bytes")
    try:
        found = _labels.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Error("ERR invalid labels: a JSON object of strings expected")
    if len(found) > LABELS_MAX:
        return Error(f"ERR invalid labels: at most {LABELS_MAX}")
    for key, value in found.items():
        if not 0 < len(key) <= LABEL_NAME_CHARS_MAX or len(value) > LABEL_CHARS_MAX:
            return Error(
                f"ERR invalid labels: names of 1 to {LABEL_NAME_CHARS_MAX} characters, "
                f"values of at most {LABEL_CHARS_MAX}"
            )
        if not key.isprintable() or not value.isprintable():
            return Error("ERR invalid labels: printable characters expected")
    return found


def ranges(data: bytes) -> list[Range] | Error:
    """Slots such as ``0-99,200``."""
    found = parse(data)
    if found is None:
        return Error(f"ERR invalid ranges: such as 0-99,200, in order, at most {RANGES_MAX}")
    return found


def reason(data: bytes) -> str | Error:
    """A sentence for people."""
    text = data.decode("utf-8", "replace")
    if len(data) > REASON_BYTES_MAX or not text.isprintable():
        return Error(f"ERR invalid reason: printable, at most {REASON_BYTES_MAX} bytes")
    return text


def _only(data: bytes, allowed: bytes, what: str) -> str | Error:
    if data.translate(None, allowed):
        return Error(f"ERR invalid {what}: letters, digits and {allowed[62:].decode()} only")
    return data.decode("ascii")
