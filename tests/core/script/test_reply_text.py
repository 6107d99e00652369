"""Replies as text."""

from trivet.core.script.reply_text import from_text, to_text
from trivet.core.wire.reply import (
    NULL_ARRAY,
    Decimal,
    Error,
    MapPairs,
    Members,
    Pairs,
    Push,
    Reply,
    Simple,
    Verbatim,
)


def test_what_lua_reads():
    reply: Reply = [b"a\n", 1, None, NULL_ARRAY, Simple("OK"), Error("ERR x\ny"), [2], {b"k": 1.5}]
    assert to_text(reply, False) == b"*8\n$2\na\n:1\n_\n_\n+OK\n-ERR x y\n*1\n:2\n*2\n$1\nk$3\n1.5"
    assert to_text({b"k": 1.5}, True) == b"%1\n$1\nk,1.5\n"
    assert to_text(Members([b"a"]), True) == b"~1\n$1\na"
    assert to_text(Members([b"a"]), False) == b"*1\n$1\na"
    assert to_text(Pairs([(b"a", 1.0)]), False) == b"*2\n$1\na$1\n1"
    assert to_text(Pairs([(b"a", 1.0)]), True) == b"*1\n*2\n$1\na,1\n"
    assert to_text(MapPairs([(b"a", 1)]), False) == b"*2\n$1\na:1\n"
    assert to_text(MapPairs([(b"a", 1)]), True) == b"%1\n$1\na:1\n"
    assert to_text(Decimal(b"1.5"), False) == b"$3\n1.5"
    assert to_text(Decimal(b"1.5"), True) == b",1.5\n"
    assert to_text(Push([True]), True) == b"*1\n#t\n"
    assert to_text(True, False) == b":1\n"
    assert to_text(Verbatim("txt", b"hi"), True) == b"=6\ntxt:hi"
    assert to_text(Verbatim("txt", b"hi"), False) == b"$2\nhi"


def test_what_lua_writes():
    assert from_text(b"*4\n$2\na\n:1\n_\n*1\n:2\n") == [b"a\n", 1, None, [2]]
    assert from_text(b"+OK\n") == Simple("OK")
    assert from_text(b"-ERR x\n") == Error("ERR x")
    assert from_text(b"#t\n") is True
    assert from_text(b",1.5\n") == 1.5
    assert from_text(b"(123\n") == b"123"
    assert from_text(b"~1\n:1\n") == Members([1])
    assert from_text(b"=6\ntxt:hi") == Verbatim("txt", b"hi")
    assert from_text(b"%1\n$1\nk:1\n") == {b"k": 1}
    assert from_text(b"%1\n:5\n:1\n") == {b"5": 1}
