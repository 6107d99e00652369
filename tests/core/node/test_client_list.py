"""CLIENT LIST and KILL beyond what test_client_command says."""

from tests.core.node.bench import Bench
from trivet.core.node.client_list import is_of_type

FIELDS_OF_REDIS = [
    "id",
    "addr",
    "laddr",
    "fd",
    "name",
    "age",
    "idle",
    "flags",
    "db",
    "sub",
    "psub",
    "ssub",
    "multi",
    "qbuf",
    "qbuf-free",
    "argv-mem",
    "multi-mem",
    "rbs",
    "rbp",
    "obl",
    "oll",
    "omem",
    "tot-mem",
    "events",
    "cmd",
    "user",
    "redir",
    "resp",
]


def fields(bench: Bench, name: str) -> dict[str, str]:
    line = bench.ask(name, "CLIENT INFO").strip('"').replace("\\n", "")
    return dict(field.split("=", 1) for field in line.split(" "))


def test_the_fields_of_redis_in_its_order():
    assert list(fields(Bench(), "a")) == [*FIELDS_OF_REDIS, "lib-name", "lib-ver"]


def test_flags():
    bench = Bench()
    bench.say("a", "PING")
    for name, words, flag in (
        ("b", "BLPOP k 0", "b"),
        ("c", "MONITOR", "O"),
        ("d", "MULTI", "x"),
        ("e", "CLIENT TRACKING ON BCAST", "tB"),
        ("f", "CLIENT NO-EVICT ON", "e"),
        ("g", "READONLY", "r"),
    ):
        bench.say(name, words)
        told = bench.say("a", f"CLIENT LIST ID {bench.clients[name].conn}")
        assert any(f" flags={flag} " in line for line in told), name


def test_ids_in_the_order_in_which_they_are_asked_for():
    bench = Bench()
    for name in "abc":
        bench.say(name, "PING")
    told = bench.ask("a", "CLIENT LIST ID 3 1")
    assert told.index("id=3") < told.index("id=1")
    assert bench.say("a", "CLIENT LIST ID | CLIENT LIST ID 0 | CLIENT LIST ID 1 TYPE normal") == [
        "-ERR syntax error",
        "-ERR Invalid client ID",
        "-ERR Invalid client ID",
    ]


def test_kill_by_age_and_by_own_address():
    bench = Bench()
    bench.say("a", "PING")
    bench.wait(5000)
    bench.node(1).on_client_connected(99, "10.0.0.9:1", "10.0.0.1:7001")
    session = bench.node(1).front.sessions[99]
    assert session.local_address == "10.0.0.1:7001"
    assert bench.ask("a", "CLIENT KILL MAXAGE 3 LADDR 10.0.0.1:7001") == "0"
    assert bench.ask("a", "CLIENT KILL MAXAGE 3 SKIPME yes") == "0"
    assert bench.say("a", "CLIENT KILL MAXAGE 0 | CLIENT KILL TYPE nosuch | CLIENT KILL ID 0") == [
        "-ERR maxage is not an integer or out of range",
        "-ERR Unknown client type 'nosuch'",
        "-ERR client-id should be greater than 0",
    ]
    assert is_of_type(session, b"normal")
    assert not is_of_type(session, b"pubsub")
    bench.connect("b")
    assert bench.say("a", "CLIENT KILL MAXAGE 3 SKIPME no") == ["1", "closed"]
