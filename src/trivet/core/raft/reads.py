"""Linearizable reads without log writes: the read index (§6.4).

On the path: read requests -> indexes to wait for. Reads of one turn share a *round*:
the leader notes its commit index under a sequence number, every message to a follower
carries the latest number, and when a majority has repeated a number >= the round's,
no newer leader can have existed when the round began. A few rounds may be under way;
what arrives meanwhile waits for the next, so load makes rounds larger, not more.
"""

from collections import deque

from trivet.core.base.ids import Index, NodeId


class Round:
    """Reads that share one confirmation. ``asked``: (peer, its seq), or (0, own read id)."""

    __slots__ = ("asked", "index", "seq")

    def __init__(self, seq: int, index: Index, asked: list[tuple[NodeId, int]]) -> None:
        self.seq = seq
        self.index = index
        self.asked = asked


class Recall:
    """Somebody has forgotten its term and asks how much it may have lost (README rule 10).

    ``asked``: its number; ``seq``: of the round that answers it, 0 before that begins.
    """

    __slots__ = ("asked", "index", "seq")

    def __init__(self, asked: int) -> None:
        self.asked = asked
        self.seq = 0
        self.index: Index = 0


class LeaderReads:
    """The leader's side; thrown away with its role."""

    __slots__ = ("_rounds", "_rounds_max", "open", "recalls", "seq", "waiting_count")

    def __init__(self, rounds_max: int) -> None:
        self.seq = 0
        """The latest round's number; every message to a follower carries it."""
        self.open: list[tuple[NodeId, int]] = []
        """Not yet in a round."""
        self.waiting_count = 0
        self.recalls: dict[NodeId, Recall] = {}
        """At most one for each peer."""
        self._rounds: deque[Round] = deque()
        self._rounds_max = rounds_max

    def start_round(self, commit: Index) -> bool:
        """Put the open reads into a round of their own, if one may start."""
        if not self.open or len(self._rounds) >= self._rounds_max:
            return False
        self.seq += 1
        self._rounds.append(Round(self.seq, commit, self.open))
        self.waiting_count += len(self.open)
        self.open = []
        return True

    def recall(self, peer: NodeId, asked: int) -> bool:
        """``peer`` asks what it may have lost; False if that is under way."""
        held = self.recalls.get(peer)
        if held is not None and held.asked == asked:
            return False
        self.recalls[peer] = Recall(asked)
        return True

    def start_recalls(self, commit: Index) -> bool:
        """Put what is asked anew into a round; whether there was anything."""
        fresh = [recall for recall in self.recalls.values() if not recall.seq]
        if not fresh:
            return False
        self.seq += 1
        for recall in fresh:
            recall.seq = self.seq
            recall.index = commit
        return True

    def confirmed(self, seq: int) -> list[Round]:
        """The rounds that a quorum's answers to ``seq`` confirm, oldest first."""
        done: list[Round] = []
        rounds = self._rounds
        while rounds and rounds[0].seq <= seq:
            oldest = rounds.popleft()
            self.waiting_count -= len(oldest.asked)
            done.append(oldest)
        return done

    @property
    def rounds_count(self) -> int:
        """Rounds under way."""
        return len(self._rounds)

    def drain(self) -> list[tuple[NodeId, int]]:
        """Everything unanswered, to be refused: the leader steps down."""
        asked = [ask for waiting in self._rounds for ask in waiting.asked]
        asked.extend(self.open)
        self._rounds.clear()
        self.open = []
        self.waiting_count = 0
        return asked


class FollowerReads:
    """The side of everyone else: asks the leader, gives up after a while.

    Sequence numbers start at a random place, so that a late answer to a former life of
    this node answers nothing.
    """

    __slots__ = ("_asked", "_requests_max", "count", "open", "seq")

    def __init__(self, first_seq: int, requests_max: int) -> None:
        self.seq = first_seq
        self.open: list[int] = []
        self.count = 0
        """Read ids open or asked for."""
        self._asked: dict[int, tuple[int, list[int]]] = {}
        """seq -> (ticks it has waited, read ids), oldest first."""
        self._requests_max = requests_max

    def add(self, read_id: int) -> None:
        """One more read for the next request."""
        self.open.append(read_id)
        self.count += 1

    @property
    def may_ask(self) -> bool:
        """Whether there is something to ask, and not so much under way that it has to wait for answers."""
        return bool(self.open) and len(self._asked) < self._requests_max

    def next_seq(self) -> int:
        """A number for a question that is no read."""
        self.seq += 1
        return self.seq

    def start_request(self) -> int:
        """Put the open reads under a number, if a request may leave; 0 if not."""
        if not self.may_ask:
            return 0
        self.seq += 1
        self._asked[self.seq] = (0, self.open)
        self.open = []
        return self.seq

    def answered(self, seq: int) -> list[int]:
        """The read ids under ``seq``; none if it was answered or given up already."""
        asked = self._asked.pop(seq, None)
        if asked is None:
            return []
        self.count -= len(asked[1])
        return asked[1]

    def tick(self, patience_ticks: int) -> list[int]:
        """One tick passed: the read ids that waited too long."""
        if not self._asked:
            return []
        late = [seq for seq, (waited, _) in self._asked.items() if waited >= patience_ticks]
        given_up: list[int] = []
        for seq in late:
            given_up.extend(self.answered(seq))
        for seq, (waited, ids) in self._asked.items():
            self._asked[seq] = (waited + 1, ids)
        return given_up

    def drain(self) -> list[int]:
        """Everything unanswered: the leader changed or is unknown."""
        ids = [read_id for _, asked in self._asked.values() for read_id in asked]
        ids.extend(self.open)
        self._asked.clear()
        self.open = []
        self.count = 0
        return ids
