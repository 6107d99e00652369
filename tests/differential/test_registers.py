"""Every family against redis-server once more, each key as a register of its own (keyspaces of mode ``paxos``).

The value goes through its bytes between any two commands. What is refused there, commands over several keys, is
left out on both sides; what is answered must be Redis' answer.
"""

import time

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from tests.differential.drawing import AGAINST_REDIS, load_families
from tests.differential.harness import (
    COMMANDS_TOTAL,
    FAMILIES,
    Args,
    Oracle,
    asked_of_redis,
    compare,
    questions_about,
)
from trivet.core.access.users import Users
from trivet.core.command.lookup import find_row
from trivet.core.machine.register import Registers, Task
from trivet.core.machine.register_place import register_of
from trivet.core.script.scripts import Scripts
from trivet.core.wire.reply import Error, Reply

load_families()

EXAMPLES = max(COMMANDS_TOTAL // (3 * 60 * len(FAMILIES)), 2)
REFUSED = Error("CROSSSLOT")
"""In place of a reply: the command is none about one key."""
NOT_THERE = (b"SELECT", b"SWAPDB", b"FLUSHALL", b"FLUSHDB")

pytestmark = AGAINST_REDIS


class Executor:
    """A register per key, and what becomes of it."""

    def __init__(self) -> None:
        self.registers = Registers(Users(), Scripts())
        self.held: dict[bytes, tuple[bytes, int]] = {}

    def run(self, args: Args, now_ms: int, seed: int) -> Reply:
        """The reply to one command."""
        row = find_row(args)
        if isinstance(row, Error):
            return row  # the node says so before anybody asks for the register
        args = [args[0].upper(), *args[1:]]
        found = register_of([(0, args)])
        if args[0] in NOT_THERE or found is None or isinstance(found, Error):
            return REFUSED
        _, key = found
        data, version = self.held.get(key, (None, 0))
        result = self.registers.run(Task(0, key, [(0, args)]), data, version, now_ms, seed)
        assert not self.registers.defects, self.registers.defects
        if result.changed and result.value is None:
            self.held.pop(key, None)
        elif result.changed and result.value is not None:
            self.held[key] = (result.value, version + 1)
        (reply,) = result.replies
        return REFUSED if isinstance(reply, Error) and reply.text.startswith("CROSSSLOT ") else reply


def compare_run(oracle: Oracle, protocol: int, commands: list[Args]) -> None:
    executor = Executor()
    asked: list[tuple[Args, Reply]] = []
    requests: list[Args] = []
    for number, args in enumerate(commands):
        reply = executor.run(args, int(time.time() * 1000), number)
        if reply is REFUSED:
            continue
        asked.append((args, reply))
        requests.append(asked_of_redis(args, reply))
    theirs = oracle.run_all(protocol, [[b"FLUSHALL"], [b"SELECT", b"0"], *requests])[2:]
    for (args, reply), answer in zip(asked, theirs, strict=True):
        compare(protocol, args, reply, answer)
    _, keys = oracle.run_all(protocol, [[b"KEYS", b"*"]])[0]
    for _, key in keys:
        for args in questions_about(oracle, protocol, key):
            reply = executor.run(args, int(time.time() * 1000), 0)
            compare(protocol, args, reply, oracle.run_all(protocol, [args])[0])
    now_ms = int(time.time() * 1000)
    left = {key for key in executor.held if executor.run([b"EXISTS", key], now_ms, 0)}
    assert left == {key for _, key in keys}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_family_on_registers(oracle: Oracle, family: str, protocol: int) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=COMMANDS_TOTAL <= 10_000,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.lists(FAMILIES[family], min_size=15, max_size=60))
    def run(commands: list[Args]) -> None:
        try:
            compare_run(oracle, protocol, commands)
        except (OSError, AssertionError):
            if not oracle.revived():
                raise
            reject()  # redis-server 7.0 crashes on some scripts: nothing to compare with

    run()
