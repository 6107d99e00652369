"""The protocol: conversations; random runs that end equal; what it costs; planted bugs that must be noticed."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.core.gossip.conversation import Conversation
from tests.core.gossip.runs import Run
from tests.core.gossip.swim_world import changed_source
from tests.core.gossip.world import WALL_MS, Desk, Group, Holder, actor_of
from tests.core.scripts import replay as replay_script
from trivet.core.gossip.bundles import bundles_of
from trivet.core.gossip.gossip import Gossip
from trivet.core.gossip.incoming import Taken
from trivet.core.gossip.messages import (
    UNKNOWN,
    Compare,
    Differ,
    Seen,
    States,
    Updates,
    Want,
    digest_bytes,
    updates_of,
)
from trivet.core.gossip.settings import DIGESTED_AT_ONCE, STATES_PER_TURN, GossipSettings
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import STRING, Change, Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice

HERE = Path(__file__).parent
SCRIPTS = [
    "push", "duplicate", "gap", "cause", "hints", "once", "overflow", "held", "member", "lost", "crash", "clock",
    "alarm", "silence", "memories", "forgetful", "nonsense",
    "unsynced", "reversed", "refused", "remembered",
]  # fmt: skip
encode = msgspec.msgpack.encode


@pytest.mark.parametrize("name", SCRIPTS)
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(name)


@pytest.mark.parametrize("seed", range(60))
def test_all_become_equal(seed: int) -> None:
    assert Run(seed).run() == ""


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(60, 1060))
def test_all_become_equal_soak(seed: int) -> None:
    assert Run(seed).run(600) == ""


def test_the_same_seed_is_the_same_run() -> None:
    runs = [Run(5), Run(5)]
    for run in runs:
        run.run(200)
    assert runs[0].group.events == runs[1].group.events


def test_runs_reach_what_they_are_about() -> None:
    """Exchanges, dropped updates that waited, forgotten memories, resent updates."""
    pulls = dropped = wants = lost = 0
    for seed in range(40):
        run = Run(seed)
        run.run()
        for desk in run.group.desks.values():
            assert desk.live is not None
            pulls += desk.live.pulls
            dropped += desk.live._incoming.waiting.dropped
        wants += run.group.sizes.get("Want", 0)
        lost += sum([1 for event in run.group.events if event.endswith(" lost")])
    assert min(pulls, dropped, wants, lost) > 20


# -- what it costs -----------------------------------------------------------------------------------


def filled(keys: int, **settings: int) -> Group:
    """Two equal members."""
    group = Group(2, **settings)
    for number in range(keys):
        group.write(1, b"key:%d" % number, "set", value="value")
        if number % 1_000 == 999:
            group.turn(1)
            group.ticks(20)
    group.turn(1)
    assert group.ticks(200) < 200
    assert group.unequal() == ""
    return group


class Meter:
    """Counts what goes over the links, in bytes and in rounds."""

    def __init__(self, group: Group) -> None:
        self.bytes = 0
        self.count = 0
        self.rounds: dict[int, None] = {}
        self.levels: list[int] = []
        self.tick = 0
        self.group = group
        deliver = group.deliver

        def metered(flight: tuple[int, int, object]) -> None:
            self.bytes += len(encode(flight[2]))
            self.count += 1
            self.rounds[self.tick] = None
            if isinstance(flight[2], Differ):
                self.levels.append(flight[2].level)
            deliver(flight)  # type: ignore[arg-type]

        group.deliver = metered  # type: ignore[method-assign]

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick += 1
            self.group.ticks(1)


def test_equal_members_at_rest_say_nothing() -> None:
    """20,000 keys: below 1 KB/s is asked for; it is silence."""
    group = filled(20_000)
    meter = Meter(group)
    for _ in range(500):
        for node in group.members:
            group.tick(node)
    assert not group.flights
    assert meter.bytes == 0
    assert all(group.live(node).quiet for node in group.members)


def test_a_hundred_keys_among_twenty_thousand() -> None:
    """What differs is found in one message per level, and costs some hundred bytes per key."""
    group = filled(20_000, retained_bytes_max=1)
    group.unlink(1, 2)
    for number in range(100):
        group.write(1, b"key:%d" % (number * 200), "set", value="other")
    group.turn(1)
    group.ticks(50)
    meter = Meter(group)
    group.link(1, 2)
    meter.ticks(200)
    assert group.unequal() == ""
    assert group.live(2).pulls == 1
    assert meter.levels == [1, 2, 3, 4]
    assert meter.bytes < 120_000
    assert meter.count < 40


def test_hints_cost_what_they_are() -> None:
    """Who was away gets each update once, though two have it."""
    group = Group(3)
    for node in (1, 2):
        group.unlink(node, 3)
    for number in range(1_000):
        group.write(1, b"key:%d" % number, "set", value="value")
        group.turn(1)
        group.ticks(3)
    sizes = []
    deliver = group.deliver

    def metered(flight: tuple[int, int, object]) -> None:
        if isinstance(flight[2], Updates):
            sizes.append(len(flight[2].deltas))
        deliver(flight)  # type: ignore[arg-type]

    group.deliver = metered  # type: ignore[method-assign]
    for node in (1, 2):
        group.link(node, 3)
    group.ticks(200)
    assert group.unequal() == ""
    assert sum(sizes) == 1_000


def test_giving_is_paced() -> None:
    group = Group(2, give_bytes_per_tick=2_000)
    group.unlink(1, 2)
    for number in range(100):
        group.write(1, b"key:%d" % number, "set", value="v" * 100)
    group.turn(1)
    group.sync(1)
    per_tick: list[int] = []
    group.link(1, 2)
    for _ in range(80):
        group.ticks(1)
        per_tick.append(group.messages)
    assert group.unequal() == ""
    group.events = []
    taken = [event for event in group.events if "takes" in event]
    assert len(taken) <= 100


def test_what_comes_is_bounded() -> None:
    """Whatever a member says, little is kept of it."""
    group = Group(2, waiting_bytes_max=10_000, actors_max=3)
    live, lattice = group.live(1), group.desks[1].lattice
    other = Group(2)
    deltas = []
    for number in range(200):
        delta = other.write(2, b"k%d" % number, "set", value="v" * 100)
        assert delta is not None
        deltas.append(delta)
    live.step(2, updates_of(deltas[1:]))
    live.take(0)
    assert live._incoming.waiting.bytes <= 10_000
    for actor in range(10):
        live.step(2, updates_of([msgspec.structs.replace(deltas[0], actor=100 + actor, stamp=1)]))
        live.take(0)
    assert len(lattice.clock.actors) == 3
    for number in range(50):
        live.step(2, States(number, 1, b"", [(b"k", b"x" * 1_000)]))
    assert not live._states
    live.step(2, Want([(7, 1, 1 << 60)] * 5_000))
    live.full = True
    live.step(2, updates_of(deltas[:1]))
    assert live.take(0) is None


def test_one_who_can_not_be_taken_keeps_nobody_out() -> None:
    """Node 1 is far ahead: its updates fill the room for what waits, and those of 3 get through (N2, N9)."""
    group = Group(3, waiting_bytes_max=2_000)
    group.desks[1].wall_ms += 10_000_000
    for number in range(100):
        group.write(1, b"early:%d" % number, "set", value="v" * 50)
        group.turn(1)
        group.ticks(2)
    for number in range(100):
        group.write(3, b"late:%d" % number, "set", value="v" * 50)
        group.turn(3)
        group.ticks(2)
    group.ticks(30)
    assert group.desks[2].lattice.clock.base(group.live(3).actor) == 100
    assert group.desks[2].lattice.clock.base(group.live(1).actor) == 0


def ticks_of_a_large_update(kind: type[Gossip]) -> int:
    """3 has a removal that waits, and there is no room; then comes what it waits for, which is larger."""
    group = Group(3, 1, kind, waiting_bytes_max=600)
    group.unlink(1, 3)
    group.write(1, b"s", "add", b"x" * 5_000)
    group.turn(1)
    group.ticks(10)
    group.write(2, b"s", "rem", b"x" * 5_000)
    group.turn(2)
    group.ticks(10)
    removal = group.live(2).retained.of([(group.live(2).actor, 1, 1)])
    group.live(3).step(2, updates_of([delta for bundle in removal for delta in bundle.deltas()]))
    group.unlink(2, 3)
    group.link(1, 3)
    return group.ticks(300)


def test_a_large_update_gets_in_whatever_waits() -> None:
    assert ticks_of_a_large_update(Gossip) < 300


def taken_of_a_large_update_that_comes_early(kind: type[Gossip]) -> int:
    """It comes before the one that it builds upon, in the same turn, and is larger than the room."""
    group = Group(2, 1, kind, waiting_bytes_max=600)
    group.unlink(1, 2)
    for name in (b"x", b"y" * 5_000):
        group.write(1, b"s", "add", name)
        group.turn(1)
        group.ticks(2)
    kept = group.live(1).retained.of([(group.live(1).actor, 1, 2)])
    first, second = [delta for bundle in kept for delta in bundle.deltas()]
    group.live(2).step(1, updates_of([second]))
    group.live(2).step(1, updates_of([first]))
    group.turn(2)
    return group.desks[2].lattice.clock.base(group.live(1).actor)


def test_what_comes_early_in_a_turn_gets_in_whatever_its_size() -> None:
    assert taken_of_a_large_update_that_comes_early(Gossip) == 2


def test_who_comes_looks_again_when_the_last_has_told_what_it_has_seen() -> None:
    """It has nothing to take, all have told each other the same, and it says that it has caught up."""
    one = Gossip(GossipSettings(node=3, actor=actor_of(3, 1)), Holder(Lattice(), Hlc(0)), is_new=True)
    one.learn((1, 2, 3))
    seen = Seen(Clock().encode(), False, digest_bytes(0), 0, actor_of(1, 1))
    for node in (1, 2):
        one.peer_up(node)
    one.step(1, seen)
    one.tick()
    one.take(WALL_MS)
    assert not one.caught_up, "node 2 has said nothing"
    one.step(2, seen)
    assert not one.quiet
    one.tick()
    one.take(WALL_MS)
    assert one.caught_up and one.quiet


def seen(last: int = 0, epoch: int = 0) -> Seen:
    """Of node 1: so many updates of its own."""
    clock = Clock()
    clock.add_range(actor_of(1, 1), 1, last)
    return Seen(clock.encode(), False, digest_bytes(0), 0, actor_of(1, 1), epoch)


def test_who_is_away_or_goes_by_other_members_counts_for_nothing() -> None:
    """Rule N12."""
    one = Gossip(GossipSettings(node=1, actor=actor_of(1, 1)), Holder(Lattice(), Hlc(0)))
    one.learn((1, 2, 3), 5)
    one._lattice.clock.add_range(actor_of(1, 1), 1, 4)
    dot = (actor_of(1, 1), 4)
    for node in (2, 3):
        one.peer_up(node)
        one.step(node, seen(4, epoch=5 if node == 2 else 4))
    assert (one.holders(dot), one.holders(dot, of_epoch=True)) == ([2, 3], [2]), "node 3 goes by others"
    assert (one.kept_alone(), one.kept_from((2, 3), 1), one.kept_from((2, 3), 2)) == (0, 0, 4)
    assert (one.kept_from((2,), 2), one.kept_from((3,), 1)) == (0, 4), "no more are asked for than there are"
    one.step(3, seen(4, epoch=5))
    assert one.kept_from((2, 3), 2) == 0
    one.peer_lost(2)
    assert (one.kept_alone(), one.kept_from((2, 3), 1), one.kept_from((2, 3), 2)) == (0, 0, 4)
    one.peer_up(2)
    assert one.kept_from((2, 3), 2) == 4, "it has yet to speak"
    one.step(2, seen(4, epoch=5))
    assert one.kept_from((2, 3), 2) == 0


def test_what_was_seen_is_told_again_when_members_change_until_it_is_heard() -> None:
    """Rule N12."""
    one = Gossip(GossipSettings(node=1, actor=actor_of(1, 1)), Holder(Lattice(), Hlc(0)))
    one.learn((1, 2), 5)
    one.peer_up(2)
    one.step(2, seen(epoch=5))
    one.messages = []
    assert one.quiet
    one.learn((1, 2), 6)
    assert not one.quiet
    for _ in range(2 * one.settings.tell_ticks):
        one.tick()
    told = [message for _, message in one.messages if isinstance(message, Seen)]
    assert told and all(message.epoch == 6 for message in told)
    assert not one.quiet, "it was not heard by which members node 2 goes"
    one.step(2, seen(epoch=6))
    assert one.quiet


def test_digests_that_have_yet_to_be_made_are_told_when_they_are() -> None:
    """Rule N7: it is not asked for many of them at once, and does not rest before they were told."""
    lattice, count = Lattice(), 2 * DIGESTED_AT_ONCE + 1
    one = Gossip(GossipSettings(node=1, actor=actor_of(1, 1)), Holder(lattice, Hlc(0)))
    one.learn((1, 2))
    made = [Delta(one.actor, n + 1, 1, b"%d" % n, [Change(STRING, b"", payload=b"v")]) for n in range(count)]
    for delta in made:
        lattice.apply(delta)
    one.staged(1, bundles_of(made))
    one.saved(1)
    one.peer_up(2)
    root = digest_bytes(twin_root(made))
    one.step(2, msgspec.structs.replace(seen(count), root=bytes(7) + b"1"))
    assert one.broken == 0, "it has yet to be made"
    for _ in range(10):
        one.tick()
    one.step(2, msgspec.structs.replace(seen(count), root=root))
    roots = [message.root for _, message in one.messages if isinstance(message, Seen)]
    assert roots[0] == UNKNOWN and roots[-1] == root and lattice.tree.stale_count == 0
    assert one.quiet and one.broken == 0
    one.step(2, msgspec.structs.replace(seen(count), root=bytes(7) + b"1"))
    assert one.broken == 1


def twin_root(deltas: list[Delta]) -> int:
    twin = Lattice()
    for delta in deltas:
        twin.apply(delta)
    return twin.tree.root


def test_of_an_exchange_a_turn_joins_so_many_states() -> None:
    count = 2 * STATES_PER_TURN + 50
    group = Group(2, retained_bytes_max=1)
    group.unlink(1, 2)
    for number in range(count):
        group.write(1, b"key:%d" % number, "set", value="v")
    group.turn(1)
    group.sync(1)
    group.link(1, 2)
    per_turn: list[int] = []
    take = group._take

    def metered(desk: Desk, taken: Taken) -> None:
        per_turn.append(len(taken.states))
        take(desk, taken)

    group._take = metered  # type: ignore[method-assign]
    group.ticks(300)
    assert group.unequal() == "" and sum(per_turn) == count
    assert max(per_turn) == STATES_PER_TURN


def test_witnesses_have_to_be_heard_before_it_has_caught_up() -> None:
    """Rule N13."""
    one = Gossip(GossipSettings(node=3, actor=actor_of(3, 1)), Holder(Lattice(), Hlc(0)), is_new=True)
    one.learn((1, 2, 3))
    one.witnesses = ((1, 2), 2)
    for node, is_enough in ((1, False), (2, True)):
        one.peer_up(node)
        one.step(node, seen())
        one.tick()
        one.take(WALL_MS)
        assert one.caught_up is is_enough


def test_what_a_member_tells_beside_is_asked_for() -> None:
    one = Gossip(GossipSettings(node=1, actor=actor_of(1, 1)), Holder(Lattice(), Hlc(0)))
    one.learn((1, 2))
    one.peer_up(2)
    clock = Clock()
    clock.add_range(actor_of(2, 1), 1, 3)
    one.heard(2, clock)
    one.heard(2, Clock())
    one.heard(9, clock)
    one.messages = []
    for _ in range(one.settings.patience_ticks):
        one.tick()
    assert (2, Want([(actor_of(2, 1), 1, 3)])) in one.messages
    assert not one.durable.actors


def test_an_exchange_that_nobody_goes_on_with_ends() -> None:
    """Its giver forgets it, and sleeps."""
    group = Group(2, retained_bytes_max=1)
    group.unlink(1, 2)
    group.write(1, b"k", "set", value="v")
    group.turn(1)
    group.sync(1)
    group.link(1, 2)
    for _ in range(15):
        group.ticks(1)
        if any(isinstance(flight[2], Differ) for flight in group.flights):
            break
    group.crash(2)
    for _ in range(300):
        group.tick(1)
    assert group.live(1).quiet


def ticks_until_a_giver_gives_up(kind: type[Gossip]) -> int:
    """Who asked says nothing any more, though its link stands."""
    group = Group(2, 1, kind, silence_ticks=30)
    group.write(1, b"k", "set", b"", "v")
    group.turn(1)
    giver = group.live(1)
    giver.step(2, Compare(9, 0, [(0, [])]))
    for ticks in range(1, 200):
        giver.tick()
        giver.messages.clear()
        if giver._peers[2].give is None:
            return ticks
    return 200


def test_a_giver_gives_up_after_silence() -> None:
    assert 30 < ticks_until_a_giver_gives_up(Gossip) < 40


# -- planted bugs ------------------------------------------------------------------------------------

PLANTED = {
    "it says to have seen what is not synced": (
        "gossip.py", "Seen(self._durable.encode()", "Seen(self._lattice.clock.encode()"),
    "own updates leave before they are synced": (
        "gossip.py", "        self._saves.append((save_id, own, self._lattice.clock.copy()))\n",
        "        self._saves.append((save_id, own, self._lattice.clock.copy()))\n"
        "        for node in self._up:\n"
        "            self.messages.extend([(node, one) for one in portions_of(own, 1 << 20)])\n"),
    "states leave before they are synced": (
        "gossip.py", "                if self._saves:\n                    self._after", "                if False:\n                    self._after"),
    "kept no longer than this member needs it": (
        "gossip.py", "self.retained.forget(self.stable())", "self.retained.forget(self._durable)"),
    "what is stable leaves out one member": (
        "knowledge.py", "            return Clock()\n", "            continue\n"),
    "all is claimed before it has come": (
        "exchange.py", "return self.last > 0 and len(self.serials) == self.last", "return self.last > 0"),
    "all is claimed when the exchange begins": (
        "gossip.py", "            self._retry = True\n        pull.idle_ticks = 0",
        "            self._lattice.clock.join(pull.clock)\n        pull.idle_ticks = 0"),
    "what the giver had when it ended is claimed": (
        "gossip.py", "                pull.clock = pull.clock or clock", "                pull.clock = self._peers[sender].clock or clock"),
    "a state that was refused counts as taken": (
        "gossip.py", "            pull.is_whole = False  # Rule X5", "            pass"),
    "updates are taken out of order": (
        "incoming.py", "                    if lattice.awaits(delta) or self._is_too_early", "                    if self._is_too_early"),
    "what comes early is taken at once": (
        "incoming.py", "            if waits or lattice.awaits(delta) or", "            if waits or"),
    "keys that the giver has removed are left out": (
        "exchange.py", "for key in dict.fromkeys([*ours, *theirs]):", "for key in ours:"),
    "what was lost is never asked for": (
        "gossip.py",
        "        self.messages.append((self._asked, Want(lacks[self._asked][: self.settings.want_ranges_max])))",
        "        pass"),
    "what is kept no more is passed over": (
        "gossip.py", "            self.messages.append((sender, Updates(NO_DELTAS, lost=True)))", "            pass"),
    "a giver that never gives up": (
        "gossip.py", "if is_over or give.idle_ticks > settings.silence_ticks:", "if is_over:"),
    "what waits is dropped where it comes": (
        "incoming.py", "                    waiting.put(delta)\n                else:",
        "                    waiting.put(delta)\n                    waiting.trim()\n                else:"),
    "all are asked at once": (
        "gossip.py",
        "        self.messages.append((self._asked, Want(lacks[self._asked][: self.settings.want_ranges_max])))",
        "        for node in ahead:\n            self.messages.append((node, Want(lacks[node])))"),
    "only differing sums of its own are looked at": (
        "exchange.py", "if theirs.get(child) != ours.get(child):", "if ours.get(child) and theirs.get(child) != ours.get(child):"),
}  # fmt: skip


def noticed(kind: type[Gossip]) -> bool:
    """Whether scripts or random runs notice it."""
    for name in SCRIPTS:
        try:
            replay_script(HERE / "testdata" / "gossip" / f"{name}.txt", Conversation(kind).run, False)
        except (AssertionError, ValueError, KeyError):
            return True
    if ticks_until_a_giver_gives_up(kind) == 200:
        return True
    if ticks_of_a_large_update(kind) == 300 or taken_of_a_large_update_that_comes_early(kind) < 2:
        return True
    return any(Run(seed, kind).run() for seed in range(60))


# The first ones in every run of the tests; all of them in the soak.
NAMES = [
    pytest.param(name, marks=[pytest.mark.soak] if place > 5 else []) for place, name in enumerate(PLANTED)
]


@pytest.mark.parametrize("name", NAMES)
def test_planted(name: str) -> None:
    assert noticed(changed_source([PLANTED[name]], "gossip.py").Gossip)


def test_nothing_is_noticed_where_nothing_is_planted() -> None:
    kind = changed_source([("gossip.py", "self.broken = 0", "self.broken = 0")], "gossip.py").Gossip
    for name in SCRIPTS:
        replay_script(HERE / "testdata" / "gossip" / f"{name}.txt", Conversation(kind).run, False)
    assert not any(Run(seed, kind).run() for seed in range(10))
