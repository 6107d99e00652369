"""The request parser: alone, against every way of cutting its input, and against redis-server."""

import itertools
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.wire.resp import NOT_AN_INTEGER, RequestParser, RespLimits, integer

FUZZ_EXAMPLES = int(os.environ.get("TRIVET_FUZZ_EXAMPLES", "400"))
fuzz = settings(max_examples=FUZZ_EXAMPLES, derandomize=FUZZ_EXAMPLES == 400, deadline=None)

PING = b"*1\r\n$4\r\nPING\r\n"


def parser(*, authenticated: bool = True, limits: RespLimits | None = None) -> RequestParser:
    made = RequestParser(limits or RespLimits())
    made.authenticated = authenticated
    return made


def error(text: bytes) -> bytes:
    return b"-ERR Protocol error: " + text + b"\r\n"


# ---- requests -------------------------------------------------------------------------------------------


def test_a_request_and_a_pipeline() -> None:
    subject = parser()
    assert subject.feed(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n") == [[b"GET", b"a"]]
    assert subject.feed(PING * 3 + b"PING\r\n" + PING) == [[b"PING"]] * 5
    assert subject.buffered_bytes() == 0


def test_values_may_hold_anything() -> None:
    value = b"\r\n$3\r\n*1\r\n\0\xff\r\n"
    request = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n" % (len(value), value)
    assert parser().feed(request * 2 + PING) == [[b"ECHO", value]] * 2 + [[b"PING"]]


def test_sizes_beyond_the_table_of_headers() -> None:
    for size in (1023, 1024, 1025, 5000):
        value = b"v" * size
        assert parser().feed(b"*1\r\n$%d\r\n%b\r\n" % (size, value)) == [[value]]


def test_many_arguments() -> None:
    request = b"*1000\r\n" + b"$1\r\na\r\n" * 1000
    assert parser().feed(request) == [[b"a"] * 1000]


def test_the_two_bytes_after_a_value_are_not_looked_at() -> None:
    assert parser().feed(b"*2\r\n$4\r\nECHO\r\n$1\r\naXX" + PING) == [[b"ECHO", b"a"], [b"PING"]]


@pytest.mark.parametrize(
    "nothing", [b"*0\r\n", b"*-1\r\n", b"*-9223372036854775808\r\n", b"\r\n", b"\n", b"  \r\n"]
)
def test_empty_requests_are_nothing(nothing: bytes) -> None:
    assert parser().feed(nothing + PING) == [[b"PING"]]


def test_inline_words() -> None:
    assert parser().feed(b'set a "b c"\r\nget a\n') == [[b"set", b"a", b"b c"], [b"get", b"a"]]


# ---- errors ---------------------------------------------------------------------------------------------

BAD = [
    (b"*3000000000\r\n", b"invalid multibulk length"),
    (b"*2147483648\r\n", b"invalid multibulk length"),
    (b"*abc\r\n", b"invalid multibulk length"),
    (b"*\r\n", b"invalid multibulk length"),
    (b"*-0\r\n", b"invalid multibulk length"),
    (b"*01\r\n", b"invalid multibulk length"),
    (b"*1 foo\r\n", b"invalid multibulk length"),
    (b"*" + b"9" * 5000 + b"\r\n", b"invalid multibulk length"),
    (b"*-9223372036854775809\r\n", b"invalid multibulk length"),
    (b"*1\r\nfoo\r\n", b"expected '$', got 'f'"),
    (b"*1\r\n*1\r\n", b"expected '$', got '*'"),
    (b"*1\r\n\r\n", b"expected '$', got ' '"),
    (b"*1\r\n\xff\r\n", b"expected '$', got '\xff'"),
    (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
    (b"*1\r\n$-5\r\n", b"invalid bulk length"),
    (b"*1\r\n$-1\r\n", b"invalid bulk length"),
    (b"*1\r\n$9223372036854775808\r\n", b"invalid bulk length"),
    (b"*1\r\n$+4\r\n", b"invalid bulk length"),
    (b"*1\r\n$04\r\n", b"invalid bulk length"),
    (b"*1\r\n$\r\n", b"invalid bulk length"),
    (b"*1\r\n$" + b"1" * 6000 + b"\r\n", b"invalid bulk length"),
    (b"x" * 70_000, b"too big inline request"),
    (b"*" + b"1" * 70_000, b"too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 70_000, b"too big bulk count string"),
    (b'set a "b\r\n', b"unbalanced quotes in request"),
    (b'set a "b"c\r\n', b"unbalanced quotes in request"),
]


@pytest.mark.parametrize(("data", "text"), BAD)
def test_an_error_comes_after_the_requests_before_it(data: bytes, text: bytes) -> None:
    subject = parser()
    assert subject.feed(PING + data) == [[b"PING"]]
    assert subject.failed
    assert subject.error == error(text)
    assert subject.buffered_bytes() == 0


@pytest.mark.parametrize("data", [b"POST / HTTP/1.1\r\n", b"Host: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_browser_is_dropped_without_a_word(data: bytes) -> None:
    subject = parser()
    subject.feed(data)
    assert subject.failed
    assert subject.error == b""


@pytest.mark.parametrize(
    "waiting", [b"*1048577\r\n", b"*2147483647\r\n", b"*1\r\n$536870912\r\n", b"*1\0\r\n", b"P\0\r\n"]
)
def test_an_announcement_costs_nothing(waiting: bytes) -> None:
    subject = parser()
    assert subject.feed(waiting) == []
    assert not subject.failed
    assert subject.buffered_bytes() < 100


# ---- before authentication ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"*11\r\n", b"unauthenticated multibulk length"),
        (b"*1\r\n$16385\r\n", b"unauthenticated bulk length"),
    ],
)
def test_a_stranger_has_small_limits(data: bytes, text: bytes) -> None:
    subject = parser(authenticated=False)
    assert subject.feed(PING) == [[b"PING"]]
    assert subject.feed(data) == []
    assert subject.failed
    assert subject.error == error(text)


def test_a_stranger_may_log_in_just_before() -> None:
    subject = parser(authenticated=False)
    many = b"*11\r\n" + b"$1\r\na\r\n" * 11
    assert subject.feed(b"AUTH x\r\n" + many) == [[b"AUTH", b"x"]]
    assert subject.stalled
    subject.authenticated = True
    assert subject.feed(b"") == [[b"a"] * 11]
    assert not subject.stalled


def test_a_stranger_who_did_not_log_in_is_refused() -> None:
    subject = parser(authenticated=False)
    assert subject.feed(b"AUTH x\r\n*1\r\n$20000\r\n") == [[b"AUTH", b"x"]]
    assert subject.stalled
    assert subject.feed(b"") == []
    assert subject.error == error(b"unauthenticated bulk length")


# ---- memory and time ------------------------------------------------------------------------------------


def test_the_query_buffer_has_a_limit() -> None:
    subject = parser(limits=RespLimits(query_buffer_bytes_max=1000))
    assert subject.feed(b"*3\r\n$800\r\n" + b"x" * 800) == []
    assert not subject.failed
    assert subject.feed(b"\r\n$800\r\n" + b"x" * 200) == []
    assert (subject.failed, subject.error) == (True, b"")


def test_a_stranger_cannot_collect_arguments_beyond_the_limit() -> None:
    limits = RespLimits(unauth_query_buffer_bytes_max=10_000)
    subject = parser(authenticated=False, limits=limits)
    assert subject.feed(b"*10\r\n" + b"$4000\r\n" + b"x" * 4002) == []
    assert subject.feed(b"$8000\r\n" + b"x" * 7000) == []
    assert subject.failed


def test_a_large_value_in_pieces() -> None:
    value = bytes(range(256)) * 40_000
    data = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n" % (len(value), value) + PING
    subject = parser()
    got: list[list[bytes]] = []
    for at in range(0, len(data), 65536):
        got += subject.feed(data[at : at + 65536])
    assert got == [[b"ECHO", value], [b"PING"]]


def test_pieces_of_one_byte_cost_linear_time() -> None:
    def seconds(size: int) -> float:
        subject = parser()
        subject.feed(b"*1\r\n$%d\r\n" % size)
        began = time.process_time()
        for _ in range(size + 1):
            subject.feed(b"x")
        assert subject.feed(b"\n") == [[b"x" * size]]
        return time.process_time() - began

    small = min(seconds(20_000) for _ in range(3))
    large = min(seconds(200_000) for _ in range(3))
    assert large < 40 * small


# ---- every way of cutting -------------------------------------------------------------------------------

PIECES = [
    b"*1\r\n",
    b"*2\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*x\r\n",
    b"$4\r\n",
    b"$1\r\n",
    b"$0\r\n",
    b"$-1\r\n",
    b"PING\r\n",
    b"ECHO\r\n",
    b"a\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b'"',
    b"'",
    b" ",
    b"\\",
    b"ECHO ",
    PING,
    b"*2\r\n$4\r\nECHO\r\n",
    b"$9999999999999999999999\r\n",
    b"\xff",
    b"XX",
    b"*1\r\n$4\r\nPINGab",
    b"*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n",
]
SOUP = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=12).map(b"".join)


def outcome(data: bytes, cuts: list[int], authenticated: bool) -> tuple[list[list[bytes]], bool, bytes]:
    subject = parser(
        authenticated=authenticated, limits=RespLimits(inline_bytes_max=24, unauth_multibulk_max=1)
    )
    got: list[list[bytes]] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        got += subject.feed(data[start:end])
        while subject.stalled:
            got += subject.feed(b"")
        if subject.failed:
            break
    return got, subject.failed, subject.error


@fuzz
@given(SOUP, st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_split_input_makes_no_difference(data: bytes, cuts: list[int], authenticated: bool) -> None:
    whole = outcome(data, [], authenticated)
    assert outcome(data, cuts, authenticated) == whole
    assert outcome(data, list(range(len(data))), authenticated) == whole


@fuzz
@given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=5), max_size=5), st.integers(0, 300))
def test_property_what_is_encoded_comes_back(requests: list[list[bytes]], cut: int) -> None:
    data = b""
    for request in requests:
        data += b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%b\r\n" % (len(a), a) for a in request)
    subject = parser()
    assert subject.feed(data[:cut]) + subject.feed(data[cut:]) == requests


@fuzz
@given(st.binary(max_size=300))
def test_random_bytes_never_raise(data: bytes) -> None:
    subject = parser()
    subject.feed(data)
    assert subject.buffered_bytes() <= len(data) + 48 * len(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0", 0),
        (b"1024", 1024),
        (b"1025", 1025),
        (b"-7", -7),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
    ],
)
def test_integers(text: bytes, value: int) -> None:
    assert integer(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-",
        b"-0",
        b"00",
        b"+1",
        b" 1",
        b"1 ",
        b"1_0",
        b"\xb2",
        b"9223372036854775808",
        b"1" * 5000,
        b"0x1",
    ],
)
def test_no_integers(text: bytes) -> None:
    assert integer(text) == NOT_AN_INTEGER


# ---- against redis-server -------------------------------------------------------------------------------

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture(scope="module", params=["", "secret"], ids=["open", "password"])
def redis(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, bool]]:
    directory = tmp_path_factory.mktemp("redis")
    path = directory / "redis.sock"
    process = subprocess.Popen(
        [
            *(
                "redis-server",
                "--port",
                "0",
                "--unixsocket",
                str(path),
                "--save",
                "",
                "--dir",
                str(directory),
            ),
            *("--user", "default", "on", f">{request.param}" if request.param else "nopass", "~*", "&*"),
            *("-@all", "+ping", "+echo", "+auth"),
        ],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
            break
        except OSError:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
    yield path, bool(request.param)
    process.kill()
    process.wait()


def ask(path: Path, data: bytes, *, hang_up: bool) -> bytes:
    """What redis-server answers until it closes; unless it should, it hears that nothing more comes."""
    got = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        try:
            client.sendall(data)
            if hang_up:
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                got += piece
        except (BrokenPipeError, ConnectionResetError):
            pass
    return re.sub(
        rb"-(ERR (unknown command|wrong number|AUTH|unknown subcommand)|NOAUTH|NOPERM|EXECABORT)[^\r]*\r\n",
        b"?\r\n",
        got,
    )


def answer(subject: RequestParser, request: list[bytes]) -> bytes:
    name = request[0].upper()
    if name == b"AUTH" and request[1:] == [b"secret"] and not subject.authenticated:
        subject.authenticated = True
        return b"+OK\r\n"
    if not (name == b"PING" and len(request) <= 2) and not (name == b"ECHO" and len(request) == 2):
        return b"?\r\n"
    if not subject.authenticated:
        return b"?\r\n"
    return b"+PONG\r\n" if len(request) == 1 else b"$%d\r\n%b\r\n" % (len(request[1]), request[1])


def compare(redis: tuple[Path, bool], data: bytes) -> None:
    path, strangers = redis
    subject = parser(authenticated=not strangers)
    ours = b""
    requests = subject.feed(data)
    while requests or subject.stalled:
        ours += b"".join(answer(subject, request) for request in requests)
        requests = subject.feed(b"") if subject.stalled else []
    ours += subject.error
    if subject.failed and not subject.error:
        ours = b""
    assert ours == ask(path, data, hang_up=not subject.failed)


@needs_redis
@pytest.mark.parametrize("data", [data for data, _ in BAD])
def test_bad_input_like_redis(redis: tuple[Path, bool], data: bytes) -> None:
    compare(redis, data)
    compare(redis, b"PING\r\n" + data)


@needs_redis
@pytest.mark.parametrize(
    "data",
    [
        b"*1048577\r\n",
        b"*11\r\n",
        b"*1\r\n$16385\r\n",
        b"*1\r\n$536870912\r\n",
        b"*-1\r\nPING\r\n",
        b"*0\r\nPING\r\n",
        b"\r\nPING\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"Host: x\r\n",
        b"*2\r\n$4\r\nECHO\r\n$1\r\naXX" + PING,
        b"%1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\x03\x03PING\r\n",
        b"AUTH secret\r\n*2\r\n$4\r\nECHO\r\n$20000\r\n" + b"x" * 20000 + b"\r\n",
        b"AUTH wrong\r\n*11\r\n",
        b"INCR\r*1\r\nPING\r\n",
    ],
)
def test_odd_input_like_redis(redis: tuple[Path, bool], data: bytes) -> None:
    if data.startswith(b"AUTH") and not redis[1]:
        pytest.skip("nothing to log in to")
    if data.startswith(b"AUTH wrong"):
        assert ask(redis[0], data, hang_up=False).endswith(error(b"unauthenticated multibulk length"))
        data = b"*11\r\n"
    compare(redis, data)


@needs_redis
@fuzz
@given(data=SOUP)
def test_random_soup_like_redis(redis: tuple[Path, bool], data: bytes) -> None:
    compare(redis, data)
