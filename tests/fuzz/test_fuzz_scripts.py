"""Scripts that a client made up: a reply on every replica, the same one, and never an exception.

Snippets come from a small grammar of what scripts do with odd values; texts go to the decoders of the
libraries (CVE-2022-24834, CVE-2024-31449, CVE-2025-49844 and their like).
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.script.runs import lua
from trivet.core.script.dump import BadDump, load
from trivet.core.wire.encode import encode

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "300"))

VALUES = st.sampled_from(
    ["nil", "true", "0", "-1", "1.5", "1e300", "1/0", "0/0", "2^31", "-2^63", "''", "'x'", "'%'", "'[a'", "'\\0'", "ARGV[1]",
     "{}", "{1,2}", "{a=1}", "{{}}", "function() end", "cjson.null", "redis", "_G", "string", "print", "setmetatable({}, {})",
     "coroutine.create(function() coroutine.yield(1) end)", "string.rep('a', 200)"]
)  # fmt: skip
FUNCTIONS = st.sampled_from(
    [
        "string.find",
        "string.match",
        "string.gsub",
        "string.gmatch",
        "string.rep",
        "string.format",
        "string.byte",
        "string.char",
        "string.sub",
        "string.upper",
        "string.len",
        "table.concat",
        "table.insert",
        "table.remove",
        "table.sort",
        "table.maxn",
        "table.foreach",
        "unpack",
        "select",
        "next",
        "pairs",
        "ipairs",
        "tostring",
        "tonumber",
        "type",
        "pcall",
        "xpcall",
        "error",
        "assert",
        "rawget",
        "rawset",
        "rawequal",
        "setmetatable",
        "getmetatable",
        "load",
        "loadstring",
        "coroutine.wrap",
        "coroutine.create",
        "coroutine.resume",
        "coroutine.status",
        "math.random",
        "math.randomseed",
        "math.floor",
        "math.fmod",
        "cjson.encode",
        "cjson.decode",
        "cjson.decode_max_depth",
        "cmsgpack.pack",
        "cmsgpack.unpack",
        "cmsgpack.unpack_one",
        "cmsgpack.unpack_limit",
        "struct.pack",
        "struct.unpack",
        "struct.size",
        "bit.band",
        "bit.lshift",
        "bit.tohex",
        "bit.bswap",
        "redis.call",
        "redis.pcall",
        "redis.log",
        "redis.sha1hex",
        "redis.error_reply",
        "redis.setresp",
        "redis.acl_check_cmd",
        "collectgarbage",
    ]
)
CALLS = st.tuples(FUNCTIONS, st.lists(VALUES, max_size=4)).map(
    lambda drawn: f"{drawn[0]}({', '.join(drawn[1])})"
)
EXPRESSIONS = st.recursive(
    st.one_of(VALUES, CALLS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["..", "+", "==", "<", "and", "or", "^", "%"]), inner).map(
            lambda drawn: f"({drawn[0]} {drawn[1]} {drawn[2]})"
        ),
        st.tuples(FUNCTIONS, inner, inner).map(lambda drawn: f"{drawn[0]}({drawn[1]}, {drawn[2]})"),
        inner.map(lambda drawn: f"{{{drawn}}}"),
    ),
    max_leaves=6,
)
SCRIPTS = st.lists(
    st.one_of(
        EXPRESSIONS.map(lambda drawn: f"pcall(function() return {drawn} end)"),
        EXPRESSIONS.map(lambda drawn: f"local v = {drawn}"),
    ),
    max_size=3,
).flatmap(lambda lines: EXPRESSIONS.map(lambda last: "\n".join([*lines, f"return {last}"])))
TEXTS = st.one_of(st.binary(max_size=40), st.text('[]{},:"\\ue019.-+tfn alsNaI', max_size=30).map(str.encode))


@settings(max_examples=FUZZ_EXAMPLES, deadline=None, derandomize=FUZZ_EXAMPLES <= 300, database=None)
@given(SCRIPTS, st.binary(max_size=8))
def test_any_script_has_one_reply(source: str, argument: bytes) -> None:
    reply = lua(source, argument)
    assert encode(reply, 3) == encode(lua(source, argument), 3)


@settings(max_examples=FUZZ_EXAMPLES, deadline=None, derandomize=FUZZ_EXAMPLES <= 300, database=None)
@given(TEXTS)
def test_decoders_take_any_text(text: bytes) -> None:
    for decoder in ("cjson.decode(ARGV[1])", "cmsgpack.unpack(ARGV[1])", "struct.unpack(ARGV[1], ARGV[1])",
                    "loadstring(ARGV[1])", "string.find(ARGV[1], ARGV[1])", "string.gsub(ARGV[1], ARGV[1], ARGV[1])"):  # fmt: skip
        encode(lua(f"return {{{decoder}}}", text), 2)


@settings(max_examples=FUZZ_EXAMPLES, deadline=None, derandomize=FUZZ_EXAMPLES <= 300, database=None)
@given(TEXTS)
def test_dumps_are_refused_or_read(payload: bytes) -> None:
    try:
        load(payload + b"\x0a\x00" + bytes(8))
    except BadDump:
        pass
