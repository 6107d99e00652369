"""Whose call it is that changes something, and who hears of it."""

from tests.core.machine.replicas import call
from trivet.core.group.changes import Followers, who_changes
from trivet.core.group.messages import ForwardRead, Invalidate
from trivet.core.group.outbox import Outbox
from trivet.core.group.remote_service import RemoteReader
from trivet.core.group.remote_tracks import ALL, RemoteTracks
from trivet.core.group.run import Run
from trivet.core.machine.entry import Batch
from trivet.core.machine.machine import Machine


class Client:
    def run_done(self) -> None:
        pass


def test_the_run_that_holds_the_call():
    outbox = Outbox(1, 5, 4, 1000)
    first, second = Client(), Client()
    for client, lines in ((first, ["SET a 1", "SET b 1"]), (second, ["SET c 1"])):
        run = Run(client, True)
        for line in lines:
            run.add(call(line), 10)
        outbox.stage(run, 0)
    (parcel,) = outbox.pack()
    machine = Machine(10)
    assert who_changes(machine, outbox, 1, 5) is None
    machine.running = Batch(1, 5, parcel.sequence, 0, [])
    found = []
    for done in range(4):
        machine.running_replies = [None] * done
        found.append(who_changes(machine, outbox, 1, 5))
    assert found == [first, first, second, None]
    assert who_changes(machine, outbox, 2, 5) is None
    assert who_changes(machine, outbox, 1, 6) is None
    later = Run(second, True)
    later.add(call("SET d 1"), 10)
    outbox.stage(later, 0)
    outbox.pack()
    machine.running_replies = []
    machine.running = Batch(1, 5, parcel.sequence + 1, 0, [])
    assert who_changes(machine, outbox, 1, 5) is second
    machine.running = Batch(1, 5, parcel.sequence + 2, 0, [])
    assert who_changes(machine, outbox, 1, 5) is None


class Own:
    """This node's follower."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_read(self, run: Run) -> None:
        self.heard.append("read")

    def on_read_elsewhere(self, run: Run) -> None:
        self.heard.append("read elsewhere")

    def before_change(self, database: object, key: bytes) -> None:
        self.heard.append(key)

    def before_flush(self, database: object) -> None:
        self.heard.append("flush")

    def jumped(self) -> None:
        self.heard.append("jumped")


def own_read(key: str) -> Run:
    run = Run(Client(), False)
    run.add(call(f"GET {key}"), 10)
    return run


def foreign_read(key: str) -> Run:
    reader = RemoteReader(None, 9, ForwardRead(1, []))
    reader.run.add(call(f"GET {key}"), 10)
    return reader.run


def test_a_follower_of_this_node_alone_hears_directly():
    followers, machine, own = Followers(RemoteTracks(10)), Machine(10), Own()
    followers.attach(machine)
    assert machine.follower is None
    followers.own = own
    followers.attach(machine)
    assert machine.follower is own
    followers.on_read(own_read("a"))
    followers.on_read_elsewhere(own_read("a"))
    followers.own = None
    followers.attach(machine)
    assert machine.follower is None
    followers.on_read(own_read("a"))
    followers.on_read_elsewhere(own_read("a"))
    assert own.heard == ["read", "read elsewhere"]


def test_with_followers_elsewhere_both_hear():
    tracks, machine, own = RemoteTracks(10), Machine(10), Own()
    followers = Followers(tracks)
    followers.own = own
    followers.on_read(foreign_read("a"))
    followers.attach(machine)
    assert machine.follower is followers
    for line in ("SET a 1", "SET b 1", "SET a 2"):
        machine.databases.open(0).set(call(line)[1][1], b"1")
    outgoing: list = []
    tracks.tell(outgoing)
    followers.on_read_elsewhere(foreign_read("c"))
    tracks.tell(outgoing)
    assert outgoing == [(9, Invalidate([b"a"])), (9, Invalidate([b"c"]))]
    assert own.heard == [b"a", b"b", b"a"]
    for tell in (lambda: followers.before_flush(machine.databases.open(0)), followers.jumped):
        followers.on_read(foreign_read("a"))
        tell()
        tracks.tell(outgoing)
        assert outgoing[-1] == (9, ALL)
    assert own.heard[3:] == ["flush", "jumped"]
