"""Keyspace events against redis-server: the same commands tell of the same, in the same order."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential.drawing import AGAINST_REDIS, load_families
from tests.differential.harness import (
    COMMANDS_TOTAL,
    FAMILIES,
    Args,
    Executor,
    Oracle,
    _parse,
    asked_of_redis,
    encode_request,
)
from trivet.core.command.events import classes_of, event_messages

load_families()

CLASSES = b"KEAn"
MARK = b"__mark"
TOLD = {name: family for name, family in FAMILIES.items() if name != "scripts"}
"""A script's events are those of its commands; random scripts make redis-server 7.0 crash now and then."""
EXAMPLES = max(COMMANDS_TOTAL // (60 * (len(FAMILIES) + 1)), 2)
Told = list[tuple[bytes, bytes]]

pytestmark = AGAINST_REDIS


class ListeningOracle(Oracle):
    """One whose events are listened to."""

    def __init__(self) -> None:
        super().__init__()
        self.listener: socket.socket = self._connect(self.folder / "redis.sock")
        self.reader = self.listener.makefile("rb")
        self.run_all(2, [[b"CONFIG", b"SET", b"notify-keyspace-events", CLASSES]])
        self.listener.sendall(encode_request([b"PSUBSCRIBE", b"__key*__:*", MARK]))
        self._heard()
        self._heard()

    def _heard(self) -> list[bytes]:
        return [part for _, part in _parse(self.reader.readline, self.reader.read)[1]]

    def told_by(self, requests: list[Args]) -> list[Told]:
        """What each request lets its listeners hear."""
        marked: list[Args] = []
        for args in requests:
            marked += [args, [b"PUBLISH", MARK, b""]]
        self.run_all(2, [[b"FLUSHALL"], [b"SELECT", b"0"], *marked])
        told: list[Told] = []
        for _ in requests:
            heard: Told = []
            while (message := self._heard())[2] != MARK:
                heard.append((message[2], message[3]))
            told.append(heard)
        return told

    def close(self) -> None:
        self.reader.close()
        self.listener.close()
        super().close()


@pytest.fixture(scope="module")
def oracle() -> Iterator[ListeningOracle]:
    server = ListeningOracle()
    yield server
    server.close()


def compare_told(oracle: ListeningOracle, commands: list[Args]) -> None:
    """Run the commands on both sides from an empty state and compare what each one tells."""
    executor = Executor()
    context = executor.context
    classes = classes_of(CLASSES)
    assert classes is not None
    context.notifies = classes
    executor.databases.set_listener(context)
    ours: list[Told] = []
    requests: list[Args] = []
    for number, args in enumerate(commands):
        reply = executor.run(args, 1_700_000_000_000, number)
        ours.append(list(event_messages(context.events, classes)))
        context.events.clear()
        requests.append(asked_of_redis(args, reply))
    theirs = oracle.told_by(requests)
    for number, args in enumerate(commands):
        wanted = theirs[number]
        if requests[number] != args:
            # The oracle removed what we chose by chance: under the name of another command.
            wanted = [
                (channel.replace(b":srem", b":spop"), b"spop" if text == b"srem" else text)
                for channel, text in wanted
            ]
        assert ours[number] == wanted, (
            f"{args}\n ours   {ours[number]}\n theirs {wanted}\nafter {commands[:number]}"
        )


def run_family(oracle: ListeningOracle, commands: st.SearchStrategy[Args]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=COMMANDS_TOTAL <= 10_000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(commands, min_size=15, max_size=60))
    def run(requests: list[Args]) -> None:
        compare_told(oracle, requests)

    run()


@pytest.mark.parametrize("family", TOLD)
def test_events_of_a_family(oracle: ListeningOracle, family: str) -> None:
    run_family(oracle, TOLD[family])


def test_events_of_families_mixed(oracle: ListeningOracle) -> None:
    run_family(oracle, st.one_of(*TOLD.values()))


WAITING = """
BLPOP a 1 | RPUSH a 1 2 3 | BLPOP x a 1 | BRPOP a 1 | BLMOVE a b LEFT RIGHT 1 | BRPOPLPUSH b c 1
RPUSH a 1 2 3 | BLMPOP 1 1 a RIGHT COUNT 2 | BLMPOP 1 1 a LEFT | ZADD z 1 a 2 b 3 c | BZPOPMIN z 1
BZPOPMAX z 1 | BZMPOP 1 1 z MIN COUNT 5 | SET k v | PEXPIREAT k 1 | SETEX k 9 v
"""


def test_events_of_commands_that_could_wait(oracle: ListeningOracle) -> None:
    lines = [part.strip() for part in WAITING.replace("\n", "|").split("|") if part.strip()]
    compare_told(oracle, [line.encode().split() for line in lines if line != "BLPOP a 1"])
