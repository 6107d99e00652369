"""Calls that wait for keys of several groups: tried as transactions, told of changes, tried again (Rules Q1 to Q4)."""

import pytest

from tests.core.node.bench import Bench, encode
from tests.core.node.crossing import A, B, Between, C, is_clean, lock, sharded
from tests.core.node.founded import founded
from trivet.core.base.prng import Prng
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.machine.waiting import AWAIT
from trivet.core.steward.settings import StewardSettings
from trivet.core.wire.reply import NOT_HERE

NODES = pytest.mark.parametrize("nodes", [1, 3])


def is_quiet(bench: Bench) -> bool:
    """Whether nobody waits anywhere, and nothing is left of any transaction."""
    nodes = [server.node for server in bench.servers.values() if server.node is not None]
    machines = [group.machine for node in nodes for group in node.groups.values()]
    return is_clean(bench) and not any(machine.waiting.by_client for machine in machines)


class Patient(Bench):
    """After each line some time passes: that followers hear of it, and who gave way tries again."""

    def _outcome(self, speaker: str) -> list[str]:
        self.wait(200)
        return super()._outcome(speaker)


def waiters(nodes: int = 1, **settings) -> Bench:
    """Clients ``w`` and ``v``, who wait, and ``c`` have all chosen database 3."""
    bench = sharded(nodes, **settings)
    for name in ("w", "v"):
        bench.connect(name, min(nodes, 2))
        bench.ask(name, "SELECT 3")
    bench.__class__ = Patient
    return bench


def talk(script: str, nodes: int = 1) -> None:
    bench = waiters(nodes)
    bench.talk(script)
    bench.wait(100)
    assert is_quiet(bench)


def heard(bench: Bench) -> list[tuple[str, str]]:
    """What clients get to see from now on."""
    said: list[tuple[str, str]] = []
    say = bench._say

    def record(client, text: str) -> None:
        said.append((client.name, text))
        say(client, text)

    bench._say = record
    return said


@NODES
def test_a_call_that_finds_something_does_not_wait(nodes):
    talk(
        """
        c> RPUSH b 1 2 | BLPOP a b 0 | BRPOP a b 0 | ZADD d 1 m 2 n | BZPOPMAX a d 0 | BZPOPMIN d c 0 | EXISTS b d
        2
        ["b" "1"]
        ["b" "2"]
        2
        ["d" "n" "2"]
        ["d" "m" "1"]
        0
        c> RPUSH a 1 2 3 | BLMPOP 0 2 b a RIGHT COUNT 2 | BLMOVE a b LEFT LEFT 0 | BRPOPLPUSH b c 0 | LRANGE c 0 -1
        3
        ["a" ["3" "2"]]
        "1"
        "1"
        ["1"]
        """,
        nodes,
    )


@NODES
def test_a_push_to_any_of_the_groups_ends_the_wait(nodes):
    talk(
        """
        w> BLPOP a b c 0 | PING
        c> RPUSH c x
        1
        w: ["c" "x"]
        w: +PONG
        w> BLMPOP 0 2 a b LEFT COUNT 5
        c> RPUSH b x y
        2
        w: ["b" ["x" "y"]]
        w> BZMPOP 0 2 a b MIN
        c> ZADD a 1 m
        1
        w: ["a" [["m" "1"]]]
        """,
        nodes,
    )


@NODES
def test_moves_between_groups(nodes):
    """The target alone brings nothing."""
    talk(
        """
        w> BLMOVE a b LEFT RIGHT 0
        c> RPUSH b other
        1
        c> RPUSH a x
        1
        w: "x"
        c> LRANGE b 0 -1 | EXISTS a
        ["other" "x"]
        0
        w> BRPOPLPUSH c d 0
        v> BLPOP d a 0
        c> MULTI | RPUSH c 1 | RPUSH b 2 | EXEC
        +OK
        +QUEUED
        +QUEUED
        [1 3]
        w: "1"
        v: ["d" "1"]
        c> DEL b
        1
        """,
        nodes,
    )


@NODES
def test_streams(nodes):
    """``$`` is what was the last when the call came, however often it is tried."""
    talk(
        """
        c> XADD a 1-1 f old | XADD a 2-1 f older
        "1-1"
        "2-1"
        w> XREAD BLOCK 0 STREAMS a b $ $
        c> XDEL a 1-1
        1
        c> XADD b 5-1 f new
        "5-1"
        w: [["b" [["5-1" ["f" "new"]]]]]
        w> XREAD BLOCK 0 COUNT 1 STREAMS b a 5-1 1-1
        [["a" [["2-1" ["f" "older"]]]]]
        c> XGROUP CREATE a g $ | XGROUP CREATE b g $
        +OK
        +OK
        w> XREADGROUP GROUP g me BLOCK 0 STREAMS a b > >
        c> XADD b 6-1 f 1
        "6-1"
        w: [["b" [["6-1" ["f" "1"]]]]]
        w> XREADGROUP GROUP g me BLOCK 0 STREAMS a b > >
        c> DEL a
        1
        w: -UNBLOCKED the stream key no longer exists
        w> XREADGROUP GROUP g me BLOCK 0 STREAMS a b > >
        -NOGROUP No such key 'a' or consumer group 'g' in XREADGROUP with GROUP option
        c> XPENDING b g | DEL b
        [1 "6-1" "6-1" [["me" "1"]]]
        1
        """,
        nodes,
    )


def test_a_key_of_another_type_ends_no_wait_that_has_begun():
    talk("""
        w> BLPOP a b 0
        c> SET a x
        +OK
        c> APPEND a y
        2
        c> RPUSH b 1
        1
        w: ["b" "1"]
        w> BLPOP a b 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        c> DEL a
        1
    """)


def test_time_is_over_or_it_is_ended():
    bench = waiters()
    client = bench.ask("w", "CLIENT ID")
    bench.talk(f"""
        w> BLPOP a b 0.3 | BLMOVE a b LEFT LEFT 0 | PING
        * wait 200
        w: nil*
        c> CLIENT UNBLOCK {client} | CLIENT UNBLOCK {client}
        1
        0
        w: nil*
        w: +PONG
        w> BZPOPMIN a b 0
        c> CLIENT UNBLOCK {client} ERROR
        1
        w: -UNBLOCKED client unblocked via CLIENT UNBLOCK
        w> BLPOP a b -1 | BLPOP a b x | BLMPOP 0 2 a b UP
        -ERR timeout is negative
        -ERR timeout is not a float or out of range
        -ERR syntax error
    """)
    bench.wait(100)
    assert is_quiet(bench)


def test_a_client_that_is_gone_takes_nothing():
    bench = waiters(3)
    bench.talk("""
        w> BLPOP a b 0
        v> BLPOP b c 0
        * hang_up_client w
        c> RPUSH a x | RPUSH b y
        1
        1
        v: ["b" "y"]
        c> LRANGE a 0 -1
        ["x"]
    """)
    bench.wait(100)
    assert is_quiet(bench)


def test_a_trial_that_is_not_decided_is_given_up_with_its_client():
    """Rule Q2."""
    bench = waiters()
    for name, first in (("w", "c"), ("v", "w")):
        if name == "v":
            bench.ask(name, "BLPOP a b 0")  # it is a later trial
        between = Between(bench, B, b"LOCK")
        bench.ask("c", "RPUSH a x")
        if name == "w":
            bench.ask(name, "BLPOP a b 0")
        bench.hang_up_client(name)
        between.release()
        bench.wait(200)
        assert bench.ask("c", "LPOP a") == '"x"', first
        assert is_quiet(bench)


def test_what_changes_between_two_trials_is_not_missed():
    """Rule Q1: the client waits since before the trial that finds nothing."""
    bench = waiters()
    said = heard(bench)
    between = Between(bench, C, AWAIT)
    bench.ask("w", "BLPOP a b c 0")
    assert not bench.node(1).front.transactor.running, "it was tried twice"
    bench.ask("c", "RPUSH c x")
    between.release()
    bench.wait(200)
    assert said == [("c", "1"), ("w", '["c" "x"]')]
    assert is_quiet(bench)


@pytest.mark.parametrize("reply", [NOT_HERE, TIMEOUT_ERROR])
def test_who_can_not_wait_somewhere_tries_again(reply):
    bench = waiters()
    between = Between(bench, B, AWAIT)
    between.answer(reply, 3)
    said = heard(bench)
    bench.ask("w", "BLPOP a b c 0")
    bench.ask("c", "RPUSH b x")
    between.release()
    assert said == [("c", "1"), ("w", '["b" "x"]')]
    assert is_quiet(bench)


def test_locks_that_are_not_to_be_had_end_no_wait():
    """Rule Q4; the first trial is a command as any other. Rule Q3: what ends it waits for the trial."""
    bench = waiters(command_timeout_ms=1_000)
    bench.ask("w", "BLPOP a b 0")
    lock(bench, B, b"b", age=1)
    said = heard(bench)
    bench.ask("c", "RPUSH a x")
    bench.wait(3_000)
    assert said == [("c", "1")]
    bench.wait(100)
    assert bench.answer("v", "BLPOP a b 0").startswith("-TXNRETRY")
    blocked, conn = bench.node(1).front.blocked, bench.clients["w"].conn
    assert blocked.unblock(conn, None) and not blocked.unblock(conn, None)
    bench.wait(2_000)
    assert ("w", "nil") in said


def test_who_can_not_know_says_so():
    """Rule Q4."""
    bench = waiters(command_timeout_ms=1_000)
    bench.ask("w", "BLPOP a b 0")
    between = Between(bench, A, b"DECIDE")
    said = heard(bench)
    bench.ask("c", "RPUSH a x")
    bench.wait(1_500)
    assert said[0] == ("c", "1") and said[1][1].startswith("-TIMEOUT no majority")
    between.release()
    bench.wait(500)
    assert bench.ask("c", "LRANGE a 0 -1") == '["x"]', "it was resolved meanwhile"
    assert is_quiet(bench)


@pytest.mark.parametrize("crashed", [1, 2, 3])
def test_a_node_is_lost(crashed):
    bench = waiters(3)
    where = 2 if crashed != 2 else 3
    bench.connect("y", where)
    bench.ask("y", "SELECT 3")
    bench.ask("y", "BLPOP a b c d 0")
    said = heard(bench)
    bench.crash(crashed)
    bench.wait(3_000)
    bench.connect("x", 6 - crashed - where)
    bench.ask("x", "SELECT 3")
    assert bench.answer("x", "RPUSH d y") == "1"
    bench.until(lambda: ("y", '["d" "y"]') in said)
    bench.wait(1_000)
    assert bench.answer("x", "EXISTS d") == "0"
    assert is_quiet(bench)


def test_the_node_of_the_client_is_lost():
    """Who waits there is forgotten, and nothing with it."""
    bench = waiters(3)
    bench.ask("w", "BLPOP a b c d 0")
    bench.crash(2)
    bench.wait(5_000)
    bench.connect("x", 3)
    bench.ask("x", "SELECT 3")
    assert bench.answer("x", "RPUSH d y") == "1"
    bench.wait(1_000)
    assert bench.answer("x", "LRANGE d 0 -1") == '["y"]'
    assert is_quiet(bench)


def test_a_node_that_was_thought_dead_waits_again():
    """Rule B4 of the machine."""
    bench = waiters(3)
    bench.ask("w", "BLPOP a b c d 0")
    said = heard(bench)
    bench.cut(2)
    bench.connect("x", 3)
    bench.ask("x", "SELECT 3")
    bench.wait(6_000)
    assert not any(group.machine.waiting.by_client for group in bench.node(1).groups.values())
    assert bench.answer("x", "RPUSH b y") == "1"
    bench.heal()
    bench.until(lambda: ("w", '["b" "y"]') in said)
    bench.wait(1_000)
    assert bench.answer("x", "EXISTS b") == "0"
    assert is_quiet(bench)


# -- slots that move


def in_groups(bench: Bench, count: int) -> bool:
    cluster = bench.node(1).front.cluster
    return not cluster.moves and len(cluster.groups_of(3)) == count


def test_keys_that_come_to_be_in_several_groups_and_in_one_again():
    """Who waits in one group goes on waiting in two; and the other way round."""
    bench = founded(3, "3 SHARDS 1", steward=StewardSettings(plans=False))
    said = heard(bench)
    for number in (1, 2, 3):
        bench.ask(f"w{number}@{number}", "SELECT 3")
    bench.ask("c@2", "SELECT 3")
    waits = {"w1": "BLPOP a b 0", "w2": "XREAD BLOCK 0 STREAMS sa sb $ $", "w3": "BLMOVE d a LEFT LEFT 0"}
    pushes = {"w1": "RPUSH b x", "w2": "XADD sa 5-1 f v", "w3": "RPUSH d y"}
    for change in ("SPLIT 2", "MERGE 2 3"):
        for name, line in waits.items():
            assert bench.ask(name, line) == ""
        bench.wait(200)
        said.clear()
        assert bench.answer("m", f"CLUSTER {change}") != ""
        bench.until(lambda count=2 if change[0] == "S" else 1: in_groups(bench, count), 20_000)
        bench.wait(500)
        assert not [text for name, text in said if name in waits]
        for name, line in pushes.items():
            bench.answer("c", line)
            bench.until(lambda name=name: name in [who for who, _ in said])
        assert bench.answer("c", "EXISTS a b d") == "1"
        bench.answer("c", "DEL a b d sa sb")
    bench.wait(500)
    assert is_quiet(bench)


def test_each_job_is_taken_once_while_slots_move():
    """Splits and merges under consumers of several queues; some of them go away."""
    bench = founded(3, "3 SHARDS 2", steward=StewardSettings(plans=False))
    said = heard(bench)
    prng = Prng(11)
    changes = {4: "CLUSTER SPLIT 2", 12: "CLUSTER SPLIT 3", 30: "CLUSTER MERGE 4 3", 34: "CLUSTER MERGE 2 3"}
    for number in (1, 2, 3):
        bench.ask(f"p{number}@{number}", "SELECT 3")
        bench.ask(f"w{number}@{number}", "SELECT 3")
    jobs = 0
    said.clear()
    for step in range(60):
        for number in (1, 2, 3):
            if prng.below(2):
                jobs += 1
                bench.send(f"p{number}", encode(f"RPUSH q{prng.below(6)} job{jobs}"))
            keys = " ".join(f"q{(step + k) % 6}" for k in range(3))
            bench.send(f"w{number}", encode(f"BLPOP {keys} 0.{1 + prng.below(3)}"))
        if step in changes:
            bench.send("m", encode(changes[step])) if "m" in bench.clients else bench.ask(
                "m@2", changes[step]
            )
        bench.wait(20 * (1 + prng.below(3)))
    cluster = bench.node(1).front.cluster
    bench.until(lambda: not cluster.moves and is_quiet(bench), 60_000)
    assert cluster.next_move >= 4
    answers = [text for name, text in said if name[0] == "w"]
    assert not [text for name, text in said if name[0] in "wp" and text.startswith("-")]
    taken = [text.split()[1] for text in answers if text != "nil*"]
    left = []
    for queue in range(6):
        left += bench.answer("p1", f"LRANGE q{queue} 0 -1").strip("[]").split()
    assert sorted(left + [text.rstrip("]") for text in taken]) == sorted(
        f'"job{n}"' for n in range(1, jobs + 1)
    )
    assert len(taken) > 30


def test_nodes_without_copies():
    bench = founded(5, "3 SHARDS 2 REPLICAS 3")
    said = heard(bench)
    for number in bench.servers:
        bench.ask(f"w{number}@{number}", "SELECT 3")
    bench.ask("c@1", "SELECT 3")
    for number in bench.servers:
        bench.ask(f"w{number}", "BLPOP a b c 0")
        bench.wait(200)
        bench.answer("c", "RPUSH b x")
        bench.until(lambda number=number: (f"w{number}", '["b" "x"]') in said)
    bench.wait(1_000)
    assert is_quiet(bench)
