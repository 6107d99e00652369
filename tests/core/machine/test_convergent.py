"""What a replica of mode ``eventual`` shows: as Redis alone, and the same as the others in the end."""

import msgspec
import pytest

from tests.core.machine.convergence import DB, START_MS, Oracle, Replica, alone, plain, together
from trivet.core.access.users import Users
from trivet.core.command.table import ROWS
from trivet.core.lattice.hlc import Hlc
from trivet.core.machine.convergent import OTHER_DATABASE, RESTORES_MORE, Convergent
from trivet.core.machine.convergent_rows import REFUSALS
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.specials import OUT_OF_MEMORY, UNKNOWN
from trivet.core.wire.reply import OK, Error


@pytest.mark.parametrize("seed", range(30))
def test_alone_it_answers_as_an_ordinary_database(seed):
    alone(seed)


@pytest.mark.parametrize("seed", range(40))
def test_three_show_the_same_when_all_have_heard_all(seed):
    together(seed)


@pytest.mark.soak
def test_worlds_for_long():
    for seed in range(2000):
        alone(seed)
        together(seed)


def execute(replica: Replica, *lines: str, way: tuple[bytes, ...] = ()):
    packed = encode_calls([(DB, line.encode().split()) for line in lines])
    return replica.run([*way, b"EXEC", packed, b""])


def test_a_transaction_is_updates_one_after_the_other():
    replica = Replica(1)
    replies, made = execute(replica, "INCR a", "SADD a x", "SET b 1", "RENAME a b", "GET b")
    assert replies[0][0] == 1 and replies[0][2] == OK and replies[0][4] == b"1"
    assert replies[0][1].text.startswith("WRONGTYPE") and replies[0][3] == REFUSALS[b"RENAME"]
    assert [(delta.key, delta.number) for delta in made] == [(b"a", 1), (b"b", 2)]
    replica.check()


def test_rights_are_looked_at_in_a_transaction():
    replica = Replica(1)
    replica.executor.users.set_user(b"bob", b"", [b"on", b"nopass", b"~*", b"+get", b"+exec"])
    replies, made = execute(replica, "GET a", "SET a 1", way=(b"AS", b"bob", b"9"))
    assert replies[0][0] is None and replies[0][1].text.startswith("NOPERM") and not made
    assert [one.user for one in replica.executor.denied] == [b"bob"]
    assert replica.say("SET a 1")[0] == OK  # the next call is nobody's


def test_what_is_no_call_is_unknown():
    replica = Replica(1)
    for args in ([], [b"NONSENSE"], [b"AS", b"bob", b"9", b"AS", b"bob", b"9", b"GET", b"k"]):
        assert replica.run(args)[0] == [UNKNOWN]
    assert replica.executor.run([(DB + 1, [b"GET", b"k"])], START_MS, 1, []) == [OTHER_DATABASE]
    assert replica.say("XREAD BLOCK 0 STREAMS s 0")[0].text.startswith("ERR calls that wait are not")
    assert replica.say("EVAL x 0")[0] == REFUSALS[b"EVAL"] and replica.say("SCRIPT LOAD x")[0] == OK


def test_a_defect_is_an_error_and_leaves_what_was(monkeypatch):
    replica = Replica(1)
    replica.say("RPUSH k x y")

    def broken(context, args):
        value = context.db.edit(args[1])
        value.take(True)
        raise RuntimeError("in the middle")

    monkeypatch.setitem(ROWS, b"LPOP", msgspec.structs.replace(ROWS[b"LPOP"], run=broken))
    reply, made = replica.say("LPOP k")
    assert isinstance(reply, Error) and not made and replica.executor.defects
    replica.check()
    assert replica.say("LRANGE k 0 -1")[0] == [b"x", b"y"]
    monkeypatch.undo()
    assert replica.say("LPOP k")[0] == b"x"
    replica.check()


def test_without_memory_nothing_grows_and_all_else_goes():
    replica = Replica(1)
    replica.say("SET a 1")
    replica.executor.refuses_growth = True
    assert replica.say("SET b 1")[0] == OUT_OF_MEMORY and replica.say("GET a")[0] == b"1"
    assert isinstance(execute(replica, "SET b 1")[0][0], Error)
    assert replica.say("DEL a")[0] == 1
    replica.check()


def test_a_sweep_removes_what_is_late_for_all():
    replica, other = Replica(1), Replica(2)
    made = replica.say("SET a 1 PX 10")[1] + replica.say("SET b 1")[1]
    assert (replica.executor.keys, replica.executor.deadline_count) == (2, 1)
    assert replica.executor.next_deadline_ms == START_MS + 10
    assert not replica.executor.sweep(START_MS + 9, 10)
    made += replica.executor.sweep(START_MS + 10, 10)
    for delta in made:
        other.hear(delta)
    for one in (replica, other):
        one.check()
        assert list(one.shown()) == [b"b"]


def test_versions_change_with_what_is_held_and_changed_keys_are_told():
    replica, other = Replica(1), Replica(2)
    before = replica.executor.version(b"k")
    _, made = other.say("SET k v")
    assert other.executor.changed == [b"k"]
    replica.hear(made[0])
    replica.hear(made[0])
    assert replica.executor.changed == [b"k"] and replica.executor.version(b"k") != before
    assert replica.executor.version(b"k") == other.executor.version(b"k")


def test_events_and_messages_are_told():
    replica = Replica(1)
    replica.executor.notifies = -1
    replica.say("SET k v")
    assert b"k" in replica.executor.events[0]
    replica.say("PUBLISH channel text")
    assert replica.executor.published == [(False, b"channel", b"text")]


def test_everything_is_flushed_as_far_as_it_is_seen():
    replica, other = Replica(1), Replica(2)
    first = replica.say("SADD s x")[1] + replica.say("SET k 1")[1]
    for delta in first:
        other.hear(delta)
    late = other.say("SADD s y")[1]
    flushed = replica.say("FLUSHALL")[1]
    assert replica.executor.keys == 0 and len(flushed) == 2
    replica.hear(late[0])
    assert replica.shown() == {b"s": {b"y"}}
    replica.check()


def test_what_was_held_is_shown_after_a_restart_and_when_the_database_becomes_known():
    replica = Replica(1)
    for line in ("SADD s x", "RPUSH l a b", "SET k v PX 500", "XADD x * f v", "DEL s"):
        replica.say(line)
    again = Convergent(replica.lattice, 1, 1 << 44 | 2, Hlc(), Users())
    assert again.keys == 0
    again.settle_in(DB)
    again.settle_in(DB)
    shown = {key: plain(again.view.values.get(key)) for key in again.view.values}
    assert shown == replica.shown() and again.view.deadline_ms(b"k") == START_MS + 500


class TestRestore:
    """``RESTORE``: of all that updates can tell."""

    @pytest.mark.parametrize(
        "lines",
        [
            ("XADD k 1-1 f v", "XGROUP CREATE k group 0"),
            ("HSET k f v g w", "HEXPIRE k 100 FIELDS 1 f"),
        ],
    )
    def test_what_no_update_tells_is_refused(self, lines):
        oracle, replica = Oracle(), Replica(1)
        for line in lines:
            oracle.run(line.encode().split(), START_MS, 1)
        saved = oracle.run([b"DUMP", b"k"], START_MS, 1)
        replica.say("SET a old")
        replies, made = replica.run([b"RESTORE", b"a", b"0", saved, b"REPLACE"])
        assert replies == [RESTORES_MORE] and not made
        assert replica.say("GET a")[0] == b"old"
        replica.check()
        assert replica.run([b"RESTORE", b"new", b"0", saved]) == ([RESTORES_MORE], [])
        assert replica.say("EXISTS new")[0] == 0
        replica.check()

    def test_a_stream_in_place_of_a_stream(self):
        oracle, replica = Oracle(), Replica(1)
        oracle.run(b"XADD k 5-1 f old".split(), START_MS, 1)
        saved = oracle.run([b"DUMP", b"k"], START_MS, 1)
        replica.say("XADD k 9-9 f new")
        replica.run([b"RESTORE", b"k", b"0", saved, b"REPLACE"])
        replica.check()
        assert replica.say("XLEN k")[0] == 1


def test_ids_of_streams_carry_the_node():
    replica = Replica(5)
    ms = START_MS
    assert replica.say("XADD s * f v")[0] == b"%d-5" % ms
    assert replica.say("XADD s * f v")[0] == b"%d-%d" % (ms, (1 << 20) + 5)
    assert replica.say("XADD s NOMKSTREAM MAXLEN = 9 LIMIT 3 * f v")[0].text.startswith("ERR")
    assert replica.say("XADD s MAXLEN ~ 9 LIMIT 3 %d-* f v" % (ms + 1))[0] == b"%d-5" % (ms + 1)
    assert replica.say("XADD s 1-* f v")[0].text.startswith(
        "ERR The ID specified in XADD is equal or smaller"
    )
    replica.check()


def test_entries_of_others_come_between():
    one, other = Replica(1), Replica(2)
    made = [other.say(f"XADD s {at}-2 f v")[1][0] for at in range(1, 300)]
    for at in range(1, 300, 3):
        one.say(f"XADD s {at}-1 f v")
    for delta in made:
        one.hear(delta)
        one.check()
    assert one.say("XLEN s")[0] == 399
