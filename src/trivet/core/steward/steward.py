"""The steward of a node: keepers, housekeeper, movers, reporter and planner, driven by the node's ticks.

On the path: nowhere. ``tick`` once per tick of the driver; ``turn`` in any turn in which ``stirred`` is
true, so that a hand-over does not wait for the clock at each of its steps. What is said goes through the
node's replicas as patient runs, or to other stewards as ``outgoing``.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId, Term, WallMs
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.actions import Action
from trivet.core.cluster.facts import Facts
from trivet.core.cluster.map import ClusterMap
from trivet.core.group.agenda import Agenda
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.raft.state import Role
from trivet.core.steward.copy_keeper import CopyKeeper
from trivet.core.steward.desk import Desk
from trivet.core.steward.hearsay import Hearsay
from trivet.core.steward.housekeeper import Housekeeper
from trivet.core.steward.keeper import Keeper
from trivet.core.steward.messages import (
    HowFar,
    LeadWish,
    MoveReport,
    NodeReport,
    OfSteward,
    PlanTold,
    SoFar,
    StewardMessage,
)
from trivet.core.steward.mover import Mover
from trivet.core.steward.planner import Planner
from trivet.core.steward.primary_keeper import PrimaryKeeper
from trivet.core.steward.register_keeper import RegisterKeeper
from trivet.core.steward.register_mover import RegisterMover
from trivet.core.steward.reporter import Reporter
from trivet.core.steward.settings import StewardSettings
from trivet.core.steward.yielding import Yielding

IN_VAIN_MS: Final = 60_000
"""A group that was to be handed over in vain is not to be handed to the same node again for so long."""


class Steward:
    """See the module."""

    def __init__(
        self, node: NodeId, replicas: dict[GroupId, Replica], groups: dict[GroupId, RaftGroup],
        agenda: Agenda, limits: Limits, prng: Prng, settings: StewardSettings | None = None,
        leaderless: dict[GroupId, LeaderlessReplica] | None = None, hearsay: Hearsay | None = None,
    ) -> None:  # fmt: skip
        settings = settings or StewardSettings()
        self.outgoing: list[tuple[NodeId, StewardMessage]] = []
        """For other stewards; the node takes them after every tick and turn."""
        self.sentences: list[str] = []
        """What would be done now and why, as the leader of the system group last told."""
        self.pause_ms = -1
        """How long the slots of the last move from here were sealed; -1: there was none."""
        self.pause_ms_max = -1
        self.desk = Desk(node, replicas, groups, agenda, limits, settings, leaderless, hearsay)
        self._keeper = Keeper(self.desk)
        self._register_keeper = RegisterKeeper(self.desk)
        self._primary_keeper = PrimaryKeeper(self.desk)
        self._housekeeper = Housekeeper(self.desk)
        self._planner = Planner(self.desk)
        self._copy_keeper = CopyKeeper(self.desk, self._planner)
        self._reporter = Reporter(self.desk)
        self._told_progress: dict[int, tuple[int, int]] = {}
        self._movers: dict[int, Mover] = {}
        self._register_movers: dict[int, RegisterMover] = {}
        self._up: dict[NodeId, None] = {}
        self.yielding = Yielding(self.desk, self._up)
        self._wished: dict[GroupId, tuple[NodeId, Term, Instant]] = {}
        """Who was wished to lead, in which term that was tried, and not again before when (Rule K10)."""
        self._report_ms: Instant = 0
        self._report_first_ms = prng.below(max(1, settings.report_ms))
        """So that nodes that start together do not report together."""

    @property
    def stirred(self) -> bool:
        """An errand was answered, or the map has changed: ``turn`` has something to do."""
        return self.desk.stirred

    @property
    def movers(self) -> dict[int, Mover]:
        """The moves from groups that are led here, by their ids."""
        return self._movers

    def progress(self, move: int) -> tuple[int, int] | None:
        """Keys given, and about how many are left; of a move from elsewhere as it was reported last."""
        mover = self._movers.get(move) or self._register_movers.get(move)
        if mover is not None and mover.progress is not None:
            return mover.progress
        return self._told_progress.get(move)

    def facts(self) -> Facts | None:
        """What is known of all nodes and groups; None: only the leader of the system group knows."""
        cluster = self.desk.map
        return None if cluster is None or not self._planner.leads else self._planner.facts(cluster)

    def plan(self) -> list[Action] | None:
        """What would be done now; None: only the leader of the system group plans."""
        cluster = self.desk.map
        return None if cluster is None or not self._planner.leads else self._planner.make(cluster)

    @property
    def settings(self) -> StewardSettings:
        """As they are now."""
        return self.desk.settings

    def configure(self, settings: StewardSettings) -> None:
        """Other settings from now on."""
        self.desk.settings = settings

    def take_notes(self) -> list[str]:
        """Sentences for the log that people read, since the last time."""
        notes = self.desk.notes
        if notes:
            self.desk.notes = []
        return notes

    def on_map(self) -> None:
        """The cluster map has changed, or is there at last."""
        self.desk.stirred = True

    # -- inputs ---------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self._up[peer] = None

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke."""
        self._up.pop(peer, None)
        self._planner.lost(peer)

    def on_message(self, sender: NodeId, message: OfSteward) -> None:
        """A message of another steward."""
        if isinstance(message, NodeReport):
            self._heard(sender, message)
        elif isinstance(message, PlanTold):
            self._take_told(message)
        elif isinstance(message, HowFar):
            answer = self._primary_keeper.answer(message)
            if answer is not None:
                self.outgoing.append((sender, answer))
        elif isinstance(message, SoFar):
            self._primary_keeper.take(sender, message)
        elif isinstance(message, LeadWish):
            self._on_wish(message)

    def _on_wish(self, wish: LeadWish) -> None:
        """Rule K10."""
        held = self.desk.groups.get(wish.group)
        if held is None or held.raft.role is not Role.LEADER:
            return
        now_ms, term = self.desk.now_ms, held.raft.term
        before = self._wished.get(wish.group)
        if before is not None and before[:2] == (wish.node, term) and now_ms < before[2]:
            return
        self._wished[wish.group] = (wish.node, term, now_ms + IN_VAIN_MS)
        self.lead(wish.group, wish.node)

    def _tell_primaries(self) -> None:
        keeper = self._primary_keeper
        if keeper.outgoing:
            self.outgoing += [(node, message) for node, message in keeper.outgoing if node in self._up]
            keeper.outgoing = []

    def _heard(self, sender: NodeId, report: NodeReport) -> None:
        self._primary_keeper.hear(report)
        told = self._planner.hear(sender, report)
        if told is None:
            return
        if sender == self.desk.node:
            self._take_told(told)
        else:
            self.outgoing.append((sender, told))

    def _take_told(self, told: PlanTold) -> None:
        self.sentences = told.sentences
        self._told_progress = {one.move: (one.sent, one.left) for one in told.moves}

    def lead(self, group: GroupId, node: NodeId) -> bool:
        """Have ``node`` lead ``group``, wherever its leader is; False: that can't be asked from here."""
        held = self.desk.groups.get(group)
        if held is not None and held.raft.role is Role.LEADER:
            held.stir()
            return node == self.desk.node or held.raft.hand_to(node)
        return self._ask_to_lead(group, node)

    def _ask_to_lead(self, group: GroupId, node: NodeId) -> bool:
        """Ask the leader, if it is known and can be reached."""
        replica = self.desk.replicas.get(group)
        if replica is None or replica.leader not in self._up:
            return False
        self.outgoing.append((replica.leader, LeadWish(group, node)))
        return True

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """One tick of the driver's clock."""
        desk = self.desk
        rate = desk.settings.move_bytes_per_s
        earned = rate * min(1000, max(0, now_ms - desk.now_ms)) // 1000
        most = max(rate // 10, desk.settings.move_slice_bytes)
        desk.allowance_bytes = min(desk.allowance_bytes + earned, most)
        desk.now_ms = now_ms
        cluster = desk.map
        if cluster is None:
            return
        self._keeper.tick(cluster)
        self._register_keeper.tick(cluster)
        self._primary_keeper.tick(cluster)
        self._tell_primaries()
        self.yielding.tick()
        self._planner.tick(cluster)
        self._copy_keeper.tick(cluster)
        self._wish()
        self._report()
        self.turn(now_ms)

    def turn(self, now_ms: Instant) -> None:
        """Go on with what was answered."""
        desk = self.desk
        desk.stirred = False
        desk.now_ms = now_ms
        cluster = desk.map
        if cluster is not None:
            self._housekeeper.look(cluster)
            self._move(cluster)
            self._move_registers(cluster)

    def _wish(self) -> None:
        wishes, self._planner.wishes = self._planner.wishes, []
        for node, wish in wishes:
            if node == self.desk.node:
                self._on_wish(wish)
            elif node in self._up:
                self.outgoing.append((node, wish))

    def _report(self) -> None:
        """Tell the leader of the system group what is here."""
        desk = self.desk
        if not self._report_ms:
            self._report_ms = desk.now_ms + self._report_first_ms
        if desk.now_ms < self._report_ms:
            return
        self._report_ms = desk.now_ms + desk.settings.report_ms
        moves: list[MoveReport] = []
        far = {number: mover.progress for number, mover in self._movers.items()}
        far.update({number: mover.progress for number, mover in self._register_movers.items()})
        for number, progress in far.items():
            if progress is not None:
                moves.append(MoveReport(number, progress[0], progress[1]))
        report = self._reporter.report(moves, self.yielding.hears_few())
        leader = desk.groups[SYSTEM_GROUP].leader
        if leader == desk.node:
            self._heard(leader, report)
        elif leader in self._up:
            self.outgoing.append((leader, report))

    def _move(self, cluster: ClusterMap) -> None:
        """One step of every move from a group that is led here."""
        movers = self._movers
        for row in list(cluster.moves.values()):
            group = self.desk.led(row.source)
            mover = movers.get(row.id)
            if mover is not None and (group is None or mover.term != group.raft.term):
                mover.close()
                del movers[row.id]
                mover = None
            if group is None:
                continue
            if mover is None:
                mover = movers[row.id] = Mover(self.desk, row.id, group.raft.term)
            mover.step(row, group)
        for number in [number for number in movers if number not in cluster.moves]:
            self._over(movers.pop(number))

    def _move_registers(self, cluster: ClusterMap) -> None:
        """One step of every move between groups of mode ``paxos``, if this node is to carry them out."""
        movers = self._register_movers
        for number in [number for number in movers if number not in cluster.moves]:
            mover = movers.pop(number)
            mover.over()
            self._tell_pause(mover)
        leads = self.desk.led(SYSTEM_GROUP) is not None
        if not leads and movers:
            for mover in movers.values():
                mover.close()
            movers.clear()
        busy: dict[GroupId, None] = {}
        for row in list(cluster.moves.values()) if leads else []:
            if not cluster.is_of_registers(cluster.groups[row.source]):
                continue
            if row.source in busy or row.target_group in busy:
                continue  # Rule R10
            busy[row.source] = busy[row.target_group] = None
            if row.id not in movers:
                movers[row.id] = RegisterMover(self.desk, row.id)
            movers[row.id].step(cluster, row)

    def _over(self, mover: Mover) -> None:
        mover.close()
        self._tell_pause(mover)

    def _tell_pause(self, mover: Mover | RegisterMover) -> None:
        if mover.pause_ms < 0:
            return
        self.pause_ms = mover.pause_ms
        self.pause_ms_max = max(self.pause_ms_max, mover.pause_ms)
        self.desk.note(
            f"move {mover.move} is over: {mover.sent_bytes} bytes, "
            f"its slots were sealed for {mover.pause_ms} ms"
        )
