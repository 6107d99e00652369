"""What the lab counts per call, where it is known by reasoning."""

from bench.register_costs import Cost, World, alone_in_paxos, alone_in_raft, row


def test_calls_of_mode_paxos():
    world = World("paxos")
    first, kept, forwarded, both, read = (cost for _, cost in alone_in_paxos(world))
    world.stage.close()
    assert (first.flights, first.messages, first.syncs) == (4, 8, 6), "two rounds, each durable at three"
    assert (kept.flights, kept.messages, kept.syncs) == (2, 4, 3), "one round"
    assert (forwarded.flights, forwarded.messages, forwarded.syncs) == (4, 6, 3), "and there and back"
    assert (both.flights, both.syncs) == (6, 6)
    assert (read.flights, read.messages, read.syncs, read.disk_bytes) == (2, 4, 0, 0)


def test_calls_of_mode_raft():
    world = World("raft")
    write, forwarded, read, elsewhere = (cost for _, cost in alone_in_raft(world))
    world.stage.close()
    assert (write.flights, write.messages, write.syncs) == (2, 4, 3)
    assert (forwarded.flights, forwarded.messages, forwarded.syncs) == (4, 5, 3)
    assert (read.flights, read.messages, read.syncs) == (2, 4, 0), "a round of heartbeats"
    assert (elsewhere.flights, elsewhere.messages, elsewhere.syncs) == (4, 6, 0)


def test_a_line_is_of_one_call():
    assert row("raft", "x", Cost(4, 6, 8, 100, 2, 50)) == ["raft: x", "6", "2", "0.5", "25", "12"]
