"""The group of mode ``paxos``: which way a command takes, who is told what, and when it rests."""

from typing import Any

import pytest

from tests.core.group.pure import only_pure
from tests.core.group.register_clients import DB, Client
from tests.core.group.register_world import RESEND_MS, START_WALL_MS, TIMEOUT_MS, World
from trivet.core.base.disk import DiskFault
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_keys import key_of, place_key
from trivet.core.group.register_messages import Submit
from trivet.core.group.run import Run
from trivet.core.machine.entry import encode_calls
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.messages import Refusal
from trivet.core.paxos.preference import preferred
from trivet.core.raft.messages import Heartbeat
from trivet.core.script.scripts import sha1_of
from trivet.core.values.deadlines import NEVER
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Error, Reply

pytestmark = only_pure


class Asking:
    """Whoever waits for a run."""

    def __init__(self) -> None:
        self.run = Run(self, True)

    def run_done(self) -> None:
        pass


def ask(
    world: World, number: int, *calls: list[bytes], writes: bool = True, for_ms: int = 100
) -> list[Reply]:
    asking = stage(world, number, *calls, writes=writes)
    world.run_for(for_ms)
    replies = asking.run.replies
    assert replies is not None, "no answer"
    return replies


def stage(world: World, number: int, *calls: list[bytes], writes: bool = True) -> Asking:
    asking = Asking()
    asking.run = Run(asking, writes)
    for call in calls:
        asking.run.add((DB, call), sum(map(len, call)) + 32)
    group = world.hosts[number].live
    (group.write if writes else group.read)(asking.run, world.now_ms)
    return asking


def preferred_for(number: int, members: int = 3) -> bytes:
    """A key for which a member is preferred, and without it the first of the others."""
    everybody = range(1, members + 1)
    others = [member for member in everybody if member != number]
    for place in range(1000):
        key = b"k%d" % place
        register = place_key(DB, key)
        if preferred(register, everybody) == number and preferred(register, others) == others[0]:
            return key
    raise AssertionError("there is such a key")


def world_of(members: int = 3, nodes: int = 4) -> World:
    world = World(1, members, nodes)
    world.run_for(50)
    world.counts.clear()
    return world


# -- the way of a command


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_write_goes_to_the_preferred_member_and_a_read_to_nobody(number: int) -> None:
    """Q2; node 4 is no member (Q1)."""
    world = world_of()
    key = preferred_for(2)
    assert ask(world, number, [b"SET", key, b"v"]) == [OK]
    assert world.counts.get("Submit", 0) == (number != 2)
    assert world.hosts[2].live.forwards.taken == (number != 2)
    assert ask(world, number, [b"GET", key], writes=False) == [b"v"]
    assert world.counts.get("Submit", 0) == (number != 2)
    assert world.hosts[number].live.leader == number


def test_the_second_write_of_a_key_needs_no_promise() -> None:
    world = world_of()
    key = preferred_for(2)
    for number in (1, 3, 4):
        ask(world, number, [b"INCR", key])
    assert world.counts["Prepare"] == 2, "to two others, once"
    assert ask(world, 1, [b"GET", key], writes=False) == [b"3"]


def test_where_the_link_is_down_it_is_done_here() -> None:
    world = world_of()
    key = preferred_for(2)
    world.cut(1, 2, 10_000)
    assert ask(world, 1, [b"INCR", key]) == [1]
    assert "Submit" not in world.counts


def test_a_link_that_breaks_on_the_way_makes_no_second_change() -> None:
    world = world_of()
    key = preferred_for(2)
    asking = stage(world, 1, [b"INCR", key])
    world.step()
    assert world.counts["Submit"] == 1
    world.cut(1, 2, 10_000)
    world.run_for(200)
    assert asking.run.replies == [1]
    assert ask(world, 3, [b"INCR", key]) == [2]


def test_who_does_not_answer_is_followed_by_a_copy_here() -> None:
    world = world_of()
    key = preferred_for(2)
    world.hosts[2].live.forwards.on_submit = lambda sender, message: None  # type: ignore[method-assign]
    assert ask(world, 1, [b"INCR", key], for_ms=RESEND_MS + 200) == [1]


def test_a_member_that_is_doubtful_is_passed_over_for_a_while() -> None:
    world = world_of()
    key = preferred_for(2)
    group = world.hosts[1].live
    group.on_message(2, Refusal(group.paxos.settings.proposer, 1, True))
    assert ask(world, 1, [b"INCR", key]) == [1]
    assert "Submit" not in world.counts
    world.run_for(RESEND_MS + 100)
    assert ask(world, 1, [b"INCR", key]) == [2]
    assert world.counts["Submit"] == 1


def test_a_member_that_is_silent_is_passed_over_for_a_while() -> None:
    world = world_of()
    key = preferred_for(2)
    world.hosts[1].live.on_peer_silent(2)
    assert ask(world, 1, [b"INCR", key]) == [1]
    assert "Submit" not in world.counts
    world.run_for(TIMEOUT_MS + 100)
    ask(world, 1, [b"INCR", b"another"])
    ask(world, 1, [b"INCR", key])
    assert world.counts["Submit"] >= 1


def test_each_key_answers_for_itself() -> None:
    world = world_of()
    replies = ask(
        world,
        1,
        [b"SET", b"a", b"1"],
        [b"SET", b"b", b"2"],
        [b"INCR", b"a"],
        [b"MSET", b"a", b"1", b"b", b"2"],
    )
    assert replies[:3] == [OK, OK, 2] and isinstance(replies[3], Error)
    assert ask(world, 4, [b"MGET", b"a", b"b", b"c"], writes=False) == [[b"2", b"2", None]]


def test_without_a_majority_nothing_is_done() -> None:
    world = world_of()
    for other in (2, 3, 4):
        world.cut(1, other, 10_000)
    write, read = stage(world, 1, [b"INCR", b"k"]), stage(world, 1, [b"GET", b"k"], writes=False)
    world.run_for(TIMEOUT_MS + 200)
    for asking in (write, read):
        assert asking.run.replies is not None
        (reply,) = asking.run.replies
        assert isinstance(reply, Error) and reply.text.startswith("CLUSTERDOWN")


def test_stale_reads_are_no_other_reads() -> None:
    world = world_of()
    asking = Asking()
    asking.run = Run(asking, False)
    asking.run.add((DB, [b"GET", b"k"]), 40)
    world.hosts[4].live.read_stale(asking.run)
    world.run_for(50)
    assert asking.run.replies == [None]


def test_a_key_that_is_watched() -> None:
    world = world_of()
    client = Client(world, 9, 1)
    client.compare_and_set(b"k", b"1")
    world.run_for(200)
    assert world.counts["compared and set"] == 1
    assert ask(world, 1, [b"WATCH", b"9", b"k"]) == [OK]
    assert ask(world, 2, [b"SET", b"k", b"2"]) == [OK]
    calls = encode_calls([(DB, [b"SET", b"k", b"3"])])
    assert ask(world, 1, [b"EXEC", calls, b"9"]) == [NULL_ARRAY]
    assert ask(world, 1, [b"GET", b"k"], writes=False) == [b"2"]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("writes", [0, 1])
def test_what_a_client_writes_after_its_watch_in_one_pipeline_breaks_it_off(writes: int, number: int) -> None:
    """W3, at the preferred member and elsewhere."""
    world = world_of()
    key = preferred_for(2)
    ask(world, number, [b"SET", key, b"0"])
    before = [[b"SET", key, b"1"]] * writes
    watch, call = [b"WATCH", b"9", key], [b"EXEC", encode_calls([(DB, [b"SET", key, b"3"])]), b"9"]
    changes, changes_nothing = [b"SET", key, b"2"], [b"SETNX", key, b"2"]
    assert ask(world, number, *before, watch)[-1] == OK
    assert ask(world, number, call) == [[OK]]
    assert ask(world, number, *before, watch, changes)[-1] == OK
    assert ask(world, number, call) == [NULL_ARRAY]
    assert ask(world, 2, *before, watch, changes_nothing)[-1] == 0
    assert ask(world, 2, call) == [[OK]]


# -- who is told


class Follower:
    def __init__(self, hears_all: bool = False) -> None:
        self.all = hears_all
        self.read: list[Run] = []
        self.changed: list[bytes] = []

    def hears_all(self) -> bool:
        return self.all

    def on_read_elsewhere(self, run: Run) -> None:
        self.read.append(run)

    def changed_elsewhere(self, key: bytes) -> None:
        self.changed.append(key)


def test_a_tracked_read_is_told_with_its_reply() -> None:
    world = world_of()
    follower: Any = Follower()
    group = world.hosts[4].live
    group.follow_changes(follower)
    asking = Asking()
    asking.run = Run(asking, False)
    asking.run.tracks = True
    asking.run.add((DB, [b"GET", b"k"]), 40)
    group.read(asking.run, world.now_ms)
    world.run_for(50)
    assert follower.read == [asking.run] and asking.run.calls, "its keys are still there"
    assert ask(world, 4, [b"SET", b"k", b"v"]) == [OK] and not follower.changed


def test_who_hears_all_hears_of_what_is_held_and_done_here() -> None:
    world = world_of()
    for number in (1, 4):
        follower: Any = Follower(True)
        world.hosts[number].live.follow_changes(follower)
        ask(world, number, [b"SET", b"k", b"v"])
        assert b"k" in follower.changed
        world.hosts[number].live.follow_changes(None)
    assert world.hosts[1].live.who_changes() is None


def test_defects_become_notes() -> None:
    world = world_of()
    group = world.hosts[1].live
    group.registers.defects.append("oh")
    group.stir()
    world.step()
    assert group.notes == ["oh"]


def test_functions_and_users_are_those_of_the_system_group() -> None:
    world = world_of()
    group = world.hosts[1].live
    system: Any = group._system()
    system.notifies = 3
    name = sha1_of(b"return 1")
    system.scripts.remember(name, b"return 1", True)
    group.stir()
    world.step()
    assert group.registers.notifies == 3 and group.registers.scripts.script(name) == b"return 1"
    assert group.registers.users is system.users


# -- time and rest


def test_a_group_in_which_nothing_happens_sleeps() -> None:
    world = world_of()
    ask(world, 1, [b"SET", b"k", b"v"])
    world.run_for(1000)
    assert all(host.live.asleep for host in world.hosts.values())
    ask(world, 2, [b"GET", b"k"], writes=False)


def test_what_expires_is_taken_away_without_being_asked_for() -> None:
    world = world_of()
    ask(world, 1, [b"SET", b"k", b"v", b"PX", b"3000"])
    world.run_for(1000)
    assert all(host.live.asleep for host in world.hosts.values())
    assert world.hosts[1].agenda.next_alarm_ms != NEVER
    world.run_for(2500)
    place = place_key(DB, b"k")
    for number in (1, 2, 3):
        register = world.hosts[number].live.paxos.acceptor.registers.get(place)
        assert register is None or register.is_tombstone
    assert key_of(place) == b"k"


def test_its_clock_never_goes_back() -> None:
    """Q3."""
    world = world_of()
    group = world.hosts[1].live
    before = group.errands.runner.wall_ms
    assert before >= START_WALL_MS
    group.turn(world.now_ms, before - 5000)
    assert group.errands.runner.wall_ms == before
    group.turn(world.now_ms, before + 5)
    assert group.errands.runner.wall_ms == before + 5


def test_a_member_whose_disk_is_full_takes_nothing_and_goes_on_to_tell() -> None:
    world = world_of()
    ask(world, 1, [b"SET", b"k", b"v"])
    world.hosts[1].log.full = True
    key = preferred_for(1)
    assert world.hosts[1].live.disk_full
    assert ask(world, 1, [b"SET", key, b"w"], for_ms=500) == [OK], "the others are a majority"
    assert ask(world, 1, [b"GET", b"k"], writes=False) == [b"v"]
    world.hosts[4].log.full = True
    assert not world.hosts[4].live.disk_full, "it is no member"


def test_who_rests_is_asked() -> None:
    world = world_of()
    world.run_for(500)
    group = world.hosts[1].live
    group.check_rest()
    group._staged.append(Run(Asking(), True))
    with pytest.raises(AssertionError):
        group.check_rest()


# -- members, and the end


def test_configs_only_go_on() -> None:
    world = world_of()
    group = world.hosts[1].live
    assert group.is_member(1) and not group.is_member(4) and group.replicas_of_last_write() == 1
    world.map((1, 2, 3), (1, 2, 4))
    for number in world.hosts:
        world.spread(number)
    assert group.is_member(4)
    group.learn(GroupConfig(1, (1, 2, 3)))
    assert group.config is not None and group.config.epoch == 2 == group.paxos.epoch
    ask(world, 1, [b"SET", b"k", b"v"])
    for _ in range(100):
        world.steward()
        world.step()
    assert world.config.epoch == 3 and world.config.voters == (1, 2, 4)
    for number in world.hosts:
        world.spread(number)
    world.run_for(50)
    for number in world.hosts:
        assert ask(world, number, [b"GET", b"k"], writes=False) == [b"v"]
    assert world.hosts[4].live.keys == 1 and world.hosts[3].live.keys == 0
    assert world.hosts[4].live.size_bytes > 0


def test_who_is_behind_says_so() -> None:
    world = world_of()
    world.map((1, 2, 3))
    for number in (1, 2, 3):
        world.spread(number)
    group = world.hosts[4].live
    stage(world, 4, [b"GET", b"k"], writes=False)
    for _ in range(20):
        world.deliver()
        group.turn(world.now_ms, START_WALL_MS + world.now_ms)
        if group.epoch_wanted:
            break
        world.post(world.hosts[4])
        for number in (1, 2, 3):
            world.run_host(world.hosts[number])
        world.now_ms += 5
    assert group.epoch_wanted == 2


def test_who_lost_its_disk_takes_part_again_when_it_has_caught_up() -> None:
    world = world_of()
    ask(world, 1, [b"SET", b"k", b"v"])
    world.crash(2, loses_disk=True)
    world.down[2] = world.now_ms
    world.step()
    group = world.hosts[2].live
    assert group.doubtful and 2 not in group._alive
    world.run_for(1000)
    assert not group.doubtful and 2 in group._alive and world.hosts[2].log.settled == 1
    assert any("made good" in note for note in group.notes)
    assert group.keys == 1


def test_a_group_that_is_no_more_answers_everybody() -> None:
    world = world_of()
    group = world.hosts[1].live
    begun = stage(world, 1, [b"INCR", b"k"])
    group.turn(world.now_ms, START_WALL_MS)
    staged = stage(world, 1, [b"INCR", b"k"])
    gone = Error("gone")
    group.bury(gone)
    assert begun.run.replies == [TIMEOUT_ERROR]
    assert staged.run.replies == [NOT_HERE] and group.misrouted == [staged.run], "its key may be elsewhere"
    assert group.pending_bytes == 0 and not group.has_writes


def test_messages_of_another_kind_of_group_are_passed_over() -> None:
    world = world_of()
    world.hosts[1].live.on_message(2, Heartbeat(1, 2, 3))
    world.hosts[1].live.on_message(2, Submit(7, 0, b"", 0, [], [], [], []))
    world.run_for(50)


def test_jobs_of_snapshots_are_the_log_s() -> None:
    world = world_of()
    group = world.hosts[1].live
    told: list[object] = []
    log: Any = group.log
    log.on_done = lambda token, reads: told.append(token)
    log.on_failed = lambda token, fault, text: told.append(text)
    group.on_disk_done(5, [])
    group.on_disk_failed(6, next(iter(DiskFault)), "no")
    assert told == [5, "no"] and group.stirred
