"""Who follows what this node's clients read, and every change; and whose change it is."""

from typing import Protocol

from trivet.core.base.ids import NodeId
from trivet.core.group.outbox import Outbox
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.machine import Machine
from trivet.core.values.database import Database


class Follower(Protocol):
    """Hears of tracked reads and of all changes."""

    def on_read(self, run: Run) -> None:
        """A run that is tracked is about to run here."""
        ...

    def on_read_elsewhere(self, run: Run) -> None:
        """A run that is tracked has run at the leader."""
        ...

    def before_change(self, database: Database, key: bytes) -> None:
        """As ``ChangeHook``."""
        ...

    def before_flush(self, database: Database) -> None:
        """As ``ChangeHook``."""
        ...

    def jumped(self) -> None:
        """A snapshot has replaced the state."""
        ...


def who_changes(machine: Machine, outbox: Outbox, node: NodeId, incarnation: int) -> Waiter | None:
    """While a change happens: whose call it is, if it came from this node in this life."""
    batch = machine.running
    under_way = outbox.under_way
    if batch is None or (batch.node, batch.incarnation) != (node, incarnation) or not under_way:
        return None
    place = batch.sequence - under_way[0].sequence  # they are numbered without gaps
    if not 0 <= place < len(under_way):
        return None
    position = len(machine.running_replies)
    for run in under_way[place].runs:
        if position < run.count:
            return run.waiter
        position -= run.count
    return None
