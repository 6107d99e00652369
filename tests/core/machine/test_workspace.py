"""The workspace: calls run once on locked values; what they answer, change, tell, and lack."""

import msgspec
import pytest

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.access.users import Users
from trivet.core.base.prng import Prng
from trivet.core.command.events import ALL, KEYEVENT, NEW_KEY
from trivet.core.command.fencing import NOT_OVER_GROUPS
from trivet.core.machine import workspace as module
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.lock_modes import locks_of
from trivet.core.machine.packets import Parcel, unpack
from trivet.core.machine.waiting import DEFECT
from trivet.core.machine.workspace import Job, Ran, Workspace
from trivet.core.script.scripts import Scripts, sha1_of
from trivet.core.transaction.words import BLIND, EXCLUSIVE, SHARED
from trivet.core.values.codec import load_items
from trivet.core.values.databases import Databases
from trivet.core.values.list_value import List
from trivet.core.wire.reply import OK, Blocked, Error, MapPairs

NOW = 1_000_000


class Bench:
    """Keys in groups by their first letter: a-m in group 1, others in group 2; the values that they have."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.users = Users()
        self.held = Databases()
        self.held.set_now(NOW)
        self.notifies = 0
        self.refuses_growth = False

    def put(self, key: bytes, value, deadline_ms: int = -1, db: int = 0) -> None:
        held = List(value) if isinstance(value, list) else value
        load_items(self.held.open(db), [(key, held, deadline_ms)])

    def run(self, *args: bytes, more: dict | None = None, times: tuple[int, int] = (NOW, NOW + 5)) -> Ran:
        job = Job((0, list(args)), 9, 1)
        job.now_ms = max(times)
        job.notifies = self.notifies
        job.refuses_growth = self.refuses_growth
        job.prng = Prng(1)
        wanted = {**locks_of(0, list(args)), **(more or {})}
        parcels = {1: Parcel(), 2: Parcel()}
        for (db, key), mode in wanted.items():
            group = 1 if key < b"n" else 2
            job.locks[(db, key)] = (group, mode)
            database = self.held.open(db)
            if database.exists(key):
                if mode == BLIND:
                    blind = Databases()
                    load_items(blind.open(db), [(key, b"", database.deadline_ms(key))])
                    parcels[group].add(blind.open(db), key)
                else:
                    parcels[group].add(database, key)
        job.grants = [(times[group - 1], parcel.packed()) for group, parcel in parcels.items()]
        return self.workspace.run(job, self.users)


def changes(ran: Ran) -> dict[int, list]:
    """By group: keys that are gone, and (key, value) of the others; databases other than 0 with their number."""
    found = {}
    for group, effects in ran.effects.items():
        rows = []
        for db, gone, items in unpack(effects.packets) if effects.packets else []:
            rows += [(key, None) if not db else (db, key, None) for key in gone]
            rows += [(key, value) if not db else (db, key, value) for key, value, _ in items]
        found[group] = rows
    return found


def test_a_rename_takes_the_value_to_the_other_group():
    bench = Bench()
    bench.put(b"a", b"1", NOW + 9_000)
    ran = bench.run(b"RENAME", b"a", b"z")
    assert ran.reply == OK and not ran.missing
    assert changes(ran) == {1: [(b"a", None)], 2: [(b"z", b"1")]}
    ((_, _, ((key, _, deadline_ms),)),) = unpack(ran.effects[2].packets)
    assert (key, deadline_ms) == (b"z", NOW + 9_000)
    assert {effects.time_ms for effects in ran.effects.values()} == {NOW + 5}


def test_what_fails_changes_nothing():
    ran = Bench().run(b"RENAME", b"a", b"z")
    assert ran.reply == Error("ERR no such key") and ran.effects == {}


def test_what_only_reads_has_no_effects():
    bench = Bench()
    bench.put(b"a", b"1")
    ran = bench.run(b"MGET", b"a", b"z")
    assert ran.reply == [b"1", None] and ran.effects == {}


def test_nothing_stays_from_run_to_run():
    bench = Bench()
    bench.run(b"MSET", b"a", b"1", b"z", b"2")
    assert bench.run(b"MGET", b"a", b"z").reply == [None, None]


def test_blind_keys_that_are_only_looked_at_keep_their_value():
    bench = Bench()
    bench.put(b"z", b"precious")
    bench.put(b"a", b"1")
    ran = bench.run(b"RENAMENX", b"a", b"z")
    assert ran.reply == 0 and ran.effects == {}
    ran = bench.run(b"MSETNX", b"b", b"1", b"z", b"2")
    assert ran.reply == 0 and ran.effects == {}


def test_blind_keys_are_replaced_and_removed():
    bench = Bench()
    bench.put(b"z", [b"x"])
    ran = bench.run(b"MSET", b"a", b"", b"z", b"")
    assert changes(ran) == {1: [(b"a", b"")], 2: [(b"z", b"")]}
    ran = bench.run(b"DEL", b"a", b"z")
    assert ran.reply == 1 and changes(ran) == {2: [(b"z", None)]}


def test_a_transaction_answers_one_reply_per_call():
    bench = Bench()
    bench.put(b"z", b"5")
    calls = [
        (0, [b"INCR", b"z"]), (-1, [b"+", b"PONG"]), (0, [b"LPUSH", b"z", b"x"]), (3, [b"SET", b"a", b"v"]),
        (0, [b"GET", b"z"]),
    ]  # fmt: skip
    ran = bench.run(b"EXEC", encode_calls(calls), b"")
    assert isinstance(ran.reply, list)
    assert ran.reply[0] == 6 and ran.reply[2].text.startswith("WRONGTYPE") and ran.reply[3:] == [OK, b"6"]
    assert changes(ran) == {2: [(b"z", b"6")], 1: [(3, b"a", b"v")]}


def test_events_go_with_their_keys_and_messages_home():
    bench = Bench()
    bench.notifies = ALL | KEYEVENT | NEW_KEY
    bench.put(b"a", b"1")
    calls = [(0, [b"RENAME", b"a", b"z"]), (0, [b"PUBLISH", b"news", b"hello"])]
    ran = bench.run(b"EXEC", encode_calls(calls), b"")
    assert [(name, key) for _, _, name, key in ran.effects[1].events] == [(b"rename_from", b"a")]
    assert [(name, key) for _, _, name, key in ran.effects[2].events] == [
        (b"new", b"z"),
        (b"rename_to", b"z"),
    ]
    assert ran.effects[1].published == [(False, b"news", b"hello")] and not ran.effects[2].published


def test_a_message_alone_is_an_effect():
    bench = Bench()
    calls = [(0, [b"MGET", b"a", b"z"]), (0, [b"PUBLISH", b"news", b"hello"])]
    ran = bench.run(b"EXEC", encode_calls(calls), b"")
    assert list(ran.effects) == [1] and ran.effects[1].packets == b""


SCRIPT = b"local v = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[2], v .. ARGV[1]) return v"


def test_a_script_on_keys_of_two_groups():
    bench = Bench()
    bench.put(b"a", b"1")
    ran = bench.run(b"EVAL", SCRIPT, b"2", b"a", b"z", b"!")
    assert ran.reply == b"1" and changes(ran) == {2: [(b"z", b"1!")]}


def test_a_script_that_was_evaluated_here_is_known_by_its_name():
    bench = Bench()
    call = [b"EVALSHA", sha1_of(b"return 7"), b"2", b"a", b"z"]
    assert bench.run(*call).reply.text.startswith("NOSCRIPT")
    bench.run(b"EVAL", b"return 7", b"2", b"a", b"z")
    assert bench.run(*call).reply == 7


def test_what_the_system_group_was_taught_is_known():
    bench = Bench()
    taught = Scripts()
    bench.workspace.know_scripts(taught)
    taught.remember(sha1_of(b"return 8"), b"return 8", True)
    bench.workspace.know_scripts(taught)
    known = bench.workspace.scripts
    assert bench.run(b"EVALSHA", sha1_of(b"return 8"), b"0").reply == 8
    bench.workspace.know_scripts(taught)
    assert bench.workspace.scripts is known, "nothing new was taught"
    taught.forget_scripts()
    bench.workspace.know_scripts(taught)
    assert bench.run(b"EVALSHA", sha1_of(b"return 8"), b"0").reply.text.startswith("NOSCRIPT")


def test_keys_that_a_script_did_not_declare_are_missing():
    """Rule Y1: nothing else of the run counts."""
    bench = Bench()
    bench.put(b"a", b"1")
    code = b"redis.call('SET', KEYS[1], '2') return redis.call('GET', 'other')"
    ran = bench.run(b"EVAL", code, b"1", b"a")
    assert ran.missing == {(0, b"other"): SHARED} and ran.effects == {}
    ran = bench.run(b"EVAL", code, b"1", b"a", more=ran.missing)
    assert ran.reply is None and not ran.missing and changes(ran) == {1: [(b"a", b"2")]}


def test_one_run_finds_all_keys_that_are_missing_on_its_way():
    """It goes on as if they did not exist; what it then does counts for nothing."""
    bench = Bench()
    code = b"for i = 1, 3 do redis.call('INCR', 'n' .. i) end error(redis.call('GET', 'a'))"
    ran = bench.run(b"EVAL", code, b"1", b"a")
    assert ran.missing == {(0, b"n%d" % i): EXCLUSIVE for i in (1, 2, 3)} and ran.effects == {}


def test_a_script_is_stopped_when_too_many_keys_are_missing(monkeypatch):
    monkeypatch.setattr(module, "KEYS_MAX", 10)
    code = b"for i = 1, 99 do redis.call('INCR', 'n' .. i) end"
    ran = Bench().run(b"EVAL", code, b"0")
    assert len(ran.missing) == 11 and "not declared" in ran.reply.text


@pytest.mark.parametrize(
    ("held", "code", "wants"),
    [
        (SHARED, b"return redis.call('INCR', 'other')", EXCLUSIVE),
        (SHARED, b"return redis.call('SET', 'other', '1')", EXCLUSIVE),
        (BLIND, b"return redis.call('GET', 'other')", EXCLUSIVE),
        (BLIND, b"return redis.call('SET', 'other', '1')", None),
        (EXCLUSIVE, b"return redis.call('GET', 'other')", None),
    ],
)
def test_a_lock_that_is_not_enough_is_missing(held, code, wants):
    ran = Bench().run(b"EVAL", code, b"1", b"a", more={(0, b"other"): held})
    assert ran.missing == ({} if wants is None else {(0, b"other"): wants})


def test_all_keys_of_a_pattern_are_found_missing_at_once():
    bench = Bench()
    bench.put(b"a", [b"1", b"2"])
    ran = bench.run(b"SORT", b"a", b"BY", b"w_*", b"STORE", b"z")
    assert ran.missing == {(0, b"w_1"): SHARED, (0, b"w_2"): SHARED}
    bench.put(b"w_1", b"9")
    ran = bench.run(b"SORT", b"a", b"BY", b"w_*", b"STORE", b"z", more=ran.missing)
    assert ran.reply == 2 and [key for key, _ in changes(ran)[2]] == [b"z"]


def test_fencing_numbers_are_not_there():
    bench = Bench()
    ran = bench.run(b"EXEC", encode_calls([(0, [b"SET", b"a", b"1"]), (0, [b"FENCE", b"z"])]), b"")
    assert ran.reply == [OK, NOT_OVER_GROUPS] and not ran.missing


def test_whole_databases_are_not_there():
    ran = Bench().run(b"EVAL", b"return redis.call('DBSIZE')", b"1", b"a")
    assert ran.reply.text.startswith("CROSSSLOT commands about whole databases") and not ran.missing


def test_a_key_exists_by_its_own_groups_time():
    """Rule Y2: it lived when it was locked."""
    bench = Bench()
    bench.put(b"a", b"1", NOW + 2)
    assert bench.run(b"MGET", b"a", b"z").reply == [b"1", None]
    ran = bench.run(b"RENAME", b"a", b"z")
    assert ran.reply == OK


def test_memory_is_short_somewhere():
    bench = Bench()
    bench.refuses_growth = True
    assert bench.run(b"MSET", b"a", b"1", b"z", b"2").reply.text.startswith("OOM")
    ran = bench.run(b"EXEC", encode_calls([(0, [b"SET", b"a", b"1"]), (0, [b"GET", b"z"])]), b"")
    assert ran.reply.text.startswith("EXECABORT") and ran.effects == {}
    assert bench.run(b"DEL", b"a", b"z").reply == 0


def test_on_behalf_of_a_user():
    bench = Bench()
    bench.users.set_user(b"ann", b"", [b"on", b"~*", b"+get", b"+exec", b"+multi"])
    calls = encode_calls([(0, [b"GET", b"a"]), (0, [b"SET", b"z", b"1"])])
    ran = bench.run(b"AS", b"ann", b"9", b"EXEC", calls, b"")
    assert ran.reply[0] is None and ran.reply[1].text.startswith("NOPERM") and ran.effects == {}
    assert [(one.client, one.user, one.context) for one in ran.denied] == [(9, b"ann", "multi")]


@pytest.mark.parametrize("items", [b"\xc1", b"\x91\x93\x00\x90\xc4\x01\xc1"])
def test_bytes_that_are_no_items_are_refused(items):
    job = Job((0, [b"GET", b"a"]), 9, 1)
    job.locks[(0, b"a")] = (1, SHARED)
    job.grants = [(NOW, items)]
    with pytest.raises(ValueError):
        Workspace().run(job, Users())


def test_keys_that_are_not_locked_are_refused():
    bench = Bench()
    bench.put(b"b", b"1")
    parcel = Parcel()
    parcel.add(bench.held.open(0), b"b")
    job = Job((0, [b"GET", b"a"]), 9, 1)
    job.grants = [(NOW, parcel.packed())]
    with pytest.raises(ValueError, match="not locked"):
        Workspace().run(job, Users())


def test_a_defect_is_told_and_stops_nobody(monkeypatch):
    def broken(context, args):
        raise RuntimeError("oops")

    monkeypatch.setitem(module.ROWS, b"MGET", msgspec.structs.replace(module.ROWS[b"MGET"], run=broken))
    bench = Bench()
    ran = bench.run(b"MGET", b"a", b"z")
    assert isinstance(ran.reply, Error) and "oops" in bench.workspace.defects[0]


# -- calls that may wait


def stream_of(bench: Bench, key: bytes, *ids: str) -> None:
    for number in ids:
        ran = bench.run(b"XADD", key, number.encode(), b"f", b"v")
        (one,) = ran.effects.values()
        ((_, _, ((_, value, _),)),) = unpack(one.packets)
        bench.put(key, value)


def test_a_call_that_finds_nothing_waits_with_its_ids_made_absolute():
    bench = Bench()
    stream_of(bench, b"a", "5-1")
    ran = bench.run(b"BLOCK", b"9", b"XREAD", b"BLOCK", b"30", b"STREAMS", b"a", b"z", b"$", b"$")
    assert not ran.effects and not ran.missing
    kept = [b"XREAD", b"BLOCK", b"30", b"COUNT", b"1000", b"STREAMS", b"a", b"z", b"5-1", b"0-0"]
    assert ran.reply == Blocked(30, kept)
    assert bench.run(b"RETRY", b"9", *kept).reply == Blocked(30, kept)
    stream_of(bench, b"z", "7-1")
    stream_of(bench, b"a", "6-1")
    found = bench.run(b"RETRY", b"9", *kept).reply
    assert found == MapPairs([(b"a", [[b"6-1", [b"f", b"v"]]])])


def test_a_call_that_has_waited_passes_over_what_is_of_another_type():
    bench = Bench()
    bench.put(b"a", b"text")
    bench.put(b"z", [b"x"])
    pop = [b"9", b"BLPOP", b"a", b"z", b"0"]
    first = bench.run(b"BLOCK", *pop)
    assert isinstance(first.reply, Error) and not first.effects
    again = bench.run(b"RETRY", *pop)
    assert again.reply == [b"z", b"x"] and list(again.effects) == [2]
    bench.put(b"z", b"text")
    assert isinstance(bench.run(b"RETRY", *pop).reply, Blocked)


def test_a_move_that_has_waited_needs_no_leave_to_grow():
    bench = Bench()
    bench.refuses_growth = True
    bench.put(b"a", [b"x"])
    move = [b"9", b"BLMOVE", b"a", b"z", b"LEFT", b"LEFT", b"0"]
    refused = bench.run(b"BLOCK", *move).reply
    assert isinstance(refused, Error) and refused.text.startswith("OOM")
    assert bench.run(b"RETRY", *move).reply == b"x"


def test_a_defect_of_a_call_that_has_waited_is_an_error(monkeypatch):
    def broken(context, args):
        raise RuntimeError("broken")

    row = msgspec.structs.replace(module.ROWS[b"BLPOP"], run=broken)
    monkeypatch.setitem(module.ROWS, b"BLPOP", row)
    bench = Bench()
    assert bench.run(b"RETRY", b"9", b"BLPOP", b"a", b"z", b"0").reply == DEFECT
    assert len(bench.workspace.defects) == 1
