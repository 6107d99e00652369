"""Groups of mode ``paxos``: made when a node starts, from what its disk has kept, or as the map tells.

On the path: nowhere. Every node has all of them, whether it is a member or not.
"""

from collections.abc import Callable

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Storage
from trivet.core.base.ids import GroupId
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.rows import PAXOS
from trivet.core.group.agenda import Agenda
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_log import REGISTERS, RegisterLog, found_registers
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.machine import Machine
from trivet.core.node.config import NodeConfig
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.wal.record import FoundRecord
from trivet.core.wal.recovery import Recovery
from trivet.core.wal.replay import RecoveredGroup
from trivet.core.wal.wal import Wal

ORIGINS_MAX = 16
"""Nodes whose last operation a register remembers: each of them takes memory, and goes with every accept."""


class RegisterMaker:
    """What the groups of registers of a node have in common (``LeaderlessMaker``)."""

    def __init__(
        self, config: NodeConfig, wal: Wal, tokens: Tokens, incarnation: int, agenda: Agenda,
        buggify: Buggify | None,
    ) -> None:  # fmt: skip
        self.mode = PAXOS
        self.kind = REGISTERS
        self._config = config
        self._wal = wal
        self._tokens = tokens
        self._incarnation = incarnation
        self._agenda = agenda
        self._buggify = buggify

    def restore(
        self, found: RecoveredGroup, storage: Storage, recovery: Recovery, system: Callable[[], Machine],
        prng: Prng,
    ) -> PaxosGroup:  # fmt: skip
        """A group as the disk has kept it; ``system``: what is known of users and scripts."""
        kept = found_registers(found, storage, recovery)
        if not recovery.group(found.group).membership:
            self._wal.append(FoundRecord(found.group, REGISTERS))  # it was lost with the snapshot (Rule B3)
        log = RegisterLog(
            found.group, self._wal, self._tokens, self._config.limits, kept.last_index, kept.newest,
            self._buggify,
        )  # fmt: skip
        paxos = Paxos(
            paxos_settings(self._config, self._incarnation), prng.fork(), kept.records, kept.doubtful
        )
        return self._assemble(found.group, paxos, log, system, prng)

    def create(self, group: GroupId, system: Callable[[], Machine], prng: Prng) -> PaxosGroup:
        """One that was never here, or of which a damaged log has lost everything (Rule W15)."""
        doubtful = self._wal.tombstone(group) is not None
        self._wal.append(FoundRecord(group, REGISTERS))
        log = RegisterLog(group, self._wal, self._tokens, self._config.limits, buggify=self._buggify)
        paxos = Paxos(paxos_settings(self._config, self._incarnation), prng.fork(), doubtful=doubtful)
        return self._assemble(group, paxos, log, system, prng)

    def _assemble(
        self, group: GroupId, paxos: Paxos, log: RegisterLog, system: Callable[[], Machine], prng: Prng
    ) -> PaxosGroup:
        config = self._config
        settings = GroupSettings(
            group, config.node, self._incarnation, config.command_timeout_ms, config.resend_ms, config.limits
        )
        return PaxosGroup(settings, self._agenda, paxos, log, system, prng.fork(), self._buggify)


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
        page_bytes_max=limits.append_bytes_max,
    )
