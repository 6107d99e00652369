"""Replicas that come to a node and go, as the cluster map wants it (Rules F1 to F3)."""

from collections.abc import Iterator
from types import SimpleNamespace

import msgspec
import pytest

from tests.core.node.bench import CLUSTER, SMALL, Bench, Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import FIRST_GROUP, SYSTEM_GROUP
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.remote_group import RemoteGroup
from trivet.core.node.peers import NODE_GROUP, PEER_FORMAT, Hello, encode_message
from trivet.core.node.residents import whom_to_dial
from trivet.core.raft.membership import Membership
from trivet.core.raft.state import Role
from trivet.core.wire.reply import OK

SECOND = 2
"""The group of a keyspace that was created first."""
NO_DATABASE = "-ERR there is no such database (any more): see KEYSPACE LIST"


def with_keyspace(nodes: int, database: int = 3, **settings) -> Bench:
    """A cluster with a database in a group of its own, which is led by somebody."""
    bench = Bench(nodes, **settings)
    bench.found()
    assert bench.change_map(1, f"KEYSPACE CREATE {database} REPLICAS 3") == OK
    bench.until(lambda: leader_of(bench, SECOND) != 0)
    bench.wait(100)
    return bench


def leader_of(bench: Bench, group: int) -> int:
    """Who leads by the newest term, and has committed in it; 0: nobody."""
    nodes = [server.node for server in bench.servers.values() if server.node is not None]
    rafts = {node.config.node: node.groups[group].raft for node in nodes if group in node.groups}
    leading = [
        (raft.term, number)
        for number, raft in rafts.items()
        if raft.role is Role.LEADER and raft.term_at(raft.commit) == raft.term
    ]
    return max(leading, default=(0, 0))[1]


def holders(bench: Bench, group: int) -> list[int]:
    return [s.number for s in bench.servers.values() if s.node is not None and group in s.node.groups]


def files_of(bench: Bench, number: int, group: int) -> list[str]:
    return [file for file in bench.servers[number].disk.names() if file.startswith(f"snap-{group}-")]


def change_members(bench: Bench, group: int, voters: tuple[int, ...]) -> None:
    """The map's target; the steward does the rest."""
    assert bench.change_map(1, f"GROUP TARGET {group} {' '.join(map(str, voters))}") == OK
    bench.until(lambda: led(bench, group).raft.membership.voters == voters)
    bench.until(lambda: not led(bench, group).raft.changing)
    bench.wait(300)


def led(bench: Bench, group: int) -> RaftGroup:
    """The leader's replica."""
    bench.until(lambda: leader_of(bench, group) != 0)
    return bench.node(leader_of(bench, group)).groups[group]


# -- a keyspace comes


def test_the_group_of_a_new_keyspace_appears_on_its_nodes():
    bench = with_keyspace(3)
    assert holders(bench, SECOND) == [1, 2, 3]
    assert all("group 2 comes to this node" in server.log for server in bench.servers.values())
    bench.talk(
        """
        a@1> SELECT 3 | SET k three | SELECT 0 | GET k | SET k zero
        +OK
        +OK
        +OK
        nil
        +OK
        b@2> SELECT 3 | GET k
        +OK
        "three"
        c@3> GET k | SELECT 3 | GET k | DBSIZE
        "zero"
        +OK
        "three"
        1
        """
    )


def test_nodes_outside_serve_it_through_its_members():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    assert len(inside) == 3
    assert [type(server.node.front.replicas[SECOND]) for server in bench.servers.values()] == [
        RaftGroup if server.number in inside else RemoteGroup for server in bench.servers.values()
    ]
    for number in bench.servers:
        assert bench.say(f"c{number}@{number}", "SELECT 3 | INCR n | GET n") == [
            "+OK",
            str(number),
            f'"{number}"',
        ]


@pytest.mark.parametrize("power", [False, True])
def test_all_groups_survive_a_restart_of_all_nodes(power):
    bench = with_keyspace(3)
    bench.say("a@2", "SET k zero | SELECT 3 | SET k three")
    for number in (1, 2, 3):
        bench.crash(number, power=power)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.until(lambda: leader_of(bench, SECOND) != 0)
    assert bench.say("b@3", "GET k | SELECT 3 | GET k | DBSIZE") == ['"zero"', "+OK", '"three"', "1"]
    assert holders(bench, SECOND) == [1, 2, 3]
    bench.wait(1_000)
    assert len({bench.node(number).system.machine.cluster.digest() for number in (1, 2, 3)}) == 1


def test_they_survive_it_with_snapshots_too():
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=3000, snapshot_chunk_bytes=200)
    bench = with_keyspace(3, limits=limits)
    bench.connect("a")
    for number in range(30):
        bench.say("a", f"SELECT 3 | SET k{number} {'v' * 300} | SELECT 0 | SET k{number} zero")
    bench.until(lambda: all(files_of(bench, number, SECOND) for number in (1, 2, 3)))
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.until(lambda: leader_of(bench, SECOND) != 0)
    assert bench.say("b@3", "DBSIZE | SELECT 3 | DBSIZE | STRLEN k29") == ["30", "+OK", "30", "300"]


# -- a keyspace goes


def test_a_dropped_keyspace_leaves_nothing_behind():
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=3000, snapshot_chunk_bytes=200)
    bench = with_keyspace(3, limits=limits)
    bench.say("a@1", "SELECT 3")
    for number in range(30):
        bench.say("a", f"SET k{number} {'v' * 300}")
    bench.until(lambda: all(files_of(bench, number, SECOND) for number in (1, 2, 3)))
    bench.change_map(2, "KEYSPACE DROP 3 FORCE")
    bench.wait(100)
    assert holders(bench, SECOND) == []
    assert [files_of(bench, number, SECOND) for number in (1, 2, 3)] == [[], [], []]
    assert all("group 2 leaves this node" in server.log for server in bench.servers.values())
    assert all(SECOND not in server.node.front.replicas for server in bench.servers.values())
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    assert holders(bench, SECOND) == []
    assert bench.say("b@2", "SET k 1 | GET k") == ["+OK", '"1"']


@pytest.mark.parametrize("nodes", [3, 5])
def test_whoever_waits_in_a_dropped_keyspace_is_told(nodes):
    bench = with_keyspace(nodes, database=20)
    for number in bench.servers:
        bench.say(f"b{number}@{number}", "SELECT 20")
        assert bench.say(f"b{number}", "BLPOP q 0") == []
    bench.change_map(1, "KEYSPACE DROP 20 FORCE")
    bench.wait(100)
    assert sorted(bench.events) == [(f"b{number}", NO_DATABASE) for number in bench.servers]
    assert all(not server.node.front.blocked.by_client for server in bench.servers.values())
    assert bench.say("b1", "GET k | SELECT 0 | GET k") == [NO_DATABASE, "+OK", "nil"]
    bench.change_map(1, "KEYSPACE CREATE 20")
    bench.until(lambda: leader_of(bench, SECOND + 1) != 0)
    bench.wait(100)
    assert bench.say("b2", "GET k") == ["nil"], "its number may be another's later"


def test_writes_and_reads_under_way_to_a_dropped_keyspace_are_answered():
    """Without a majority they would wait: the map says that nobody will ever answer them."""
    bench = with_keyspace(5, database=20)
    inside = holders(bench, SECOND)
    outside = [number for number in bench.servers if number not in inside]
    writers = [f"w{number}" for number in (*outside, *inside)]
    readers = [f"r{number}" for number in (*outside, *inside)]
    for name in writers + readers:
        bench.say(f"{name}@{name[1:]}", "SELECT 20")
    for number in inside:
        # Nobody hears anybody in this group: it stands still, and the system group goes on.
        bench.node(number).groups[SECOND].on_message = lambda sender, message: None  # type: ignore[method-assign]
    for name in writers:
        assert bench.say(name, "SET k 1") == []
    for name in readers:
        assert bench.say(name, "GET k | GET k") == []
    assert all(server.node.front.pending_bytes > 0 for server in bench.servers.values())
    bench.change_map(outside[0], "KEYSPACE DROP 20 FORCE")
    bench.wait(100)
    # What has left for the leader may have been applied there; the reads, and what has not left, were not.
    indefinite = [event for event in bench.events if event[1].startswith("-TIMEOUT")]
    assert {name for name, _ in indefinite} <= {f"w{number}" for number in inside}
    definite = [(name, text) for name, text in bench.events if (name, text) not in indefinite]
    assert {text for _, text in definite} == {NO_DATABASE}
    assert sorted(name for name, _ in bench.events) == sorted([*writers, *readers, *readers])
    assert all(server.node.front.pending_bytes == 0 for server in bench.servers.values())


def test_a_transaction_that_watched_there_is_refused():
    bench = with_keyspace(3, database=20)
    for name, rest in (("a", "SET k 1"), ("b", "PING")):
        words = f"SELECT 20 | WATCH k | MULTI | {rest}"
        assert bench.say(f"{name}@1", words) == ["+OK", "+OK", "+OK", "+QUEUED"]
    bench.change_map(2, "KEYSPACE DROP 20 FORCE")
    bench.wait(100)
    assert bench.say("a", "EXEC") == [NO_DATABASE]
    assert bench.say("a", "SELECT 0 | UNWATCH | SET k 1") == ["+OK", "+OK", "+OK"]
    assert bench.say("b", "EXEC") == [NO_DATABASE]


# -- a replica comes and goes (F1 to F3)


def test_a_replica_that_comes_takes_over_when_it_has_caught_up():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    (new, _) = [number for number in bench.servers if number not in inside]
    leader = leader_of(bench, SECOND)
    leaves = next(number for number in inside if number != leader)
    assert bench.say(f"a@{new}", "SELECT 3 | INCR n") == ["+OK", "1"]
    assert bench.say(f"b@{leaves}", "SELECT 3 | INCR n") == ["+OK", "2"]
    change_members(bench, SECOND, tuple(n for n in sorted([*inside, new]) if n != leaves))
    assert new in holders(bench, SECOND)
    assert leaves not in holders(bench, SECOND)
    assert isinstance(bench.node(new).front.replicas[SECOND], RaftGroup)
    assert isinstance(bench.node(leaves).front.replicas[SECOND], RemoteGroup)
    assert bench.say("a", "INCR n | GET n") == ["3", '"3"']
    assert bench.say("b", "INCR n | GET n") == ["4", '"4"']


def test_what_is_under_way_goes_on_at_the_replica():
    """F1: reads, and batches with their numbers, of which nobody knows whether they were applied."""
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    for name in ("w", "r", "s"):
        assert bench.say(f"{name}@{new}", "SELECT 3 | EXISTS k") == ["+OK", "0"]
    assert bench.say("w", "SET k 1") == ["+OK"], "now it knows who leads"
    # From here on this node hears no answers of members.
    bench.node(new).residents.outsiders[SECOND].on_message = lambda sender, message: None  # type: ignore[method-assign]
    assert bench.say("w", "INCR n | INCR n") == []
    assert bench.say("s", "INCR m") == []
    assert bench.say("r", "GET other") == []
    assert led(bench, SECOND).machine.databases.open(3).exists(b"n"), "they were applied"
    change_members(bench, SECOND, tuple(sorted(n for n in (*inside, new) if n != leaves)))
    bench.until(lambda: not bench.node(new).residents.coming)
    said = [f"{name}: {text}" for name, text in bench.events]
    assert sorted(said) == ["r: nil", "s: 1", "w: 1", "w: 2"]
    assert bench.say("w", "GET n | GET m") == ['"2"', '"1"']


def test_a_replica_whose_membership_is_newer_than_the_report_stays():
    """F3: the map lags behind; what it names is not what counts."""
    bench = with_keyspace(3)
    residents = bench.node(1).residents
    replica = bench.node(1).groups[SECOND]
    row = msgspec.structs.replace(
        bench.node(1).system.machine.cluster.groups[SECOND], members=[2, 3], target=[2, 3], membership=4
    )
    assert residents._is_out(row, replica)
    learners = (5,)
    leader = led(bench, SECOND)
    assert leader.raft.propose_membership((1, 2, 3), learners)
    leader.stir()
    bench.servers[leader.settings.node].dirty = True
    bench.wait(200)
    index = replica.raft.membership_index
    assert index > 0
    assert not residents._is_out(msgspec.structs.replace(row, membership=index - 1), replica)
    assert residents._is_out(msgspec.structs.replace(row, membership=index), replica)
    assert not residents._is_out(msgspec.structs.replace(row, membership=index, learners=[1]), replica)


def test_a_replica_that_began_with_a_snapshot_goes_all_the_same():
    """F3: a snapshot's index stands for that of its membership, and the map may never report one as high."""
    bench = with_keyspace(3)
    row = msgspec.structs.replace(
        bench.node(1).system.machine.cluster.groups[SECOND], members=[2, 3], target=[2, 3], membership=4
    )

    def is_out(membership: Membership, commit: int, last: GroupRow = row) -> bool:
        raft = SimpleNamespace(membership=membership, membership_index=6, commit=commit)
        return bench.node(1).residents._is_out(last, SimpleNamespace(raft=raft))

    assert is_out(Membership((2, 3)), 6)
    assert not is_out(Membership((2, 3)), 5), "it may be taken back"
    assert not is_out(Membership((2, 3), (), (1,)), 6), "the map is behind"
    assert not is_out(Membership((2, 3)), 6, msgspec.structs.replace(row, target=[1, 2]))


def test_a_replica_that_leads_serves_at_once():
    """F1: what it has to say of its own accord must not go through an outbox of its own."""
    bench = with_keyspace(3)
    residents = bench.node(leader_of(bench, SECOND)).residents
    assert residents._is_ready(SECOND)
    follower = next(number for number in (1, 2, 3) if number != leader_of(bench, SECOND))
    assert bench.node(follower).residents._is_ready(SECOND)
    bench.crash(leader_of(bench, SECOND))
    bench.settle()
    bench.cut(follower)
    bench.until(lambda: bench.node(follower).groups[SECOND].raft.leader == 0)
    assert not bench.node(follower).residents._is_ready(SECOND), "nobody leads"


def test_a_replica_that_comes_back_takes_up_where_its_vote_was():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    new = next(number for number in bench.servers if number not in inside)
    leader = leader_of(bench, SECOND)
    leaves = next(number for number in inside if number != leader)
    term = bench.node(leaves).groups[SECOND].raft.term
    others = tuple(sorted(number for number in (*inside, new) if number != leaves))
    bench.say(f"b@{leaves}", "SELECT 3 | INCR n")
    change_members(bench, SECOND, others)
    assert leaves not in holders(bench, SECOND)
    change_members(bench, SECOND, tuple(sorted(inside)))
    assert holders(bench, SECOND) == inside
    assert bench.node(leaves).groups[SECOND].raft.term >= term
    assert bench.say("b", "INCR n") == ["2"]
    for number in bench.servers:
        bench.crash(number)
    for number in bench.servers:
        bench.start(number)
    bench.until(lambda: leader_of(bench, SECOND) != 0)
    assert holders(bench, SECOND) == inside, "F4"
    bench.wait(1000)
    assert holders(bench, SECOND) == inside
    assert bench.say(f"c@{leaves}", "SELECT 3 | GET n") == ["+OK", '"2"']


def test_what_was_read_at_a_replica_that_goes_is_forgotten_by_whoever_cached_it():
    """Rule T3."""
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    bench.say(f"a@{leaves}", "HELLO 3 | SELECT 3 | SET k 1 | CLIENT TRACKING ON")
    assert bench.say("a", "GET k") == ['"1"']
    bench.events = []
    change_members(bench, SECOND, tuple(sorted(n for n in (*inside, new) if n != leaves)))
    assert ("a", '>["invalidate" nil3]') in bench.events


def test_a_call_that_waits_goes_over_too():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    for name, number in (("a", new), ("b", leaves)):
        bench.say(f"{name}@{number}", "SELECT 3")
        assert bench.say(name, f"BLPOP {name} 0") == []
    change_members(bench, SECOND, tuple(sorted(n for n in (*inside, new) if n != leaves)))
    said = bench.say("c@1", "SELECT 3 | RPUSH a 1 | RPUSH b 2")
    bench.wait(100)
    said += [f"{name}: {text}" for name, text in bench.events]
    assert sorted(said) == ["+OK", "1", "1", 'a: ["a" "1"]', 'b: ["b" "2"]']


class Counting:
    """A client at every node that counts in database 3, always with something under way."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.sent = 0
        self.asked = 0
        self.counted: list[int] = []
        self.replies: dict[str, list[int]] = {}
        for number in bench.servers:
            name = f"n{number}"
            self.replies[name] = []
            bench.say(f"{name}@{number}", "SELECT 3")

    def count(self, times: int) -> None:
        for name in self.replies:
            self.bench.send(name, b"INCR n\r\n" * times + b"GET n\r\n")
            self.sent += times
            self.asked += 1

    def hear(self) -> None:
        for name, text in self.bench.events:
            if name in self.replies:
                assert text.strip('"').isdigit(), f"{name} saw {text}"
                self.replies[name].append(int(text.strip('"')))
                if text.isdigit():
                    self.counted.append(int(text))
        self.bench.events = []


def journeys(prng: Prng, inside: list[int]) -> Iterator[tuple[int, ...]]:
    """Memberships, each one node away from the one before."""
    now = list(inside)
    for _ in range(4):
        outside = [number for number in range(1, 6) if number not in now]
        now = sorted([*now[: (at := prng.below(3))], *now[at + 1 :], outside[prng.below(len(outside))]])
        yield tuple(now)


@pytest.mark.parametrize("seed", range(6))
def test_no_reply_is_lost_and_no_write_doubled_while_replicas_come_and_go(seed):
    """F1: every increment counts once, and every client sees its own in order, over any number of hand-overs."""
    prng = Prng(seed)
    limits = Limits(segment_bytes=65536, snapshot_log_bytes=4000, snapshot_chunk_bytes=200)
    bench = with_keyspace(5, seed=seed + 1, limits=limits if seed % 2 else SMALL, command_timeout_ms=60_000)
    clients = Counting(bench)
    plain_wait = bench.wait

    def wait(ms, numbers=None):
        clients.hear()
        clients.count(1 + prng.below(2))
        plain_wait(ms, numbers)

    bench.wait = wait  # type: ignore[method-assign]
    for voters in journeys(prng, holders(bench, SECOND)):
        change_members(bench, SECOND, voters)
        bench.until(lambda voters=voters: tuple(holders(bench, SECOND)) == voters)
    bench.wait = plain_wait  # type: ignore[method-assign]
    bench.wait(1000)
    clients.hear()
    assert bench.ask("z@1", "SELECT 3 | GET n").splitlines()[1] == f'"{clients.sent}"'
    for replies in clients.replies.values():
        assert replies == sorted(replies)
    assert sorted(clients.counted) == list(range(1, clients.sent + 1))
    assert sum(len(replies) for replies in clients.replies.values()) == clients.sent + clients.asked


# -- whom to dial


def test_whom_to_dial():
    bench = Bench(3)
    bench.found()
    config = bench.configs[1]
    cluster = bench.node(1).system.machine.cluster
    assert whom_to_dial(config, cluster) == [(2, "10.0.0.2", 17002), (3, "10.0.0.3", 17003)]
    cluster.nodes[2].host = "10.9.9.9"
    assert whom_to_dial(config, cluster)[0] == (2, "10.9.9.9", 17002), "it has said so itself"
    cluster.nodes[2].birth = 0
    assert whom_to_dial(config, cluster)[0] == (2, "10.0.0.2", 17002), "it has not said where it is"


@pytest.mark.parametrize("founded", [False, True])
def test_who_came_later_than_the_map_is_dialed_where_it_says(founded):
    """Rule P5: with or without a map."""
    bench = Bench(3, leader=0)
    if founded:
        bench.elect(1)
        bench.found()
    node = bench.node(1)
    node.on_link_accepted(99, "10.0.0.4:5")
    hello = Hello(CLUSTER, 4, 1, PEER_FORMAT, 44, "10.0.0.4", 17004)
    node.on_link_bytes(99, encode_message(NODE_GROUP, hello))
    effects = node.turn(bench.mono_ms, bench.wall_ms)
    assert effects.dials == [(2, "10.0.0.2", 17002), (3, "10.0.0.3", 17003), (4, "10.0.0.4", 17004)]
    assert node.turn(bench.mono_ms, bench.wall_ms).dials is None


def test_the_first_groups_are_there_from_the_start():
    bench = Bench(3)
    assert holders(bench, SYSTEM_GROUP) == holders(bench, FIRST_GROUP) == [1, 2, 3]


def test_no_replica_goes_by_a_map_of_before():
    """F4: a new replica's log tells of no membership yet, and an old map does not know that it came."""
    bench = with_keyspace(5)
    number = next(n for n in holders(bench, SECOND) if n != leader_of(bench, SECOND))
    node = bench.node(number)
    row = node.front.cluster.groups[SECOND]
    row.members = row.target = [n for n in row.members if n != number]
    row.membership += 1_000
    node.residents._is_news = False
    node.residents._follow(node.front.cluster)
    assert number in holders(bench, SECOND)
    node.residents._is_news = True
    node.residents._follow(node.front.cluster)
    assert number not in holders(bench, SECOND)


def test_a_leader_that_is_silent_speaks_to_who_had_lost_its_link(monkeypatch):
    """A member that does not vote campaigns not: it waits for the leader's word, and asks nothing meanwhile."""
    bench = with_keyspace(3)
    number = leader_of(bench, SYSTEM_GROUP)
    group = bench.node(number).groups[SYSTEM_GROUP]
    heard: list[int] = []
    monkeypatch.setattr(group, "on_peer_greets", heard.append)
    other = number % 3 + 1
    bench.node(other).on_peer_lost(number)
    bench.dial(other, number)
    bench.settle()
    assert heard == [other]
