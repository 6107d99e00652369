"""Calls upon one register: what they make of its value, what they answer, and what of it is told."""

import subprocess
import sys
import zlib

import pytest

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.access.users import Users
from trivet.core.command.events import ALL, EXPIRED, KEYEVENT, KEYSPACE, NEW_KEY, STRING
from trivet.core.command.table import ROWS, Flag
from trivet.core.machine import register as module
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.register import OTHER_KEY, UNREADABLE, Registers, Task, TaskResult
from trivet.core.machine.register_place import WHOLE_DATABASE, register_of
from trivet.core.machine.specials import OUT_OF_MEMORY
from trivet.core.machine.waiting import DEFECT
from trivet.core.script.scripts import Scripts
from trivet.core.values.codec import decode_value, encode_value
from trivet.core.wire.reply import NULL_ARRAY, OK, Error

NOW = 1_000_000


class Bench:
    """One register, and who runs calls upon it."""

    def __init__(self) -> None:
        self.registers = Registers(Users(), Scripts())
        self.data: bytes | None = None
        self.version = 1
        self.now = NOW

    def task(self, *calls: list, watched=None, db: int = 0, reads_only: bool = False) -> TaskResult:
        asked = [
            (db, [part if isinstance(part, bytes) else str(part).encode() for part in call]) for call in calls
        ]
        place = register_of(asked) or (db, b"k" if not calls else None)
        assert not isinstance(place, Error), place
        task = Task(*place, asked, 9, watched, reads_only)
        result = self.registers.run(task, self.data, self.version, self.now, 7)
        assert len(result.replies) == len(calls)
        if result.changed:
            self.data = result.value
            self.version += 1
        else:
            assert result.value is None
        return result

    def __call__(self, *args) -> object:
        return self.task(list(args)).replies[0]

    def lines(self, text: str) -> TaskResult:
        return self.task(*[line.split() for line in text.splitlines()])

    def transaction(self, *lines: str, watched=None) -> TaskResult:
        calls = [(0, line.encode().split()) for line in lines]
        return self.task([b"EXEC", encode_calls(calls), b""], watched=watched)


def test_strings_and_counters():
    bench = Bench()
    assert bench("GET", "k") is None and bench.data is None
    assert bench("SET", "k", "5") == OK
    assert bench.data is not None and decode_value(bench.data) == (b"5", -1)
    assert bench("INCR", "k") == 6
    assert bench("GET", "k") == b"6"
    assert bench("DEL", "k") == 1 and bench.data is None


def test_reading_changes_nothing_and_from_nothing_to_nothing_is_no_change():
    bench = Bench()
    for call in (
        ["GET", "k"],
        ["DEL", "k"],
        ["HDEL", "k", "f"],
        ["LPOP", "k"],
        ["SPOP", "k"],
        ["PERSIST", "k"],
    ):
        assert not bench.task(call).changed
    bench("SET", "k", "1")
    for call in (["GET", "k"], ["STRLEN", "k"], ["TTL", "k"], ["EXISTS", "k", "k"], ["TYPE", "k"]):
        assert not bench.task(call).changed
    assert not bench.task(["LPUSH", "k", "x"]).changed, "a wrong type"


def test_a_change_is_one_whatever_the_value_is_afterwards():
    bench = Bench()
    bench("SET", "k", "1")
    before = bench.data
    result = bench.task(["SET", "k", "1"])
    assert result.changed and result.value == before


def test_every_kind_of_value_goes_and_comes():
    bench = Bench()
    bench("HSET", "k", "f", "1", "g", "2")
    assert bench("HINCRBY", "k", "f", "4") == 5 and bench("HGET", "k", "g") == b"2"
    bench("HEXPIRE", "k", "100", "FIELDS", "1", "f")
    assert bench("HTTL", "k", "FIELDS", "2", "f", "g") == [100, -1]
    bench("DEL", "k")
    bench("RPUSH", "k", "a", "b")
    assert bench("LPOP", "k") == b"a" and bench("LRANGE", "k", "0", "-1") == [b"b"]
    bench("DEL", "k")
    bench("SADD", "k", "a", "b")
    assert bench("SCARD", "k") == 2
    bench("DEL", "k")
    bench("ZADD", "k", "1", "a", "2", "b")
    assert bench("ZSCORE", "k", "b") == 2.0
    bench("DEL", "k")
    bench("XADD", "k", "1-1", "f", "v")
    assert bench("XLEN", "k") == 1
    bench("XGROUP", "CREATE", "k", "g", "0")
    assert bench("XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">") not in (None, NULL_ARRAY)
    assert bench("DEL", "k") == 1 and bench.data is None


def test_the_last_element_takes_the_key_along():
    bench = Bench()
    bench("RPUSH", "k", "a")
    result = bench.task(["LPOP", "k"])
    assert result.changed and result.value is None


def test_calls_of_a_pipeline_run_one_after_the_other():
    bench = Bench()
    result = bench.lines("SET k 1\nINCR k\nLPUSH k x\nINCR k")
    assert result.replies[:2] == [OK, 2] and result.replies[3] == 3
    assert isinstance(result.replies[2], Error)
    assert bench("GET", "k") == b"3"


# -- deadlines (Rule R2) --------------------------------------------------------------------------


def test_a_value_past_its_deadline_is_not_there():
    bench = Bench()
    bench("SET", "k", "1", "PX", "100")
    bench.now += 99
    assert bench("PTTL", "k") == 1
    bench.now += 1
    held = bench.data
    result = bench.task(["GET", "k"], ["EXISTS", "k"], reads_only=True)
    assert result.replies == [None, 0]
    assert not result.changed and result.was_late and not result.there, "who reads changes nothing"
    assert bench.data == held
    assert bench("INCR", "k") == 1, "it began anew"
    assert bench("TTL", "k") == -1


def test_what_writes_to_it_removes_it():
    bench = Bench()
    bench.registers.notifies = ALL | KEYEVENT
    bench("SET", "k", "1", "PX", "100")
    bench.now += 100
    result = bench.task(["DEL", "k"])
    assert result.replies == [0] and result.changed and result.value is None
    assert result.events == [(0, EXPIRED, b"expired", b"k")]


def test_where_calls_may_write_a_late_value_goes_though_they_do_not():
    bench = Bench()
    bench.registers.notifies = ALL | KEYEVENT
    bench("SET", "k", "1", "PX", "100")
    bench.now += 100
    result = bench.task(["GET", "k"])
    assert result.replies == [None] and result.changed and result.value is None and result.was_late
    assert [event[2] for event in result.events] == [b"expired"]
    bench("SET", "k", "1", "PX", "100")
    bench.now += 100
    assert bench.task().changed and bench.data is None, "without calls it is removed and nothing else"


def test_a_deadline_in_the_past_removes_the_value():
    bench = Bench()
    bench("SET", "k", "1")
    result = bench.task(["PEXPIREAT", "k", NOW - 1])
    assert result.replies == [1] and result.changed and result.value is None


def test_a_deadline_stays_with_what_keeps_it():
    bench = Bench()
    bench("SET", "k", "1", "PX", "100")
    bench("INCR", "k")
    assert bench("PEXPIRETIME", "k") == NOW + 100
    bench("SET", "k", "1")
    assert bench("PEXPIRETIME", "k") == -1


def test_fields_past_their_deadline_go_with_the_next_change():
    bench = Bench()
    bench("HSET", "k", "f", "1", "g", "2")
    bench("HPEXPIRE", "k", "50", "FIELDS", "1", "f")
    bench.now += 50
    result = bench.task(["HGETALL", "k"], ["HLEN", "k"], reads_only=True)
    assert not result.changed and result.replies[1] == 1
    held = len(bench.data)
    bench("HSET", "k", "g", "3")
    assert len(bench.data) < held
    bench("HPEXPIRE", "k", "50", "FIELDS", "1", "g")
    bench.now += 50
    result = bench.task(["HSET", "k", "h", "4"], ["HKEYS", "k"])
    assert result.replies[1] == [b"h"] and not result.there and result.was_late


# -- transactions and WATCH -------------------------------------------------------------------------


def test_a_transaction():
    bench = Bench()
    result = bench.transaction("SET k 1", "INCR k", "LPUSH k x", "TIME")
    assert result.replies[0][:2] == [OK, 2] and isinstance(result.replies[0][2], Error)
    assert result.replies[0][3] == [b"1000", b"0"]
    assert bench("GET", "k") == b"2"


def test_a_watch_is_a_version_and_whether_the_key_was_there():
    bench = Bench()
    bench("SET", "k", "1", "PX", "100")
    assert bench.transaction("INCR k", watched=(bench.version, True)).replies == [[2]]
    stale = bench.transaction("INCR k", watched=(bench.version - 1, True))
    assert stale.replies == [NULL_ARRAY] and not stale.changed
    bench.now += 100
    gone = bench.transaction("INCR k", watched=(bench.version, True))
    assert gone.replies == [NULL_ARRAY] and gone.changed and gone.value is None, (
        "it has gone by time (Rule W2)"
    )
    assert bench.transaction("INCR k", watched=(bench.version, False)).replies == [[1]]


def test_tasks_that_run_as_one():
    registers = Registers(Users(), Scripts())
    exec_ = [b"EXEC", encode_calls([(0, [b"INCR", b"k"])]), b"9"]
    tasks = [
        Task(0, b"k", [(0, exec_)], 9, (5, True)),
        Task(0, b"k", [(0, [b"INCR", b"k"]), (0, [b"GET", b"k"])], 8),
        Task(0, b"k", [(0, exec_)], 7, (5, True)),
        Task(0, b"k", [(0, [b"GET", b"k"])], 6, None, True),
    ]
    results, changed, value = registers.run_all(tasks, encode_value(b"1", -1), 5, NOW, 1)
    assert [result.replies for result in results] == [[[2]], [3, b"3"], [NULL_ARRAY], [b"3"]]
    assert changed and value == encode_value(b"3", -1)
    results, changed, value = registers.run_all(tasks[3:], encode_value(b"1", -1), 5, NOW, 1)
    assert not changed and value == encode_value(b"1", -1)
    removed = [*tasks[1:2], Task(0, b"k", [(0, [b"DEL", b"k"])])]
    assert registers.run_all(removed, None, 5, NOW, 1)[1:] == (True, None)


# -- fencing numbers (Rule R6) ------------------------------------------------------------------------

TAKE = [(0, b"SET k me NX PX 100".split()), (0, [b"FENCE", b"k"])]
LOOK = [(0, [b"GET", b"k"]), (0, [b"FENCE", b"k"])]


def test_owners_one_after_the_other_and_who_looks_between():
    bench = Bench()
    taken = [bench.task([b"EXEC", encode_calls(TAKE), b""]).replies[0][1]]
    taken += bench.task([b"FENCE", b"k"], reads_only=True).replies
    assert bench.transaction("SET k me NX", "FENCE k").replies == [[None, taken[-1]]], "nothing was taken"
    bench.now += 100
    assert bench.task([b"FENCE", b"k"], reads_only=True).replies == taken[-1:], (
        "late, and still there for others"
    )
    taken += bench.task([b"EXEC", encode_calls(TAKE), b""]).replies[0][1:]
    code = b"redis.call('set', KEYS[1], 'you') return redis.call('fence', KEYS[1])"
    taken += [bench("EVAL", code, "1", "k")]
    assert taken == [1 << 9 | 1, 2 << 9, 2 << 9 | 1, 3 << 9 | 1]


def test_owners_of_one_operation_have_numbers_of_their_own():
    registers = Registers(Users(), Scripts())
    exec_ = (0, [b"EXEC", encode_calls(TAKE), b""])
    look = Task(0, b"k", [(0, [b"EXEC", encode_calls(LOOK), b""])])
    tasks = [look, Task(0, b"k", [exec_]), look, Task(0, b"k", [(0, [b"DEL", b"k"]), exec_]), look]
    results, _, _ = registers.run_all(tasks, None, 7, NOW, 1)
    told = [result.replies[-1][1] for result in results]
    assert told == [7 << 9, 7 << 9 | 1, 7 << 9 | 2, 7 << 9 | 3, 7 << 9 | 4]
    many = [Task(0, b"k", [(0, [b"INCR", b"k"]), (0, [b"FENCE", b"k"])])] * 600
    last = registers.run_all(many, None, 7, NOW, 1)[0][-1].replies
    assert last == [600, 7 << 9 | 511]
    assert registers.run(look, None, 8, NOW, 1).replies[0][1] == 8 << 9, "the next operation is above all"


# -- scripts (Rule R1) ------------------------------------------------------------------------------


def test_a_script_upon_its_key():
    bench = Bench()
    assert (
        bench(
            "EVAL", b"redis.call('SET', KEYS[1], ARGV[1]); return redis.call('INCR', KEYS[1])", "1", "k", "4"
        )
        == 5
    )
    assert bench("GET", "k") == b"5"
    assert bench("EVAL_RO", b"return redis.call('GET', KEYS[1])", "1", "k") == b"5"


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (b"'SET', 'other', '1'", OTHER_KEY), (b"'GET', 'other'", OTHER_KEY), (b"'MGET', KEYS[1], 'o'", OTHER_KEY),
        (b"'DBSIZE'", WHOLE_DATABASE), (b"'FLUSHALL'", WHOLE_DATABASE), (b"'KEYS', '*'", WHOLE_DATABASE),
        (b"'SELECT', '2'", OTHER_KEY), (b"'MOVE', KEYS[1], '2'", OTHER_KEY), (b"'COPY', KEYS[1], 'o'", OTHER_KEY),
    ],
)  # fmt: skip
def test_a_script_that_comes_to_more(call, refusal):
    bench = Bench()
    bench("SET", "k", "1")
    reply = bench("EVAL", b"redis.call('INCR', KEYS[1]); return redis.pcall(" + call + b")", "1", "k")
    assert isinstance(reply, Error) and reply.text.startswith(refusal.text[:60])
    assert bench("GET", "k") == b"2"
    assert not bench.registers.defects


def test_a_script_without_keys_comes_to_none():
    bench = Bench()
    assert bench("EVAL", "return 5", "0") == 5
    for key in (b"k", b""):
        reply = bench("EVAL", b"return redis.call('GET', ARGV[1])", "0", key)
        assert isinstance(reply, Error)
        assert not bench.task(["EVAL", b"return redis.pcall('SET', ARGV[1], '1')", "0", key]).changed
    assert bench("SET", "", "1") == OK and bench("GET", "") == b"1", "an empty key is one"


def test_patterns_of_sort_come_to_other_keys():
    bench = Bench()
    bench("RPUSH", "k", "2", "1")
    assert bench("SORT", "k") == [b"1", b"2"]
    assert bench("SORT", "k", "BY", "w_*") == OTHER_KEY


def test_should_a_command_change_another_key_nothing_counts(monkeypatch):
    def strays(context, args):
        context.db.set(b"other", b"1")
        context.db.set(args[1], b"2")
        return OK

    row = ROWS[b"SET"]
    monkeypatch.setitem(ROWS, b"SET", module.msgspec.structs.replace(row, run=strays))
    bench = Bench()
    result = bench.task(["SET", "k", "1"])
    assert result.replies == [DEFECT] and not result.changed
    monkeypatch.undo()
    assert bench("GET", "other") is None and bench("SET", "k", "3") == OK and bench("GET", "k") == b"3"


# -- errors are replies (Rule R4) --------------------------------------------------------------------


def test_a_defect_is_a_reply(monkeypatch):
    def fails(context, args):
        raise RuntimeError("a defect")

    monkeypatch.setitem(ROWS, b"GET", module.msgspec.structs.replace(ROWS[b"GET"], run=fails))
    bench = Bench()
    assert bench.task(["SET", "k", "1"], ["GET", "k"], ["INCR", "k"]).replies == [OK, DEFECT, 2]
    assert bench.registers.defects == ["command b'GET' raised RuntimeError: a defect"]


@pytest.mark.parametrize("data", [b"", b"\x00", b"nonsense", b"\x93\x01", encode_value(b"v", -1)[:-1]])
def test_bytes_that_are_no_value(data):
    bench = Bench()
    bench.data = data
    result = bench.task(["GET", "k"], ["SET", "k", "1"])
    assert result.replies == [UNREADABLE, UNREADABLE] and not result.changed
    assert bench.data is data


def test_memory_is_short():
    bench = Bench()
    bench("SET", "k", "1")
    bench.registers.refuses_growth = True
    assert bench("INCR", "k") == OUT_OF_MEMORY
    assert bench("GET", "k") == b"1" and bench("DEL", "k") == 1
    assert isinstance(bench.transaction("SET k 1").replies[0], Error)


def test_rights_bound_what_is_in_a_call():
    bench = Bench()
    users = bench.registers.users
    assert users.set_user(b"u", b"", [b"on", b"~k", b"+get", b"+eval"]) == OK
    result = bench.task(["AS", "u", "9", "EVAL", b"return redis.pcall('SET', KEYS[1], '1')", "1", "k"])
    assert isinstance(result.replies[0], Error) and not result.changed
    assert [(denied.client, denied.user) for denied in result.denied] == [(9, b"u")]
    assert bench("EVAL", b"return redis.call('SET', KEYS[1], '1')", "1", "k") == OK, (
        "the next call is not bounded"
    )
    packed = encode_calls([(0, [b"GET", b"k"]), (0, [b"SET", b"k", b"2"])])
    result = bench.task(["AS", "u", "9", "EXEC", packed, ""], ["SET", "k", "3"])
    assert (
        result.replies[0][0] == b"1" and isinstance(result.replies[0][1], Error) and result.replies[1] == OK
    )


# -- what is told ------------------------------------------------------------------------------------


def test_events_and_messages():
    bench = Bench()
    bench.registers.notifies = ALL | KEYEVENT | KEYSPACE | NEW_KEY
    result = bench.task(["SET", "k", "1"], db=3)
    assert [(db, name, key) for db, _, name, key in result.events] == [(3, b"new", b"k"), (3, b"set", b"k")]
    bench.registers.notifies = STRING
    assert [event[2] for event in bench.task(["INCR", "k"]).events] == [b"incrby"]
    bench.registers.notifies = 0
    assert bench.task(["INCR", "k"]).events == []
    result = bench.task(["EVAL", b"return redis.call('PUBLISH', 'c', 'm')", "1", "k"])
    assert result.published == [(False, b"c", b"m")] and not result.changed
    assert bench.task(["GET", "k"]).published == []


# -- the same everywhere -----------------------------------------------------------------------------


def story() -> bytes:
    """Values and replies of many calls with chance in them."""
    bench = Bench()
    bench.registers.notifies = ALL
    told = []
    for number in range(300):
        bench.now += 1
        told.append(bench.task(["SADD", "k", *[f"m{number}-{at}" for at in range(3)]]).replies)
        told.append(bench.task(["SPOP", "k"], ["SRANDMEMBER", "k", "3"]).replies)
    told.append(
        bench.task(["EVAL", b"return {math.random(1000), redis.call('SPOP', KEYS[1], 5)}", "1", "k"]).replies
    )
    digest = zlib.crc32(repr(told).encode(), zlib.crc32(bench.data or b""))
    bench("DEL", "k")
    for number in range(300):
        bench("HSET", "k", f"f{number * 7 % 101}", number)
        bench("HEXPIRE", "k", 1 + number % 9, "FIELDS", "1", f"f{number * 3 % 101}")
        bench.now += 40
    return b"%d %d" % (digest, zlib.crc32(bench.data or b""))


def test_the_same_bytes_whatever_the_hash_seed():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_register; print(test_register.story().decode())"
    here = __file__.rsplit("/", 1)[0]
    for seed in ("1", "77"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code, here], env=environment, capture_output=True, check=True
        )
        assert done.stdout.strip() == story()


def test_nothing_stays_between_two_runs():
    bench = Bench()
    bench("SET", "k", "1", "PX", "100")
    data, bench.data = bench.data, None
    assert bench("GET", "k") is None and bench("TTL", "k") == -2
    bench.data = data
    assert bench("PTTL", "k") == 100
    bench.data = None
    bench("HSET", "k", "f", "1")
    bench("HEXPIRE", "k", "100", "FIELDS", "1", "f")
    bench.data = None
    assert bench("HLEN", "k") == 0 and bench("HSET", "k", "f", "1") == 1
    assert bench("HTTL", "k", "FIELDS", "1", "f") == [-1]


def test_every_command_answers_something_or_is_refused():
    for name, row in ROWS.items():
        if row.run is None or row.flags & Flag.BLOCKING:
            continue
        for count in range(2, 8):
            call = (0, [name, *[b"1"] * (count - 1)])
            place = register_of([call])
            if isinstance(place, Error):
                continue
            bench = Bench()
            result = bench.registers.run(Task(*(place or (0, None)), [call]), None, 1, NOW, 1)
            assert len(result.replies) == 1 and not bench.registers.defects, (name, bench.registers.defects)
            assert result.replies[0] is not DEFECT
