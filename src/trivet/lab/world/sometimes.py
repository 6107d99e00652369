"""Sometimes: states worth reaching, seen from outside, counted per run.

A campaign that never reached one of ``NEVER_MAY_BE_ZERO`` has tested less than it seems: the
opposite of an assertion, which must always hold (the idea is known from Antithesis and Stateright).
Nothing here judges, and nothing depends on it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.raft.membership import NOBODY
from trivet.lab.history import Operation, Outcome
from trivet.lab.seam import MembershipLike, ObservationLike, RegistersLike
from trivet.lab.world.movement import Movement

EntryAt = Callable[[int], tuple[int, int] | None]

READS = tuple(b"GET STRLEN LRANGE LLEN SMEMBERS SCARD HGET HLEN HGETALL ZSCORE ZRANGE PTTL TTL".split())

NOTES: tuple[tuple[str, str], ...] = (
    ("torn write cut", "torn tail cut"),
    ("corrupt log", "corrupt log found"),
    ("strayed", "misdirected write found"),
    ("unreadable snapshot", "corrupt snapshot found at start"),
    ("is corrupt on this disk", "corrupt snapshot found while giving it"),
    ("is made good", "corruption repaired"),
    ("a snapshot was given up", "snapshot given up for its disk"),
    ("threw away a snapshot", "received snapshot thrown away"),
)
"""What a node's log says, and which state that is."""

NEVER_MAY_BE_ZERO: tuple[str, ...] = (
    "election",
    "split vote",
    "election without a winner",
    "leader inherits an uncommitted tail",
    "uncommitted entries overwritten",
    "diverged log repaired",
    "leader stepped down by itself",
    "two nodes believe to lead",
    "pre-vote without an election",
    "snapshot installed",
    "snapshot installed behind a wall",
    "snapshot installed amid a pause",
    "torn tail cut",
    "corrupt log found",
    "corrupt snapshot found at start",
    "corruption repaired",
    "whole cluster was down",
    "failed sync reported",
    "disk full survived",
    "leader with a hanging disk replaced",
    "read across an election",
    "write across an election",
    "core served while others were broken",
    "coordinator falls: locking",
    "coordinator falls: deciding",
    "coordinator falls: finishing",
    "participant's leader falls with an intent",
    "home's leader falls before the decision",
    "resolver aborts",
    "resolver commits",
    "attempt waits",
    "attempt dies",
    "node calm",
)
"""What a campaign of 500 seeds or more must have reached."""


class _View:
    """What is remembered of one replica's present life."""

    def __init__(self) -> None:
        self.up = True
        self.term = 0
        self.role = ""
        self.commit = 0
        self.first_index = 0
        self.last_index = 0
        self.last_term = 0
        self.pre_candidate_in = -1
        self.seen: ObservationLike | None = None
        self.membership: MembershipLike = NOBODY
        self.settled = False
        """Whether ``membership`` was seen to be committed."""
        self.cut_at = 0
        """Where entries were overwritten; 0: nowhere, or made good since."""


class _Group:
    """What is remembered of one group."""

    def __init__(self) -> None:
        self.views: dict[NodeId, _View] = {}
        self.led: dict[int, NodeId] = {}
        self.candidates: dict[int, dict[NodeId, None]] = {}
        self.elections_us: list[int] = []


class Sometimes:
    """Fed by processes; ``reached`` is part of a run's result."""

    def __init__(self) -> None:
        self.reached: dict[str, int] = {}
        self.walls_stand: Callable[[], bool] = lambda: False
        self._nodes: dict[NodeId, dict[GroupId, _View]] = {}
        """Per node its replicas in its present, or last, life."""
        self._up: dict[NodeId, None] = {}
        self._paused: dict[NodeId, None] = {}
        self._groups: dict[GroupId, _Group] = {}
        self._all_down = False
        self.movement = Movement(self.count)

    def count(self, what: str, times: int = 1) -> None:
        """``what`` was reached so many times more."""
        self.reached[what] = self.reached.get(what, 0) + times

    # -- lives

    def started(self, node: NodeId) -> None:
        """A new life begins."""
        for group, view in self._nodes.get(node, {}).items():
            self._groups[group].views.pop(node, None)
            view.up = False
        self._nodes[node] = {}
        self._up[node] = None
        self._paused.pop(node, None)

    def ended(self, node: NodeId, moving: list[tuple[str, bool, str]]) -> None:
        """A life is over; ``moving``: in which moves it took part (``NodeFactory.moving``)."""
        for side, leads, how_far in moving:
            self.movement.fell(side, leads, how_far)
        for view in self._nodes.get(node, {}).values():
            view.up = False
            if view.role:
                self.movement.member_fell(node, view.role, view.membership, view.settled)
        self._up.pop(node, None)
        if not self._up:
            self._all_down = True

    def left(self, node: NodeId, group: GroupId) -> None:
        """A replica is gone from a running node."""
        self.movement.left()
        self._nodes[node].pop(group, None)
        self._groups[group].views.pop(node, None)

    def paused(self, node: NodeId, paused: bool) -> None:
        """SIGSTOP, or SIGCONT."""
        if paused:
            self._paused[node] = None
        else:
            self._paused.pop(node, None)

    def logged(self, node: NodeId, text: str) -> None:
        """A node wrote a line into its log."""
        for said, state in NOTES:
            if said in text:
                self.count(state)

    # -- looks

    def observed(
        self, node: NodeId, number: GroupId, seen: ObservationLike, entry: EntryAt, now_us: int
    ) -> None:
        """A turn of a node has changed its replica of a group."""
        view = self._nodes[node].get(number)
        if view is None:
            group = self._groups.setdefault(number, _Group())
            view = self._nodes[node][number] = group.views[node] = _View()
        if seen.membership != view.membership or not view.settled:
            self.movement.look(node, number, view.seen, seen)
            view.membership = seen.membership
            view.settled = seen.commit >= seen.membership_index
            view.seen = seen
        if seen.role != view.role or seen.term != view.term:
            self._role(self._groups[number], node, view, seen, now_us)
        moved = seen.last_index != view.last_index or seen.first_index != view.first_index
        if moved or seen.commit < seen.last_index:
            self._log(view, seen, entry)
        if view.cut_at and seen.commit >= view.cut_at:
            view.cut_at = 0
            self.count("diverged log repaired")
        view.commit = seen.commit

    def registers_seen(
        self, node: NodeId, group: GroupId, before: RegistersLike | None, seen: RegistersLike
    ) -> None:
        """A turn of a node has changed its part in a group of registers; ``before``: in this life."""
        was_doubtful = before is not None and before.doubtful
        if seen.doubtful and not was_doubtful:
            self.count("registers in doubt")
        elif was_doubtful and not seen.doubtful:
            self.count("registers caught up")

    def _role(self, group: _Group, node: NodeId, view: _View, seen: ObservationLike, now_us: int) -> None:
        term, role = seen.term, seen.role
        if role == "candidate":
            standing = group.candidates.setdefault(term, {})
            standing[node] = None
            if len(standing) == 2:
                self.count("split vote")
        elif role == "leader" and group.led.get(term) != node:
            self._elected(group, node, seen, now_us)
        elif role == "follower":
            if view.role == "leader" and view.term == term:
                self.count("leader stepped down by itself")
            if view.role == "pre_candidate" and view.term == term:
                self.count("pre-vote without an election")
        view.role, view.term = role, term

    def _elected(self, group: _Group, node: NodeId, seen: ObservationLike, now_us: int) -> None:
        term = seen.term
        group.led[term] = node
        group.elections_us.append(now_us)
        self.count("election")
        for earlier in [t for t in group.candidates if t < term]:
            del group.candidates[earlier]
            if earlier not in group.led:
                self.count("election without a winner")
        if seen.last_index - 1 > seen.commit:
            self.count("leader inherits an uncommitted tail")
        self.movement.elected(seen)
        if any(v.up and v.role == "leader" for n, v in group.views.items() if n != node):
            self.count("two nodes believe to lead")
        if self._all_down:
            self._all_down = False
            self.count("whole cluster was down")

    def _log(self, view: _View, seen: ObservationLike, entry: EntryAt) -> None:
        if view.first_index and seen.first_index > view.last_index + 1:
            self.count("snapshot installed")
            if self.walls_stand():
                self.count("snapshot installed behind a wall")
            if self._paused:
                self.count("snapshot installed amid a pause")
        elif view.last_index >= seen.first_index:
            held = entry(view.last_index)
            if seen.last_index < view.last_index or (held is not None and held[0] != view.last_term):
                self.count("uncommitted entries overwritten")
                view.cut_at = seen.last_index
        last = entry(seen.last_index)
        view.last_term = last[0] if last is not None else 0
        view.first_index, view.last_index = seen.first_index, seen.last_index

    # -- the end

    def look_back(self, history: Iterable[Operation]) -> None:
        """What only the whole history shows: calls that an election interrupted, and that succeeded."""
        elections_us = sorted([at_us for group in self._groups.values() for at_us in group.elections_us[1:]])
        for operation in history:
            if operation.outcome is not Outcome.OK or not operation.commands:
                continue
            first = bisect_left(elections_us, operation.invoke_us)
            if first < bisect_right(elections_us, operation.return_us):
                reads = all(command[0] in READS for command in operation.commands)
                self.count("read across an election" if reads else "write across an election")
