"""Whose call it is that changes something."""

from tests.core.machine.replicas import call
from trivet.core.group.changes import who_changes
from trivet.core.group.outbox import Outbox
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
