"""Scripts in the log: every replica comes to the same, whatever it did before and however it got its state."""

from tests.core.machine.replicas import Replica, call, execute, follow
from trivet.core.base.prng import Prng
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.wire.reply import Error, Simple

SCRIPTS = [
    b"local t = {} for i = 1, 50 do t['k' .. math.random(1000)] = i end redis.call('set', 'a', cjson.encode(t)) return redis.call('time')",
    b"local n = 0 for i = 1, 2000 do n = n + #redis.call('incr', 'c') .. '' end",
    b"redis.call('spop', 's') return redis.call('srandmember', 's', -5)",
    b"while true do redis.call('incr', 'loop') end",
    b"local t = {} while true do t[#t + 1] = string.rep(.x., 50000) .. #t redis.call('incr', 'memory') end",
    b"redis.call('select', 2) redis.call('set', 'b', tostring({}) .. tostring(math.random()))",
    b"error({err = 'MINE'})",
    b"return redis.call('publish', 'c', 'm')",
    b"return cmsgpack.pack(redis.call('lrange', 'l', 0, -1))",
]
LIBRARY = b"#!lua name=l\nredis.register_function('f', function(k, a) return redis.call('rpush', 'l', a[1], math.random(100)) end)"


def history(replica: Replica) -> None:
    replica.run("SADD s a b c d e f")
    replica.run((0, [b"FUNCTION", b"LOAD", LIBRARY]))
    for number, script in enumerate(SCRIPTS):
        replica.run((0, [b"EVAL", script, b"0"]), (0, [b"FCALL", b"f", b"0", b"%d" % number]))
    while replica.machine.applied_index % 64:
        replica.run("INCR filler")


def test_replicas_with_another_past_come_to_the_same():
    replica = Replica()
    history(replica)
    other = Machine(100)
    for script in SCRIPTS[:3] + SCRIPTS[4:5]:  # reads and other machines' scripts leave no trace
        other.read([(0, [b"EVAL_RO", script, b"0"])], 5, Prng(3))
    follow(replica.log, other)
    assert other.digests == replica.machine.digests
    assert not other.defects


def test_a_replica_from_a_snapshot_knows_scripts_and_libraries():
    replica = Replica()
    history(replica)
    restored = Machine(100)
    load, walk = SnapshotLoad(restored), SnapshotWalk(replica.machine, 1 << 16)
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    assert restored.scripts.digest == replica.machine.scripts.digest != 0
    replica.run((0, [b"EVALSHA", b"2067d915024a3e1657c4169c84f809f8ebf2a1a2", b"0"]))
    history(replica)
    follow(replica.log, restored)
    last = replica.machine.applied_index
    assert restored.digests[last] == replica.machine.digests[last]


def test_a_script_inside_a_transaction():
    replica = Replica()
    scripted = [b"EVAL", b"return redis.call('incr', 'a')", b"0"]
    replies = replica.one(execute(["SET a 1", "GET a"]))
    assert replies is not None
    from trivet.core.machine.entry import encode_calls

    packed = encode_calls([(0, scripted), call("GET a"), (0, [b"EVAL", b"error('x')", b"0"]), (0, scripted)])
    found = replica.one((0, [b"EXEC", packed, b""]))
    assert isinstance(found, list)
    assert found[0] == 2
    assert found[1] == b"2"
    assert isinstance(found[2], Error)
    assert found[3] == 3


def test_scripts_watch_and_wake_like_commands():
    replica = Replica()
    replica.run("SET a 1")
    replica.run((0, [b"WATCH", b"5", b"a"]))
    replica.run((0, [b"EVAL", b"redis.call('set', 'a', 2)", b"0"]))
    aborted = replica.one(execute(["SET a 3"], watcher="5"))
    assert not isinstance(aborted, list)
    assert replica.one("GET a") == b"2"


def test_a_user_s_rights_bound_what_a_script_calls():
    """CVE-2026-33343: a call inside of another one is checked too."""
    replica = Replica()
    replica.one((0, [b"USERS", b"SET", b"ann", b"", b"~a", b"+eval", b"+get", b"+set"]))

    def as_ann(script: bytes) -> object:
        return replica.one((0, [b"AS", b"ann", b"7", b"EVAL", script, b"0"]))

    assert as_ann(b"return redis.call('set', 'a', 1)") == Simple("OK")
    for script in (
        b"return redis.call('set', 'b', 1)",
        b"return redis.call('del', 'a')",
        b"redis.pcall('select', 1)",
    ):
        refused = as_ann(script)
        assert refused is None or (
            isinstance(refused, Error) and "The user executing the script can" in refused.text
        ), refused
    assert replica.run("GET a", "EXISTS b") == [b"1", 0]
    assert [denied.context for denied in replica.machine.take_denied()] == ["lua"] * 3
