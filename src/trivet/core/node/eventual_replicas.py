"""Groups of mode ``eventual``: made when a node starts, from what its disk has kept, or as the map tells.

On the path: nowhere. Every node has all of them, whether it is a member or not.

- Rule J7: a node whose log may have lost updates of its own goes on as another actor, and as one that has
  yet to get what the others have. So does one that has just come, and one that comes back within a life:
  those who give it the rest need not know all that it has made as a member before.
"""

from collections.abc import Callable

from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.cluster.rows import EVENTUAL
from trivet.core.gossip.gossip import Gossip
from trivet.core.gossip.settings import GossipSettings
from trivet.core.group.eventual_group import EventualGroup
from trivet.core.group.eventual_log import COPIES, EventualLog, Restored, found_updates
from trivet.core.lattice.hlc import Hlc
from trivet.core.machine.convergent import Convergent
from trivet.core.machine.machine import Machine
from trivet.core.node.config import NodeConfig
from trivet.core.node.making import Making
from trivet.core.paxos.ballot import proposer_of
from trivet.core.wal.record import FoundRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup


class EventualMaker:
    """What the groups of copies of a node have in common (``LeaderlessMaker``)."""

    def __init__(self, making: Making) -> None:
        self.mode = EVENTUAL
        self.kind = COPIES
        self._making = making
        self._actor = proposer_of(making.config.node, making.incarnation)
        """As whom this life makes updates in groups in which it can't go on as an earlier one."""

    def restore(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, system: Callable[[], Machine],
        prng: Prng,
    ) -> EventualGroup:  # fmt: skip
        """A group as the disk has kept it (Rule J7)."""
        making = self._making
        kept = found_updates(found, storage, recovery)
        if not recovery.group(found.group).membership:
            making.wal.append(FoundRecord(found.group, COPIES))  # it was lost with the snapshot (Rule B3)
        restored = Restored()
        restored.replay(kept.records)
        recovery.notes.extend([f"group {found.group}: {note}" for note in restored.notes])
        doubtful = kept.doubtful or bool(restored.notes)
        log = EventualLog(
            found.group, making.wal, making.tokens, making.config.limits, kept.last_index, kept.newest,
            making.buggify,
        )  # fmt: skip
        comes: bool | None = restored.comes
        if doubtful:
            comes = True
        elif not restored.actor:
            comes = None  # nothing was ever taken here: the map tells
        actor = self._actor if doubtful or not restored.actor else restored.actor
        return self._assemble(found.group, restored, log, system, prng, actor, doubtful, comes)

    def create(self, group: GroupId, system: Callable[[], Machine], prng: Prng) -> EventualGroup:
        """One that was never here, or of which a damaged log has lost everything (Rule W15)."""
        making = self._making
        doubtful = making.wal.tombstone(group) is not None
        actor = self._actor
        if doubtful:
            actor = proposer_of(making.config.node, making.wal.another_incarnation())
        making.wal.append(FoundRecord(group, COPIES))
        log = EventualLog(group, making.wal, making.tokens, making.config.limits, buggify=making.buggify)
        comes = True if doubtful else None
        return self._assemble(group, Restored(), log, system, prng, actor, doubtful, comes)

    def _assemble(
        self, group: GroupId, restored: Restored, log: EventualLog, system: Callable[[], Machine], prng: Prng,
        actor: int, doubtful: bool, comes: bool | None,
    ) -> EventualGroup:  # fmt: skip
        making, config = self._making, self._making.config
        executor = Convergent(restored.lattice, config.node, actor, Hlc(restored.stamp), system().users)
        gossip = Gossip(gossip_settings(config, actor, making.incarnation), executor, bool(comes))
        return EventualGroup(
            making.settings(group), making.agenda, executor, gossip, log, system, prng.fork(), doubtful,
            comes, restored.since,
        )  # fmt: skip


def gossip_settings(config: NodeConfig, actor: int, incarnation: int) -> GossipSettings:
    """The limits of the node, in the words of the room."""
    limits, tick_ms = config.limits, config.tick_ms
    return GossipSettings(
        node=config.node,
        actor=actor,
        life=incarnation,
        message_bytes_max=limits.append_bytes_max,
        patience_ticks=max(1, config.resend_ms * 2 // 5 // tick_ms),
        tell_ticks=max(1, config.resend_ms * 2 // 5 // tick_ms),
        silence_ticks=max(1, config.command_timeout_ms // tick_ms),
    )
