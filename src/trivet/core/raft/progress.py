"""What a leader believes about one follower, and what is on its way to it.

On the path: decides what may be sent next. Three modes (§3.5, §10.2.1):

| mode | sends | leaves it when |
|---|---|---|
| PROBE | one message, then waits for an answer or a heartbeat's | the follower accepts |
| REPLICATE | ahead, within the window | a refusal, a broken connection |
| SNAPSHOT | nothing: the group streams a snapshot | it is installed, or failed |

``match`` only rises, but for a follower that says it lost what it had (README rule 10).
"""

from collections import deque
from enum import IntEnum

from trivet.core.base.ids import Index, NodeId


class Mode(IntEnum):
    """How a follower is fed."""

    PROBE = 0
    REPLICATE = 1
    SNAPSHOT = 2


class Progress:
    """One follower, seen by the leader. Invariant: match < next."""

    __slots__ = (
        "_inflight", "active", "beaten", "commit_sent", "commit_wanted", "full", "inflight_bytes", "losses",
        "lost_from", "match", "match_before", "mode", "next", "nudge", "paused", "peer", "read_seq",
        "silent", "vouches",
    )  # fmt: skip

    def __init__(self, peer: NodeId, next_index: Index) -> None:
        self.peer = peer
        self.mode = Mode.PROBE
        self.match: Index = 0
        self.next: Index = next_index
        self.losses = 0
        """How often it said that it lost what it had acknowledged."""
        self.lost_from: Index = 0
        """``match`` before the last of them."""
        self.paused = False
        """PROBE: a probe is on its way. Ends with an answer or a heartbeat's answer."""
        self.nudge = False
        """REPLICATE: nothing moved between two heartbeats; ask whether everything arrived."""
        self.beaten = False
        """A heartbeat was due and its answer has not come. Reads cause heartbeats as well, many."""
        self.active = False
        """Heard of since the last check of the quorum."""
        self.silent = False
        """Nothing was heard of it between the last two checks of the quorum, nor since."""
        self.vouches = False
        """It has said that it forgot nothing and would vote."""
        self.full = False
        self.read_seq = 0
        """The latest round of reads that it has answered."""
        self.commit_sent: Index = 0
        self.commit_wanted: Index = 0
        """Tell it of every advance of the commit index until it knows this one."""
        self.match_before: Index = 0
        self.inflight_bytes = 0
        self._inflight: deque[tuple[Index, int]] = deque()

    @property
    def inflight_count(self) -> int:
        """Messages with entries that are not acknowledged."""
        return len(self._inflight)

    def sent(self, last_index: Index, size_bytes: int) -> None:
        """Entries up to ``last_index`` were sent."""
        if self.mode is Mode.REPLICATE:
            self.next = last_index + 1
            self._inflight.append((last_index, size_bytes))
            self.inflight_bytes += size_bytes
        else:
            self.paused = True

    def acknowledge(self, index: Index) -> bool:
        """The log up to ``index`` is durable there; True if that is news."""
        news = index > self.match
        if news:
            self.match = index
        if self.next <= index:
            self.next = index + 1
        if self.mode is Mode.REPLICATE:
            inflight = self._inflight
            while inflight and inflight[0][0] <= index:
                self.inflight_bytes -= inflight.popleft()[1]
        elif self.mode is Mode.PROBE and index == self.match:
            self.mode = Mode.REPLICATE
            self.next = self.match + 1
            self.paused = False
        return news

    def is_stale_refusal(self, prev_index: Index) -> bool:
        """True if a refusal of ``prev_index`` tells nothing new."""
        if self.mode is Mode.REPLICATE:
            return prev_index <= self.match
        return self.mode is Mode.SNAPSHOT or prev_index != self.next - 1

    def probe(self, next_index: Index) -> None:
        """Go back to one message at a time, from ``next_index`` (never below match + 1)."""
        self.mode = Mode.PROBE
        self.next = max(next_index, self.match + 1)
        self.paused = False
        self.nudge = False
        self._inflight.clear()
        self.inflight_bytes = 0

    def probe_again(self) -> None:
        """What was on its way may be lost: go on from what is known, be it a guess.

        Of a follower that has not answered in this term nothing is known but the guess: to begin with
        the first entry instead would send it the whole log, or a snapshot that it does not need.
        """
        self.probe(self.next if self.mode is Mode.PROBE else self.match + 1)

    def await_snapshot(self) -> None:
        """It needs what the log has forgotten."""
        self.probe(self.next)
        self.mode = Mode.SNAPSHOT

    def lower(self, match: Index) -> None:
        """It lost entries that it had acknowledged."""
        if match < self.match:
            self.losses += 1
            self.lost_from = self.match
            self.match = match
            self.match_before = match

    def heartbeat_answered(self, last_index: Index) -> None:
        """A heartbeat came back: let a probe go again, and notice when nothing moves.

        Once per heartbeat interval, however many heartbeats there are.
        """
        if not self.beaten:
            return
        self.beaten = False
        self.paused = False
        if self.mode is Mode.REPLICATE:
            self.nudge = self.match < last_index and self.match == self.match_before
        self.match_before = self.match
