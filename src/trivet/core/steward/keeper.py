"""The keeper: brings the members of every group that is led here to what the map wants, step by step.

On the path: nowhere. A step is one change in Raft's log or one word in the map's, and the next one is
chosen from what is so then; whoever leads next goes on where this leader has left off.

- Rule K1: before a leader changes its group's members, the map shows what they are. So a leader never goes
  by a map that is older than its group's last change.
- Rule K2: who comes is a learner first, and becomes a voter when it has nearly all of the log, in the same
  joint change in which another goes.
- Rule K3: the system group has every node that has not left, those that are no voters as learners.
- Rule K11: of a group with one voter (mode ``primary``) all have the data. Who comes is a backup first.
  Where the primary is to go, an heir that has everything becomes the voter by a joint change: without loss.
- Rule K4: who leads is told to the map now and then, all groups in one word.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.raft.membership import Membership
from trivet.core.raft.state import Role
from trivet.core.steward.desk import REFUSED, Desk, Errand, Looked
from trivet.core.wire.reply import Error

LEADS_MAX: Final = 200
"""Groups in one ``MAP LEAD``."""


class _Kept:
    """One group that is led here."""

    __slots__ = ("next_ms", "report")

    def __init__(self) -> None:
        self.report: Errand | None = None
        self.next_ms: Instant = 0


class Keeper:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[GroupId, _Kept] = {}
        self._leads: Errand | None = None
        self._leads_next_ms: Instant = 0
        self._untold: dict[GroupId, None] = {}
        """Groups that are led here, as far as the map does not say so yet."""
        self._looked = Looked()

    def tick(self, cluster: ClusterMap) -> None:
        """Take the next step with every group that is led here."""
        desk = self._desk
        for number, group in desk.worth_a_look(cluster, self._looked):
            row = cluster.groups.get(number)
            if group.raft.role is Role.LEADER and row is not None:
                self._look(cluster, row, group)
            elif number in self._kept:
                del self._kept[number]
        if len(self._kept) > len(desk.groups):
            self._kept = {number: kept for number, kept in self._kept.items() if number in desk.groups}
        self._tell_leads(cluster)

    def _look(self, cluster: ClusterMap, row: GroupRow, group: RaftGroup) -> None:
        kept = self._kept.get(row.id)
        if kept is None:
            kept = self._kept[row.id] = _Kept()
        if row.leader_term < group.raft.term:
            self._untold[row.id] = None
        self._step(cluster, row, group, kept)
        if kept.report is not None or kept.next_ms > self._desk.now_ms:
            self._looked.left[row.id] = None

    def _step(self, cluster: ClusterMap, row: GroupRow, group: RaftGroup, kept: _Kept) -> None:
        raft, now_ms = group.raft, self._desk.now_ms
        if raft.changing or raft.transferring or now_ms < kept.next_ms:
            return
        report = kept.report
        if report is not None:
            if not report.done:
                return
            kept.report = None
            if report.word == REFUSED:
                self._refused(row, kept, report)
                return
        if row.primary:
            self._step_primary(row, group, kept)
            return
        if not _is_known(row, raft.membership):
            if raft.membership_index >= row.membership:
                kept.report = self._report(row, group)
            return
        step = next_step(cluster, row, raft.membership, [n for n in row.target if raft.is_caught_up(n)])
        if step is None:
            return
        group.stir()
        if not raft.propose_membership(step.voters, step.learners):
            kept.next_ms = now_ms + self._desk.settings.retry_ms // 4

    def _step_primary(self, row: GroupRow, group: RaftGroup, kept: _Kept) -> None:
        """The same for a group with one voter (Rule K11)."""
        raft, membership = group.raft, group.raft.membership
        if raft.log_generation != row.generation:
            return  # the map, here, is not that of the generation yet, or its word is on its way
        caught_up = [node for node in membership.members() if raft.is_caught_up(node)]
        members, learners = standing(row, membership, caught_up)
        if (row.primary, row.members, row.learners, row.membership) != (
            membership.voters[0], sorted(members), learners, raft.stamp,
        ):  # fmt: skip
            if raft.stamp >= row.membership:
                words: list[bytes | int] = [b"MAP", b"MEMBERS", row.id, raft.stamp, *members]
                kept.report = self._desk.say(SYSTEM_GROUP, *words, b"/", *learners)
            return
        step = next_step_primary(row, membership, caught_up)
        if step is None:
            return
        group.stir()
        if not raft.propose_membership(step.voters, step.learners):
            kept.next_ms = self._desk.now_ms + self._desk.settings.retry_ms // 4

    def _refused(self, row: GroupRow, kept: _Kept, report: Errand) -> None:
        kept.next_ms = self._desk.now_ms + self._desk.settings.retry_ms
        answer = report.answer
        assert isinstance(answer, Error)
        self._desk.note(f"the map did not take the members of group {row.id}: {answer.text}")

    def _report(self, row: GroupRow, group: RaftGroup) -> Errand | None:
        """Rule K1: the committed membership, with its place in the log."""
        membership = group.raft.membership
        words: list[bytes | int] = [b"MAP", b"MEMBERS", row.id, group.raft.membership_index]
        words += [*membership.voters, b"/", *membership.learners]
        return self._desk.say(SYSTEM_GROUP, *words)

    def _tell_leads(self, cluster: ClusterMap) -> None:
        """Rule K4."""
        desk = self._desk
        if not self._untold or not desk.settings.lead_ms or desk.now_ms < self._leads_next_ms:
            return
        if self._leads is not None and not self._leads.done:
            return
        self._leads_next_ms = desk.now_ms + desk.settings.lead_ms
        words: list[bytes | int] = [b"MAP", b"LEAD"]
        for number in list(self._untold):
            row, group = cluster.groups.get(number), desk.groups.get(number)
            if group is None or row is None or row.leader_term >= group.raft.term:
                del self._untold[number]
            elif desk.led(number) is not None:
                words += [number, group.raft.term, desk.node]
                if len(words) >= 3 * LEADS_MAX:
                    break
            elif group.raft.role is not Role.LEADER:
                del self._untold[number]
        if len(words) > 2:
            self._leads = desk.say(SYSTEM_GROUP, *words)


def _is_known(row: GroupRow, membership: Membership) -> bool:
    """Whether the map shows the membership."""
    shown = (sorted(row.members), sorted(row.learners))
    return shown == (list(membership.voters), list(membership.learners))


def standing(row: GroupRow, now: Membership, caught_up: list[NodeId]) -> tuple[list[NodeId], list[NodeId]]:
    """Of a group with one voter: the primary and all that have the data, and those that are to get it."""
    voter = now.voters[0]
    others = [node for node in now.learners if node in row.members or node in caught_up]
    return [voter, *others], [node for node in now.learners if node not in others]


def next_step_primary(row: GroupRow, now: Membership, caught_up: list[NodeId]) -> Membership | None:
    """Rule K11: who comes is a backup first; the primary goes when an heir has everything; then others go."""
    voter = now.voters[0]
    members = now.members()
    wanted = [node for node in row.target if node not in members]
    if wanted:
        return Membership((voter,), (), tuple(sorted([*now.learners, *wanted])))
    if any(node not in row.members for node in row.target):
        return None  # it has yet to catch up
    if voter not in row.target:
        heirs = [node for node in row.target if node in caught_up]
        if not heirs:
            return None
        return Membership((heirs[0],), (), tuple([node for node in members if node != heirs[0]]))
    left = tuple([node for node in now.learners if node in row.target])
    return None if left == now.learners else Membership((voter,), (), left)


def next_step(
    cluster: ClusterMap, row: GroupRow, now: Membership, caught_up: list[NodeId]
) -> Membership | None:
    """The next membership on the way from ``now`` to what the map wants; None: it is there, or must wait."""
    target = sorted(row.target)
    everyone = sorted(cluster.members) if row.id == SYSTEM_GROUP else []
    others = [node for node in everyone if node not in target]
    coming = [node for node in target if node not in now.voters]
    if target != list(now.voters) and all(node in now.learners and node in caught_up for node in coming):
        return Membership(tuple(target), (), tuple(others))
    waiting = [node for node in [*others, *coming] if node not in now.voters]
    step = Membership(now.voters, (), tuple(sorted(waiting)))
    return None if step == now else step
