"""Reads over several groups without locks: what one replica tells and confirms (Rules V1 to V3)."""

import pytest

from tests.core.machine.replicas import Replica, call, execute
from tests.core.machine.transaction_words import finish, ident, lock
from tests.core.machine.two_groups import Group
from trivet.core.base.prng import Prng
from trivet.core.machine import collecting
from trivet.core.machine.machine import Machine
from trivet.core.machine.packets import unpack
from trivet.core.machine.rights import is_question
from trivet.core.transaction.words import unpack_reply
from trivet.core.wire.reply import NotHere


def read(machine: Machine, line: str):
    return machine.read([call(line)], machine.now_ms, Prng(1))[0]


def tell(machine: Machine, keys: str, reader: str = "1 7", how: str = "values") -> tuple[int, dict]:
    """The index, and each key that is there with its value."""
    reply = read(machine, f"COLLECT {reader} {how} {keys}")
    assert isinstance(reply, list)
    packets = unpack(unpack_reply(reply[1]).items) if unpack_reply(reply[1]).items else []
    return reply[0], {item[0]: item[1] for _, _, items in packets for item in items}


def confirm(machine: Machine, index: int, keys: str, reader: str = "1 7"):
    return read(machine, f"COLLECTED {reader} {index} {keys}")


def test_what_has_not_changed_is_confirmed_once():
    replica = Replica()
    replica.run("SET a 1", "SET b 2")
    index, values = tell(replica.machine, "a b none")
    assert (index, values) == (1, {b"a": b"1", b"b": b"2"})
    replica.run("SET other 1")
    assert confirm(replica.machine, index, "a b none") == 1
    assert confirm(replica.machine, index, "a b none") == 0, "it is forgotten"
    assert not replica.machine.collects.watches.keys


def test_only_whether_they_exist():
    replica = Replica()
    replica.run("SET a text", "RPUSH b 2")
    assert tell(replica.machine, "a b none", how="blind")[1] == {b"a": b"", b"b": b""}


@pytest.mark.parametrize(
    "change",
    [
        "SET a 2", "SET a 1", "DEL a", "SET none 1", "APPEND a x", "FLUSHDB", "2:FLUSHALL", "SWAPDB 0 2", "RENAME a none",
        execute(["SET a 2", "SET a 1"]), execute(["SET none 1", "DEL none"]), "EXPIRE a 100",
    ],
)  # fmt: skip
def test_what_has_changed_is_not_whatever_it_is_now(change):
    """V2."""
    replica = Replica()
    replica.run("SET a 1")
    index, _ = tell(replica.machine, "a none")
    replica.one(change)
    assert confirm(replica.machine, index, "a none") == 0


def test_what_goes_by_time():
    """V2: nobody removes it, and it is gone; fields of a hash too."""
    replica = Replica(expire_max=0)
    replica.run("SET a 1 PX 50", "HSET h f v", "HPEXPIRE h 50 FIELDS 1 f")
    index, values = tell(replica.machine, "a")
    assert values == {b"a": b"1"}
    replica.run("SET other 1", at_ms=replica.now_ms + 100)
    assert confirm(replica.machine, index, "a") == 0
    index, _ = tell(replica.machine, "h")
    assert confirm(replica.machine, index, "h") == 0


def test_another_replica_confirms_nothing_and_neither_does_one_that_began_later():
    """V3."""
    replica = Replica()
    replica.run("SET a 1")
    index, _ = tell(replica.machine, "a")
    assert confirm(replica.machine, index, "a", reader="1 8") == 0
    assert confirm(replica.machine, index, "a", reader="2 7") == 0
    replica.run("SET other 1")
    later, _ = tell(replica.machine, "a")
    assert later == index + 1
    assert confirm(replica.machine, index, "a") == 0
    tell(replica.machine, "a")
    assert confirm(replica.machine, later + 5, "a") == 1, "it has watched for longer than needed"


def test_locked_keys_are_not_told_and_not_confirmed():
    """V1; a shared lock is no matter."""
    replica = Replica()
    replica.run("SET a 1", "SET b 1")
    index, _ = tell(replica.machine, "a b")
    replica.one(lock(ident(1), ("a", 0)))
    assert confirm(replica.machine, index, "a b") == 1
    index, _ = tell(replica.machine, "b")
    replica.one(lock(ident(2), ("b", 1)))
    assert isinstance(confirm(replica.machine, index, "b"), NotHere)
    assert isinstance(read(replica.machine, "COLLECT 1 7 values a b"), NotHere)
    assert tell(replica.machine, "a")[1] == {b"a": b"1"}
    replica.one(finish(ident(2)))
    assert tell(replica.machine, "b")[1] == {b"b": b"1"}


def test_what_is_owned_otherwise_is_not_confirmed():
    group = Group()
    machine = group.machine
    group.do("SET k v")
    index, _ = tell(machine, "k")
    machine.owns_otherwise()
    assert confirm(machine, index, "k") == 0


def test_readers_that_do_not_come_again_are_forgotten(monkeypatch):
    monkeypatch.setattr(collecting, "KEYS_MAX", 4)
    replica = Replica()
    replica.run("SET a 1")
    machine = replica.machine
    for number in range(4):
        tell(machine, "a b", reader=f"1 {number}")
    assert len(machine.collects.watches.watchers) == 2
    assert confirm(machine, 1, "a b", reader="1 1") == 0
    assert confirm(machine, 1, "a b", reader="1 3") == 1
    replica.run("SET c 1", at_ms=replica.now_ms + collecting.KEEP_MS + 1)
    for _ in range(64):
        replica.run("SET c 1")
    assert not machine.collects.watches.watchers and machine.databases.open(0).hook is None


def test_replicas_stay_equal_whoever_reads():
    one, other = Replica(), Replica()
    for number in range(100):
        line = f"SET k{number % 7} {number}"
        assert one.run(line) == other.run(line)
        tell(one.machine, f"k{number % 5}", reader=f"1 {number}")
    assert one.machine.digest == other.machine.digest


@pytest.mark.parametrize(
    ("line", "makes_sense"),
    [
        ("COLLECT 1 7 values k", True), ("COLLECT 1 7 blind k l", True), ("COLLECTED 1 7 40 k", True),
        ("COLLECT 1 7 values", False), ("COLLECT 1 x values k", False), ("COLLECT -1 7 values k", False),
        ("COLLECT 1 7 40 k", False), ("COLLECTED 1 7 values k", False), ("COLLECTED 1 7 " + "9" * 19 + " k", False),
    ],
)  # fmt: skip
def test_what_another_node_may_ask(line, makes_sense):
    args = line.encode().split()
    assert is_question(args) is collecting.is_collect(args) is makes_sense
