"""How an acceptor that may have forgotten something becomes one again (Rule P16).

On the path: nowhere, until a disk is lost or damaged. The acceptor is then *doubtful*: it answers nothing,
and it has begun a new *life*. This walks, for every other member by itself, over all of its registers, bare
ones included, page by page, and takes over whatever is further. It ends when members who meet all its
former quorums have been walked through: a majority of the *others*, in both sets while members change.

What it takes over it has from *hearsay*: it tells every proposer that prepares, which can only keep that one
from missing a value; but it does not count among those who have accepted it, nor does it say so when it is
asked to accept the same once more. For it may have promised, in its former life, a ballot above that of the
value, without having had the value: had it not forgotten, it would have refused it. Once it accepts
something, that is its own.

Why that is enough. Let X be the member, S those it has walked through. Whoever is asked for a page first
records, durably, that X is in its new life, and tells so in every answer from then on; a proposer drops
whatever X said in an earlier life, together with all that it concluded from it, as soon as it hears that.
Take any conclusion that counts an answer of X's former life: a promise or an acceptance of ballot b for key
k by a quorum Q. Some Y of S is in Q, because S holds a majority of the others and Q at least all but that
many. Y gave its answer

- before it recorded X's new life. Then Y's register had promised b (accepted it) before its page about k
  was read: X has taken that over, and is bound by the promise (knows the value) as if it had never
  forgotten;
- or after that. Then the answer says so, and the proposer does not count X's.

The same holds where Y had dropped the register: a bare one is below the floor, which comes with every page;
a removed tombstone had been accepted by every member, X and all of S among them, before. If X's acceptance
counted, S gave theirs before recording, so no page can show anything older; and if the page comes after the
removal, the floor comes with it. And where X was in a later epoch than it remembers, because Q was a quorum
of that epoch: Y is in it too, and refuses the page, or had answered in the older epoch and then tells of
the new life. A crash in the middle begins the walk anew: nothing was answered. Two doubtful members do not
help each other.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.acceptor import Acceptor
from trivet.core.paxos.config import GroupConfig, Quorums
from trivet.core.paxos.content import is_sound
from trivet.core.paxos.messages import Page, PageReply
from trivet.core.paxos.settings import PaxosSettings


class Walk:
    """How far one member has been walked through."""

    __slots__ = ("asked", "cursor", "is_done", "life", "round_id", "ticks")

    def __init__(self) -> None:
        self.cursor: bytes | None = None
        self.round_id = 0
        self.asked = False
        self.is_done = False
        self.life = 0
        """Of the other: if it has lost its own disk meanwhile, its registers are walked through again."""
        self.ticks = 0


class Revival:
    """Of one doubtful acceptor, under one config; another config begins anew."""

    __slots__ = ("_epoch", "_next_round", "_node", "_proposer", "_quorums", "_settings", "_walks")

    def __init__(self, settings: PaxosSettings, config: GroupConfig, quorums: Quorums) -> None:
        self._settings = settings
        self._node = settings.node
        self._proposer = settings.proposer
        self._epoch = config.epoch
        self._quorums = quorums
        # Above all round numbers of the proposer, which answers to the same number.
        self._next_round = 1 << 62
        self._walks: dict[NodeId, Walk] = {node: Walk() for node in quorums.members if node != self._node}

    def tick(self) -> None:
        """A member that does not answer is asked again."""
        for walk in self._walks.values():
            walk.ticks += 1
            if walk.asked and walk.ticks >= self._settings.patience_ticks:
                walk.asked = False

    def flush(self, acceptor: Acceptor) -> None:
        """Ask everyone for the next page."""
        for node, walk in self._walks.items():
            if walk.asked or walk.is_done:
                continue
            walk.asked = True
            walk.ticks = 0
            self._next_round += 1
            walk.round_id = self._next_round
            limit = self._settings.page_keys_max
            page = Page(self._proposer, self._epoch, walk.round_id, walk.cursor, limit, acceptor.life)
            acceptor.out.append((node, page))

    def on_page_reply(self, acceptor: Acceptor, sender: NodeId, reply: PageReply) -> bool:
        """One page. True: the acceptor has caught up."""
        walk = self._walks.get(sender)
        if walk is None or reply.round_id != walk.round_id or reply.epoch != self._epoch or walk.is_done:
            return False
        for item in reply.items:
            if item.content is not None and not is_sound(item.key, item.content):
                return False  # asked again, later
        acceptor.absorb(reply)
        walk.asked = False
        if walk.cursor is not None and walk.life != reply.standing.life:
            walk.cursor = None
            return False
        walk.life = reply.standing.life
        if reply.more and reply.items:
            walk.cursor = reply.items[-1].key
            return False
        walk.is_done = True
        mask = 0
        for node, other in self._walks.items():
            if other.is_done:
                mask |= self._quorums.bits[node]
        if not self._quorums.meets_all_of(self._node, mask):
            return False
        acceptor.is_certain_again()
        return True
