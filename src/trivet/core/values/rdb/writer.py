"""From a value to bytes, in the plain forms of RDB version 10, or 12 where that is needed (rule D3)."""

from struct import pack

from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.lengths import SHORT_LENGTHS, write_length, write_string
from trivet.core.values.rdb.streams import write_stream
from trivet.core.values.set_value import Set
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value


def write_value(value: Value) -> bytes:
    """The form's number and the content."""
    if isinstance(value, bytes):
        return bytes([Form.STRING]) + write_length(len(value)) + value
    if isinstance(value, List):
        return _collection(Form.LIST, len(value), value.dump())
    if isinstance(value, Set):
        return _collection(Form.SET, len(value), value.to_list())
    if isinstance(value, MortalHash) and has_deadlines(value):
        return _mortal_hash(value)
    if isinstance(value, Hash):
        flat = [part for pair in value.items() for part in pair]
        return _collection(Form.HASH, len(flat) // 2, flat)
    if isinstance(value, Stream):
        return bytes([Form.STREAM_LISTPACKS_2]) + write_stream(value)
    parts = [bytes([Form.ZSET_2]), write_length(len(value))]
    for score, member in value.all():
        parts += (write_length(len(member)), member, pack("<d", score))
    return b"".join(parts)


def has_deadlines(value: MortalHash) -> bool:
    """Whether some field that is not past its deadline has one."""
    return value.deadlines.count > 0 and any(value.deadline_ms(field) >= 0 for field in value.to_list())


def _mortal_hash(value: MortalHash) -> bytes:
    """The earliest deadline; then of each field what its own is above that, and 1; 0: it has none."""
    rows = [(value.deadline_ms(field), field, text) for field, text in value.items()]
    earliest_ms = min([deadline_ms for deadline_ms, _, _ in rows if deadline_ms >= 0])
    parts = [bytes([Form.HASH_METADATA]), earliest_ms.to_bytes(8, "little"), write_length(len(rows))]
    for deadline_ms, field, text in rows:
        after_ms = 0 if deadline_ms < 0 else deadline_ms - earliest_ms + 1
        parts += (write_length(after_ms), write_string(field), write_string(text))
    return b"".join(parts)


def _collection(form: Form, count: int, strings: list[bytes]) -> bytes:
    parts = [bytes([form]), write_length(count)]
    for string in strings:
        size = len(string)
        parts += (SHORT_LENGTHS[size] if size < 0x40 else write_length(size), string)
    return b"".join(parts)
