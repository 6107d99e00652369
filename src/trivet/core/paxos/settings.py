"""The settings of one member of a group. Time is counted in ticks of the driver."""

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import NUMBER_MAX, node_of

KIB = 1024
MIB = 1024 * KIB


class PaxosSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who this member is, how patient it is, and every limit."""

    node: NodeId
    proposer: int
    """One life of this node among all nodes' lives: ``proposer_of`` its incarnation. Never used again."""
    patience_ticks: int = 3
    """A phase without enough answers is asked again after so long, or begun anew if somebody refused."""
    backoff_ticks: int = 1
    """After a second conflict: wait 1 to this many ticks; twice as many with each further one."""
    backoff_ticks_max: int = 16
    operation_ticks: int = 100
    """An operation that has not ended after so long is given up."""
    operations_max: int = 65536
    """Under way at a time; one more is refused."""
    round_operations_max: int = 256
    """Operations of one register that are run upon one value and accepted together."""
    origins_max: int = 16
    """Origins whose last operation a register remembers (Rule P8)."""
    key_bytes_max: int = 64 * KIB
    value_bytes_max: int = 64 * MIB
    message_bytes_max: int = 1 * MIB
    """Of keys and values in one message, but at least one."""
    flights_max: int = 1024
    """Questions in the air at a time, of reads, and of writes; what comes meanwhile flies with the next."""
    promises_max: int = 65536
    """Promises kept for the next change of a register."""
    promises_bytes_max: int = 64 * MIB
    held_messages_max: int = 4096
    """Answers that wait for the disk; beyond it they are lost, as on a network."""
    page_keys_max: int = 1000
    page_bytes_max: int = 1 * MIB
    """Of registers in one page; at least one."""
    scans_max: int = 64
    """Walks over the keys under way at a time."""
    bare_max: int = 4096
    """Registers with a promise and nothing accepted; beyond it they become part of the floor."""
    tombstone_ticks: int = 1000
    """A deleted register stays so long before it is collected: a retry of the deletion finds its reply."""
    collect_max: int = 64
    """Tombstones that one member collects at a time."""
    collect_ticks: int = 50
    """A collection that has not ended after so long is given up for now."""
    rescan_max: int = 64
    """Registers under way at a time when the members change."""


def problem(settings: PaxosSettings) -> str:
    """What is wrong with ``settings``, in words; "" when they are sound."""
    if settings.node < 1:
        return "nodes are numbered from 1"
    if not 1 <= settings.proposer <= NUMBER_MAX or node_of(settings.proposer) != settings.node:
        return "a proposer's number is its node's and its life's"
    limits = (
        settings.patience_ticks, settings.backoff_ticks, settings.backoff_ticks_max, settings.operation_ticks,
        settings.operations_max, settings.round_operations_max, settings.origins_max, settings.key_bytes_max,
        settings.value_bytes_max, settings.message_bytes_max, settings.flights_max, settings.promises_max,
        settings.promises_bytes_max, settings.held_messages_max, settings.page_keys_max,
        settings.page_bytes_max, settings.scans_max, settings.bare_max, settings.tombstone_ticks,
        settings.collect_max, settings.collect_ticks, settings.rescan_max,
    )  # fmt: skip
    return "" if min(limits) >= 1 else "every limit is at least 1"
