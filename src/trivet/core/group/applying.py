"""Committed entries into the machine, and what they say to others than those who sent them.

On the path: what Raft has committed -> this -> the machine; replies -> the outbox; woken clients, events,
messages -> the node.
"""

from typing import Protocol

from trivet.core.base.ids import NO_NODE, ConnectionId, Index, Instant, NodeId
from trivet.core.command.table import Event
from trivet.core.group.long_scripts import BUSY_ERROR, LongScripts
from trivet.core.group.messages import GroupMessage
from trivet.core.group.outbox import Outbox
from trivet.core.group.reads import ReadQueue
from trivet.core.group.remote_service import RemoteService
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.machine import Applied, Machine
from trivet.core.machine.rights import Denied
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import Ready
from trivet.core.raft.state import Role


class Owner(Protocol):
    """The replica whose entries are applied."""

    settings: GroupSettings
    raft: Raft
    machine: Machine
    outbox: Outbox
    remotes: RemoteService
    reads: ReadQueue
    notes: list[str]
    outgoing: list[tuple[NodeId, GroupMessage]]
    woken: list[ConnectionId]
    events: list[Event]
    published: list[tuple[bool, bytes, bytes]]
    denied: list[Denied]

    @property
    def is_as_before(self) -> bool:
        """Whether everything is applied that the log held at the start."""
        ...


class Applier:
    """What stands between the log and the machine of one replica, and what comes out of both."""

    def __init__(self, replica: Owner) -> None:
        self._replica = replica
        self.scripts = LongScripts(replica.settings.group)
        self.last_write: Index = 0
        """Where the newest write of this node's clients is in the log."""
        self.last_progress_ms: Instant = 0
        """When something of this node's clients was last applied."""
        self._shared_index = replica.machine.shared_index
        self.old_to: Index = replica.raft.last_index
        """Entries up to here were in the log at the start: what they said was said in an earlier life."""

    # -- entries ---------------------------------------------------------------------------------

    def apply(self, ready: Ready, now_ms: Instant) -> None:
        """Apply what was committed, or put it behind a script that has paused."""
        machine, scripts = self._replica.machine, self.scripts
        index = ready.committed_first
        for entry in ready.committed:
            turned_away = machine.turned_away
            outcome = scripts.apply(machine, index, b"" if entry.kind else entry.payload, now_ms)
            if outcome is not None:
                self._applied(index, outcome, machine.turned_away > turned_away, now_ms)
            index += 1
        self._look(machine)

    def _go_on(self, now_ms: Instant) -> None:
        """The script that has paused goes on for a while; when it ends, so does what waits behind it."""
        machine, scripts = self._replica.machine, self.scripts
        if not scripts.may_go_on:
            return
        index = scripts.index
        outcome = scripts.go_on(machine, now_ms)
        while outcome is not None:
            self._applied(index, outcome, True, now_ms)
            behind = scripts.next_put_off()
            if behind is None:
                break
            index, payload = behind
            outcome = scripts.apply(machine, index, payload, now_ms)
        self._look(machine)

    def turn(self, now_ms: Instant) -> None:
        """What a turn does about a script that has paused, when it begins."""
        replica, scripts = self._replica, self.scripts
        raft, reads, limits = replica.raft, replica.reads, replica.machine.settings.script_limits
        reads.close_turn()
        self._go_on(now_ms)
        if scripts.paused is None:
            return
        if raft.role is Role.LEADER:
            verdict = scripts.wanted(limits, raft.term, now_ms)
            if verdict is not None and raft.propose(verdict):
                scripts.asked(raft.term)
        for run in reads.take(scripts.takes):
            scripts.ask(run, replica.machine, now_ms)
        wish = scripts.wish()
        if wish is not None and raft.role is not Role.LEADER and raft.leader != NO_NODE:
            replica.outgoing.append((raft.leader, wish))
        if scripts.is_busy(limits, now_ms):
            replica.outbox.refuse_staged(BUSY_ERROR)
            reads.refuse(BUSY_ERROR)

    def expire(self, now_ms: Instant) -> None:
        """Give up what has waited for too long; not while it waits for a script that goes on."""
        replica, timeout_ms = self._replica, self._replica.settings.command_timeout_ms
        if self.scripts.paused is None or self.scripts.is_stuck(timeout_ms, now_ms):
            replica.outbox.expire(now_ms - timeout_ms)
            replica.reads.expire(now_ms - timeout_ms)

    def _applied(self, index: Index, outcome: list[Applied], looks: bool, now_ms: Instant) -> None:
        replica = self._replica
        settings = replica.settings
        for applied in outcome:
            if applied.node == settings.node and applied.incarnation == settings.incarnation:
                replica.outbox.applied(applied.sequence, applied.replies, looks)
                self.last_progress_ms = now_ms
                self.last_write = index
            elif replica.remotes.asked:
                replica.remotes.applied(applied)
        if index == self.old_to:
            machine = replica.machine
            machine.take_events()
            machine.take_published()
            machine.take_woken()
            machine.take_denied()

    # -- what they said -----------------------------------------------------------------------------

    def _look(self, machine: Machine) -> None:
        replica = self._replica
        raft = replica.raft
        if machine.has_news() and replica.is_as_before:
            self._tell(machine)  # what an earlier life has said is kept until ``old_to``, and forgotten
        locks = machine.intents.locks
        if machine.shared_index != self._shared_index or locks.has_freed:
            # Users and settings are to count on all nodes now, not with the next heartbeat. And what other
            # nodes keep back because of locks goes on when they see that those are gone.
            self._shared_index = machine.shared_index
            locks.has_freed = False
            for peer in raft.peers:
                raft.want_commit(peer)
        if machine.digests:
            newest = next(reversed(machine.digests))
            raft.digest = (newest, machine.digests[newest].to_bytes(4, "big"))
        if machine.defects:
            replica.notes.extend(machine.defects)
            machine.defects.clear()

    def _tell(self, machine: Machine) -> None:
        """What the entries said to others than those who sent them."""
        replica = self._replica
        node = replica.settings.node
        woken = machine.take_woken()
        if woken:
            replica.woken.extend([client for owner, client in woken if owner == node])
            replica.remotes.woken(woken)
        events, published = machine.take_events(), machine.take_published()
        if events or published:
            replica.events.extend(events)
            replica.published.extend(published)
            for peer in replica.raft.peers:
                # Subscribers wait there: the commit must not wait for the next message.
                replica.raft.want_commit(peer)
        self.take_denied(machine)

    def take_denied(self, machine: Machine) -> None:
        """Calls inside of others that were refused to this node's clients."""
        replica = self._replica
        ours = (replica.settings.node, NO_NODE)
        replica.denied.extend([denied for denied in machine.take_denied() if denied.node in ours])


def digest_complaint(machine: Machine, index: Index, digest: bytes) -> str:
    """What is wrong if the leader's digest at ``index`` is another than ours (Rule G3); empty: nothing."""
    own = machine.digests.get(index)
    if own is None or own.to_bytes(4, "big") == digest:
        return ""
    return (
        f"this replica differs from the leader's at index {index} "
        f"(digest {own:08x} against {digest.hex()}); "
        "its data can't be trusted: remove the data directory and let the node copy the data anew, "
        "and please report this"
    )
