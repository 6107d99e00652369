"""Commands that take several steps."""

from tests.core.node.bench import Bench
from tests.core.node.founded import founded
from trivet.core.node.session import HELD
from trivet.core.node.steps import MapChange, Steps, begin, first_error
from trivet.core.wire.reply import OK, Error


class Patient(Steps):
    """Waits for something."""

    ready = False

    def start(self) -> None:
        self.wait(lambda: Patient.ready, lambda: self.finish([b"ready" if Patient.ready else b"late"]))


def session_of(bench: Bench, name: str):
    return bench.node(1).front.sessions[bench.clients[name].conn]


def start(bench: Bench, kind, *args) -> Steps:
    bench.ask("a", "PING")
    session = session_of(bench, "a")
    steps = kind(bench.node(1).front, session, [b"TEST"], *args)
    assert begin(steps, session)
    assert session.vet & HELD and not session.idle
    bench.servers[1].dirty = True
    return steps


def test_what_is_waited_for_comes_and_what_was_said_meanwhile_goes_on():
    bench = founded(1)
    start(bench, Patient)
    assert bench.say("a", "PING") == []
    Patient.ready = True
    bench.wait(20)
    Patient.ready = False
    assert [text for _, text in bench.events] == ['"ready"', "+PONG"]


def test_it_is_not_waited_for_ever():
    bench = founded(1, command_timeout_ms=2_000)
    start(bench, Patient)
    assert 2_000 <= bench.until(lambda: bench.events) <= 2_100
    assert bench.events == [("a", '"late"')]


def test_a_change_of_the_map():
    bench = founded(3)
    steps = start(bench, MapChange, [b"ZONE", b"2", b"z"])
    bench.until(lambda: steps.replies)
    assert steps.replies == [OK]
    assert bench.node(1).front.cluster.nodes[2].zone == "z"
    steps = start(bench, MapChange, [b"ZONE", b"9", b"z"])
    bench.until(lambda: steps.replies)
    assert steps.replies == [Error("ERR no such node: 9")]


def test_a_client_that_has_something_under_way_is_parked():
    bench = founded(1)
    bench.hold(1)
    bench.say("a", "SET k 1")
    session = session_of(bench, "a")
    assert not begin(Patient(bench.node(1).front, session, [b"TEST"]), session)
    bench.release(1)


def test_without_a_majority_the_client_is_told():
    bench = founded(3, command_timeout_ms=2_000)
    bench.cut(1)
    bench.say("a", "KEYSPACE CREATE 20")
    bench.until(lambda: bench.events)
    ((_, text),) = bench.events
    assert text.startswith(("-TIMEOUT ", "-CLUSTERDOWN "))
    bench.events = []
    bench.say("b", "KEYSPACE LIST")
    bench.until(lambda: bench.events)
    assert bench.events[0][1].startswith("-CLUSTERDOWN ")


def test_whoever_is_gone_harms_nobody():
    bench = founded(3)
    bench.say("a", "KEYSPACE CREATE 20")
    bench.hang_up_client("a")
    bench.wait(3_000)
    assert bench.answer("b@2", "SELECT 20") == "+OK"
    assert bench.node(1).front.steps == []


def test_the_first_error_counts():
    assert first_error([1, Error("ERR a"), Error("ERR b")]) == Error("ERR a")
    assert first_error([1, [Error("ERR a")]]) is None
