"""Groups of mode ``paxos``: made when a node starts, from what its disk has kept, or as the map tells.

On the path: nowhere. Every node has all of them, whether it is a member or not.
"""

from collections.abc import Callable

from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.cluster.rows import PAXOS
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_execution import Numbers
from trivet.core.group.register_keys import slot_of_place
from trivet.core.group.register_log import REGISTERS, RegisterLog, found_registers
from trivet.core.machine.machine import Machine
from trivet.core.node.config import NodeConfig
from trivet.core.node.making import Making
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.wal.record import FoundRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup

ORIGINS_MAX = 16
"""Nodes whose last operation a register remembers: each of them takes memory, and goes with every accept."""
FLIGHTS_MAX = 2
"""Questions of reads, and of writes, in the air at a time: the next one has all that comes meanwhile."""


class RegisterMaker:
    """What the groups of registers of a node have in common (``LeaderlessMaker``)."""

    def __init__(self, making: Making) -> None:
        self.mode = PAXOS
        self.kind = REGISTERS
        self._making = making
        self._numbers = Numbers()

    def restore(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, system: Callable[[], Machine],
        prng: Prng,
    ) -> PaxosGroup:  # fmt: skip
        """A group as the disk has kept it; ``system``: what is known of users and scripts."""
        making = self._making
        kept = found_registers(found, storage, recovery)
        if not recovery.group(found.group).membership:
            making.wal.append(FoundRecord(found.group, REGISTERS))  # it was lost with the snapshot (Rule B3)
        log = RegisterLog(
            found.group, making.wal, making.tokens, making.config.limits, kept.last_index, kept.newest,
            making.buggify,
        )  # fmt: skip
        paxos = Paxos(
            paxos_settings(making.config, making.incarnation), prng.fork(), kept.records, kept.doubtful,
            slot_of_place,
        )  # fmt: skip
        return self._assemble(found.group, paxos, log, system, prng)

    def create(self, group: GroupId, system: Callable[[], Machine], prng: Prng) -> PaxosGroup:
        """One that was never here, or of which a damaged log has lost everything (Rule W15)."""
        making = self._making
        doubtful = making.wal.tombstone(group) is not None
        making.wal.append(FoundRecord(group, REGISTERS))
        log = RegisterLog(group, making.wal, making.tokens, making.config.limits, buggify=making.buggify)
        settings = paxos_settings(making.config, making.incarnation)
        paxos = Paxos(settings, prng.fork(), (), doubtful, slot_of_place)
        return self._assemble(group, paxos, log, system, prng)

    def _assemble(
        self, group: GroupId, paxos: Paxos, log: RegisterLog, system: Callable[[], Machine], prng: Prng
    ) -> PaxosGroup:
        making = self._making
        return PaxosGroup(
            making.settings(group), making.agenda, paxos, log, system, prng.fork(), making.buggify,
            self._numbers,
        )  # fmt: skip


def paxos_settings(config: NodeConfig, incarnation: int) -> PaxosSettings:
    """The limits of the node, in the words of the room."""
    limits = config.limits
    return PaxosSettings(
        node=config.node,
        proposer=proposer_of(config.node, incarnation),
        operation_ticks=max(1, config.command_timeout_ms // config.tick_ms),
        origins_max=ORIGINS_MAX,
        value_bytes_max=limits.call_bytes_max,
        message_bytes_max=limits.append_bytes_max,
        flights_max=FLIGHTS_MAX,
        page_bytes_max=limits.append_bytes_max,
    )
