"""Who follows what this node's clients read, and every change; and whose change it is."""

from typing import Protocol

from trivet.core.base.ids import NodeId
from trivet.core.group.outbox import Outbox
from trivet.core.group.remote_service import RemoteReader
from trivet.core.group.remote_tracks import RemoteTracks
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.machine import Machine
from trivet.core.values.database import ChangeHook, Database


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
        """A snapshot has replaced the state, or changes may have passed unheard."""
        ...

    def changed_elsewhere(self, key: bytes) -> None:
        """A key of a group without a copy here has changed, or is about to."""
        ...

    def hears_all(self) -> bool:
        """Whether it wants to hear of all changes, not only of keys that were read."""
        ...


class Followers:
    """This node's follower and those of nodes without a copy, as one."""

    def __init__(self, remote: RemoteTracks) -> None:
        self.own: Follower | None = None
        self.remote = remote

    def attach(self, machine: Machine) -> None:
        """Hear of the changes of ``machine`` if anybody wants to, with as few steps as can be."""
        hook: ChangeHook | None = self if self.remote.active else self.own
        if machine.follower is not hook:
            machine.follow_changes(hook)

    def on_read(self, run: Run) -> None:
        """As ``Follower``: whose run it is says who remembers."""
        waiter = run.waiter
        if isinstance(waiter, RemoteReader):
            self.remote.remember(waiter.node, run)
        elif self.own is not None:
            self.own.on_read(run)

    def on_read_elsewhere(self, run: Run) -> None:
        """As ``Follower``."""
        waiter = run.waiter
        if isinstance(waiter, RemoteReader):
            self.remote.passed(waiter.node, run)
        elif self.own is not None:
            self.own.on_read_elsewhere(run)

    def before_change(self, database: Database, key: bytes) -> None:
        """As ``ChangeHook``."""
        if self.own is not None:
            self.own.before_change(database, key)
        self.remote.changed(key)

    def before_flush(self, database: Database) -> None:
        """As ``ChangeHook``."""
        if self.own is not None:
            self.own.before_flush(database)
        self.remote.all_changed()

    def jumped(self) -> None:
        """As ``Follower``."""
        if self.own is not None:
            self.own.jumped()
        self.remote.all_changed()


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
