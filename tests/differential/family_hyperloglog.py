"""Commands of the HyperLogLog family; the state, read with GET, must be the same bytes.

redis-server notes a count in the value, we do not: it is asked for the union of a key with
itself instead, which notes nothing.
"""

from hypothesis import strategies as st

from tests.differential.harness import RULES, VALUES, Args, Rule, equal, joined, register, some, words
from trivet.core.wire.reply import Reply

KEYS = st.sampled_from([b"a", b"b", b"c"])
CRAFTED_KEYS = st.sampled_from([b"p", b"q"])
"""Hold payloads that may be corrupt: of a call that fails on those, redis-server keeps the first part."""
ELEMENTS = st.one_of(
    st.integers(0, 400).map(lambda number: b"%d" % number),
    st.binary(max_size=40),
    VALUES,
)
MANY = st.tuples(st.integers(0, 3000), st.sampled_from([20, 100, 700, 2000])).map(
    lambda drawn: [b"n%d" % number for number in range(drawn[0], drawn[0] + drawn[1])]
)


def header(encoding: int, cached: bytes = b"\0" * 7 + b"\x80") -> bytes:
    return b"HYLL" + bytes((encoding,)) + b"\0\0\0" + cached


RUNS = st.one_of(
    st.integers(0, 63).map(lambda number: bytes((number,))),
    st.integers(128, 255).map(lambda number: bytes((number,))),
    st.integers(0, 16383).map(lambda number: bytes((64 | number >> 8, number & 255))),
    st.integers(0, 200).map(lambda number: bytes((64 | number >> 8, number & 255))),
)


def length_of(runs: bytes) -> int:
    at = total = 0
    while at < len(runs):
        byte = runs[at]
        if byte >= 128:
            total += (byte & 3) + 1
        elif byte < 64:
            total += byte + 1
        else:
            at += 1
            total += ((byte & 63) << 8 | runs[at]) + 1
        at += 1
    return total


def completed(pieces: list[bytes]) -> bytes:
    """The runs, and zeros up to the last register, if there is room."""
    runs = b"".join(pieces)
    left = 16384 - length_of(runs)
    return runs + (bytes((64 | left - 1 >> 8, (left - 1) & 255)) if left > 0 else b"")


PAYLOADS = st.one_of(
    st.lists(RUNS, max_size=30).map(lambda pieces: header(1) + b"".join(pieces)),
    st.lists(RUNS, max_size=30).map(lambda pieces: header(1) + completed(pieces)),
    st.lists(RUNS, max_size=30).map(lambda pieces: header(1) + completed(pieces)),
    st.sampled_from(
        [
            b"",
            b"HYLL",
            b"HYLL\x01",
            header(1),
            header(0),
            header(2),
            header(255),
            header(0) + b"\0" * 12287,
            header(0) + b"\0" * 12288,
            header(0) + b"\xff" * 12288,
            header(0) + b"\x01\x23\x45\x67\x89\xab" * 2048,
            header(0) + b"\0" * 12289,
            b"HYLX" + header(1)[4:] + b"\x7f\xff",
            header(1, b"\0" * 8) + b"\x7f\xff",
            header(1) + b"\x7f\xff\x00",
            header(1) + b"\x7f\xfe\x84",
            header(1) + b"\x7f\xfe\x85",
        ]
    ),
)


def union_with_itself(args: Args, reply: Reply) -> Args:
    return [*args, args[1]] if len(args) == 2 else args


RULES[b"PFCOUNT"] = Rule(equal, union_with_itself)

register(
    "hyperloglogs",
    st.one_of(
        joined(words(b"PFADD", KEYS), some(ELEMENTS, 0, 5)),
        joined(words(b"PFADD", KEYS), some(ELEMENTS, 0, 5)),
        joined(words(b"pfadd", KEYS), MANY),
        words(b"PFADD", CRAFTED_KEYS, ELEMENTS),
        joined(words(b"PFCOUNT"), some(KEYS, 1, 4)),
        joined(words(b"PFCOUNT"), some(st.one_of(KEYS, CRAFTED_KEYS), 1, 4)),
        joined(words(b"PFMERGE"), some(KEYS, 1, 4)),
        joined(words(b"PFMERGE"), some(st.one_of(KEYS, CRAFTED_KEYS), 1, 4)),
        words(b"SET", CRAFTED_KEYS, PAYLOADS),
        words(b"SET", CRAFTED_KEYS, PAYLOADS),
        words(
            b"PFDEBUG",
            st.sampled_from([b"GETREG", b"DECODE", b"ENCODING", b"TODENSE", b"decode", b"x"]),
            st.one_of(KEYS, CRAFTED_KEYS),
        ),
        words(b"EXPIRE", KEYS, st.just(b"1000")),
        words(b"DEL", st.one_of(KEYS, CRAFTED_KEYS)),
        words(b"LPUSH", CRAFTED_KEYS, VALUES),
        words(b"GET", KEYS),
    ),
)
