"""Every row of the table against what redis-server says of its commands."""

import pytest

from tests.core.command.key_examples import examples
from tests.differential.harness import Oracle, Tree, parse_reply
from trivet.core.command.introspection import answer_command
from trivet.core.command.lookup import find_row
from trivet.core.command.table import ROWS, SUBROWS, Row
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Error

NEWER = {
    "client|no-touch": "7.2.0",
    "client|setinfo": "7.2.0",
    "waitaof": "7.2.0",
    "hexpire": "7.4.0",
    "hpexpire": "7.4.0",
    "hexpireat": "7.4.0",
    "hpexpireat": "7.4.0",
    "httl": "7.4.0",
    "hpttl": "7.4.0",
    "hexpiretime": "7.4.0",
    "hpexpiretime": "7.4.0",
    "hpersist": "7.4.0",
    "hgetdel": "8.0.0",
    "hgetex": "8.0.0",
    "hsetex": "8.0.0",
}
"""Commands that clients of today send and redis-server 7.0 does not have."""

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")


def all_rows() -> list[Row]:
    rows = [*ROWS.values(), *(row for subrows in SUBROWS.values() for row in subrows.values())]
    return [row for row in rows if row.name not in NEWER]


def facts(tree: Tree) -> list[object]:
    """Name, arity, flags, key positions and categories of one entry of COMMAND INFO."""
    name, arity, flags, first, last, step, categories = tree[1][:7]
    return [name, arity, sorted(flags[1]), first, last, step, sorted(categories[1])]


OWN = ("join", "drain", "undrain", "leave", "replace", "split", "merge", "move", "lead", "plan", "state")
"""What ``CLUSTER`` knows beside Redis' subcommands."""


def shared_rows() -> list[str]:
    """The rows that Redis has too."""
    own = {"client|causal", *[f"cluster|{name}" for name in OWN]}
    return [
        row.name
        for row in all_rows()
        if row.name.split("|")[0] not in ("fence", "keyspace", "txn") and row.name not in own
    ]


def test_every_row_is_as_redis_describes_it(oracle: Oracle) -> None:
    names = [name.encode() for name in shared_rows()]
    request = [b"COMMAND", b"INFO", *names]
    ours = parse_reply(encode(answer_command(request), 3))[1]
    theirs = oracle.run_all(3, [request])[0][1]
    for name, mine, other in zip(names, ours, theirs, strict=True):
        assert other[1] is not None, f"redis-server does not know {name!r}"
        assert facts(mine) == facts(other)


def test_groups_and_versions_are_those_of_redis(oracle: Oracle) -> None:
    names = [name.encode() for name in shared_rows()]
    request = [b"COMMAND", b"DOCS", *names]
    ours = parse_reply(encode(answer_command(request), 3))[1]
    theirs = oracle.run_all(3, [request])[0][1]
    assert ours[::2] == theirs[::2]
    for mine, other in zip(ours[1::2], theirs[1::2], strict=True):
        mine_by_field = dict(zip((field for _, field in mine[1][::2]), mine[1][1::2], strict=True))
        other_by_field = dict(zip((field for _, field in other[1][::2]), other[1][1::2], strict=True))
        assert mine_by_field[b"group"] == other_by_field[b"group"], mine
        assert mine_by_field[b"since"] == other_by_field[b"since"], mine


GETKEYS = """
GET a | MSET a 1 b 2
mget a b c | COPY a b | OBJECT ENCODING a | object help | PING | GET | nosuch a | SET a
LCS a b IDX | ZUNIONSTORE d 2 a b | ZUNION 2 a b WITHSCORES
ZINTERCARD 1 a | SINTERCARD 2 a b | LMPOP 2 a b LEFT
ZMPOP 1 a MIN | SINTERSTORE d a b | HSET h f v | LMOVE a b LEFT RIGHT | WATCH a b | ZUNION 9 a | ZUNION x a
LMPOP 0 a LEFT | SINTERCARD 3 a b | ZMPOP -1 a MIN | CONFIG GET a | CLUSTER KEYSLOT a | OBJECT NOSUCH a
XREAD STREAMS a b 0 0 | XREAD COUNT 5 BLOCK 1 streams a b 0 | XREAD FOO a b | XGROUP CREATE a g 0 | XINFO STREAM a
XREADGROUP GROUP g c STREAMS a b > > | XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a > | XADD a * f v | XGROUP HELP
DEL a b c | RENAME a b | ZRANGESTORE d s 0 1
BITOP AND d a b | BITFIELD a GET u8 0 | PFMERGE d a b | PFCOUNT a b | PFDEBUG ENCODING a | PFSELFTEST
GEORADIUS a 1 2 3 km | GEORADIUS a 1 2 3 km STORE b | GEORADIUS a 1 2 3 km STORE b STOREDIST c
GEORADIUS a 1 2 3 km STORE | GEORADIUS a 1 2 3 STORE b | GEORADIUS a 1 2 3 km COUNT STORE store b
GEORADIUSBYMEMBER a m 3 km STORE b | GEORADIUSBYMEMBER a m 3 km ASC STOREDIST b COUNT 1
GEORADIUSBYMEMBER a STORE STORE STORE STORE STORE | GEOSEARCHSTORE d a FROMMEMBER m BYRADIUS 1 km
GEORADIUS_RO a 1 2 3 km STORE b | GEOSEARCH a FROMMEMBER m BYRADIUS 1 km | GEOADD a 1 2 m
"""

OTHERS = """
COMMAND INFO nosuch | COMMAND DOCS nosuch | COMMAND LIST FILTERBY | COMMAND LIST FILTERBY NOSUCH x
COMMAND LIST FILTERBY PATTERN xyz* | COMMAND LIST FILTERBY MODULE json
COMMAND LIST FILTERBY PATTERN GETR*
COMMAND LIST NOSUCH | COMMAND LIST FILTERBY ACLCAT nosuch | COMMAND NOSUCH | COMMAND COUNT x | COMMAND GETKEYS
"""


def requests_in(text: str) -> list[str]:
    return [request.strip() for request in text.replace("\n", "|").split("|") if request.strip()]


def ours_of(request: list[bytes]) -> Tree:
    row = find_row(request)
    return parse_reply(encode(row if isinstance(row, Error) else answer_command(request), 3))


@pytest.mark.parametrize("text", requests_in(GETKEYS))
def test_getkeys(oracle: Oracle, text: str) -> None:
    request = [b"COMMAND", b"GETKEYS", *text.encode().split()]
    assert ours_of(request) == oracle.run_all(3, [request])[0]


@pytest.mark.parametrize("text", requests_in(OTHERS))
def test_the_rest_of_command(oracle: Oracle, text: str) -> None:
    request = text.encode().split()
    assert ours_of(request) == oracle.run_all(3, [request])[0]


@pytest.mark.parametrize(
    "args",
    [args for name, args in examples() if name not in NEWER and name != "fence"],
    ids=lambda args: b" ".join(args).decode(),
)
def test_getkeys_of_every_command(oracle: Oracle, args: list[bytes]) -> None:
    if isinstance(find_row(args), Error):
        pytest.skip("not in the table yet")
    request = [b"COMMAND", b"GETKEYS", *args]
    assert ours_of(request) == oracle.run_all(3, [request])[0]
