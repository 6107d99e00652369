import pytest

from tests.core.command.dialogue import Replica
from trivet.core.command.stream_arguments import (
    INVALID_ID,
    AddOptions,
    add_options,
    any_id,
    entry_id,
    entry_ids,
    entry_reply,
    group_to_change,
    interval_end,
    interval_start,
    no_group,
    run_subcommand,
    signed,
    stream_at,
    stream_to_change,
    subcommand_keys,
    trim_options,
)
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, UINT64_MAX, id_of
from trivet.core.wire.reply import OK, Error


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        (b"5-3", (5, 3)),
        (b"5", (5, 0)),
        (b"0-0", (0, 0)),
        (b"18446744073709551615-18446744073709551615", (UINT64_MAX, UINT64_MAX)),
        (b"9223372036854775808-1", (1 << 63, 1)),
        (b"007-01", (7, 1)),
        (b"+7-+1", (7, 1)),
        (b" 7-\t1", (7, 1)),
        (b"8- -1", (8, UINT64_MAX)),
        (b"8--0", (8, 0)),
        (b"8-1\0x", (8, 1)),
        (b"0" * 126 + b"1", (1, 0)),
    ],
)
def test_ids_as_strtoull_reads_them(text: bytes, pair: tuple[int, int]):
    assert entry_id(text) == id_of(*pair)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"-", b"+", b"*", b"5-", b"-5", b"5-x", b"x", b"5-1-1", b"8--1", b"8-1 ", b"1e3", b"0x1",
        b"18446744073709551616", b"0-18446744073709551616", b"5-*", b"0" * 128, b"\0", b"\xb2",
    ],
)  # fmt: skip
def test_what_is_no_id(text: bytes):
    assert entry_id(text) == INVALID_ID


def test_a_missing_sequence_and_the_ends():
    assert entry_id(b"5", UINT64_MAX) == id_of(5, UINT64_MAX)
    assert any_id(b"-") == 0
    assert any_id(b"+") == ID_MAX
    assert entry_ids([b"x", b"1", b"2-2"], 1) == [id_of(1, 0), id_of(2, 2)]
    assert entry_ids([b"1", b"x"], 0) == INVALID_ID


def test_intervals():
    assert interval_start(b"-") == 0
    assert interval_start(b"5") == id_of(5, 0)
    assert interval_start(b"(5") == id_of(5, 1)
    assert interval_end(b"5") == id_of(5, UINT64_MAX)
    assert interval_end(b"(5-1") == id_of(5, 0)
    assert interval_end(b"+") == ID_MAX
    for text in (b"(-", b"(+", b"(", b"(x"):
        assert interval_start(text) == INVALID_ID
        assert interval_end(text) == INVALID_ID
    assert interval_start(b"(18446744073709551615-18446744073709551615") == Error(
        "ERR invalid start ID for the interval"
    )
    assert interval_end(b"(0-0") == Error("ERR invalid end ID for the interval")


def added(text: str) -> AddOptions | Error:
    return add_options(text.encode().split())


def test_options_of_adding():
    options = added("XADD k NOMKSTREAM MAXLEN ~ 5 LIMIT 7 3-3 f v")
    assert isinstance(options, AddOptions)
    assert (options.length, options.least_id, options.approximate, options.limit) == (5, None, True, 7)
    assert (options.make, options.entry_id, options.field_at) == (False, id_of(3, 3), 9)
    options = added("XADD k MINID = 3 3-* f v")
    assert isinstance(options, AddOptions)
    assert (options.least_id, options.approximate, options.limit) == (id_of(3, 0), False, 0)
    assert (options.entry_id, options.sequence_given) == (id_of(3, 0), False)
    options = added("XADD k MAXLEN ~ 5 * f v")
    assert isinstance(options, AddOptions)
    assert (options.entry_id, options.limit) == (None, 10_000)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "MAXLEN 5 MINID 5 * f v",
            "syntax error, MAXLEN and MINID options at the same time are not compatible",
        ),
        (
            "MAXLEN 5 MAXLEN 5 * f v",
            "syntax error, MAXLEN and MINID options at the same time are not compatible",
        ),
        ("MAXLEN x * f v", "value is not an integer or out of range"),
        ("MAXLEN -1 * f v", "The MAXLEN argument must be >= 0."),
        ("MINID x * f v", "Invalid stream ID specified as stream command argument"),
        ("MAXLEN ~ 5 LIMIT x * f v", "value is not an integer or out of range"),
        ("MAXLEN ~ 5 LIMIT -1 * f v", "The LIMIT argument must be >= 0."),
        ("MAXLEN 5 LIMIT 1 * f v", "syntax error, LIMIT cannot be used without the special ~ option"),
        ("LIMIT 1 * f v", "syntax error, LIMIT cannot be used without specifying a trimming strategy"),
        ("x-* f v", "Invalid stream ID specified as stream command argument"),
    ],
)
def test_wrong_options_of_adding(text: str, error: str):
    assert added("XADD k " + text) == Error("ERR " + error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("NOMKSTREAM 5", "syntax error"),
        ("MAXLEN", "syntax error"),
        ("LIMIT 0", "syntax error, XTRIM must be called with a trimming strategy"),
        ("LIMIT 5", "syntax error, LIMIT cannot be used without specifying a trimming strategy"),
        ("MAXLEN 5 LIMIT 0", "syntax error, LIMIT cannot be used without the special ~ option"),
        ("MINID -", "Invalid stream ID specified as stream command argument"),
    ],
)
def test_wrong_options_of_trimming(text: str, error: str):
    assert trim_options(("XTRIM k " + text).encode().split()) == Error("ERR " + error)


def test_what_plainly_removes_nothing_is_known():
    stream = Stream()
    stream.append(id_of(5, 0), [b"f", b"v"])
    for text, spares in (("MAXLEN 1", True), ("MAXLEN 0", False), ("MINID 5", True), ("MINID 6", False)):
        options = trim_options(("XTRIM k " + text).encode().split())
        assert isinstance(options, AddOptions)
        assert options.trims
        assert options.spares_all(stream) == spares
        assert options.trim(stream.copy()) == (0 if spares else 1)


def test_streams_and_groups_at_keys():
    replica = Replica()
    replica.run("XGROUP CREATE s g 0 MKSTREAM")
    replica.run("SET t v")
    assert isinstance(stream_at(replica.context, b"s"), Stream)
    assert stream_at(replica.context, b"none") is None
    assert isinstance(stream_at(replica.context, b"t"), Error)
    replica.touched = []
    stream, group = group_to_change(replica.context, b"s", b"g")
    assert replica.touched == [b"s"]
    assert stream_to_change(replica.context, b"s") is stream
    assert stream.groups == {b"g": group}
    assert no_group(b"k\0x", b"g\xff") == Error("NOGROUP No such key 'k' or consumer group 'g\ufffd'")


def test_a_container_runs_its_subcommands():
    context = Replica().context
    assert run_subcommand(context, b"xgroup Create s g $ MKSTREAM".split()) == OK
    assert run_subcommand(context, b"XGROUP CREATE s g".split()) == Error(
        "ERR wrong number of arguments for 'xgroup|create' command"
    )
    assert run_subcommand(context, [b"xinfo", b"\xff"]) == Error(
        "ERR unknown subcommand '\ufffd'. Try XINFO HELP."
    )
    assert subcommand_keys(b"XGROUP CREATE s g 0".split()) == [2]
    for line in (b"XGROUP HELP", b"XGROUP FOO s", b"XINFO STREAM"):
        assert subcommand_keys(line.split()) == []


def test_replies():
    assert entry_reply((id_of(1, 2), [b"f", b"v"])) == [b"1-2", [b"f", b"v"]]
    assert [signed(number) for number in (5, -5, 1 << 63, (1 << 64) - 1)] == [5, -5, -(1 << 63), -1]
