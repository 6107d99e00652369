"""Cursors of scans: valid on every node, through leader changes, splits and merges."""

import pytest

from tests.core.node.bench import Bench
from trivet.lab.resp import ReplyParser, Value, request


def ask(bench: Bench, client: str, node: int, *words: bytes) -> Value:
    """The reply to one command through a node."""
    name = f"{client}{node}"
    if name not in bench.clients or not bench.clients[name].open:
        bench.connect(name, node)
    bench.send(name, request(list(words)))
    bench.settle()
    data = b"".join(data for conn, data in _replies(bench) if conn == bench.clients[name].conn)
    (reply,) = ReplyParser().feed(data)
    return reply


def _replies(bench: Bench) -> list[tuple[int, bytes]]:
    found = [reply for _, effects in bench.effects for reply in effects.replies]
    bench.effects.clear()
    return found


@pytest.mark.parametrize("scan", [b"SCAN", b"HSCAN", b"SSCAN", b"ZSCAN"])
def test_what_is_there_all_along_is_returned(scan):
    bench = Bench(3)
    write = {
        b"SCAN": lambda n: [b"SET", n, b"v"],
        b"HSCAN": lambda n: [b"HSET", b"k", n, b"v"],
        b"SSCAN": lambda n: [b"SADD", b"k", n],
        b"ZSCAN": lambda n: [b"ZADD", b"k", b"1", n],
    }[scan]
    remove = {
        b"SCAN": [b"DEL"],
        b"HSCAN": [b"HDEL", b"k"],
        b"SSCAN": [b"SREM", b"k"],
        b"ZSCAN": [b"ZREM", b"k"],
    }
    for first in range(0, 3000, 500):
        names = [b"stays:%d" % number for number in range(first, first + 500)]
        command = [b"MSET"] if scan == b"SCAN" else write(b"")[:2]
        ask(bench, "w", 1, *command, *[word for name in names for word in write(name)[len(command) :]])
    seen: set[bytes] = set()
    cursor, rounds, leader = b"0", 0, 1
    while True:
        node = rounds % 3 + 1
        where = [] if scan == b"SCAN" else [b"k"]
        reply = ask(bench, "s", node, scan, *where, cursor, b"COUNT", b"100")
        assert isinstance(reply, tuple) and isinstance(reply[0], bytes) and isinstance(reply[1], tuple)
        cursor = reply[0]
        step = 1 if scan in (b"SCAN", b"SSCAN") else 2
        seen.update(item for item in reply[1][::step] if isinstance(item, bytes))
        if cursor == b"0":
            break
        rounds += 1
        if rounds % 10 == 5:
            bench.crash(leader)
            leader = leader % 3 + 1
            bench.elect(leader)
            for server in bench.servers.values():
                if server.node is None:
                    bench.start(server.number)
            bench.wait(500)
        for number in range(40):  # come and go: tables split and merge meanwhile
            name = b"goes:%d:%d" % (rounds, number)
            ask(bench, "w", leader, *write(name))
            if rounds % 3:
                ask(bench, "w", leader, *remove[scan], name)
    assert {b"stays:%d" % number for number in range(3000)} <= seen
    assert rounds > 10
