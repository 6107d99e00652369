"""What the configuration says about the care for groups. Times in ms of the driver's monotonic clock."""

import msgspec

from trivet.core.base.limits import KIB, MIB
from trivet.core.cluster.facts import Policy


class StewardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The defaults suit a cluster in service."""

    plans: bool = True
    """Whether the leader of the system group carries out its plans. It makes them anyhow, for people."""
    policy: Policy = Policy()
    plan_ms: int = 1_000
    """How often it looks for something to do."""
    warm_ms: int = 5_000
    """How long a new leader of the system group listens before its first plan."""
    report_ms: int = 1_000
    """How often every node says what it has."""
    silent_ms: int = 3_500
    """A node without a report for so long is thought dead."""
    failover_ms: int = 4_500
    """A group of mode ``primary`` that nobody says he leads for so long gets another primary."""
    split_after_ms: int = 15_000
    """A group must have been too large or too busy for so long before it is split."""
    merge_after_ms: int = 600_000
    """Two groups must have been small for so long before they are merged: also after a split by hand."""
    rest_ms: int = 60_000
    """After a move in vain its group is left alone for so long."""
    lead_ms: int = 500
    """How often the map is told of new leaders; 0: never."""
    claim_ms: int = 3_000
    """A database changes hands when all groups that have it have answered; they have so long."""
    retry_ms: int = 500
    """After a refusal."""
    move_bytes_per_s: int = 32 * MIB
    """How fast one node copies slots to other groups, before they are sealed."""
    move_window_bytes: int = 64 * KIB
    """What one move has under way. Clients' commands queue behind it on every member: so it is small."""
    move_slice_bytes: int = 8 * KIB
    busy_bytes: int = MIB
    """Clients' writes that wait, here or there: with more of them copying goes at an eighth of the speed."""
    seal_lag_keys: int = 1_000
    """With so few keys left to give, the slots are sealed."""
    catch_up_ms: int = 20_000
    """After so long with a walk that is nearly through, they are sealed with what there is."""
    pause_ms_max: int = 10_000
    """A move whose slots have been sealed for so long, and are not handed over, is given up."""
