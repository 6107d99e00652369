"""A group some or most of whose disks are full: what reads and writes get."""

from tests.core.node.bench import Bench, Limits
from trivet.core.group.messages import ForwardRead, ReadReplies
from trivet.core.group.run import Nobody, Run
from trivet.core.machine.plain_reply import encode_replies
from trivet.core.wire.reply import NOT_HERE


def test_a_full_disk_keeps_no_reader_waiting():
    """Its log can't tell the time: keys outlive their deadline until it has space again."""
    bench = Bench()
    bench.say("a", "SET k 1 PX 1000")
    bench.servers[1].disk.full = True
    for i in range(100):
        bench.say("a", f"SET j{i} {'v' * 1000}")
    bench.wait(2000)
    assert bench.say("a", "GET k") == ['"1"']
    bench.servers[1].disk.full = False
    bench.wait(2000)
    assert bench.say("a", "GET k") == ["nil"]


def test_what_the_leader_could_not_run_for_a_full_follower_goes_elsewhere():
    """The leader runs reads for it, and may find that their keys are not in the group any more."""
    bench = Bench(3, limits=Limits(segment_bytes=65536))
    group = bench.node(2).group
    bench.servers[2].disk.full = True
    for i in range(100):
        bench.say("a", f"SET j{i} {'v' * 1000}")
    bench.until(lambda: group.wal.full, 5000)
    run = Run(Nobody(), False)
    run.add((0, [b"GET", b"k"]), 10)
    group.read(run, bench.mono_ms)
    group.turn(bench.mono_ms, bench.wall_ms)
    (read_id,) = [message.read_id for _, message in group.outgoing if isinstance(message, ForwardRead)]
    replies = encode_replies([NOT_HERE])
    group.on_message(1, ReadReplies(read_id, replies, group.settings.incarnation))
    assert group.outbox.misrouted == [run] and run.misrouted == 1 and run.calls


def test_where_most_disks_are_full_a_leader_with_room_refuses_what_would_not_be_committed():
    """At once, and it is known that nothing was done."""
    bench = Bench(3, limits=Limits(segment_bytes=65536))
    assert bench.leader() == 1
    for number in (2, 3):
        bench.servers[number].disk.full = True
    replies: list[str] = []
    for i in range(100):
        replies += bench.say("a", f"SET j{i} {'v' * 1000}")
        bench.wait(20)
    assert not bench.node(1).group.wal.full
    bench.wait(6_000)
    refused = bench.say("a", "SET k 1")
    assert len(refused) == 1 and refused[0].startswith("-OOM the disks of most nodes"), refused
    assert bench.say("a", "GET j0") != []
    bench.wait(60_000)  # nothing is said in between, also not of space that is there again
    for number in (2, 3):
        bench.servers[number].disk.full = False
    bench.wait(2_000)
    assert bench.say("a", "SET k 1") == ["+OK"]
