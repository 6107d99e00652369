"""DUMP and RESTORE with a real redis-server, both ways, with values of all types and in all encodings."""

from random import Random

import pytest

import tests.differential.family_streams  # noqa: F401 (how XINFO is compared)
from tests.core.values.rdb.old_forms import intset, quicklist, ziplist, zipmap, zset
from tests.differential.harness import Args, Executor, Oracle, Tree, compare_states, parse_reply
from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.lengths import write_length, write_string
from trivet.core.values.rdb.payload import seal
from trivet.core.wire.encode import encode

pytestmark = [
    pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed"),
    pytest.mark.timeout(300),
]

NOW_MS = 1_700_000_000_000
SEEDS = range(6)
SIZES = (1, 2, 7, 30, 127, 128, 129, 511, 513, 2000)
INTEGERS = (
    0, 1, -1, 12, 127, 128, -128, 255, 4095, 4096, -4096, -4097, 32767, -32769, 8388607, -8388609, 2**31 - 1, -(2**31) - 1,
    2**63 - 1, -(2**63),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _empty(oracle: Oracle) -> None:
    oracle.run_all(3, [[b"FLUSHALL"]])


def word(random: Random) -> bytes:
    """A string that some encoding treats in its own way."""
    kind = random.randrange(8)
    if kind == 0:
        return b"%d" % random.choice(INTEGERS)
    if kind == 1:
        return b"%d" % random.randrange(-5000, 5000)
    if kind == 2:
        return random.randbytes(random.choice((0, 1, 10, 20)))
    if kind == 3:
        return b"repeated" * random.choice((1, 7, 9))
    if kind == 4:
        return random.choice((b"x", b"ab")) * random.choice((63, 64, 65, 300))
    return b"word%d" % random.randrange(1_000_000)


def long_word(random: Random) -> bytes:
    kind, size = random.randrange(3), random.choice((4095, 4096, 8200, 16384, 70_000))
    if kind == 0:
        return random.randbytes(size)
    return b"a" * size if kind == 1 else b"%d " % random.randrange(1000) * (size // 4)


def score(random: Random) -> bytes:
    return random.choice(
        (
            b"0",
            b"1",
            b"inf",
            b"-inf",
            b"1.5",
            b"3.0000000000000004",
            b"1e300",
            b"5e-324",
            b"%d" % random.choice(INTEGERS),
        )
    )


def commands(random: Random) -> list[Args]:
    """Values of all types, small and large, of words or of integers only."""
    made: list[Args] = [[b"SET", b"string%d" % i, word(random)] for i in range(30)]
    made += [[b"SET", b"long%d" % i, long_word(random)] for i in range(5)]
    made += [[b"SET", b"integer%d" % i, b"%d" % number] for i, number in enumerate(INTEGERS)]
    for size in SIZES:
        words = [word(random) for _ in range(size)]
        short = [b"%d" % random.randrange(100) for _ in range(size)]
        integers = [b"%d" % random.choice((i, i * 1000, i - 2**40)) for i in range(size)]
        name = b"%d" % size
        made += [[b"RPUSH", b"list" + name, *words], [b"RPUSH", b"integers" + name, *integers]]
        made += [[b"SADD", b"set" + name, *words], [b"SADD", b"intset" + name, *integers]]
        made.append([b"HSET", b"hash" + name, *(part for one in words for part in (one, word(random)))])
        made.append(
            [b"HSET", b"numbers" + name, *(part for one in integers for part in (one, random.choice(short)))]
        )
        made.append([b"ZADD", b"zset" + name, *(part for one in words for part in (score(random), one))])
        made.append([b"ZADD", b"ranks" + name, *(part for one in integers for part in (one, one))])
    made.append([b"RPUSH", b"long", *(long_word(random) for _ in range(4)), b"x"])
    for size in (1, 2, 20, 99, 100, 101, 350):
        made += stream_commands(random, b"stream%d" % size, size)
    made.append([b"HSET", b"longhash", b"f", long_word(random), long_word(random), b"v"])
    return made


def stream_commands(random: Random, name: bytes, size: int) -> list[Args]:
    """A stream with deleted entries, groups, consumers and what is pending for them."""
    made: list[Args] = []
    ids: list[bytes] = []
    ms, sequence = random.choice((1, 1000, 2**40)), 0
    for _ in range(size):
        if random.random() < 0.5:
            ms, sequence = ms + random.choice((1, 300, 100_000)), random.choice((0, 5, 2**64 - 1))
        elif sequence < 2**64 - 1:
            sequence += 1
        else:
            ms, sequence = ms + 1, 0
        ids.append(b"%d-%d" % (ms, sequence))
        fields = (b"f", b"g") if random.random() < 0.8 else (word(random),)
        made.append([b"XADD", name, ids[-1], *(part for field in fields for part in (field, word(random)))])
    made += [[b"XDEL", name, one] for one in random.sample(ids, size // 5)]
    for group in (b"empty", b"group"):
        made.append([b"XGROUP", b"CREATE", name, group, random.choice((b"0", b"$", random.choice(ids)))])
    made.append([b"XGROUP", b"CREATECONSUMER", name, b"group", b"lazy"])
    for i in range(6):
        consumer = b"consumer%d" % (i % 3)
        count = b"%d" % random.randrange(1, size + 1)
        made.append([b"XREADGROUP", b"GROUP", b"group", consumer, b"COUNT", count, b"STREAMS", name, b">"])
    made += [[b"XACK", name, b"group", one] for one in random.sample(ids, size // 3)]
    claim = [b"IDLE", b"%d" % random.randrange(9999), b"RETRYCOUNT", b"7"]
    made.append([b"XCLAIM", name, b"group", b"other", b"0", *random.sample(ids, size // 4 + 1), *claim])
    made += [[b"XDEL", name, one] for one in random.sample(ids, size // 5)]
    if random.random() < 0.3:
        made.append([b"XTRIM", name, b"MAXLEN", b"%d" % random.randrange(size)])
    return made


def keys(oracle: Oracle) -> list[bytes]:
    return sorted(key for _, key in oracle.run_all(3, [[b"KEYS", b"*"]])[0][1])


@pytest.mark.parametrize("seed", SEEDS)
def test_their_dumps_are_the_same_values_here(oracle: Oracle, seed: int) -> None:
    oracle.run_all(3, commands(Random(seed)))
    executor = Executor(watches=False)  # there is much, and other tests watch
    for key in keys(oracle):
        payload = oracle.run_all(3, [[b"DUMP", key]])[0][1]
        assert str(executor.run([b"RESTORE", key, b"0", payload], NOW_MS, 0)) == "Simple(text='OK')", key
    compare_states(oracle, 3, executor)
    compare_streams(oracle, executor)


@pytest.mark.parametrize("seed", SEEDS)
def test_our_dumps_are_the_same_values_there(oracle: Oracle, seed: int) -> None:
    executor = Executor(watches=False)
    for args in commands(Random(seed)):
        executor.run(args, NOW_MS, 0)
    for key in list(executor.databases.open(0).values):
        payload = executor.run([b"DUMP", key], NOW_MS, 0)
        assert isinstance(payload, bytes)
        assert oracle.run_all(3, [[b"RESTORE", key, b"0", payload]]) == [("+", b"OK")], key
    compare_states(oracle, 3, executor)
    compare_streams(oracle, executor)


def without_nodes(tree: Tree) -> Tree:
    """The answer to XINFO STREAM but for how Redis itself finds nodes."""
    pairs = zip(tree[1][::2], tree[1][1::2], strict=True)
    return [pair for pair in pairs if not pair[0][1].startswith(b"radix-tree-nodes")]


def compare_streams(oracle: Oracle, executor: Executor) -> None:
    """All that is known of the streams is the same, times included."""
    executor.select(0)
    for key in [key for key in keys(oracle) if key.startswith(b"stream")]:
        request = [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]
        ours = parse_reply(encode(executor.run(request, NOW_MS, 0), 3))
        assert without_nodes(ours) == without_nodes(oracle.run_all(3, [request])[0])


def old_forms(random: Random) -> list[bytes]:
    """Values in the forms that older servers wrote, version 1 and on."""
    items = [word(random) for _ in range(random.randrange(1, 40))]
    distinct = list(dict.fromkeys(items))
    flat = [part for one in distinct for part in (one, word(random))]
    scored = [part for i, one in enumerate(sorted(distinct)) for part in (one, b"%d" % i)]
    numbers = sorted({random.choice(INTEGERS) for _ in range(5)})
    small = sorted({random.randrange(-100, 100) for _ in range(5)})
    packed = [
        (Form.LIST_ZIPLIST, write_string(ziplist(items))),
        (Form.LIST_QUICKLIST, quicklist([items, items])),
        (Form.HASH_ZIPLIST, write_string(ziplist(flat))),
        (Form.HASH_ZIPMAP, write_string(zipmap(flat))),
        (Form.ZSET_ZIPLIST, write_string(ziplist(scored))),
        (Form.SET_INTSET, write_string(intset(numbers))),
        (Form.SET_INTSET, write_string(intset(small))),
        (
            Form.ZSET,
            zset(distinct, [random.choice((1.5, float("inf"), float("-inf"), -3.0)) for _ in distinct]),
        ),
        (Form.LIST, write_length(len(items)) + b"".join(map(write_string, items))),
        (Form.SET, write_length(len(distinct)) + b"".join(map(write_string, distinct))),
        (Form.HASH, write_length(len(distinct)) + b"".join(map(write_string, flat))),
    ]
    return [seal(bytes([form]) + body, random.choice((1, 6, 9, 10))) for form, body in packed]


@pytest.mark.parametrize("seed", range(10))
def test_the_forms_of_older_servers_are_read_alike(oracle: Oracle, seed: int) -> None:
    executor = Executor(watches=False)
    for number, payload in enumerate(old_forms(Random(seed))):
        request = [b"RESTORE", b"%d" % number, b"0", payload]
        assert oracle.run_all(3, [request]) == [("+", b"OK")], payload
        assert str(executor.run(request, NOW_MS, 0)) == "Simple(text='OK')", payload
    compare_states(oracle, 3, executor)


def test_a_payload_is_not_larger_than_theirs_by_much(oracle: Oracle) -> None:
    """Theirs are compressed; without that ours are the smaller ones."""
    oracle.run_all(3, [[b"CONFIG", b"SET", b"rdbcompression", b"no"]])
    executor = Executor(watches=False)
    for args in commands(Random(1)):
        oracle.run_all(3, [args])
        executor.run(args, NOW_MS, 0)
    theirs = sum(len(tree[1]) for tree in oracle.run_all(3, [[b"DUMP", key] for key in keys(oracle)]))
    ours = 0
    for key in keys(oracle):
        payload = executor.run([b"DUMP", key], NOW_MS, 0)
        assert isinstance(payload, bytes)
        ours += len(payload)
    oracle.run_all(3, [[b"CONFIG", b"SET", b"rdbcompression", b"yes"]])
    assert ours < theirs * 1.3, (ours, theirs)
