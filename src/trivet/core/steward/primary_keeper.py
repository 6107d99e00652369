"""The keeper of groups of mode ``primary``: another primary where nobody says any more that he is it.

On the path: nowhere. Runs on the leader of the system group; answers on every node.

- Rule K12: nobody has said for ``failover_ms`` that he leads the group, in its present generation: its
  members are asked how far they are, now. Whoever has the newest log of those that answer is named, by the
  generation that was seen: a leader of old, or two at a time, name nobody twice. Logs are compared as votes
  are (§3.6.1): who handed over within a generation may have a longer tail, of an earlier term, that counts
  for nothing.
- Rule K13: who has less than the map knows the group to have had (the membership that was reported last) is
  not named before ``PATIENCE`` times as long has passed: somebody who has more may come back.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.raft.state import Role
from trivet.core.raft.terms import generation_of, stamp_of
from trivet.core.steward.desk import Desk, Errand
from trivet.core.steward.messages import HowFar, NodeReport, SoFar, StewardMessage

ASK_MS: Final = 300
"""So long answers are waited for, and then those count that are there."""
PATIENCE: Final = 4


class _Watched:
    """One group."""

    __slots__ = ("answers", "asked_ms", "errand", "heard_ms", "number")

    def __init__(self, now_ms: Instant) -> None:
        self.heard_ms = now_ms
        """When somebody last said that he leads it."""
        self.asked_ms: Instant = 0
        """When the members were asked; 0: they are not being asked."""
        self.number = 0
        self.answers: dict[NodeId, SoFar] = {}
        self.errand: Errand | None = None


class PrimaryKeeper:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.outgoing: list[tuple[NodeId, StewardMessage]] = []
        """The steward takes them."""
        self.named = 0
        """How often it has named somebody."""
        self._watched: dict[GroupId, _Watched] = {}
        self._term = 0
        self._epoch = -1
        self._number = 0

    # -- the leader of the system group ---------------------------------------------------------------

    def hear(self, report: NodeReport) -> None:
        """A node reports what it leads."""
        cluster = self._desk.map
        if cluster is None or not self._watched:
            return
        for one in report.groups:
            watched = self._watched.get(one.group)
            if watched is not None and one.term:
                row = cluster.groups.get(one.group)
                if row is not None and generation_of(one.term) >= row.generation:
                    self._leads(watched)

    def _leads(self, watched: _Watched) -> None:
        watched.heard_ms = self._desk.now_ms
        watched.asked_ms = 0

    def tick(self, cluster: ClusterMap) -> None:
        """Once per tick (Rule K12)."""
        desk = self._desk
        system = desk.led(SYSTEM_GROUP)
        if system is None:
            self._term = 0
            self._watched = {}
            return
        if self._term != system.raft.term or self._epoch != cluster.epoch:
            self._look(cluster, self._term != system.raft.term)
            self._term, self._epoch = system.raft.term, cluster.epoch
        for number, watched in self._watched.items():
            if desk.now_ms - watched.heard_ms >= desk.settings.failover_ms:
                self._step(cluster.groups[number], watched)

    def _look(self, cluster: ClusterMap, is_new: bool) -> None:
        known = {} if is_new else self._watched
        self._watched = {
            number: known.get(number) or _Watched(self._desk.now_ms)
            for number, row in cluster.groups.items()
            if row.primary and cluster.is_of_primary(row)
        }

    def _step(self, row: GroupRow, watched: _Watched) -> None:
        desk = self._desk
        if watched.errand is not None:
            if not watched.errand.done:
                return
            # Said, or refused because another has said it: whoever was named has so long to begin.
            watched.errand = None
            self._leads(watched)
            return
        if watched.asked_ms and desk.now_ms - watched.asked_ms >= ASK_MS:
            watched.asked_ms = 0
            chosen = self._choose(row, watched)
            if chosen:
                self.named += 1
                desk.note(f"group {row.id}: nobody leads it; node {chosen} is to be its primary")
                watched.errand = desk.say(
                    SYSTEM_GROUP, b"MAP", b"PRIMARY", row.id, row.generation, chosen
                )  # fmt: skip
                return
        if not watched.asked_ms:
            self._ask(row, watched)

    def _ask(self, row: GroupRow, watched: _Watched) -> None:
        self._number += 1
        watched.number, watched.asked_ms, watched.answers = self._number, self._desk.now_ms, {}
        for node in row.members:
            question = HowFar(row.id, self._number)
            if node == self._desk.node:
                answer = self.answer(question)
                if answer is not None:
                    self.take(node, answer)
            else:
                self.outgoing.append((node, question))

    def take(self, sender: NodeId, answer: SoFar) -> None:
        """A member has answered."""
        cluster = self._desk.map
        watched = self._watched.get(answer.group)
        if cluster is None or watched is None or not watched.asked_ms or answer.number != watched.number:
            return
        row = cluster.groups.get(answer.group)
        if row is None or sender not in row.members:
            return
        if answer.leads and answer.generation >= row.generation:
            self._leads(watched)
        else:
            watched.answers[sender] = answer

    def _choose(self, row: GroupRow, watched: _Watched) -> NodeId:
        """The one with the newest log; 0: nobody can be named now (Rule K13)."""
        silent_ms = self._desk.now_ms - watched.heard_ms
        is_late = silent_ms >= PATIENCE * self._desk.settings.failover_ms
        best: tuple[int, int, int, int] = (-1, 0, 0, 0)
        for node, answer in watched.answers.items():
            place = (answer.log_generation, answer.last_term, answer.last_index, -node)
            knows = stamp_of(answer.log_generation, answer.last_index) >= row.membership
            if answer.last_index and (knows or is_late) and place > best:
                best = place
        return -best[3]

    # -- every node -----------------------------------------------------------------------------------

    def answer(self, question: HowFar) -> SoFar | None:
        """How far the replica here is; None: there is none, or its log is not to be gone by."""
        group = self._desk.groups.get(question.group)
        if group is None or group.raft.fork or group.raft.full:
            return None
        raft = group.raft
        leads = raft.role is Role.LEADER
        return SoFar(
            question.group, question.number, raft.log_generation, raft.last_index, leads, raft.generation,
            max(0, raft.term_at(raft.last_index)),
        )  # fmt: skip
