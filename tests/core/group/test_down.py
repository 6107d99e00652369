"""What a leader says of nodes that are most likely dead."""

from trivet.core.group.down import DownNodes
from trivet.core.machine.entry import Batch, encode_batch, encode_body
from trivet.core.machine.machine import Machine
from trivet.core.wire.reply import OK


def machine_with_a_waiter(node: int) -> Machine:
    machine = Machine(100)
    batch = Batch(node, 55, 1, 0, [(0, [b"BLOCK", b"1", b"BLPOP", b"q", b"0"])])
    machine.apply(1, encode_body(1000, 7, [encode_batch(batch)]))
    return machine


def never(peer: int) -> bool:
    return False


def test_a_node_without_connection_is_said_to_be_down_once():
    down = DownNodes(1, (1, 2, 3))
    machine = machine_with_a_waiter(2)
    assert down.look(machine, {2: None, 3: None}, never) == []
    (run,) = down.look(machine, {3: None}, never)
    assert run.calls == [(0, [b"NODEDOWN", b"2", b"55"])] and run.patient
    assert down.look(machine, {3: None}, never) == [], "it is under way"
    run.finish([OK])
    assert len(down.look(machine, {3: None}, never)) == 1, "something waits again"


def test_a_silent_node_counts_as_down():
    down = DownNodes(1, (1, 2, 3))
    machine = machine_with_a_waiter(2)
    assert len(down.look(machine, {2: None, 3: None}, lambda peer: peer == 2)) == 1


def test_nobody_waits_there():
    down = DownNodes(1, (1, 2, 3))
    assert down.look(machine_with_a_waiter(2), {2: None}, never) == []
    assert down.look(Machine(100), {}, never) == []


def test_what_could_not_be_given_back_is_no_reason_to_say_it_again():
    machine = Machine(100)
    calls = [(0, b"BLOCK 1 BLMOVE q p LEFT LEFT 0".split()), (0, b"RPUSH q x".split())]
    machine.apply(1, encode_body(1000, 7, [encode_batch(Batch(2, 55, 1, 0, calls))]))
    assert machine.waiting.by_client[(2, 1)].served
    assert DownNodes(1, (1, 2, 3)).look(machine, {}, never) == []
