"""What the parts of a steward share: the node's groups, the map, the time, and errands.

An errand is one call in the log of some group, said for as long as it takes. It may be applied late, long
after whoever sent it has ceased to lead: so nothing is ever said that is not true, or refused, whenever it
arrives.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.base.limits import Limits
from trivet.core.cluster.map import ClusterMap
from trivet.core.group.agenda import Agenda
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run
from trivet.core.raft.state import Role
from trivet.core.steward.hearsay import Hearsay, OwnEars
from trivet.core.steward.settings import StewardSettings
from trivet.core.wire.reply import Error, Reply

REFUSED: Final = b"refused"
NOTES_MAX: Final = 1_000


class Errand:
    """One call on its way."""

    __slots__ = ("_desk", "run", "size_bytes")

    def __init__(self, desk: "Desk", call: list[bytes], epoch: int) -> None:
        self._desk = desk
        self.size_bytes = sum(map(len, call)) + 64
        self.run = Run(self, True, patient=True)
        self.run.epoch = epoch
        self.run.add((0, call), self.size_bytes)

    @property
    def done(self) -> bool:
        """Whether it is answered."""
        return self.run.replies is not None

    @property
    def answer(self) -> Reply:
        """The answer of an errand that is done."""
        assert self.run.replies is not None
        return self.run.replies[0]

    @property
    def word(self) -> Reply:
        """The first word of the answer; ``REFUSED`` for an error."""
        answer = self.answer
        if isinstance(answer, Error):
            return REFUSED
        return answer[0] if isinstance(answer, list) and answer else answer

    @property
    def text(self) -> str:
        """What the answer says against it; nothing if it is no error."""
        return self.answer.text if isinstance(self.answer, Error) else ""

    def run_done(self) -> None:
        """The group has answered: whoever sent it may go on."""
        self._desk.stirred = True


LOOK_MS: Final = 5_000
"""Groups in which nothing happens are looked at so often: nothing should be found there."""


class Looked:
    """When somebody last looked at all groups, by which map, and where something was left to do."""

    __slots__ = ("epoch", "left", "next_ms")

    def __init__(self) -> None:
        self.epoch = -1
        self.next_ms: Instant = 0
        self.left: dict[GroupId, None] = {}
        """Groups to look at again, whatever happens in them: an errand is under way, or was refused."""


class Desk:
    """See the module."""

    def __init__(
        self, node: NodeId, replicas: dict[GroupId, Replica], groups: dict[GroupId, RaftGroup],
        agenda: Agenda, limits: Limits, settings: StewardSettings,
        leaderless: dict[GroupId, LeaderlessReplica] | None = None, hearsay: Hearsay | None = None,
    ) -> None:  # fmt: skip
        self.node = node
        self.hearsay: Hearsay = OwnEars() if hearsay is None else hearsay
        self.replicas = replicas
        self.groups = groups
        self.leaderless: dict[GroupId, LeaderlessReplica] = {} if leaderless is None else leaderless
        """Groups that nobody leads: each node has all of them."""
        self._agenda = agenda
        self.limits = limits
        self.settings = settings
        self.now_ms: Instant = 0
        self.stirred = False
        """An errand was answered since the last look, or the map has changed: there is something to do."""
        self.notes: list[str] = []
        self.allowance_bytes = 0
        """What may be copied until the next tick."""

    @property
    def map(self) -> ClusterMap | None:
        """The cluster map as far as this node has applied it; None before the cluster is founded."""
        system = self.groups.get(SYSTEM_GROUP)
        return None if system is None else system.machine.cluster

    def say(self, group: GroupId, *words: bytes | int) -> Errand | None:
        """Say it in the log of ``group``; None: this node knows of no such group (yet)."""
        replica = self.replicas.get(group)
        cluster = self.map
        if replica is None or cluster is None:
            return None
        call = [word if isinstance(word, bytes) else b"%d" % word for word in words]
        errand = Errand(self, call, cluster.epoch)
        replica.write(errand.run, self.now_ms)
        return errand

    def led(self, number: GroupId) -> RaftGroup | None:
        """The replica here, if it leads and has applied all that was committed before it led."""
        group = self.groups.get(number)
        if group is None or group.raft.role is not Role.LEADER:
            return None
        raft = group.raft
        return group if raft.term_at(group.machine.applied_index) == raft.term else None

    def worth_a_look(self, cluster: ClusterMap, looked: Looked) -> list[tuple[GroupId, RaftGroup]]:
        """Replicas in which something happens or was left to do; all, when the map is another, and seldom."""
        left, looked.left = looked.left, {}
        if cluster.epoch == looked.epoch and self.now_ms < looked.next_ms:
            awake = [group for group in self._agenda.awake if isinstance(group, RaftGroup)]
            found = {group.settings.group: group for group in awake if not group.raft.quiet}
            found.update({number: self.groups[number] for number in left if number in self.groups})
            return list(found.items())
        looked.epoch = cluster.epoch
        looked.next_ms = self.now_ms + LOOK_MS
        return list(self.groups.items())

    def note(self, sentence: str) -> None:
        """A sentence for the log that people read."""
        if len(self.notes) < NOTES_MAX:
            self.notes.append(sentence)
