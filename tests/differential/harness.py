"""Runs the same commands here and in a private redis-server, and compares.

``Executor`` is one replica's machine without log or network: rows, context,
values. ``Oracle`` is redis-server 7.0, started on a unix socket. ``compare_run``
feeds both, compares reply by reply in RESP2 or RESP3, then the whole state, and
on the way checks what the rest of the system relies on:

- a command that is not a write changes nothing;
- a key changes only after the change hook was told, so snapshots are exact;
- a replica restored from a snapshot half-way answers every write alike.

A family registers a strategy of commands with ``register`` (in a file named
``family_*.py``). Replies that need more than equality get a ``Rule``.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

import trivet.core.script.rows  # noqa: F401
from trivet.core.base.prng import Prng
from trivet.core.command.lookup import find_row
from trivet.core.command.table import Context, Flag
from trivet.core.values.codec import decode_items, encode_items, item_of, load_items, state_digest
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import OK, Error, Reply

Args = list[bytes]
Tree = Any
"""A parsed reply: (type byte, content); content of aggregates is a list of trees."""

COMMANDS_TOTAL = int(os.environ.get("TRIVET_DIFFERENTIAL_COMMANDS", "10000"))
ORACLE_VERSION = "7.0."
TIME_TOLERANCE_MS = 30_000
AGGREGATES = "*~%>"


# What is compared, and how


class Rule(msgspec.Struct):
    """How a command's replies are compared, and what the oracle runs instead when ours is random."""

    matches: Callable[[Args, Tree, Tree], bool]
    instead: Callable[[Args, Reply], Args] | None = None


def equal(args: Args, ours: Tree, theirs: Tree) -> bool:
    """The same bytes."""
    return ours == theirs


def unordered(args: Args, ours: Tree, theirs: Tree) -> bool:
    """The same elements in any order."""
    return same_shape(args, ours, theirs) and (ours == theirs or sorted(ours[1]) == sorted(theirs[1]))


def unordered_pairs(args: Args, ours: Tree, theirs: Tree) -> bool:
    """The same pairs in any order; flat in RESP2."""
    return same_shape(args, ours, theirs) and (ours == theirs or pairs_of(ours) == pairs_of(theirs))


def pairs_of(tree: Tree) -> list[Tree]:
    """The pairs of a flat array or a map, sorted."""
    return sorted(zip(tree[1][::2], tree[1][1::2], strict=True))


def same_shape(args: Args, ours: Tree, theirs: Tree) -> bool:
    """The same type, and as many elements: all that can be said of a random choice."""
    if ours[0] != theirs[0]:
        return False
    return ours[0] not in AGGREGATES or len(ours[1]) == len(theirs[1])


def same_or_both_random(args: Args, ours: Tree, theirs: Tree) -> bool:
    """Equal errors; otherwise the same shape."""
    return ours == theirs if ours[0] == "-" else same_shape(args, ours, theirs)


def about_the_same_time(args: Args, ours: Tree, theirs: Tree) -> bool:
    """Numbers of seconds or milliseconds that differ by what the two runs are apart."""
    if ours[0] != ":" or theirs[0] != ":" or min(ours[1], theirs[1]) < 0:
        return bool(ours == theirs)
    return abs(ours[1] - theirs[1]) <= TIME_TOLERANCE_MS


ZERO: Tree = ("$", b"0")


def scanned(args: Args, ours: Tree, theirs: Tree) -> bool:
    """A first call over a small container gives all of it, in any order, and cursor 0.

    Redis may give less of one that it keeps in a table, as ``COUNT`` asks: then ours has what theirs has.
    """
    if ours[0] != "*" or theirs[0] != "*":
        return bool(ours == theirs)
    if ours[1][0] == ZERO != theirs[1][0]:
        return all(element in ours[1][1][1] for element in theirs[1][1][1])
    return bool(ours[1][0] == theirs[1][0] and sorted(ours[1][1][1]) == sorted(theirs[1][1][1]))


def scanned_pairs(args: Args, ours: Tree, theirs: Tree) -> bool:
    """As ``scanned``, of fields with values or members with scores."""
    if ours[0] != "*" or theirs[0] != "*":
        return bool(ours == theirs)
    if ours[1][0] == ZERO != theirs[1][0]:
        return all(pair in pairs_of(ours[1][1]) for pair in pairs_of(theirs[1][1]))
    return bool(ours[1][0] == theirs[1][0] and pairs_of(ours[1][1]) == pairs_of(theirs[1][1]))


RULES: dict[bytes, Rule] = {}
"""By upper-case name; ``equal`` for those not named."""

for _name in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"):
    RULES[_name.encode()] = Rule(about_the_same_time)
for _name in ("KEYS", "SMEMBERS", "HKEYS", "HVALS", "SINTER", "SUNION", "SDIFF"):
    RULES[_name.encode()] = Rule(unordered)
for _name in ("TIME", "OBJECT", "RANDOMKEY"):
    RULES[_name.encode()] = Rule(same_or_both_random)
RULES[b"HGETALL"] = Rule(unordered_pairs)
RULES[b"SCAN"] = Rule(scanned)


FAMILIES: dict[str, st.SearchStrategy[Args]] = {}


def register(name: str, strategy: st.SearchStrategy[Args]) -> None:
    """Add a family: a strategy that makes one command at a time."""
    assert name not in FAMILIES
    FAMILIES[name] = strategy


# Strategies that families share

KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"", b"\x00\xff\r\n"])
SMALL_INTS = st.integers(-6, 6).map(lambda number: b"%d" % number)
EDGE_INTS = st.sampled_from(
    [
        b"9223372036854775807",
        b"-9223372036854775808",
        b"9223372036854775808",
        b"-9223372036854775809",
        b"4611686018427387904",
        b"-4611686018427387904",
        b"2147483648",
        b"-2147483649",
        b"1099511627776",
        b"9223372036854775806",
        b"-9223372036854775807",
        b"1152921504606846976",
        b"536870913",
        b"-1",
        b"0",
        b"1",
    ]
)
BAD_INTS = st.sampled_from(
    [b"", b"x", b"1.5", b"+1", b"01", b" 1", b"1 ", b"-0", b"--1", b"1e3", b"0x10", b"-", b"\xb2"]
)
INTS = st.one_of(SMALL_INTS, SMALL_INTS, SMALL_INTS, EDGE_INTS, BAD_INTS)
FLOATS = st.one_of(
    st.sampled_from(
        [
            b"0",
            b"-0",
            b"0.1",
            b"3.0",
            b"-2.5",
            b"1e3",
            b"1e-7",
            b".5",
            b"5.",
            b"inf",
            b"-inf",
            b"+Inf",
            b"infinity",
            b"nan",
            b"1e308",
            b"1e309",
            b"1e-400",
            b"0x10",
            b"0x1.8p3",
            b"",
            b" 1",
            b"1 ",
            b"x",
            b"1e",
            b"1.0.0",
            b"123456789.123456789",
            b"0.30000000000000004",
            b"1e17",
            b"1e21",
            b"9007199254740993",
            b"-1e300",
            b"5e-324",
            b"1e4931",
        ]
    ),
    st.floats(-1000, 1000, allow_nan=False).map(lambda number: repr(number).encode()),
    st.integers(-5, 5).map(lambda number: b"%d" % number),
)
VALUES = st.one_of(
    st.sampled_from(
        [b"", b"x", b"hello", b"0", b"10", b"-3", b"3.5", b"9223372036854775807", b"\x00\xff\r\n", b"a" * 70]
    ),
    st.binary(max_size=8),
)
PATTERNS = st.one_of(
    st.sampled_from(
        [
            b"*",
            b"a*",
            b"?",
            b"[ab]",
            b"[^a]",
            b"[a-c]",
            b"\\a",
            b"",
            b"**",
            b"*a*",
            b"[",
            b"[a",
            b"[^",
            b"\\",
            b"[a-]",
        ]
    ),
    st.text("ab*?[]^-\\", max_size=6).map(str.encode),
)


def words(*parts: bytes | st.SearchStrategy[bytes]) -> st.SearchStrategy[Args]:
    """A command of fixed words and drawn arguments."""
    return st.tuples(*(st.just(part) if isinstance(part, bytes) else part for part in parts)).map(list)


def joined(*parts: st.SearchStrategy[Args]) -> st.SearchStrategy[Args]:
    """A command made of several drawn lists."""
    return st.tuples(*parts).map(lambda lists: [word for part in lists for word in part])


def some(part: st.SearchStrategy[bytes], least: int = 0, most: int = 3) -> st.SearchStrategy[Args]:
    """Some arguments of one kind."""
    return st.lists(part, min_size=least, max_size=most)


def options(*choices: bytes | st.SearchStrategy[Args], most: int = 2) -> st.SearchStrategy[Args]:
    """Up to ``most`` of the options, repeated and contradicting ones included."""
    parts = [st.just([choice]) if isinstance(choice, bytes) else choice for choice in choices]
    return st.lists(st.one_of(*parts), max_size=most).map(
        lambda lists: [word for part in lists for word in part]
    )


# Our side


class _Watcher:
    """The change hook: notes who was announced, and that nothing had changed by then."""

    def __init__(self, executor: "Executor") -> None:
        self.executor = executor
        self.announced: dict[tuple[int, bytes], bool] = {}
        self.flushed = False

    def before_change(self, database: Database, key: bytes) -> None:
        place = (database.index, key)
        if not self.flushed and place not in self.announced:
            assert _encoded(database, key) == self.executor.known.get(place), (
                f"changed before the hook: {place}"
            )
        self.announced[place] = True

    def before_flush(self, database: Database) -> None:
        self.flushed = True


class Executor:
    """One machine: runs commands straight over the rows.

    ``watches``: after each command all that there is is looked at, whether only what was announced has changed.
    """

    def __init__(self, watches: bool = True) -> None:
        self.watches = watches
        self.databases = Databases()
        self.context = Context(self.databases)
        self.known: dict[tuple[int, bytes], bytes] = {}
        self.watcher = _Watcher(self)
        if watches:
            self.databases.set_hook(self.watcher)

    def run(self, args: Args, now_ms: int, seed: int) -> Reply:
        """The reply to one command."""
        row = find_row(args)
        if isinstance(row, Error):
            return row
        context = self.context
        context.now_ms = now_ms
        context.prng = Prng(seed)
        self.databases.set_now(now_ms)
        if row.run is None:
            assert row.name == "select", f"the node answers {row.name}"
            self.select(int(args[1]))
            return OK
        self.watcher.announced.clear()
        self.watcher.flushed = False
        reply = row.run(context, args)
        if self.watches:
            self._check_changes(args, Flag.WRITE in row.flags or row.logged)
        return reply

    def select(self, index: int) -> None:
        """Choose the database of the following commands."""
        self.context.db_index = index
        self.context.db = self.databases.open(index)

    def restored(self) -> "Executor":
        """A replica from a snapshot of this one."""
        twin = Executor()
        for index, database in self.databases.items():
            items = [item for key in database.values if (item := item_of(database, key)) is not None]
            load_items(twin.databases.open(index), decode_items(encode_items(items)))
        twin.select(self.context.db_index)
        twin.known = dict(self.known)
        return twin

    def _check_changes(self, args: Args, is_write: bool) -> None:
        after = {
            (index, key): encoded
            for index, database in self.databases.items()
            for key in database.values
            if (encoded := _encoded(database, key)) is not None
        }
        if after != self.known and args[0].upper() != b"SWAPDB":
            assert is_write, f"{args} is no write and changed something"
            changed = {
                place
                for place in after.keys() | self.known.keys()
                if after.get(place) != self.known.get(place)
            }
            if not self.watcher.flushed:
                missing = changed - self.watcher.announced.keys()
                assert not missing, f"{args} changed {missing} without telling the hook"
        self.known = after
        for database in self.databases.opened():
            database.check_invariants()


def _encoded(database: Database, key: bytes) -> bytes | None:
    item = item_of(database, key)
    return None if item is None else encode_items([item])


# Their side


class Oracle:
    """A private redis-server on a unix socket."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trivet-oracle-"))
        self.connections: dict[int, socket.socket] = {}
        self.process = self._start()
        self.reconnect()

    def _start(self) -> "subprocess.Popen[bytes]":
        path = self.folder / "redis.sock"
        return subprocess.Popen(
            [
                "redis-server",
                "--port",
                "0",
                "--unixsocket",
                str(path),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                str(self.folder),
                "--hz",
                "10",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )

    def revived(self) -> bool:
        """Whether it had died, by a crash of its own; another one stands in its place then."""
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            return False
        (self.folder / "redis.sock").unlink(missing_ok=True)
        self.process = self._start()
        self.reconnect()
        return True

    def reconnect(self) -> None:
        """New connections in the place of the present ones."""
        for connection in self.connections.values():
            connection.close()
        path = self.folder / "redis.sock"
        self.connections = {2: self._connect(path), 3: self._connect(path)}
        self.run_all(3, [[b"HELLO", b"3"]])

    @staticmethod
    def is_there() -> bool:
        """Whether a redis-server of the version we follow is installed."""
        if shutil.which("redis-server") is None:
            return False
        version = subprocess.run(
            ["redis-server", "--version"], capture_output=True, text=True, check=False
        ).stdout
        return f"v={ORACLE_VERSION}" in version

    def _connect(self, path: Path) -> socket.socket:
        deadline = time.monotonic() + 20
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                connection.settimeout(60)
                return connection
            except OSError:
                connection.close()
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def run_all(self, protocol: int, requests: list[Args]) -> list[Tree]:
        """The parsed replies to the requests, pipelined."""
        connection = self.connections[protocol]
        connection.sendall(b"".join(encode_request(args) for args in requests))
        reader = connection.makefile("rb")
        return [_parse(reader.readline, reader.read) for _ in requests]

    def close(self) -> None:
        """Stop the server and remove its folder."""
        for connection in self.connections.values():
            connection.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def encode_request(args: Args) -> bytes:
    """A request as clients send it."""
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in args)


def parse_reply(data: bytes) -> Tree:
    """The tree of one encoded reply."""
    import io

    stream = io.BytesIO(data)
    tree = _parse(stream.readline, stream.read)
    assert not stream.read(), f"more than one reply: {data!r}"
    return tree


def _parse(read_line: Callable[[], bytes], read: Callable[[int], bytes]) -> Tree:
    line = read_line()
    assert line.endswith(b"\r\n"), f"connection lost, or a bad reply: {line!r}"
    kind, rest = chr(line[0]), line[1:-2]
    if kind in "+-,(#_":
        return kind, rest
    number = int(rest)
    if kind == ":":
        return kind, number
    if number < 0:
        return kind, None
    if kind in "$=":
        return kind, read(number + 2)[:-2]
    assert kind in AGGREGATES, f"unknown reply type {line!r}"
    return kind, [_parse(read_line, read) for _ in range(number * 2 if kind == "%" else number)]


# Both


def asked_of_redis(args: Args, reply: Reply) -> Args:
    """What the oracle runs: the same, or what does there what we chose by chance."""
    rule = RULES.get(args[0].upper())
    if rule is None or rule.instead is None or isinstance(reply, Error):
        return args
    return rule.instead(args, reply)


def compare(protocol: int, args: Args, reply: Reply, theirs: Tree, before: Sequence[Args] = ()) -> None:
    """Our reply to a command and the oracle's, by the command's rule."""
    rule = RULES.get(args[0].upper())
    ours = parse_reply(encode(reply, protocol))
    after = f"\nafter {before}" if before else ""
    assert (equal if rule is None else rule.matches)(args, ours, theirs), (
        f"{args} in RESP{protocol}\n ours   {ours}\n theirs {theirs}{after}"
    )


def compare_run(oracle: Oracle, protocol: int, commands: list[Args], restore_at: int = -1) -> None:
    """Run the commands on both sides from an empty state and compare; a replica joins at ``restore_at``."""
    executor = Executor()
    twin: Executor | None = None
    replies: list[Reply] = []
    requests: list[Args] = []
    for number, args in enumerate(commands):
        if number == restore_at:
            twin = executor.restored()
        now_ms = int(time.time() * 1000)
        reply = executor.run(args, now_ms, number)
        if twin is not None:
            _compare_twin(twin, args, reply, now_ms, number)
        replies.append(reply)
        requests.append(asked_of_redis(args, reply))
    if twin is not None:
        assert state_digest(executor.databases) == state_digest(twin.databases)
    theirs = oracle.run_all(protocol, [[b"FLUSHALL"], [b"SELECT", b"0"], *requests])[2:]
    for number, args in enumerate(commands):
        compare(protocol, args, replies[number], theirs[number], commands[:number])
    compare_states(oracle, protocol, executor)


def _compare_twin(twin: Executor, args: Args, reply: Reply, now_ms: int, seed: int) -> None:
    """Writes must be answered alike; reads may walk in another order."""
    answered = twin.run(args, now_ms, seed)
    row = find_row(args)
    if not isinstance(row, Error) and Flag.WRITE in row.flags:
        assert encode(answered, 3) == encode(reply, 3), (
            f"a restored replica answers {args} with {answered}, not {reply}"
        )


_READERS: dict[bytes, Callable[[bytes], Args]] = {
    b"string": lambda key: [b"GET", key],
    b"hash": lambda key: [b"HGETALL", key],
    b"list": lambda key: [b"LRANGE", key, b"0", b"-1"],
    b"set": lambda key: [b"SMEMBERS", key],
    b"stream": lambda key: [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"],
    b"zset": lambda key: [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
}


def compare_states(oracle: Oracle, protocol: int, executor: Executor) -> None:
    """The same keys with the same values and about the same deadlines in all databases."""
    for index in range(16):
        executor.select(index)
        _, keys = oracle.run_all(protocol, [[b"SELECT", b"%d" % index], [b"KEYS", b"*"]])
        now_ms = int(time.time() * 1000)
        mine = executor.run([b"KEYS", b"*"], now_ms, 0)
        assert isinstance(mine, list)
        names = sorted(key for _, key in keys[1])
        assert sorted(key for key in mine if isinstance(key, bytes)) == names, f"keys of database {index}"
        for key in names:
            for args in questions_about(oracle, protocol, key):
                reply = executor.run(args, now_ms, 0)
                compare(protocol, args, reply, oracle.run_all(protocol, [args])[0])
        oracle.run_all(protocol, [[b"SELECT", b"0"]])


def questions_about(oracle: Oracle, protocol: int, key: bytes) -> Iterator[Args]:
    """What shows all of a value."""
    kind = oracle.run_all(protocol, [[b"TYPE", key]])[0][1]
    yield [b"TYPE", key]
    yield [b"PEXPIRETIME", key]
    yield _READERS[kind](key)
