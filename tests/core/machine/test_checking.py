"""Which calls run in a group that has not all slots (Rules O1, O2, O3)."""

import pytest

from tests.core.command.key_examples import EXAMPLES
from tests.core.machine.replicas import call, execute
from tests.core.machine.test_rights import on_behalf
from tests.core.machine.two_groups import HIGH, LOW, Group, Groups, Move, key_in
from trivet.core.command.table import ROWS, Flag
from trivet.core.machine.checking import WHOLE, is_wary, names_of
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.importing import TAKEN
from trivet.core.machine.owner import WIDER
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Blocked, Error

HERE, THERE = key_in(LOW), key_in(HIGH)
OLD, NOW = 1, 7


def half() -> Group:
    """A group that has the lower slots, by a map of epoch 7."""
    group = Group()
    assert group.say("FOUND", "0-8191", NOW) == OK
    return group


def lines() -> list[str]:
    return [line for line in EXAMPLES.strip().splitlines() if line.split()[0].encode() in ROWS]


@pytest.mark.parametrize("line", lines())
def test_no_command_runs_without_its_keys(line):
    """O2: each key of each example is looked at, in writes, reads, transactions and calls that wait."""
    group = half()
    words = line.split()
    places = [i for i, word in enumerate(words) if word[0] == "k" and word[1:].isdigit()]
    row = ROWS[words[0].encode()]
    if row.run is None and words[0] != "WATCH":
        return
    for place in places:
        moved = " ".join(
            THERE if i == place else HERE if i in places else word for i, word in enumerate(words)
        )
        if words[0] == "WATCH":
            moved = "WATCH 1 " + moved.removeprefix("WATCH ")
        assert group.do(moved, OLD) == NOT_HERE, moved
        if row.flags & Flag.BLOCKING:
            assert group.do("BLOCK 1 " + moved, OLD) == NOT_HERE
        if words[0] != "WATCH":
            assert group.ask([execute([f"GET {HERE}", moved])], NOW) == [NOT_HERE]
            assert group.ask([on_behalf("ann", call(moved))], NOW) == [NOT_HERE]
        if not row.flags & Flag.WRITE and not row.logged and row.run is not None:
            assert group.read(moved, OLD) == NOT_HERE
            assert group.machine.read([execute([moved])], 0, group.machine._reads.prng, NOW) == [NOT_HERE]
    assert not group.machine.databases.key_count()


def test_what_is_owned_runs_whatever_the_epoch():
    group = half()
    for epoch in (0, OLD, NOW, NOW + 1):
        assert group.do(f"SET {HERE} {epoch}", epoch) == OK
        assert group.read(f"GET {HERE}", epoch) == b"%d" % epoch
        assert group.ask([execute([f"GET {HERE}"])], epoch) == [[b"%d" % epoch]]
    assert group.do("PING x", OLD) == Error("ERR unknown command in the log")
    assert group.do("TIME", OLD) == [b"1000", b"%d" % ((group.now_ms % 1000) * 1000)]


def test_a_node_that_knows_the_map_is_believed():
    """O1: it costs nothing per call."""
    group = half()
    assert group.do(f"SET {THERE} 1", NOW) == OK
    assert group.do(f"SET {THERE} 1", NOW - 1) == NOT_HERE


def test_a_founding_group_checks_nothing():
    group = Group()
    assert group.machine.ownership.whole
    assert group.machine.ownership.checks_below == 0
    assert group.do(f"MSET {HERE} 1 {THERE} 2") == OK
    assert group.machine._writes.owner is None
    assert group.machine.databases.open(5).outsiders is None


def test_calls_about_whole_databases_need_a_new_map():
    """O3."""
    group = half()
    group.do(f"SET {HERE} 1", NOW)
    for line in ("DBSIZE", "SCAN 0", "KEYS *", "RANDOMKEY", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1"):
        assert group.do(line, NOW - 1) == NOT_HERE
        assert group.ask([execute([line])], NOW - 1) == [NOT_HERE]
    assert group.read("SCANPART 0", NOW - 1) == NOT_HERE
    assert group.do("DBSIZE", NOW) == 1
    assert group.read("SCANPART 0", NOW) == [b"0", [HERE.encode()]]
    assert WHOLE[0] == b"DBSIZE"


def test_a_seal_in_the_middle_of_a_batch_counts_for_what_follows():
    group = half()
    calls = [
        call(f"SET {HERE} 1"),
        call("SEAL 1 0-8191"),
        call(f"SET {HERE} 2"),
        call("UNSEAL 1"),
        call(f"GET {HERE}"),
    ]
    assert group.ask(calls, NOW) == [OK, OK, NOT_HERE, OK, b"1"]


def test_sealed_slots_are_neither_read_nor_written():
    group = half()
    group.do(f"SET {HERE} 1", NOW)
    group.say("SEAL", 1, "0-8191")
    for epoch in (OLD, NOW, NOW + 1):
        assert group.read(f"GET {HERE}", epoch) == NOT_HERE
        assert group.do(f"DEL {HERE}", epoch) == NOT_HERE
        assert group.read("DBSIZE", epoch) == NOT_HERE
        assert group.do("FLUSHALL", epoch) == NOT_HERE
    group.say("UNSEAL", 1)
    assert group.read(f"GET {HERE}", NOW) == b"1"
    assert group.read("DBSIZE", NOW) == 1


def test_a_node_that_knows_the_new_owner_before_it_knows_itself_waits():
    groups = Groups()
    move = Move(groups, 1, [HIGH])
    groups.run(f"SET {THERE} 1")
    move.until("end")
    target = groups.groups[1]
    assert target.do(f"GET {THERE}", groups.epoch) == NOT_HERE
    assert target.read(f"GET {THERE}", groups.epoch) == NOT_HERE
    assert target.read("DBSIZE", groups.epoch) == NOT_HERE, "or the slots would be counted nowhere"
    move.step()
    assert target.read(f"GET {THERE}", groups.epoch) == b"1"
    assert target.read("DBSIZE", groups.epoch) == 1


# -- scripts and patterns


def test_a_script_needs_its_keys_and_may_name_no_others():
    group = half()
    script = "redis.call('SET', KEYS[1], 1) return redis.pcall('SET', ARGV[1], 1)"
    group.machine._reads.defects.clear()
    eval_ = (0, [b"EVAL", script.encode(), b"1", THERE.encode(), b"x"])
    assert group.ask([eval_], OLD) == [NOT_HERE]
    eval_ = (0, [b"EVAL", script.encode(), b"1", HERE.encode(), THERE.encode()])
    (reply,) = group.ask([eval_], NOW)
    assert reply == WIDER
    assert group.read(f"EXISTS {HERE}", NOW) == 0, "what it had done is undone"
    stops = script.replace("return redis.pcall", "redis.call") + " redis.call('SET', KEYS[1], 2)"
    (reply,) = group.ask([(0, [b"EVAL", stops.encode(), b"1", HERE.encode(), THERE.encode()])], NOW)
    assert reply == WIDER
    assert group.read(f"EXISTS {HERE}", NOW) == 0


def test_a_script_during_a_move():
    group = half()
    group.say("SEAL", 1, "0-100")
    leaving = key_in((0, 100))
    for inner in (f"'GET', '{leaving}'", "'FLUSHALL'", "'DBSIZE'"):
        script = f"return redis.call({inner})".encode()
        (reply,) = group.ask([(0, [b"EVAL", script, b"1", key_in((101, 8191)).encode()])], NOW)
        assert reply == NOT_HERE
    group.say("UNSEAL", 1)
    (reply,) = group.ask([(0, [b"EVAL", b"return redis.call('DBSIZE')", b"0"])], NOW)
    assert reply.text.startswith("CROSSSLOT the database is in several groups"), "it would be a part of it"


def test_patterns_of_sort_look_at_no_key_of_another_group():
    group = half()
    tag = HERE
    group.ask([call(f"RPUSH {tag} 2 1"), call(f"MSET w{{{tag}}}1 9 w{{{tag}}}2 8")], NOW)
    assert group.do(f"SORT {tag} BY w{{{tag}}}* GET #", NOW) == [b"2", b"1"]
    for line in (f"SORT {tag} BY w*{{{THERE}}}", f"SORT {tag} GET # GET w*{{{THERE}}}->f STORE {tag}"):
        assert group.do(line, NOW) == WIDER
    group.say("SEAL", 1, "0-0")
    assert group.do(f"SORT {tag} GET w*{{{key_in((0, 0))}}}", NOW) == NOT_HERE


# -- transactions and watches


def test_whose_watch_is_broken_learns_that_wherever_the_keys_are():
    group = half()
    group.do(f"WATCH 5 {HERE}", NOW)
    group.say("SEAL", 1, "0-8191")
    assert group.do(f"WATCH 6 {HERE}", NOW) == NOT_HERE
    assert group.ask([execute([f"SET {HERE} 1"], "5")], NOW) == [NULL_ARRAY]
    assert group.ask([execute([f"SET {HERE} 1"])], NOW) == [NOT_HERE]
    group.say("UNSEAL", 1)
    group.do(f"WATCH 5 {HERE}", NOW)
    assert group.ask([execute([f"SET {THERE} 1"], "5")], NOW) == [NOT_HERE], "its keys are elsewhere"
    assert group.ask([execute([f"SET {HERE} 1"], "5")], NOW) == [[OK]]


def test_replies_in_a_transaction_are_no_calls():
    group = half()
    packed = execute([f"GET {HERE}"])
    assert group.ask([packed], NOW) == [[None]]
    calls = encode_calls([(-1, [b"+", b"PONG"]), call(f"GET {HERE}")])
    (reply,) = group.ask([(0, [b"EXEC", calls, b""])], NOW)
    assert reply[1] is None


def test_names_of_calls_that_are_no_commands():
    assert names_of([b"WATCH", b"1", b"a", b"b"]) == [b"a", b"b"]
    assert names_of([b"BLOCK", b"1", b"BLPOP", b"a", b"0"]) == [b"a"]
    assert names_of([b"RETRY", b"1", b"BLPOP", b"a", b"0"]) == [b"a"]
    assert names_of([b"AWAIT", b"1", b"there", b"a", b"b"]) == [b"a", b"b"]
    assert names_of([b"COLLECT", b"1", b"7", b"values", b"a", b"b"]) == [b"a", b"b"]
    assert names_of([b"COLLECTED", b"1", b"7", b"40", b"a", b"b"]) == [b"a", b"b"]
    assert names_of([b"SETTING", b"a", b"b"]) == []
    assert names_of([b"GET"]) == []


# -- others


def test_nobody_evicts_what_is_sealed_or_foreign():
    group = half()
    group.do(f"SET {HERE} 1", NOW)
    group.say("SEAL", 1, "0-8191")
    assert group.say("EVICT", 0, 0, HERE) == OK
    group.say("UNSEAL", 1)
    assert group.read(f"GET {HERE}", NOW) == b"1"
    group.say("EVICT", 0, 0, HERE)
    assert group.read(f"GET {HERE}", NOW) is None


def test_a_wait_begins_only_where_the_keys_are():
    group = half()
    assert group.do(f"BLOCK 1 BLPOP {THERE} 0", OLD) == NOT_HERE
    assert isinstance(group.do(f"BLOCK 1 BLPOP {HERE} 0", OLD), Blocked)
    assert group.do(f"AWAIT 1 there {HERE} {THERE}", OLD) == NOT_HERE
    assert not group.machine.waiting.by_key.get((0, THERE.encode()))
    assert group.say("IMPORT", "BEGIN", 1, "8192-8200", 1) == [TAKEN]
    assert group.do(f"BLOCK 2 BLPOP {key_in((8192, 8200))} 0", NOW) == NOT_HERE


def test_calls_that_come_to_keys_which_they_did_not_name():
    for line in ("EVAL 'return 1' 0", "FCALL f 0", "SORT a BY b*"):
        assert is_wary(call(line)[1])
        assert is_wary(execute(["GET a", line])[1])
        assert is_wary([b"AS", b"user", b"8", *call(line)[1]])
    assert not is_wary(execute(["GET a"])[1])
    assert not is_wary(call("GET a")[1])
