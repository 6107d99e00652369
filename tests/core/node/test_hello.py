"""The first frame of a link."""

import msgspec

from trivet.core.node.hello import Hello


def test_a_hello_survives_the_wire() -> None:
    hello = Hello("c0ffee", 1, 2, 1)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(hello), type=Hello) == hello
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(hello))[0] == 96, "the tag is part of the format"
