"""The client's patience, and the calls that are more than one command."""

from typing import Any

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import request
from trivet.lab.world.client import Call, Client, compare_and_set, transaction
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation

OPTIONS = RunOptions(seed=1, client_timeout_ms=50, think_ms_max=0)


class Wires:
    """One connection after the other; answers each batch with the next of ``answers``, None: never."""

    def __init__(self, simulation: Simulation, answers: list[bytes | None]) -> None:
        self.simulation = simulation
        self.answers = answers
        self.sent: list[bytes] = []
        self.closed: list[int] = []
        self.last = 0

    def connect(self, client: Client, node: int) -> int:
        self.client = client
        self.last += 1
        return self.last

    def send(self, conn: int, data: bytes) -> None:
        self.sent.append(data)
        answer = self.answers.pop(0)
        if answer is not None:
            self.simulation.after(10_000, lambda: self.client.on_bytes(conn, answer))

    def close(self, conn: int) -> None:
        self.closed.append(conn)


class Calls:
    """A source that hands out these, one by one."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        return [self.calls.pop(0)] if self.calls else []


def played(calls: list[Call], answers: list[bytes | None]) -> tuple[list[Operation], Wires]:
    simulation = Simulation()
    wires: Any = Wires(simulation, answers)
    history: list[Operation] = []
    client = Client(1, simulation, wires, Calls(calls), OPTIONS, Prng(1), history, lambda *_: None)
    client.start(1)
    simulation.run_until(10**7)
    assert client.finished
    return history, wires


def get(key: bytes) -> Call:
    return Call([[b"GET", key]], [key])


def test_a_client_hangs_up_when_its_patience_ends() -> None:
    history, wires = played([get(b"a"), get(b"b"), get(b"c")], [b"$-1\r\n", None, b"$-1\r\n"])
    assert [o.outcome for o in history] == [Outcome.OK, Outcome.INFO, Outcome.OK]
    assert history[1].return_us == FOREVER_US
    assert history[2].invoke_us == history[1].invoke_us + 50_000
    assert wires.closed == [1]


def test_a_client_goes_elsewhere_when_a_node_can_not_serve_it_for_now() -> None:
    history, wires = played([get(b"a"), get(b"b")], [b"-TRYAGAIN it is behind\r\n", b"$-1\r\n"])
    assert [o.outcome for o in history] == [Outcome.FAIL, Outcome.OK]
    assert (wires.closed, [o.conn for o in history]) == ([1], [1, 2])


def test_a_transaction_is_one_operation() -> None:
    call = transaction([[b"INCR", b"a"], [b"INCR", b"b"]], [b"a", b"b"])
    ok = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n"
    history, _ = played([call], [ok + b"*2\r\n:1\r\n:2\r\n"])
    assert (history[0].outcome, history[0].replies) == (Outcome.OK, (1, 2))
    assert played([call], [ok + b"-TIMEOUT who knows\r\n"])[0][0].outcome is Outcome.INFO
    assert played([call], [ok + b"-EXECABORT no\r\n"])[0][0].outcome is Outcome.FAIL


def test_compare_and_set_builds_on_what_it_read() -> None:
    read, swap = b"+OK\r\n$1\r\nx\r\n", b"+OK\r\n+QUEUED\r\n"
    history, wires = played([compare_and_set(b"r", b"y")], [read, swap + b"*1\r\n+OK\r\n"])
    assert [o.commands for o in history] == [((b"GET", b"r"),), ((b"CAS", b"r", b"y", b"is", b"x"),)]
    assert wires.sent[1] == request([b"MULTI"]) + request([b"SET", b"r", b"y"]) + request([b"EXEC"])
    history, _ = played([compare_and_set(b"r", b"y")], [read, swap + b"*-1\r\n"])
    assert history[1].outcome is Outcome.FAIL
