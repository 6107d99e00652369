"""Runs of clients, split by key, and put together again."""

import pytest

from trivet.core.access.users import Users
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_runs import _SCRIPTED, _SPECIAL, NOSCRIPT, RunParts, lone_part, split_run
from trivet.core.group.register_watches import RegisterWatches
from trivet.core.group.run import Run
from trivet.core.machine.entry import decode_calls, encode_calls
from trivet.core.machine.register import Registers
from trivet.core.machine.register_place import (
    _SIMPLE,
    NOT_ON_REGISTERS,
    OTHER_DATABASE,
    SEVERAL,
    WAITS,
)
from trivet.core.script.scripts import Scripts, sha1_of
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Error

NO = Error("CLUSTERDOWN no")


class Session:
    told = 0

    def run_done(self) -> None:
        self.told += 1


class Splits:
    """A node's client and its runs."""

    def __init__(self) -> None:
        self.registers = Registers(Users(), Scripts())
        self.watches = RegisterWatches()
        self.tracked: list[Run] = []
        self.misrouted: list[Run] = []
        self.session = Session()

    def split(
        self, *calls: bytes | list[bytes], writes: bool = True, tracks: bool = False, patient: bool = False
    ):
        run = Run(self.session, writes, patient)
        run.tracks = tracks
        for call in calls:
            run.add((7, call.split() if isinstance(call, bytes) else call), 10)
        return run, split_run(run, self.registers, self.watches, self.tracked, self.misrouted, 5)


def told(parts: RunParts) -> list:
    """(key, calls) of each part."""
    return [(part.task.key, [b" ".join(args) for _, args in part.task.calls]) for part in parts.parts]


def test_calls_of_one_key_go_together_in_order():
    splits = Splits()
    run, parts = splits.split(b"SET a 1", b"SET b 1", b"INCR a", b"TIME", patient=True)
    assert told(parts) == [(b"a", [b"SET a 1", b"INCR a"]), (b"b", [b"SET b 1"]), (None, [b"TIME"])]
    first = parts.parts[0]
    assert (first.staged_ms, first.patient, first.task.reads_only, first.size_bytes) == (5, True, False, 74)
    parts.parts[1].done([OK], 4, False)
    parts.parts[2].done([[1, 2]], 0, False)
    assert run.replies is None and run.calls == []
    first.done([OK, 2], 4, True)
    assert run.replies == [OK, OK, 2, [1, 2]] and splits.session.told == 1


def test_reads_change_nothing_and_are_told_to_whoever_caches():
    splits = Splits()
    run, parts = splits.split(b"GET a", b"GET b", writes=False, tracks=True)
    assert all(part.task.reads_only for part in parts.parts) and len(run.calls) == 2
    parts.parts[0].done([None], 4, False)
    parts.parts[1].done([b"x"], 4, True)
    assert run.replies == [None, b"x"] and splits.tracked == [run]
    failed, parts = splits.split(b"GET a", writes=False, tracks=True)
    parts.parts[0].failed(NO)
    assert failed.replies == [NO] and splits.tracked == [run]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (b"MSET a 1 b 2", SEVERAL),
        (b"MOVE a 0", OTHER_DATABASE),
        (b"BLPOP a 0", WAITS),
        (b"RELEASE 7", None),
        (b"AS ann 7 EVAL x 2 a b", SEVERAL),
        (b"DEBUG OBJECT a", NOT_ON_REGISTERS),
    ],
)
def test_what_cannot_be_done_is_answered_at_once(call, error):
    """U1."""
    run, parts = Splits().split(call, b"SET a 1")
    assert told(parts) == [(b"a", [b"SET a 1"])]
    parts.parts[0].done([OK], 1, False)
    assert isinstance(run.replies[0], Error) and error in (None, run.replies[0]) and run.replies[1] == OK


def test_a_run_that_is_answered_at_once_is_done():
    splits = Splits()
    run, parts = splits.split(b"MSET a 1 b 2", b"UNWATCH 7")
    assert run.replies == [SEVERAL, OK] and not parts.parts and splits.session.told == 1


def test_a_few_commands_are_asked_of_each_key():
    """U2."""
    splits = Splits()
    run, parts = splits.split(b"DEL a b a", b"SET a 1", b"EXISTS a a", b"UNLINK c d")
    assert told(parts) == [
        (b"a", [b"DEL a", b"DEL a", b"SET a 1", b"EXISTS a a"]), (b"b", [b"DEL b"]), (b"c", [b"UNLINK c"]),
        (b"d", [b"UNLINK d"]),
    ]  # fmt: skip
    parts.parts[0].done([1, 0, OK, 2], 1, True)
    parts.parts[1].done([1], 1, True)
    parts.parts[2].done([0], 1, True)
    assert run.replies is None
    parts.parts[3].failed(NO)
    assert run.replies == [2, OK, 2, NO]


def test_values_come_in_the_order_of_their_keys():
    run, parts = Splits().split(b"MGET b a b", writes=False)
    for part in parts.parts:
        part.done([[part.task.key]] * len(part.task.calls), 1, True)
    assert run.replies == [[b"b", b"a", b"b"]]


def test_calls_about_whole_databases_are_walks():
    splits = Splits()
    run, parts = splits.split(b"DBSIZE", b"GET k", b"SLOTKEYS 5", b"SCANPART 0 COUNT 3", writes=False)
    assert [(walk.db, walk.args[0]) for walk in parts.walks] == [
        (7, b"DBSIZE"),
        (7, b"SLOTKEYS"),
        (7, b"SCANPART"),
    ]
    for n, walk in enumerate(parts.walks):
        walk.done(n)
    parts.parts[0].done([b"v"], 1, True)
    assert run.replies == [0, b"v", 1, 2]


# -- what is watched


def watching(splits: Splits, key: bytes = b"k", version: int = 4, there: bool = True) -> None:
    run, parts = splits.split([b"WATCH", b"9", key])
    (part,) = parts.parts
    assert part.task.reads_only and part.task.key == key
    part.done([int(there)], version, there)
    assert run.replies == [OK]


def exec_call(*calls: bytes) -> list[bytes]:
    return [b"EXEC", encode_calls([(7, call.split()) for call in calls]), b"9"]


def test_what_a_client_has_seen_goes_along():
    splits = Splits()
    watching(splits)
    run, parts = splits.split(exec_call(b"SET k 1", b"GET k"), b"SET k 2")
    watched, other = parts.parts
    assert watched.task.watched == (4, True) and watched.task.client == 9 and other.task.watched is None
    assert len(splits.watches) == 0
    watched.done([NULL_ARRAY], 5, True)
    other.done([OK], 5, True)
    assert run.replies == [NULL_ARRAY, OK]


def test_a_look_that_went_along_with_a_write_tells_by_its_reply_whether_the_key_was_there():
    splits = Splits()
    _, parts = splits.split(b"WATCH 9 k")
    assert parts.parts[0].behind_writes
    parts.parts[0].done([1], 4, False)
    _, parts = splits.split(exec_call(b"GET k"))
    assert parts.parts[0].task.watched == (4, True)


def test_a_transaction_without_keys_is_run_where_its_client_watches():
    splits = Splits()
    watching(splits, there=False, version=0)
    _, parts = splits.split(exec_call(b"TIME"))
    assert (parts.parts[0].task.key, parts.parts[0].task.watched) == (b"k", (0, False))


def test_what_comes_after_a_watch_stays_behind_it():
    """W3."""
    splits = Splits()
    _, parts = splits.split(b"SET k 1", b"SET l 1", b"WATCH 9 k", b"SET l 2", b"SET k 2", b"DEL k")
    assert told(parts) == [
        (b"k", [b"SET k 1"]),
        (b"l", [b"SET l 1", b"SET l 2"]),
        (b"k", [b"EXISTS k"]),
        (b"k", [b"SET k 2", b"DEL k"]),
    ]
    assert [part.before_writes for part in parts.parts] == [False, False, True, False]
    _, parts = splits.split(b"WATCH 9 k", b"SET l 2")
    assert not any(part.before_writes for part in parts.parts)


def test_who_is_not_known_to_watch_is_broken_off():
    """W2."""
    run, parts = Splits().split(exec_call(b"SET k 1"))
    assert run.replies == [NULL_ARRAY] and not parts.parts


def test_only_one_register_can_be_watched():
    """W1."""
    splits = Splits()
    run, _ = splits.split(b"WATCH 9 a b")
    assert run.replies == [SEVERAL]
    watching(splits)
    run, _ = splits.split(b"WATCH 9 a")
    assert run.replies == [SEVERAL]
    run, _ = splits.split([b"AS", b"ann", b"9", *exec_call(b"SET a 1")])
    assert run.replies == [SEVERAL]


def test_a_look_that_failed_has_seen_nothing():
    splits = Splits()
    run, parts = splits.split(b"WATCH 9 k k")
    parts.parts[0].failed(NO)
    assert run.replies == [NO]
    run, _ = splits.split(exec_call(b"SET k 1"))
    assert run.replies == [NULL_ARRAY]


# -- scripts

TEXT = b"return ARGV[1]"
SHA = sha1_of(TEXT)


def test_a_script_travels_as_its_text():
    """U3."""
    splits = Splits()
    run, _ = splits.split([b"EVALSHA", SHA, b"1", b"k"])
    assert run.replies == [NOSCRIPT]
    splits.split([b"EVAL", TEXT, b"1", b"k", b"x"])
    _, parts = splits.split(
        [b"EVALSHA", SHA.upper(), b"1", b"k", b"x"],
        [b"AS", b"ann", b"9", b"EVALSHA_RO", SHA, b"1", b"k"],
    )
    assert [args for _, args in parts.parts[0].task.calls] == [
        [b"EVAL", TEXT, b"1", b"k", b"x"],
        [b"AS", b"ann", b"9", b"EVAL_RO", TEXT, b"1", b"k"],
    ]


def test_scripts_of_a_transaction_too():
    splits = Splits()
    splits.split([b"EVAL", TEXT, b"1", b"k", b"x"])
    known = (7, [b"EVALSHA", SHA, b"1", b"k", b"x"])
    unknown = (7, [b"EVALSHA", b"0" * 40, b"1", b"k"])
    _, parts = splits.split([b"EXEC", encode_calls([known, unknown]), b""])
    (call,) = parts.parts[0].task.calls
    assert decode_calls(call[1][1]) == [(7, [b"EVAL", TEXT, b"1", b"k", b"x"]), unknown]
    plain = [b"EXEC", encode_calls([(7, [b"SET", b"k", b"1"])]), b""]
    _, parts = splits.split(plain)
    assert parts.parts[0].task.calls[0][1] is plain


def test_what_is_taught_comes_from_the_system_group():
    splits = Splits()
    run, parts = splits.split(b"SCRIPT FLUSH", b"FUNCTION LOAD x", b"SCRIPT EXISTS 0")
    assert told(parts) == [(None, [b"SCRIPT EXISTS 0"])]
    parts.parts[0].done([[0]], 0, False)
    assert run.replies == [OK, OK, [0]]


def test_an_eval_without_words_is_an_error_as_any():
    run, _ = Splits().split(b"EVAL", b"EVALSHA")
    assert all(isinstance(reply, Error) for reply in run.replies)


def test_names_of_registers():
    assert place_key(7, b"k") != place_key(8, b"k")


def test_calls_of_another_group_come_back_to_be_sent_there():
    splits = Splits()
    run, parts = splits.split(b"SET a 1", b"SET b 1", tracks=True)
    run.epoch = 7
    parts.parts[0].moved()
    parts.parts[1].done([OK], 4, False)
    assert splits.misrouted == [run]
    assert run.replies == [NOT_HERE, OK]
    assert run.misrouted == 1
    assert not splits.session.told
    assert not splits.tracked
    assert [args for _, args in run.sent] == [[b"SET", b"a", b"1"], [b"SET", b"b", b"1"]]
    run.put_right(0, OK)
    assert splits.session.told == 1


def test_another_list_may_get_what_comes_back():
    splits = Splits()
    run, parts = splits.split(b"SET a 1")
    other: list[Run] = []
    parts.parts[0].rehome(other)
    parts.parts[0].moved()
    assert other == [run]
    assert not splits.misrouted


@pytest.mark.parametrize(
    ("call", "first", "whole"),
    [
        (b"MGET a b", [b"x"], NOT_HERE),
        (b"EXISTS a b", 1, NOT_HERE),
        (b"DEL a b", 0, NOT_HERE),
        (b"DEL a b", 1, TIMEOUT_ERROR),
        (b"UNLINK a b", 1, TIMEOUT_ERROR),
    ],
)
def test_a_call_of_several_keys_is_sent_anew_if_that_is_harmless(call, first, whole):
    splits = Splits()
    run, parts = splits.split(call)
    parts.parts[0].done([first], 3, True)
    parts.parts[1].moved()
    assert run.replies == [whole]
    assert bool(splits.misrouted) == (whole is NOT_HERE)


def test_who_could_not_look_watches_nothing_here():
    splits = Splits()
    _, parts = splits.split(b"WATCH 5 a")
    parts.parts[0].moved()
    assert not splits.watches.knows(5)
    _, parts = splits.split(b"WATCH 5 a")
    parts.parts[0].done([1], 9, True)
    _, again = splits.split(b"WATCH 5 a")
    again.parts[0].moved()
    assert splits.watches.knows(5)


@pytest.mark.parametrize("tracks", [False, True])
def test_a_run_of_one_simple_call_is_one_part(tracks: bool):
    tracked: list[Run] = []
    run = Run(Session(), False)
    run.tracks = tracks
    run.add((7, [b"GET", b"key"]), 20)
    part = lone_part(run, tracked, [], 5)
    assert part is not None
    assert (part.task.db, part.task.key, part.task.calls) == (7, b"key", [(7, [b"GET", b"key"])])
    assert (part.task.reads_only, part.size_bytes, part.staged_ms, part.patient) == (True, 38, 5, False)
    assert bool(run.calls) == tracks, "what is read is told to who tracks it"
    part.done([b"value"], 4, True)
    assert run.replies == [b"value"]
    part.done([b"other"], 4, True)
    assert run.replies == [b"value"] and tracked == [run] * tracks


def test_a_run_of_one_simple_call_that_failed_is_not_tracked():
    tracked: list[Run] = []
    run = Run(Session(), True, patient=True)
    run.tracks = True
    run.add((7, [b"SET", b"key", b"v"]), 20)
    part = lone_part(run, tracked, [], 5)
    assert part is not None
    assert part.patient and not part.task.reads_only
    part.failed(NO)
    assert run.replies == [NO] and not tracked


@pytest.mark.parametrize(
    "calls",
    [
        [b"SET a 1", b"SET b 1"], [b"MGET a"], [b"TIME"], [b"WATCH 5 a"], [b"EVAL x 1 a"], [b"SCRIPT LOAD x"],
        [b"GET"], [b"SET a"], [b"NONSENSE a"], [b"SCAN 0"],
    ],
)  # fmt: skip
def test_other_runs_take_a_closer_look(calls: list[bytes]):
    run = Run(Session(), True)
    for call in calls:
        run.add((7, call.split()), 20)
    assert lone_part(run, [], [], 5) is None
    assert run.count == len(run.calls)


def test_no_simple_command_is_special():
    assert not [name for name in _SIMPLE if name in _SPECIAL or name in _SCRIPTED]


def test_a_run_of_one_simple_call_goes_elsewhere_as_a_whole():
    tracked: list[Run] = []
    misrouted: list[Run] = []
    run = Run(Session(), True)
    run.add((7, [b"SET", b"key", b"v"]), 20)
    part = lone_part(run, tracked, misrouted, 5)
    assert part is not None
    part.moved()
    part.moved()
    assert misrouted == [run]
    assert run.replies == [NOT_HERE]
    assert run.sent == [(7, [b"SET", b"key", b"v"])]
    run.put_right(0, OK)
    assert run.replies == [OK]


def test_another_list_may_get_a_run_of_one_call():
    misrouted: list[Run] = []
    other: list[Run] = []
    run = Run(Session(), True)
    run.add((7, [b"SET", b"key", b"v"]), 20)
    part = lone_part(run, [], misrouted, 5)
    assert part is not None
    part.rehome(other)
    part.moved()
    assert (other, misrouted) == ([run], [])
