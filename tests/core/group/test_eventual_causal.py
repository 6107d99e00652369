"""Session guarantees (Terry et al. 1994) in a group of mode ``eventual``: Rules X12 to X15."""

import pytest

from tests.core.group.test_eventual_group import FIRST, group, with_copies
from trivet.core.base.ids import GroupId
from trivet.core.group.eventual_causal import BEHIND, Causal
from trivet.core.group.past import Past
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import STRING, Change, Delta
from trivet.core.lattice.lattice import Lattice
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.rights import AS
from trivet.core.wire.reply import OK

BEHIND_TEXT = "-" + BEHIND.text
TIMEOUT_MS = 5_000


def causal(bench, *names: str) -> None:
    for name in names:
        assert bench.answer(name, "CLIENT CAUSAL ON") == "+OK"


def hop(bench, source: str, to: str) -> None:
    """What client ``source`` has seen is taken along to ``to``."""
    token = bench.answer(source, "CLIENT CAUSAL TOKEN").strip('"')
    assert bench.answer(to, f"CLIENT CAUSAL ON {token}") == "+OK"


def apart(bench, one: int, other: int) -> None:
    """These two don't hear each other; both hear everybody else."""
    bench.cuts[(one, other)] = bench.cuts[(other, one)] = None


def said(bench, name: str) -> list[str]:
    return [text for who, text in bench.events if who == name]


# -- the four guarantees ------------------------------------------------------------------------------


def test_read_your_writes():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    assert bench.answer("a", "SET k 1") == "+OK"
    hop(bench, "a", "b")
    assert bench.ask("b", "GET k") == "", "node 2 has not heard of it: the client waits"
    assert bench.ask("p@2", "SELECT 7") == "+OK"
    assert bench.answer("p", "GET k") == "nil", "others do not"
    bench.heal()
    bench.until(lambda: said(bench, "b") == ['"1"'], 1_000)


def test_monotonic_reads():
    bench = with_copies()
    bench.answer("a", "SET k 1")
    bench.until(lambda: bench.answer("c", "GET k") == '"1"')
    bench.cut(3)
    bench.answer("a", "SET k 2")
    bench.wait(100)
    causal(bench, "b")
    assert bench.answer("b", "GET k") == '"2"'
    assert bench.answer("c", "GET k") == '"1"'
    hop(bench, "b", "c")
    assert bench.ask("c", "GET k") == ""
    bench.heal()
    bench.until(lambda: said(bench, "c") == ['"2"'], 1_000)


@pytest.mark.parametrize("reads", [False, True], ids=["monotonic writes", "writes follow reads"])
def test_nobody_sees_a_write_before_what_its_client_had_seen(reads):
    """X14: node 3 hears of the second write at once, and of the first only when it asks for it."""
    bench = with_copies()
    apart(bench, 1, 3)
    if reads:
        bench.answer("a", "SET first 1")
        causal(bench, "b")
        assert bench.answer("b", "GET first") == '"1"'
    else:
        causal(bench, "a")
        bench.answer("a", "SET first 1")
        hop(bench, "a", "b")
    assert bench.answer("b", "SET second 2") == "+OK"
    seen = []
    while seen[-1:] != ['["2" "1"]']:
        bench.wait(20)
        seen.append(bench.answer("c", "MGET second first"))
        assert len(seen) < 100
    assert dict.fromkeys(seen[:-1]) == {"[nil nil]": None}


def test_a_plain_client_waits_for_nothing_and_its_writes_name_nothing():
    bench = with_copies()
    apart(bench, 1, 3)
    bench.answer("a", "SET first 1")
    assert bench.answer("b", "GET first") == '"1"'
    bench.answer("b", "SET second 2")
    assert bench.answer("c", "MGET second first") == '["2" nil]'


# -- waiting (X12) ------------------------------------------------------------------------------------


def test_who_waits_for_too_long_is_told_that_nothing_was_done():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    hop(bench, "a", "b")
    bench.ask("b", "SET k 2 | INCR n")
    assert group(bench, 2).has_writes and group(bench, 2).pending_bytes
    bench.wait(TIMEOUT_MS - 200)
    assert said(bench, "b") == []
    bench.wait(300)
    assert said(bench, "b") == [BEHIND_TEXT] * 2
    bench.heal()
    bench.wait(500)
    assert bench.answer("b", "MGET k n") == '["1" nil]'
    assert not group(bench, 2).causal.busy


def test_who_forgets_what_was_seen_waits_no_longer():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    hop(bench, "a", "b")
    assert bench.answer("b", "CLIENT CAUSAL OFF") == "+OK"
    assert bench.answer("b", "GET k") == "nil"


def test_calls_of_one_client_keep_their_order():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "RPUSH l 0")
    hop(bench, "a", "b")
    bench.ask("b", "RPUSH l 1 | RPUSH l 2")
    bench.ask("b", "RPUSH l 3")
    bench.ask("b", "LRANGE l 0 -1")
    bench.heal()
    bench.until(lambda: said(bench, "b") == ["2", "3", "4", '["0" "1" "2" "3"]'], 1_000)


def test_commands_of_other_modes_are_not_affected():
    bench = with_copies()
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    bench.answer("b", "CLIENT CAUSAL ON")
    bench.cut(2)
    bench.answer("a", "SET k 2")
    hop(bench, "a", "b")
    bench.heal()
    assert bench.say("b", "SELECT 0 | SET other 1 | GET other")[-2:] == ["+OK", '"1"']


def test_a_transaction_waits_as_a_whole_and_so_does_what_is_watched():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    hop(bench, "a", "b")
    bench.ask("b", "WATCH k | MULTI | APPEND k 2 | GET k | EXEC")
    bench.heal()
    bench.wait(1_000)
    assert said(bench, "b")[-1] == '[2 "12"]'


def test_keys_that_an_unfinished_exchange_has_brought_wait_for_its_end():
    """Their state is ahead of the clock: what was seen in them nobody could name."""
    bench = with_copies()
    bench.cut(2)
    bench.answer("a", "SET k 1")
    bench.answer("a", "SET m 2")
    held, other = group(bench, 2), group(bench, 1)
    there = other.executor.lattice
    held.executor.merge_state(b"k", there.encoded(b"k"), there.clock.copy())
    held.stir()
    causal(bench, "b")
    assert bench.answer("p@2", "SELECT 7") == "+OK"
    assert bench.answer("p", "GET k") == '"1"', "plain clients are shown it"
    assert bench.answer("b", "GET m") == "nil", "of other keys nothing was seen"
    for words in ("GET k", "DBSIZE"):
        assert bench.ask("b", words) == ""
        bench.hang_up_client("b")
        assert bench.answer("b@2" if bench.clients.pop("b") else "", "SELECT 7") == "+OK"
        causal(bench, "b")
    bench.ask("b", "MULTI | GET m | GET k | EXEC")
    bench.heal()
    bench.until(lambda: said(bench, "b") and said(bench, "b")[-1] == '["2" "1"]', 2_000)
    assert not held.executor.lattice.is_any_ahead()


# -- what a clock names is on the disk (X13) ----------------------------------------------------------


def test_nobody_is_told_of_what_a_crash_could_take_away():
    bench = with_copies()
    bench.hold(2)
    bench.answer("a", "SET k 1")
    bench.wait(100)
    assert bench.answer("p@2", "SELECT 7") == "+OK"
    assert bench.answer("p", "GET k") == '"1"', "node 2 has taken it, and not on its disk yet"
    causal(bench, "b")
    assert bench.ask("b", "GET k") == ""
    bench.wait(500)
    assert said(bench, "b") == []
    bench.release(2)
    bench.settle()
    bench.until(lambda: said(bench, "b") == ['"1"'], 100)


def test_after_a_crash_of_all_a_token_is_still_covered():
    bench = with_copies()
    causal(bench, "a", "b")
    bench.answer("a", "SET k 1")
    bench.wait(100)
    assert bench.answer("b", "GET k") == '"1"'
    token = bench.answer("b", "CLIENT CAUSAL TOKEN").strip('"')
    for number in bench.servers:
        bench.crash(number)
    bench.cut(1)
    for number in bench.servers:
        bench.start(number)
    bench.connect("x", 2)
    assert bench.answer("x", "SET other 1") == "+OK"
    assert bench.answer("x", "SELECT 7") == "+OK"
    assert bench.answer("x", f"CLIENT CAUSAL ON {token}") == "+OK"
    assert bench.answer("x", "GET k") == '"1"', "without node 1, which has made it"


# -- who has no copy (X15) ----------------------------------------------------------------------------


def test_what_was_seen_goes_with_calls_to_a_member_and_comes_back():
    bench = with_copies(5, "REPLICAS 2 ON 1 2")
    causal(bench, "c")
    assert bench.answer("c", "SET k 1") == "+OK"
    assert bench.answer("c", "GET k") == '"1"'
    assert bench.node(3).front.sessions[bench.clients["c"].conn].past.parts >= 1
    apart(bench, 1, 2)
    bench.answer("c", "SET k 2")
    carried_to = group(bench, 3)._carrier
    other = 3 - carried_to
    bench.connect("d", other)
    bench.answer("d", "SELECT 7")
    hop(bench, "c", "d")
    assert bench.ask("d", "GET k") == ""
    bench.cuts.clear()
    bench.heal()
    bench.until(lambda: said(bench, "d") == ['"2"'], 2_000)


def test_a_client_without_a_copy_waits_at_the_member_and_is_told_in_time():
    bench = with_copies(5, "REPLICAS 2 ON 1 2")
    bench.answer("c", "GET k")
    carried_to = group(bench, 3)._carrier
    other = 3 - carried_to
    apart(bench, 1, 2)
    bench.connect("d", other)
    bench.answer("d", "SELECT 7")
    causal(bench, "d")
    bench.answer("d", "SET k 1")
    hop(bench, "d", "c")
    bench.ask("c", "SET k 2")
    bench.wait(TIMEOUT_MS)
    assert said(bench, "c") == [BEHIND_TEXT], "by the member, which knows that nothing was done"


def test_who_becomes_no_member_sends_on_who_waits():
    bench = with_copies(3)
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    hop(bench, "a", "b")
    bench.ask("b", "GET k")
    held = group(bench, 2)
    row = bench.node(2).front.cluster.groups[FIRST]
    row.membership, row.incoming = 1, [1, 3]
    held.follow(row)
    bench.servers[2].dirty = True
    bench.settle()
    assert not held.causal.busy and held.carriers.busy
    bench.heal()
    bench.until(lambda: said(bench, "b") == ['"1"'], 2_000)


def test_when_the_keyspace_is_dropped_everybody_is_answered():
    bench = with_copies()
    bench.cut(2)
    causal(bench, "a")
    bench.answer("a", "SET k 1")
    hop(bench, "a", "b")
    bench.ask("b", "GET k")
    bench.heal()
    assert bench.answer("m@3", "KEYSPACE DROP 7 FORCE") == "+OK"
    bench.wait(500)
    assert len(said(bench, "b")) <= 1 and not any(bench.node(n).front.leaderless for n in bench.servers)
    assert bench.answer("b", "GET k") in ("nil", '"1"')


# -- by itself ----------------------------------------------------------------------------------------

GROUP: GroupId = 9
OWN, OTHER = 1 << 44 | 5, 2 << 44 | 5


class Waiter:
    def run_done(self) -> None:
        """As ``Waiter``."""


def run_of(past: Past, *words: bytes) -> Run:
    run = Run(Waiter(), False)
    run.past = past
    run.add((0, list(words)), 10)
    return run


def seen(lattice: Lattice, actor: int, number: int) -> None:
    lattice.clock.add_range(actor, 1, number)


def test_an_update_names_what_was_not_named_before():
    """X14."""
    lattice = Lattice()
    one = Causal(GROUP, lattice, TIMEOUT_MS)

    def made(number: int, actor: int = OWN) -> Delta:
        return one.name(Delta(actor, number, 1, b"k", [Change(STRING, b"", payload=b"\0x")]))

    seen(lattice, OWN, 1)
    assert made(1).after == ()
    seen(lattice, OTHER, 4)
    assert made(2).after == ((OTHER, 4),)
    assert made(3).after == (), "who has the second has that, too"
    seen(lattice, OTHER, 6)
    assert made(4).after == ((OTHER, 6),)
    assert made(1, OWN + 1).after == ((OWN, 1), (OTHER, 6)), "another actor begins anew"


def test_a_client_waits_in_its_order_and_others_go_by():
    """X12."""
    lattice = Lattice()
    one = Causal(GROUP, lattice, TIMEOUT_MS)
    behind, free = Past(), Past()
    clock = Clock()
    clock.add_range(OTHER, 1, 2)
    behind.join(GROUP, clock)
    first, second = run_of(behind, b"GET", b"k"), run_of(behind, b"GET", b"k")
    assert not one.admits(first, behind, 0) and not one.admits(second, behind, 100)
    assert one.admits(run_of(free, b"GET", b"k"), free, 0)
    seen(lattice, OTHER, 2)
    third = run_of(behind, b"GET", b"k")
    assert not one.admits(third, behind, 100), "behind its own"
    assert one.release() == [first, second, third] and not one.waits


def test_what_a_member_has_of_a_client_is_waited_for():
    """X15: this node serves from now on, and an earlier run is not back yet."""
    one = Causal(GROUP, Lattice(), TIMEOUT_MS)
    past = Past()
    past.left(GROUP)
    run = run_of(past, b"GET", b"k")
    assert not one.admits(run, past, 0) and one.release() == []
    past.returned(GROUP)
    assert one.release() == [run]


def test_each_has_its_own_time():
    one = Causal(GROUP, Lattice(), TIMEOUT_MS)
    clock = Clock()
    clock.add_range(OTHER, 1, 2)
    hasty, calm = Past(), Past()
    for past in (hasty, calm):
        past.join(GROUP, clock)
    runs = [run_of(past, b"GET", b"k") for past in (hasty, hasty, calm)]
    for run in runs[:2]:
        run.patience_ms = 100
    for run, now_ms in zip(runs, (0, 50, 0), strict=True):
        assert run.past is not None and not one.admits(run, run.past, now_ms)
    one.expire(101)
    assert [run.replies for run in runs] == [[BEHIND], None, None]
    one.expire(TIMEOUT_MS + 1)
    assert [run.replies for run in runs] == [[BEHIND]] * 3 and not one.busy


def test_a_reply_brings_what_was_seen_when_it_is_synced():
    """X13."""
    one = Causal(GROUP, Lattice(), TIMEOUT_MS)
    past, clock = Past(), Clock()
    clock.add_range(OWN, 1, 1)
    run = run_of(past, b"SET", b"k", b"v")
    one.hold(3, 1, run, [OK], clock)
    assert one.answered(2) == [] and past.clocks == {} and one.busy
    assert one.answered(3) == [(1, run, [OK])] and past.clocks == {GROUP: clock} and not one.busy


def test_what_a_call_names_is_looked_at_inside_of_others_too():
    lattice = Lattice()
    clock = Clock()
    clock.add_range(OTHER, 1, 1)
    lattice.note(b"k", clock)
    one = Causal(GROUP, lattice, TIMEOUT_MS)
    past = Past()
    inner = encode_calls([(0, [b"GET", b"m"]), (-1, [b"+", b"OK"]), (0, [b"GET", b"k"])])
    for words in (
        [b"GET", b"k"], [b"MGET", b"m", b"k"], [b"KEYS", b"*"], [AS, b"u", b"1", b"GET", b"k"],
        [b"EXEC", inner, b""], [AS, b"u", b"1", b"EXEC", inner, b""], [b"WATCH", b"7", b"k"],
    ):  # fmt: skip
        assert not one._covers(run_of(past, *words), past), words
    for words in ([b"GET", b"m"], [b"EXEC", b"\xc1", b""], [b"EXEC"], [AS], [b"NONSENSE", b"k"]):
        assert one._covers(run_of(past, *words), past), words
