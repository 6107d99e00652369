"""The settings of one member of a group. Time is counted in ticks of the driver."""

import msgspec

from trivet.core.base.ids import NodeId


class RaftConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who this member is, how patient it is, and every limit.

    A silent leader is given up after [election_ticks, 2 * election_ticks). Without any
    leader, tries are [campaign_ticks, 2 * campaign_ticks) apart at first, and further
    apart with each one that failed.
    """

    node: NodeId
    election_ticks: int = 50
    heartbeat_ticks: int = 5
    campaign_ticks: int = 10
    lost_ticks_max: int = 4
    """After the leader's connection broke: wait 1 to this many ticks before a pre-vote."""
    disk_patience_ticks: int = 150
    """A leader whose disk has not answered for so long hands over."""
    read_patience_ticks: int = 15
    """A follower's read without an answer is dropped after so long, for its owner to retry."""
    inflight_messages_max: int = 64
    inflight_bytes_max: int = 8 << 20
    append_bytes_max: int = 1 << 20
    """Per message, but at least one entry."""
    uncommitted_bytes_max: int = 64 << 20
    log_memory_bytes_max: int = 1 << 30
    committed_bytes_max: int = 16 << 20
    """Handed out per ready, but at least one entry."""
    reads_max: int = 65536
    read_rounds_max: int = 4
    """Rounds of reads under way at a time; what arrives meanwhile shares the next one."""
    caught_up_entries: int = 1000
    """A learner is fit to vote when it lacks at most so many entries (§4.2.1)."""
    quiet_ticks: int = 0
    """A group in which nothing has happened for so long falls silent until something does; 0: never."""
    held_messages_max: int = 4096
    """Messages that wait for the disk; beyond it they are lost, as on a network."""


def problem(config: RaftConfig) -> str:
    """What is wrong with ``config``, in words; "" when it is sound."""
    if config.node < 1:
        return "nodes are numbered from 1"
    if config.heartbeat_ticks < 1 or config.election_ticks <= 2 * config.heartbeat_ticks:
        return "election_ticks must be more than twice heartbeat_ticks, which is at least 1"
    if not 1 <= config.campaign_ticks <= config.election_ticks:
        return "campaign_ticks must be between 1 and election_ticks"
    limits = (
        config.lost_ticks_max, config.disk_patience_ticks, config.read_patience_ticks,
        config.inflight_messages_max, config.inflight_bytes_max, config.append_bytes_max,
        config.uncommitted_bytes_max, config.log_memory_bytes_max, config.committed_bytes_max,
        config.reads_max, config.read_rounds_max, config.held_messages_max, config.caught_up_entries,
        config.quiet_ticks + 1,
    )  # fmt: skip
    return "" if min(limits) >= 1 else "every limit is at least 1"
