"""One call per command that names keys; in it, the keys are the words ``k1``, ``k2``...

Routing, transactions and access control rely on the keys of a call. A command whose row has keys
needs a line here, or ``test_key_examples`` fails; a command whose keys depend on its options
has several. Commands that the table does not have yet may have theirs.
"""

import re
import shlex

from trivet.core.command.table import ROWS, SUBROWS, Row

EXAMPLES = """
APPEND k1 v
BITCOUNT k1 0 1 BYTE
BITFIELD k1 GET u8 0 SET u8 0 1
BITFIELD_RO k1 GET u8 0
BITOP AND k1 k2 k3
BITPOS k1 1
BLMOVE k1 k2 LEFT RIGHT 0
BLMPOP 0 2 k1 k2 LEFT COUNT 1
BLPOP k1 k2 0
BRPOP k1 k2 0
BRPOPLPUSH k1 k2 0
BZMPOP 0 2 k1 k2 MIN COUNT 1
BZPOPMAX k1 k2 0
BZPOPMIN k1 k2 0
COPY k1 k2 DB 1 REPLACE
DECR k1
DECRBY k1 1
DEL k1 k2 k3
DUMP k1
EVAL script 2 k1 k2 argument
EVAL_RO script 2 k1 k2 argument
EVALSHA sum 2 k1 k2 argument
EVALSHA_RO sum 2 k1 k2 argument
EXISTS k1 k2
EXPIRE k1 1 NX
EXPIREAT k1 1 NX
EXPIRETIME k1
FCALL function 2 k1 k2 argument
FCALL_RO function 2 k1 k2 argument
FENCE k1
GEOADD k1 1 2 member
GEODIST k1 one other
GEOHASH k1 member
GEOPOS k1 member
GEORADIUS k1 1 2 3 m
GEORADIUS k1 1 2 3 m COUNT 1 STORE k2
GEORADIUS k1 1 2 3 m STORE k2 STOREDIST k3
GEORADIUS_RO k1 1 2 3 m
GEORADIUSBYMEMBER k1 member 3 m
GEORADIUSBYMEMBER k1 member 3 m STOREDIST k2
GEORADIUSBYMEMBER_RO k1 member 3 m
GEOSEARCH k1 FROMLONLAT 1 2 BYRADIUS 3 m
GEOSEARCHSTORE k1 k2 FROMLONLAT 1 2 BYRADIUS 3 m
GET k1
GETBIT k1 0
GETDEL k1
GETEX k1 PERSIST
GETRANGE k1 0 1
GETSET k1 v
HDEL k1 field
HEXISTS k1 field
HEXPIRE k1 5 FIELDS 1 field
HEXPIREAT k1 5 NX FIELDS 1 field
HEXPIRETIME k1 FIELDS 1 field
HGET k1 field
HGETALL k1
HGETDEL k1 FIELDS 1 field
HGETEX k1 PERSIST FIELDS 1 field
HINCRBY k1 field 1
HINCRBYFLOAT k1 field 1
HKEYS k1
HLEN k1
HMGET k1 field
HMSET k1 field v
HPERSIST k1 FIELDS 1 field
HPEXPIRE k1 5 FIELDS 1 field
HPEXPIREAT k1 5 FIELDS 1 field
HPEXPIRETIME k1 FIELDS 1 field
HPTTL k1 FIELDS 1 field
HRANDFIELD k1 2 WITHVALUES
HSCAN k1 0
HSET k1 field v
HSETEX k1 FXX FIELDS 1 field v
HSETNX k1 field v
HSTRLEN k1 field
HTTL k1 FIELDS 1 field
HVALS k1
INCR k1
INCRBY k1 1
INCRBYFLOAT k1 1
LCS k1 k2 IDX
LINDEX k1 0
LINSERT k1 BEFORE pivot v
LLEN k1
LMOVE k1 k2 LEFT RIGHT
LMPOP 2 k1 k2 LEFT COUNT 1
LPOP k1 2
LPOS k1 v RANK 1
LPUSH k1 v
LPUSHX k1 v
LRANGE k1 0 1
LREM k1 1 v
LSET k1 0 v
LTRIM k1 0 1
MEMORY USAGE k1 SAMPLES 5
MGET k1 k2
MIGRATE host 1 k1 0 1000
MIGRATE host 1 "" 0 1000 REPLACE KEYS k1 k2
MOVE k1 1
MSET k1 v k2 v
MSETNX k1 v k2 v
OBJECT ENCODING k1
OBJECT FREQ k1
OBJECT IDLETIME k1
OBJECT REFCOUNT k1
PERSIST k1
PEXPIRE k1 1
PEXPIREAT k1 1
PEXPIRETIME k1
PFADD k1 v
PFCOUNT k1 k2
PFDEBUG GETREG k1
PFMERGE k1 k2 k3
PSETEX k1 1 v
PTTL k1
RENAME k1 k2
RENAMENX k1 k2
RESTORE k1 0 payload REPLACE
RESTORE-ASKING k1 0 payload
RPOP k1
RPOPLPUSH k1 k2
RPUSH k1 v
RPUSHX k1 v
SADD k1 v
SCARD k1
SDIFF k1 k2
SDIFFSTORE k1 k2 k3
SET k1 v EX 5
SETBIT k1 0 1
SETEX k1 1 v
SETNX k1 v
SETRANGE k1 0 v
SINTER k1 k2
SINTERCARD 2 k1 k2 LIMIT 1
SINTERSTORE k1 k2 k3
SISMEMBER k1 v
SMEMBERS k1
SMISMEMBER k1 v
SMOVE k1 k2 v
SORT k1
SORT k1 BY store GET store STORE other STORE k2
SORT k1 STORE k2 LIMIT 0 1
SORT_RO k1 BY w_* GET h_*->f
SPOP k1 1
SPUBLISH k1 message
SRANDMEMBER k1 1
SREM k1 v
SSCAN k1 0
SSUBSCRIBE k1 k2
STRLEN k1
SUBSTR k1 0 1
SUNION k1 k2
SUNIONSTORE k1 k2 k3
SUNSUBSCRIBE k1 k2
TOUCH k1 k2
TTL k1
TYPE k1
UNLINK k1 k2
WATCH k1 k2
XACK k1 group 1-1
XADD k1 MAXLEN ~ 5 * field v
XAUTOCLAIM k1 group consumer 0 0
XCLAIM k1 group consumer 0 1-1
XDEL k1 1-1
XGROUP CREATE k1 group $
XGROUP CREATECONSUMER k1 group consumer
XGROUP DELCONSUMER k1 group consumer
XGROUP DESTROY k1 group
XGROUP SETID k1 group $
XINFO CONSUMERS k1 group
XINFO GROUPS k1
XINFO STREAM k1 FULL
XLEN k1
XPENDING k1 group
XRANGE k1 - +
XREAD COUNT 1 BLOCK 0 STREAMS k1 k2 0 0
XREADGROUP GROUP group consumer NOACK STREAMS k1 k2 > >
XREVRANGE k1 + -
XSETID k1 1-1
XTRIM k1 MAXLEN 1
ZADD k1 1 v
ZCARD k1
ZCOUNT k1 0 1
ZDIFF 2 k1 k2 WITHSCORES
ZDIFFSTORE k1 2 k2 k3
ZINCRBY k1 1 v
ZINTER 2 k1 k2 WEIGHTS 1 2
ZINTERCARD 2 k1 k2 LIMIT 1
ZINTERSTORE k1 2 k2 k3 AGGREGATE MAX
ZLEXCOUNT k1 - +
ZMPOP 2 k1 k2 MIN COUNT 1
ZMSCORE k1 v
ZPOPMAX k1 1
ZPOPMIN k1 1
ZRANDMEMBER k1 1
ZRANGE k1 0 1
ZRANGEBYLEX k1 - +
ZRANGEBYSCORE k1 0 1
ZRANGESTORE k1 k2 0 1
ZRANK k1 v
ZREM k1 v
ZREMRANGEBYLEX k1 - +
ZREMRANGEBYRANK k1 0 1
ZREMRANGEBYSCORE k1 0 1
ZREVRANGE k1 0 1
ZREVRANGEBYLEX k1 + -
ZREVRANGEBYSCORE k1 1 0
ZREVRANK k1 v
ZSCAN k1 0
ZSCORE k1 v
ZUNION 2 k1 k2 WEIGHTS 1 2
ZUNIONSTORE k1 2 k2 k3 WEIGHTS 1 2
"""

CONTAINERS = ("memory", "object", "xgroup", "xinfo")

_KEY = re.compile(rb"k[1-9]")


def examples() -> list[tuple[str, list[bytes]]]:
    """The name of each row (``object|encoding``) with a call of it."""
    found = []
    for line in EXAMPLES.strip().splitlines():
        args = [word.encode() for word in shlex.split(line)]
        found.append((_name(args), args))
    return found


def _name(args: list[bytes]) -> str:
    """A container's row is never meant: it has its subcommands."""
    container = args[0].decode().lower()
    return f"{container}|{args[1].decode().lower()}" if container in CONTAINERS else container


def keys_in(args: list[bytes]) -> list[bytes]:
    """The words of a call that stand for keys."""
    return [word for word in args if _KEY.fullmatch(word)]


def row_named(name: str) -> Row | None:
    """The row of ``name`` or ``container|name``."""
    container, _, subcommand = name.upper().encode().partition(b"|")
    return SUBROWS.get(container, {}).get(subcommand) if subcommand else ROWS.get(container)


def rows_with_keys() -> list[Row]:
    """All rows that say where their keys are, those of containers left out."""
    rows = [row for name, row in ROWS.items() if name not in SUBROWS]
    rows += [row for subrows in SUBROWS.values() for row in subrows.values()]
    return [row for row in rows if row.first_key != 0 or row.key_finder is not None]
