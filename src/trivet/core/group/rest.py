"""When a replica may do without ticks, and when it must not be without a turn.

On the path: nowhere; it decides what an idle group costs (see ``agenda``). Whoever lets something pass with
time in a replica names it here.
"""

from typing import Protocol

from trivet.core.base.ids import WallMs
from trivet.core.group.log_time import LogTime
from trivet.core.group.long_scripts import LongScripts
from trivet.core.group.outbox import Outbox
from trivet.core.group.reads import ReadQueue
from trivet.core.group.remote_service import RemoteService
from trivet.core.group.snapshots import Snapshots
from trivet.core.machine.machine import Machine
from trivet.core.raft.raft import Raft
from trivet.core.raft.state import Role
from trivet.core.values.deadlines import NEVER


class Sleeper(Protocol):
    """What is looked at."""

    raft: Raft
    machine: Machine
    outbox: Outbox
    reads: ReadQueue
    snapshots: Snapshots
    remotes: RemoteService
    stirred: bool
    asleep: bool
    wants_turn: bool
    doubtful: bool
    scripts: LongScripts
    time: LogTime


def may_sleep(group: Sleeper) -> bool:
    """Whether nothing that passes with time is under way: many groups are so most of the time."""
    machine = group.machine
    return group.raft.quiet and not (
        group.stirred
        or group.outbox.under_way
        or group.outbox.has_staged()
        or group.reads.busy
        or group.snapshots.busy
        or machine.waiting.by_client
        or _looks_at_memory(machine)
        or group.doubtful
        or group.remotes.busy
        or group.scripts.paused is not None
        or machine.databases.next_deadline_ms() <= machine.now_ms
    )


def _looks_at_memory(machine: Machine) -> bool:
    """Whether memory is still being counted, or something is to be done about it before the next write."""
    memory, settings = machine.memory, machine.settings
    if memory is None:
        return False
    return not memory.counted or settings.refuses_growth or memory.total > settings.maxmemory_bytes


def alarm_of(group: Sleeper) -> WallMs:
    """When a group that sleeps is to have a turn: a leader tells the log of deadlines (Rules L2, L6)."""
    if group.raft.role is not Role.LEADER:
        return NEVER
    return group.time.when(group.machine.databases.next_deadline_ms())


def check_rest(group: Sleeper) -> None:
    """Assert that a group that is not on the agenda has nothing to do (Rules A1, A2)."""
    raft = group.raft
    if not group.stirred:
        assert not raft.has_news, "Raft has something to be carried out"
        assert not group.wants_turn and not group.scripts.may_go_on
        assert group.scripts.paused is not None or not group.reads.waits_for_turn
    if group.asleep:
        assert not group.stirred
        assert raft.quiet, "clocks must run"
        assert not group.outbox.under_way and not group.outbox.has_staged() and not group.reads.busy
