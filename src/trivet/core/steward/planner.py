"""The planner: on the leader of the system group, from reports and the map to the next few things to do.

On the path: nowhere. What to do is decided in ``cluster/placement``; here are the facts, the pace and the
carrying out.

- Rule F1: a node is dead when it has not reported for a while, as this leader has heard it, and nobody else
  hears it either (Rule F9); a new leader begins with everybody alive and listens before its first plan.
- Rule F2: one plan at a time: the next is made when the map has answered every word of the last.
- Rule F3: a group whose move was in vain is left alone for a while.
- Rule F5: groups are split and merged for what lasts: a burst of commands, a split by hand are no reason.
- Rule F6: a plan that found nothing to do is not made again before something is different, or it is old.
- Rule F7: a claim on a database that some group does not answer is ended (``claim_ms``).
- Rule F9: a node that does not report, and that is not dead to all (``hearsay``), is *unreachable*: it gets
  nothing and leads nothing more, and however long that lasts it is not replaced. When it dies after all, its
  time is counted from when others heard it last; of one whom nobody heard any more, from its last report.
- Rule F10: who has joined gets nothing before it has reported once: it may never come, and whatever counts on
  it is the less safe for it.
- Rule F4: a plan that is not carried out (``plans``) is still made and told to every node, for people.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.cluster.actions import Action, Lead, Merge, Split, explain, verb_of
from trivet.core.cluster.facts import Facts, GroupFacts
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.placement import plan
from trivet.core.cluster.ranges import covers
from trivet.core.cluster.rows import HANDED, MoveRow
from trivet.core.steward.desk import REFUSED, Desk, Errand
from trivet.core.steward.messages import (
    SENTENCES_MAX,
    GroupReport,
    LeadWish,
    MoveReport,
    NodeReport,
    PlanTold,
)
from trivet.core.steward.settings import StewardSettings

OLD_PLANS: Final = 10
"""An empty plan is old after so many times ``plan_ms``."""
STALE_REPORTS: Final = 5
"""What a group's leader said counts for so many reports' time."""


Said = tuple[bool, int, bool, int]
"""(is doubtful, by the members of which epoch it goes, has caught up, updates kept) as in ``GroupReport``."""
SILENT: Final[Said] = (False, 0, False, 0)


class _Heard:
    """The last word of a group's leader."""

    __slots__ = ("at_ms", "node", "report")

    def __init__(self, node: NodeId, report: GroupReport, at_ms: Instant) -> None:
        self.node = node
        self.report = report
        self.at_ms = at_ms


class Planner:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._term = 0
        """In which this node leads the system group; 0: it does not."""
        self._next_ms: Instant = 0
        self._heard_ms: dict[NodeId, Instant] = {}
        self._awaited: dict[NodeId, None] = {}
        """Who has joined since this node leads, and has not reported (Rule F10)."""
        self._groups: dict[GroupId, _Heard] = {}
        self._ops: dict[GroupId, dict[NodeId, int]] = {}
        self._said: dict[GroupId, dict[NodeId, Said]] = {}
        """What each member says of itself where nobody leads."""
        self._errands: list[Errand] = []
        self._copying: dict[int, MoveRow] = {}
        """Moves that were not handed over when last seen."""
        self._rests: dict[GroupId, Instant] = {}
        self._claims: dict[int, Instant] = {}
        """When this leader saw a claim first; when it has asked to end it, not again for as long."""
        self._since: dict[tuple[str, GroupId], Instant] = {}
        """Since when a split or a merge seems right (Rule F5)."""
        self._hear_few: dict[NodeId, None] = {}
        """Who reported last that it hears few others (Rule K14)."""
        self._told: dict[NodeId, PlanTold] = {}
        self._progress: dict[int, MoveReport] = {}
        """How far the moves are, as those who carry them out reported last."""
        self._news = True
        """Some report said something else than the one before."""
        self._seen: tuple[int, StewardSettings | None] = (-1, None)
        """The map's epoch, and the settings, of the last plan."""
        self._old_ms: Instant = 0
        """When the last plan is old."""
        self._acts = False
        """The last plan had something to do."""
        self.sentences: list[str] = []
        """The last plan, for people."""
        self.wishes: list[tuple[NodeId, LeadWish]] = []
        """Who is to be asked to hand over leadership; the steward takes them."""

    def hear(self, sender: NodeId, report: NodeReport) -> PlanTold | None:
        """A node reports; the plan, if it is news to that node."""
        cluster, now_ms = self._desk.map, self._desk.now_ms
        if not self._term or cluster is None or sender not in cluster.members:
            return None
        self._heard_ms[sender] = now_ms
        if sender in self._awaited:
            del self._awaited[sender]
            self._news = True
        if report.hears_few != (sender in self._hear_few):
            self._news = True
            if report.hears_few:
                self._hear_few[sender] = None
            else:
                del self._hear_few[sender]
        for one in report.groups:
            known = self._groups.get(one.group)
            if known is not None and known.node == sender and known.report == one:
                # As of most of many groups, most of the time.
                self._news = self._news or self._is_stale(known)
                known.at_ms = now_ms
                continue
            if one.group not in cluster.groups:
                continue
            rates = self._ops.setdefault(one.group, {})
            members = self._said.setdefault(one.group, {})
            said = (one.is_doubtful, one.epoch, one.is_caught_up, one.kept)
            counts = known is None or one.term >= known.report.term or self._is_stale(known)
            if one.term and counts:
                self._groups[one.group] = _Heard(sender, one, now_ms)
            elif rates.get(sender) == one.ops and members.get(sender, SILENT) == said:
                continue  # one of several members that say the same of a group without a leader
            self._news = True
            rates[sender], members[sender] = one.ops, said
        for move in report.moves:
            if move.move in cluster.moves:
                self._progress[move.move] = move
        told = PlanTold(self.sentences, list(self._progress.values()))
        if self._told.get(sender) == told:
            return None
        self._told[sender] = told
        return told

    def lost(self, node: NodeId) -> None:
        """The link to ``node`` broke: what it was told may be lost."""
        self._told.pop(node, None)

    def _is_stale(self, heard: _Heard) -> bool:
        return self._desk.now_ms - heard.at_ms > STALE_REPORTS * self._desk.settings.report_ms

    # -- facts ----------------------------------------------------------------------------------

    def facts(self, cluster: ClusterMap) -> Facts:
        """What is known now."""
        desk = self._desk
        dead, unreachable = self._silent(cluster)
        silent = {**dead, **unreachable}
        groups: dict[GroupId, GroupFacts] = {}
        for number, heard in self._groups.items():
            if number not in cluster.groups or self._is_stale(heard) or heard.node in silent:
                continue
            report = heard.report
            leader = 0 if cluster.is_leaderless(cluster.groups[number]) else heard.node
            ops = [rate for node, rate in self._ops.get(number, {}).items() if node not in silent]
            members = {node: said for node, said in self._said.get(number, {}).items() if node not in silent}
            epoch = cluster.groups[number].membership + 1
            groups[number] = GroupFacts(
                keys=report.keys, bytes=report.bytes, ops=sum(ops), leader=leader,
                caught_up=report.caught_up, middle=report.middle, is_spent=report.is_spent,
                doubtful=sorted([node for node, said in members.items() if said[0]]),
                copies={node: (said[2], said[3]) for node, said in members.items() if said[1] == epoch},
            )  # fmt: skip
        return Facts(
            dead_ms=dead, unreachable_ms=unreachable, awaited=list(self._awaited), leader=desk.node,
            groups=groups,
            hear_few=[node for node in self._hear_few if node in cluster.members],
        )  # fmt: skip

    def _silent(self, cluster: ClusterMap) -> tuple[dict[NodeId, int], dict[NodeId, int]]:
        """For how long nothing was heard of the dead, and of those whom others hear (Rules F1, F9)."""
        desk, hearsay = self._desk, self._desk.hearsay
        dead: dict[NodeId, int] = {}
        unreachable: dict[NodeId, int] = {}
        for node in cluster.members:
            heard_ms = self._heard_ms.get(node, desk.now_ms)
            if node == desk.node or desk.now_ms - heard_ms < desk.settings.silent_ms:
                continue
            if hearsay.is_dead(node):
                alive_ms = hearsay.alive_ms(node, desk.now_ms)
                outlived = alive_ms - heard_ms >= desk.settings.silent_ms
                dead[node] = desk.now_ms - (alive_ms if outlived else heard_ms)
            else:
                unreachable[node] = desk.now_ms - heard_ms
        return dead, unreachable

    def _forget(self, cluster: ClusterMap) -> None:
        """Nodes and groups that are no more. Whose time begins now, for it is new, has not reported."""
        now_ms = self._desk.now_ms
        for node in cluster.members:
            if node not in self._heard_ms:
                self._awaited[node] = None
        self._awaited = dict.fromkeys(node for node in self._awaited if node in cluster.members)
        self._heard_ms = {node: self._heard_ms.get(node, now_ms) for node in cluster.members}
        self._told = {node: told for node, told in self._told.items() if node in cluster.members}
        self._progress = {move: one for move, one in self._progress.items() if move in cluster.moves}
        self._groups = {number: heard for number, heard in self._groups.items() if number in cluster.groups}
        self._ops = {
            number: {node: rate for node, rate in rates.items() if node in cluster.members}
            for number, rates in self._ops.items()
            if number in cluster.groups
        }
        self._said = {
            number: {node: one for node, one in said.items() if node in cluster.groups[number].members}
            for number, said in self._said.items()
            if number in cluster.groups
        }

    # -- plans ----------------------------------------------------------------------------------

    @property
    def leads(self) -> bool:
        """This node leads the system group, and listens."""
        return self._term != 0

    def make(self, cluster: ClusterMap) -> list[Action]:
        """What would be done now (Rules F3, F5)."""
        actions = plan(cluster, self.facts(cluster), self._desk.settings.policy)
        wanted = {(type(one).__name__, one.group): 0 for one in actions if isinstance(one, Split | Merge)}
        self._since = {key: self._since.get(key, self._desk.now_ms) for key in wanted}
        return [action for action in actions if self._may(cluster, action)]

    def tick(self, cluster: ClusterMap) -> None:
        """Make a plan when it is time, and carry it out."""
        desk, settings = self._desk, self._desk.settings
        system = desk.led(SYSTEM_GROUP)
        if system is None:
            self._term = 0
            return
        if self._term != system.raft.term:
            self._begin(system.raft.term)
        self._watch_moves(cluster)
        if cluster.claims or self._claims:
            self._watch_claims(cluster)
        if desk.now_ms < self._next_ms or any(not errand.done for errand in self._errands):
            return
        for errand in self._errands:
            if errand.word == REFUSED:
                desk.note(f"the map did not take a step of the plan: {errand.text}")
        self._errands = []
        self._next_ms = desk.now_ms + settings.plan_ms
        if not self._may_differ(cluster):
            return
        self._news = False
        self._seen = (cluster.epoch, settings)
        self._old_ms = desk.now_ms + OLD_PLANS * settings.plan_ms
        self._forget(cluster)
        actions = self.make(cluster)
        self._acts = bool(actions)
        self.sentences = explain(actions).splitlines()[:SENTENCES_MAX]
        if settings.plans:
            for action in actions:
                self._carry_out(cluster, action)

    def _may_differ(self, cluster: ClusterMap) -> bool:
        """Rule F6. What is to be done, or is on its way, waits for time to pass."""
        desk = self._desk
        epoch, settings = self._seen
        if self._news or cluster.epoch != epoch or desk.settings is not settings:
            return True
        if self._acts or self._since or self._rests or desk.now_ms >= self._old_ms:
            return True
        silent_ms = desk.now_ms - desk.settings.silent_ms
        return any(self._heard_ms.get(node, 0) <= silent_ms for node in cluster.members if node != desk.node)

    def _begin(self, term: int) -> None:
        """Rule F1."""
        self._news = True
        self._term = term
        self._next_ms = self._desk.now_ms + self._desk.settings.warm_ms
        self._heard_ms, self._groups, self._ops, self._told = {}, {}, {}, {}
        self._progress, self._said, self._hear_few, self._awaited = {}, {}, {}, {}
        self._errands, self._claims = [], {}
        cluster = self._desk.map
        if cluster is not None:
            self._heard_ms = dict.fromkeys(cluster.members, self._desk.now_ms)

    def _watch_moves(self, cluster: ClusterMap) -> None:
        """Rule F3."""
        now_ms = self._desk.now_ms
        for move, row in self._copying.items():
            source = cluster.groups.get(row.source)
            if move not in cluster.moves and source is not None and covers(source.ranges, row.ranges):
                # Else it was handed over, and is over, since the last look.
                self._rests[row.source] = now_ms + self._desk.settings.rest_ms
        self._copying = {row.id: row for row in cluster.moves.values() if row.phase != HANDED}
        if self._rests:
            self._rests = {group: until_ms for group, until_ms in self._rests.items() if until_ms > now_ms}

    def _watch_claims(self, cluster: ClusterMap) -> None:
        """Rule F7."""
        now_ms = self._desk.now_ms
        self._claims = {token: self._claims.get(token, now_ms) for token in cluster.claims}
        for token, since_ms in self._claims.items():
            if now_ms - since_ms >= self._desk.settings.claim_ms:
                self._claims[token] = now_ms
                self._desk.say(SYSTEM_GROUP, b"MAP", b"CLAIM", b"OVER", token)

    def _may(self, cluster: ClusterMap, action: Action) -> bool:
        if not isinstance(action, Split | Merge):
            return True
        settings = self._desk.settings
        patience_ms = settings.split_after_ms if isinstance(action, Split) else settings.merge_after_ms
        keyspace = cluster.keyspaces[cluster.groups[action.group].keyspace]
        if isinstance(action, Split) and len(cluster.groups_in(keyspace.number)) < keyspace.shards:
            patience_ms = 0  # somebody asked for so many
        since_ms = self._since[(type(action).__name__, action.group)]
        return action.group not in self._rests and self._desk.now_ms - since_ms >= patience_ms

    def _carry_out(self, cluster: ClusterMap, action: Action) -> None:
        if isinstance(action, Lead):
            heard = self._groups.get(action.group)
            if heard is not None:
                self.wishes.append((heard.node, LeadWish(action.group, action.node)))
            return
        errand = self._desk.say(SYSTEM_GROUP, *verb_of(cluster, action))
        if errand is not None:
            self._errands.append(errand)
