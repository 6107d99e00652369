"""A transaction's record in Trivet: what the scripts do to it, and how it is read.

A record is a hash: ``state`` (``open``, ``commit``, ``abort``), ``began_ms``, ``branches``, perhaps ``why``
and ``trouble``. It goes only forward: absent, open, then commit or abort, whichever is written first, then
finished or absent again (Rules X1-X4).
"""

from typing import Final

import msgspec

from trivet.client.resp import ErrorReply, Reply
from trivet.transactions.asking import Call
from trivet.transactions.names import INDEX, Name, record_key

KEPT_MS: Final = 24 * 3_600_000
"""How long recovery keeps a record that it has finished, for a program that comes back and asks."""
UNDO_BYTES_MAX: Final = 4 * 1024 * 1024
"""How large the keys that a transaction writes may be together.

What a failing command undoes is held in memory.
"""
CALLS_MAX: Final = 1_000
CALL_BYTES_MAX: Final = 16 * 1024 * 1024


class BranchRow(msgspec.Struct):
    """A branch as the record has it: its name, what kind of database, which one, and its note there."""

    name: str
    kind: str
    where: str
    note: str = ""


class Record(msgspec.Struct):
    """A record that was read."""

    state: str
    began_ms: int
    branches: list[BranchRow]
    why: str = ""
    trouble: str = ""
    finished: bool = False


_OPEN: Final = b"""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', 'open', 'branches', ARGV[1],
    'began_ms', string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
return 1
"""

# The commands and the decision are one script, so one step of one log entry. A command that fails takes back
# what those before it did, from dumps made before the first: then nothing was done, and nothing is decided
# (Rule X3). When memory is full, the first write of all is refused, and there is nothing to take back.
_DECIDE: Final = b"""
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return {'closed'} end
local size = 0
for i = 2, #KEYS do size = size + (redis.call('MEMORY', 'USAGE', KEYS[i]) or 0) end
if size > tonumber(ARGV[1]) then return {'large', size} end
local before = {}
for i = 2, #KEYS do before[i] = {redis.call('DUMP', KEYS[i]), redis.call('PEXPIRETIME', KEYS[i])} end
local probe = redis.pcall('HSET', KEYS[1], 'state', 'open')
if type(probe) == 'table' and probe.err then return {'failed', 'HSET', probe.err} end
local replies = {'commit'}
local at = 2
while at <= #ARGV do
    local words = {}
    local count = tonumber(ARGV[at])
    for i = 1, count do words[i] = ARGV[at + i] end
    at = at + count + 1
    local reply = redis.pcall(unpack(words))
    if type(reply) == 'table' and reply.err then
        for i = 2, #KEYS do
            local due = before[i][2]
            if due < 0 then due = 0 end
            if before[i][1] then
                redis.call('RESTORE', KEYS[i], due, before[i][1], 'ABSTTL', 'REPLACE')
            else
                redis.call('DEL', KEYS[i])
            end
        end
        return {'failed', words[1], reply.err}
    end
    replies[#replies + 1] = reply
end
redis.call('HSET', KEYS[1], 'state', 'commit')
return replies
"""

_SETTLE: Final = b"""
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'open' then
    state = 'abort'
    local reply = redis.pcall('HSET', KEYS[1], 'state', 'abort', 'why', ARGV[1])
    if type(reply) == 'table' and reply.err then redis.call('DEL', KEYS[1]) end
end
return state
"""

_CLOSE: Final = b"""
local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'open' then return 0 end
if ARGV[1] == '0' then return redis.call('DEL', KEYS[1]) end
local reply = redis.pcall('HSET', KEYS[1], 'finished', '1')
if type(reply) == 'table' and reply.err then return redis.call('DEL', KEYS[1]) end
redis.call('HDEL', KEYS[1], 'trouble')
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""

_TROUBLE: Final = b"""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSET', KEYS[1], 'trouble', ARGV[1])
"""


def _script(source: bytes, key: bytes, *args: bytes) -> Call:
    return (b"EVAL", source.strip(), b"1", key, *args)


def opening(name: Name, branches: list[BranchRow]) -> Call:
    """Write the open record: without it no decision is taken. 1, or 0 when there is one."""
    return _script(_OPEN, name.record, msgspec.json.encode(branches))


def deciding(name: Name, keys: list[bytes], calls: list[Call]) -> Call:
    """Run ``calls`` and decide commit, or do nothing at all.

    Replies ``commit`` and the replies of the calls; or ``closed``: the record is not open; ``large`` and a
    size; ``failed``, a command and its error.
    """
    words = [word for one in calls for word in (b"%d" % len(one), *one)]
    limit = b"%d" % UNDO_BYTES_MAX
    return (b"EVAL", _DECIDE.strip(), b"%d" % (1 + len(keys)), name.record, *keys, limit, *words)


def settling(transaction_id: str, why: str) -> Call:
    """Decide abort unless something is decided.

    The state that stands from now on, or nil without a record.
    """
    return _script(_SETTLE, record_key(transaction_id), why.encode())


def closing(transaction_id: str, kept_ms: int = 0) -> Call:
    """Every branch is finished: remove the record, at once or later."""
    return _script(_CLOSE, record_key(transaction_id), b"%d" % kept_ms)


def troubling(transaction_id: str, text: str) -> Call:
    """Write down what is wrong with a branch."""
    return _script(_TROUBLE, record_key(transaction_id), text.encode())


def reading(transaction_id: str) -> Call:
    """Read it."""
    return (b"HGETALL", record_key(transaction_id))


def forgetting(transaction_id: str) -> Call:
    """Remove it, whatever it says."""
    return (b"DEL", record_key(transaction_id))


def indexing(transaction_id: str, now_ms: int) -> Call:
    """Let recovery find it."""
    return (b"ZADD", INDEX, b"%d" % now_ms, transaction_id.encode())


def unindexing(transaction_id: str) -> Call:
    """It is over."""
    return (b"ZREM", INDEX, transaction_id.encode())


def read_record(reply: Reply) -> Record | None:
    """The reply of ``HGETALL``; None without a record. Raises ``ValueError`` when it is none of ours."""
    if isinstance(reply, ErrorReply) or not isinstance(reply, list):
        raise ValueError(reply.text if isinstance(reply, ErrorReply) else "the record is no hash")
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    if not fields:
        return None

    def text(field: bytes) -> str:
        value = fields.get(field, b"")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    branches = msgspec.json.decode(text(b"branches") or "[]", type=list[BranchRow])
    return Record(
        text(b"state"),
        int(text(b"began_ms") or 0),
        branches,
        text(b"why"),
        text(b"trouble"),
        text(b"finished") == "1",
    )
