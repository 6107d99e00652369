"""Scripts that run long: what waits, who is told what, and how all replicas come to the same end (V1 to V3)."""

import pytest

from tests.core.node.bench import Bench, encode
from tests.core.node.founded import founded
from trivet.core.base.pausable import Wants
from trivet.core.group.long_scripts import LongScripts
from trivet.core.group.messages import KillScript
from trivet.core.group.run import Run
from trivet.core.machine.entry import Batch, Verdict, decode_body, encode_batch, encode_body, encode_calls
from trivet.core.machine.machine import Machine
from trivet.core.node.observe import digest_of_state
from trivet.core.script.bridge import GO_ON, KILLED, LATE
from trivet.core.script.script_rows import NOT_BUSY
from trivet.core.wire.reply import OK, Error

LONG = "for i = 1, 400000 do end"
"""Four times what a script may do on these benches before it needs a verdict."""
ENDLESS = "while true do end"


def bench(nodes: int = 3, **settings) -> Bench:
    made = Bench(nodes, **settings)
    made.talk(
        """
        a> CONFIG SET script-instructions-max 100000 busy-reply-threshold 1000 | SET k 1
        +OK
        +OK
        """
    )
    return made


def begin(made: Bench, text: str, number: int = 1, keys: str = "1 k") -> None:
    """A client of node ``number`` runs a script, until the leader waits for a verdict and cannot get one."""
    made.connect("s", number)
    made.send("s", encode(f'EVAL "{text}" {keys}'))
    scripts = made.node(1).group.scripts
    while scripts.paused is None or scripts.paused.wants is not Wants.VERDICT:
        assert made.step()
    made.cut(1)
    made.settle()
    assert scripts.paused is not None and not scripts.may_go_on


def take(made: Bench, name: str) -> list[str]:
    """What the client got to see since somebody last spoke."""
    return [text for who, text in made.events if who == name]


def paused(made: Bench) -> list[int]:
    return [n for n in made.servers if made.node(n).group.scripts.paused is not None]


def alike(made: Bench) -> None:
    made.wait(100)
    states = [digest_of_state(made.node(number).group) for number in made.servers]
    assert len(set(states)) == 1, states


def test_a_script_that_needs_several_verdicts_ends_alike_everywhere():
    made = bench()
    made.talk(
        f"""
        a> EVAL "redis.call('INCR', KEYS[1]) {LONG} return redis.call('INCR', KEYS[1])" 1 k
        3
        b@2> GET k
        "3"
        """
    )
    alike(made)
    raft = made.node(1).group.raft
    said = [raft.entry_at(index) for index in range(raft.first_index, raft.last_index + 1)]
    assert (
        sum(entry is not None and b"while" not in entry.payload and len(entry.payload) < 16 for entry in said)
        >= 4
    )
    assert made.node(3).group.machine.verdicts_met >= 4


def test_what_comes_meanwhile_waits_and_is_done_behind_it():
    made = bench()
    begin(made, f"{LONG} return redis.call('INCR', KEYS[1])")
    made.talk(
        """
        w> INCR k
        r> GET k
        * heal
        s: 2
        w: 3
        r: "3"
        """
    )
    alike(made)


def test_after_a_while_others_are_told_that_it_is_busy_and_nothing_was_done():
    made = bench()
    begin(made, f"{LONG} return redis.call('INCR', KEYS[1])")
    made.wait(1000, [1])
    made.talk(
        """
        w> INCR k
        -BUSY Trivet is busy running a script on these keys; nothing was done. You can call SCRIPT KILL, if the script has written nothing; it is stopped after script-time-max
        w> GET k
        -BUSY Trivet is busy running a script on these keys; nothing was done. You can call SCRIPT KILL, if the script has written nothing; it is stopped after script-time-max
        w> PING
        +PONG
        * heal
        s: 2
        w> GET k
        "2"
        """
    )


@pytest.mark.parametrize("number", [1, 2])
def test_a_script_without_end_is_killed_from_any_node(number: int):
    made = bench()
    begin(made, ENDLESS)
    made.connect("k", number)
    made.send("k", encode("SCRIPT KILL"))
    made.settle()
    assert take(made, "k") == [], "it is not known yet"
    made.heal()
    made.wait(200)
    assert take(made, "k") == ["+OK"]
    assert take(made, "s") == ["-ERR Script killed by user with SCRIPT KILL."]
    assert paused(made) == []
    alike(made)
    made.talk(
        """
        a> SCRIPT KILL
        -NOTBUSY No scripts in execution right now.
        """
    )


def test_a_script_that_has_written_is_not_killed():
    made = bench()
    begin(made, f"redis.call('INCR', KEYS[1]) {LONG} return 1")
    made.talk(
        """
        k> SCRIPT KILL
        -UNKILLABLE the script has already written; it is left to end, or to be stopped after script-time-max
        * heal
        s: 1
        """
    )


def test_it_is_stopped_when_it_has_run_for_too_long_and_waiting_for_a_majority_does_not_count():
    made = bench()
    made.ask("a", "CONFIG SET script-time-max 2000")
    begin(made, f"redis.call('INCR', KEYS[1]) {ENDLESS}")
    scripts = made.node(1).group.scripts
    made.mono_ms += 3000
    made.settle = lambda: None  # it would never settle
    made.heal()
    for _ in range(2000):
        assert made.step()
    assert scripts.paused is not None, "it has waited for three seconds, and not run"
    while scripts.paused.wants is not Wants.SLICE:
        assert made.step()
    made.mono_ms += 2500
    del made.settle
    for number in made.servers:
        made.node(number).on_tick(made.mono_ms, made.wall_ms)
    made.wait(200)
    said = (
        "-ERR script stopped: it ran for longer than 2000 ms (script-time-max); what it has done so far stays"
    )
    assert take(made, "s") == [said]
    assert made.ask("b", "GET k") == '"2"'
    alike(made)


def test_a_new_leader_says_how_it_goes_on():
    made = bench()
    begin(made, f"{LONG} return redis.call('INCR', KEYS[1])", 2)
    made.crash(1)
    made.heal()
    made.elect(2)
    made.wait(300)
    assert take(made, "s") == ["2"]
    made.start(1)
    made.wait(500)
    alike(made)


def test_a_replica_that_runs_it_from_its_log_comes_to_the_same_end():
    made = bench()
    begin(made, ENDLESS)
    made.send("a", encode("SCRIPT KILL"))
    made.heal()
    made.wait(200)
    made.ask("a", "INCR k")
    for number in (1, 2, 3):
        made.crash(number)
    for number in (1, 2, 3):
        made.start(number)
    made.elect(1)
    made.wait(500)
    assert made.ask("c@3", "GET k") == '"2"'
    alike(made)


def test_a_node_without_a_replica_can_kill_too():
    made = founded(3, "5 MODE local")
    (group,) = [
        n for n in made.node(1).front.replicas if sum(n in made.node(m).groups for m in made.servers) == 1
    ]
    (home,) = [n for n in made.servers if group in made.node(n).groups]
    made.ask("a", "CONFIG SET script-instructions-max 100000 busy-reply-threshold 0")
    for name in "skr":
        made.connect(name, home % 3 + 1)
        made.ask(name, "SELECT 5")
    made.wait(300)

    def some_turns() -> None:
        for _ in range(50):
            made._turns()
            made._jobs()
            made._deliver()

    made.events = []
    made.send("s", encode(f'EVAL "{ENDLESS}" 1 k'))
    some_turns()
    assert made.node(home).groups[group].scripts.paused is not None
    made.mono_ms += 2 * made.configs[home].resend_ms
    for number in made.servers:
        made.node(number).on_tick(made.mono_ms, made.wall_ms)
    some_turns()
    assert take(made, "s") == [], "its batch has come again, and is not taken for one whose replies are lost"
    made.send("r", encode("GET k"))
    some_turns()
    assert take(made, "r")[0].startswith("-BUSY")
    made.send("k", encode("SCRIPT KILL"))
    some_turns()
    assert take(made, "k") == ["+OK"]
    assert take(made, "s") == ["-ERR Script killed by user with SCRIPT KILL."]


def test_who_calls_a_function_is_shown():
    made = bench()
    made.ask(
        "a",
        "FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('loop', function() while true do end end)\"",
    )
    made.connect("s", 1)
    made.send("s", encode("FCALL loop 1 k"))
    scripts = made.node(1).group.scripts
    while scripts.paused is None or scripts.paused.wants is not Wants.VERDICT:
        assert made.step()
    made.cut(1)
    made.settle()
    made.talk(
        """
        k> FUNCTION STATS
        ["running_script" ["name" "loop" "command" ["FCALL" "loop" "1" "k"] "duration_ms" 0] "engines" ["LUA" ["libraries_count" 1 "functions_count" 1]]]
        """
    )
    made.send("k", encode("FUNCTION KILL"))
    made.heal()
    made.wait(200)
    assert take(made, "k") == ["+OK"]


def test_no_snapshot_is_begun_amid_an_entry():
    made = bench()
    begin(made, f"redis.call('INCR', KEYS[1]) {LONG} return 1")
    group = made.node(1).group
    group.snapshots._newest_is_bad = True
    assert not group.snapshots._is_due(group.machine)
    made.heal()
    made.wait(200)
    assert group.machine.is_whole


# -- alone

SCRIPT = [b"EVAL", b"while true do end", b"0"]


def entry_of(sequence: int, call: list[bytes]) -> bytes:
    return encode_body(1, 1, [encode_batch(Batch(1, 1, sequence, sequence - 1, [(0, call)]))])


def verdict(index: int, number: int, word: int) -> bytes:
    from trivet.core.group.long_scripts import _encoder

    return _encoder.encode(Verdict(index, number, word))


def alone() -> tuple[LongScripts, Machine]:
    machine = Machine(10)
    machine.settings.put(b"script-instructions-max", b"100000")
    return LongScripts(1), machine


def run_on(scripts: LongScripts, machine: Machine) -> list | None:
    outcome = None
    while outcome is None and scripts.may_go_on:
        outcome = scripts.go_on(machine, 0)
    return outcome


def test_of_two_verdicts_about_one_pause_the_first_counts():
    for first, second in ((KILLED, GO_ON), (LATE, KILLED)):
        scripts, machine = alone()
        assert scripts.apply(machine, 1, entry_of(1, SCRIPT), 0) is None
        scripts.apply(machine, 2, verdict(1, 1, first), 0)
        scripts.apply(machine, 3, verdict(1, 1, second), 0)
        outcome = run_on(scripts, machine)
        assert outcome is not None
        reply = outcome[0].replies[0]
        assert isinstance(reply, Error)
        assert ("killed" in reply.text) is (first == KILLED)


def test_a_verdict_about_another_pause_or_entry_says_nothing():
    scripts, machine = alone()
    scripts.apply(machine, 1, entry_of(1, SCRIPT), 0)
    scripts.apply(machine, 2, verdict(1, 2, KILLED), 0)
    scripts.apply(machine, 3, verdict(2, 1, KILLED), 0)
    assert run_on(scripts, machine) is None
    scripts.apply(machine, 4, verdict(1, 1, GO_ON), 0)
    assert run_on(scripts, machine) is not None, "and the one about the second pause was kept"


def test_verdicts_are_found_also_for_an_entry_that_waits_itself():
    scripts, machine = alone()
    scripts.apply(machine, 1, entry_of(1, SCRIPT), 0)
    scripts.apply(machine, 2, entry_of(2, SCRIPT), 0)
    scripts.apply(machine, 3, verdict(2, 1, KILLED), 0)
    scripts.apply(machine, 4, verdict(1, 1, KILLED), 0)
    assert run_on(scripts, machine) is not None
    index, payload = scripts.next_put_off() or (0, b"")
    assert scripts.apply(machine, index, payload, 0) is None
    assert run_on(scripts, machine) is not None


def both(*calls: list[bytes]) -> tuple[LongScripts, Machine]:
    """An entry with several calls, whose first waits for a verdict."""
    scripts, machine = alone()
    batch = Batch(1, 1, 1, 0, [(0, call) for call in calls])
    assert scripts.apply(machine, 1, encode_body(1, 1, [encode_batch(batch)]), 0) is None
    assert run_on(scripts, machine) is None
    return scripts, machine


class Killer:
    """A client that waits for the reply to SCRIPT KILL."""

    def __init__(self) -> None:
        self.run = Run(self, False)
        self.run.add((0, [b"SCRIPT", b"KILL"]), 32)

    def run_done(self) -> None:
        pass


def said_by(scripts: LongScripts, machine: Machine) -> int:
    payload = scripts.wanted(machine.settings.script_limits, 1, 0)
    assert payload is not None
    body = decode_body(payload)
    assert isinstance(body, Verdict)
    return body.word


def test_a_kill_is_about_one_script_and_not_about_the_next_in_the_entry():
    scripts, machine = both(SCRIPT, SCRIPT)
    killer = Killer()
    scripts.ask(killer.run, machine, 0)
    wish = scripts.wish()
    assert wish == KillScript(1, 1) and said_by(scripts, machine) == KILLED
    scripts.apply(machine, 2, verdict(1, 1, KILLED), 0)
    assert run_on(scripts, machine) is None
    assert killer.run.replies == [OK], "not when the whole entry has ended"
    assert scripts.wish() is None
    scripts.kill_asked(wish)
    assert said_by(scripts, machine) == GO_ON, "said late, and once more, it is about the first"
    scripts.kill_asked(KillScript(1, 2))
    assert said_by(scripts, machine) == KILLED


def test_who_wanted_the_end_of_a_script_that_ended_by_itself_is_told_so_at_once():
    scripts, machine = both([b"EVAL", LONG.encode(), b"0"], SCRIPT)
    killer = Killer()
    scripts.ask(killer.run, machine, 0)
    for number in range(1, 9):
        scripts.apply(machine, number + 1, verdict(1, number, GO_ON), 0)
    assert run_on(scripts, machine) is None
    assert killer.run.replies == [NOT_BUSY]
    assert said_by(scripts, machine) == GO_ON


def test_time_is_counted_for_each_call_of_a_client():
    scripts, machine = both(SCRIPT, SCRIPT)
    late_ms = machine.settings.script_limits.time_ms_max
    scripts.apply(machine, 2, verdict(1, 1, GO_ON), 0)
    scripts.go_on(machine, 0)
    while scripts.may_go_on:
        scripts.go_on(machine, late_ms)
    assert said_by(scripts, machine) == LATE
    scripts.apply(machine, 3, verdict(1, 2, LATE), late_ms)
    while scripts.may_go_on:
        scripts.go_on(machine, late_ms)
    assert said_by(scripts, machine) == GO_ON


def test_of_a_transaction_that_has_used_up_its_time_no_further_script_begins():
    calls = encode_calls(
        [(0, SCRIPT), (0, [b"EVAL", b"return redis.call('SET', 'k', 'v')", b"0"]), (0, [b"GET", b"k"])]
    )
    scripts, machine = both([b"EXEC", calls, b""], [b"EVAL", b"return 7", b"0"])
    scripts.apply(machine, 2, verdict(1, 1, LATE), 0)
    outcome = run_on(scripts, machine)
    assert outcome is not None
    transaction, after = outcome[0].replies
    assert [type(reply) is Error and "script-time-max" in reply.text for reply in transaction[:2]] == [
        True,
        True,
    ]
    assert machine.databases.open(0).get(b"k") is None
    assert after == 7, "another call is not concerned"


def test_nothing_pauses_in_the_system_group():
    machine = Machine(10)
    machine.settings.put(b"script-instructions-max", b"100000")
    outcome = LongScripts(0).apply(machine, 1, entry_of(1, SCRIPT), 0)
    assert outcome is not None and isinstance(outcome[0].replies[0], Error)


def test_an_abandoned_one_comes_to_its_end_and_what_waited_is_forgotten():
    scripts, machine = alone()
    scripts.apply(machine, 1, entry_of(1, SCRIPT), 0)
    scripts.apply(machine, 2, entry_of(2, [b"SET", b"k", b"v"]), 0)
    scripts.abandon()
    assert scripts.paused is None and scripts.next_put_off() is None
