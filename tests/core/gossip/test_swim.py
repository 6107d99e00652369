"""SWIM: conversations; random worlds that must come to the truth, within a budget of messages; planted bugs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.gossip.swim_world import Conversation, World, changed_source
from tests.core.scripts import replay
from trivet.core.base.prng import Prng
from trivet.core.gossip.swim import Swim
from trivet.core.gossip.swim_messages import ALIVE, DEAD, SUSPECT, News, Ping, PingFor, Pong, Rumour
from trivet.core.gossip.swim_settings import INCARNATION_MAX, SwimSettings

HERE = Path(__file__).parent
SCRIPTS = ["ping", "indirect", "suspect", "refute", "restart", "spread", "nonsense", "news"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_conversations(replay_swim: Callable[[str], None], name: str) -> None:
    replay_swim(name)


def ruin(world: World, prng: Prng) -> None:
    """Faults of one stretch of time."""
    world.loss = prng.below(3) * 15
    world.doubling = prng.below(3) * 20
    members = list(world.members)
    for _ in range(prng.below(4)):
        a, b = members[prng.below(len(members))], members[prng.below(len(members))]
        if a != b:
            world.cut.add((a, b))
    for node in members:
        lot = prng.below(10)
        if lot == 0 and node in world.nodes:
            world.crash(node)
        elif lot < 4 and node not in world.nodes:
            world.start(node)
    if prng.below(8) == 0:
        for node in members:  # Row G1: all restart
            world.start(node)
    for flight in world.old[:20]:
        world.flights.append(flight)


def budget_of(count: int) -> int:
    """Messages of one node in a period, at most: pings, answers, helpers and what they cause (Rule D5)."""
    settings = SwimSettings(node=1)
    return 2 * (1 + 1) + settings.helpers * 4


def bad_run(seed: int, kind: type[Swim] = Swim, beats: bool = False) -> str:
    """What is wrong after a run of faults and a time of peace; "": nothing."""
    prng = Prng(seed)
    count = 3 + prng.below(6)
    world = World(count, seed, kind)
    world.beats = beats
    for _ in range(6):
        ruin(world, prng)
        before = world.sent
        world.ticks(60, True)
        if world.sent - before > budget_of(count) * 6 * count * 2:
            return f"{world.sent - before} messages in 6 periods of {count} nodes"
        world.cut.clear()
    for flight in world.old:
        world.flights.append(flight)
    world.old = []
    world.loss = world.doubling = 0
    world.ticks(300)
    before, told = world.sent, world.told
    world.ticks(100)
    if world.wrong():
        return "; ".join(world.wrong())
    dead = count - len(world.nodes)
    quiet = 10 * len(world.nodes) * (2 + (2 + 4 * 3 if dead else 0))
    if world.sent - before > quiet:
        return f"{world.sent - before} messages at rest"
    if world.told - told > dead * 100 * len(world.nodes):
        return f"{world.told - told} beats with news at rest"
    if len(world.nodes) == 1:
        world.ticks(300)  # it speaks to the dead alone, and seldom
    riding = sum([len(swim.rumours) for swim in world.nodes.values()])
    return f"{riding} rumours at rest" if riding else ""


def bad_budget(kind: type[Swim] = Swim) -> str:
    """Where no message arrives each node still sends so much and no more (Rule D5)."""
    world = World(8, 1, kind)
    world.loss = 100
    world.ticks(200)
    settings = SwimSettings(node=1)
    return f"{world.sent} messages" if world.sent > 8 * 20 * (2 + settings.helpers) else ""


@pytest.mark.parametrize("seed", range(25))
def test_all_come_to_the_truth(seed: int) -> None:
    assert bad_run(seed) == ""


@pytest.mark.parametrize("seed", range(100, 120))
def test_all_come_to_the_truth_with_beats_too(seed: int) -> None:
    assert bad_run(seed, beats=True) == ""


def ticks_until(world: World, status: int) -> int:
    """How long it takes until all others hold node 2 to be that."""
    count = 0
    while any(swim.status(2) != status for node, swim in world.nodes.items() if node != 2):
        world.ticks(1)
        count += 1
    return count


@pytest.mark.parametrize("count", [3, 5, 24])
def test_what_rides_on_beats_is_everywhere_at_once(count: int) -> None:
    """Who is suspect speaks up within some beats, also to those that do not hear it themselves."""
    for seed in range(5):
        world = World(count, seed)
        world.beats = True
        world.cut = {(1, 2), (2, 1)}
        world.ticks(50)
        world.deliver((1, 3, Ping(1, 0, [Rumour(2, 0, SUSPECT)])))
        ticks_until(world, ALIVE)
        assert world.nodes[2].spoken_up == 1
        assert ticks_until(world, ALIVE) == 0
        world.nodes[1].step(3, Ping(2, 0, [Rumour(2, 1, SUSPECT)]))
        assert world.nodes[1].status(2) == SUSPECT
        assert ticks_until(world, ALIVE) <= 8, "without beats that takes several periods"
        assert world.nodes[1].incarnation_of(2) == 2 == world.nodes[2].incarnation


def test_the_dead_are_found_in_time() -> None:
    for seed in range(5):
        world = World(16, seed)
        world.ticks(50)
        world.crash(7)
        settings = SwimSettings(node=1)
        patience = settings.suspicion_periods * 5 + 16
        world.ticks(patience * settings.period_ticks)
        assert world.wrong() == []


def test_who_hears_nobody_sends_no_more() -> None:
    assert bad_budget() == ""


def test_one_who_hears_nothing_does_no_harm() -> None:
    """A half-detached node (G3): what it sends arrives, what is sent to it does not."""
    world = World(8)
    for node in world.members:
        world.cut.add((node, 8))
    world.ticks(300)
    before, events = world.sent, len(world.events)
    world.ticks(200)
    assert world.sent - before < 20 * 8 * 6
    for node in range(1, 8):
        assert all(world.nodes[node].status(other) == ALIVE for other in range(1, 8))
    for line in world.events[events:]:
        assert "holds" not in line or "holds 8" in line or line.startswith("8 ")


def test_cost_does_not_grow_with_the_nodes() -> None:
    sizes = {}
    for count in (4, 32):
        world = World(count)
        world.ticks(100)
        sizes[count] = world.sent / count
    assert sizes[32] <= sizes[4] * 1.2


def make(**settings: int) -> Swim:
    swim = Swim(SwimSettings(node=1, **settings), Prng(1))  # type: ignore[arg-type]
    swim.learn((1, 2, 3))
    return swim


def test_what_comes_is_bounded() -> None:
    swim = make(answers_per_tick_max=5, helped_max=2)
    for number in range(100):
        swim.step(2, Ping(number, 0))
    assert len(swim.messages) == 5
    swim.tick()
    swim.messages = []
    for number in range(100):
        swim.step(2, PingFor(number, 3))
    assert len([m for _, m in swim.messages if isinstance(m, Ping)]) == 2
    assert swim.ignored == 95 + 98
    swim.check_invariants()


def test_helpers_forget_who_does_not_answer() -> None:
    swim = make(helped_max=1)
    swim.step(2, PingFor(5, 3))
    for _ in range(12):
        swim.tick()
    swim.messages = []
    swim.step(2, PingFor(6, 3))
    assert len(swim.messages) == 1


def test_strangers_are_passed_over() -> None:
    swim = make()
    swim.step(9, Ping(1, 5, [Rumour(3, 1, DEAD)]))
    swim.step(2, Pong(1, 1, 5))
    swim.step(2, PingFor(1, 9))
    assert not swim.messages
    assert swim.alive() == [2, 3]
    assert (swim.status(9), swim.status(1), swim.incarnation_of(1)) == (DEAD, ALIVE, 0)
    assert swim.ignored == 3


def test_lives_may_be_counted_by_the_clock() -> None:
    """An incarnation to begin with may be a time in ms: who has heard of none believes it."""
    swim = make()
    swim.step(2, Ping(1, 1_760_000_000_000))
    assert (swim.incarnation_of(2), swim.ignored) == (1_760_000_000_000, 0)
    swim.step(3, Ping(1, INCARNATION_MAX, [Rumour(2, 1 << 60, DEAD)]))
    assert (swim.incarnation_of(3), swim.status(2), swim.ignored) == (INCARNATION_MAX, ALIVE, 1)


def test_there_is_no_news_where_nothing_happens() -> None:
    swim = make()
    swim.step(2, Ping(1, 5))
    swim.step(2, Ping(2, 5))
    told = [swim.news_for(node) for node in (3, 3, 3, 3, 3, 3, 3, 3, 2, 9, 1)]
    assert told.count(None) == 11 - swim.budget
    assert told[0] == News(0, [Rumour(2, 5, ALIVE)])
    swim.step(3, News(7, []))
    assert swim.incarnation_of(3) == 7 and len(swim.messages) == 2, "nobody answers news"


def test_who_leaves_the_map_leaves_nothing() -> None:
    swim = make()
    for _ in range(8):
        swim.tick()
    swim.step(2, PingFor(7, 3))
    swim.learn((1, 2))
    swim.learn((1,))
    for _ in range(40):
        swim.tick()
    swim.check_invariants()
    assert not swim.alive()


PLANTED = [
    # A rumour of a lower incarnation is believed (G1).
    ("if (rumour.incarnation, rumour.status) <= (held.incarnation, held.status):",
     "if rumour.status == held.status and rumour.incarnation <= held.incarnation:"),
    # It speaks up with the incarnation in which it is held dead (G1).
    ("above = rumour.incarnation + (1 if rumour.status != ALIVE else 0)", "above = rumour.incarnation"),
    # Nobody is asked who is dead, so after a cut both sides keep to themselves (D6).
    ("if self._periods % self.settings.revisit_periods == 0:", "if False:"),
    # Suspicion never ends: ghosts (G2).
    ("if held.suspect_ticks >= patience:", "if False:"),
    # Doubles are passed on again, for ever (G3).
    ("            return\n        if rumour.incarnation > held.incarnation + LEAP_MAX:",
     "            self.rumours.put(rumour)\n            return\n        if rumour.incarnation > held.incarnation + LEAP_MAX:"),
    # Whom a rumour concerns does not hear it with beats.
    ("        if held.status != ALIVE:\n            rumours.insert(0, Rumour(node, held.incarnation, held.status))\n        return News",
     "        return News"),
    # Helpers ask helpers again (G3).
    ("elif self._ticks == settings.ping_ticks:", "elif self._ticks >= settings.ping_ticks:"),
]  # fmt: skip


def is_as_written(name: str, kind: type[Swim]) -> bool:
    """Whether a script gives with ``kind`` what is written down."""
    try:
        replay(HERE / "testdata" / "swim" / f"{name}.txt", Conversation(kind).run, False)
    except AssertionError:
        return False
    return True


def test_nothing_is_noticed_where_nothing_is_planted() -> None:
    kind = changed_source([("swim.py", "def check_invariants", "def check_invariants")], "swim.py").Swim
    assert is_as_written("refute", kind)
    assert not bad_budget(kind)
    assert not any(bad_run(seed, kind) for seed in range(10))


@pytest.mark.parametrize("place", range(len(PLANTED)))
def test_planted(place: int) -> None:
    before, after = PLANTED[place]
    kind = changed_source([("swim.py", before, after)], "swim.py").Swim
    told = all(is_as_written(name, kind) for name in ("refute", "news"))
    assert not told or bad_budget(kind) or any(bad_run(n, kind) for n in range(30))


def test_planted_budget() -> None:
    """A rumour that is never dropped (D4)."""
    kind = changed_source([("rumours.py", "if sent + 1 >= budget:", "if False:")], "swim.py").Swim
    assert any("rumours at rest" in bad_run(seed, kind) for seed in range(20))


def test_planted_verdict_kept_to_oneself() -> None:
    """The verdict is not spread (G2): the script says so."""
    change = ("swim.py", "        self.rumours.put(rumour)\n\n    def _hear_of_self",
              "        if rumour.status != DEAD:\n            self.rumours.put(rumour)\n\n    def _hear_of_self")  # fmt: skip
    slow = changed_source([change], "swim.py").Swim

    def ticks_until_all_know(kind: type[Swim]) -> int:
        total = 0
        for seed in range(5):
            world = World(12, seed, kind)
            world.crash(12)
            while world.wrong():
                world.ticks(1)
                total += 1
        return total

    assert ticks_until_all_know(Swim) < ticks_until_all_know(slow)
