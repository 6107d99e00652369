"""Buggify: the places where the core may choose a rarer, equally right way, on request.

Off the path: in service there is no such object (``None`` everywhere) and nothing is asked. A simulation
hands one in, and rare interleavings become common (FoundationDB's idea: Zhou et al., SIGMOD 2021, §4).
Strategy: whatever happens at a point must be allowed without it as well (a message later, a smaller
piece, an earlier snapshot); so a judge that speaks has found a bug, never a point.

- Rule Y1: a point stands where code runs once per turn, tick or disk write at most, never once per command.
- Rule Y2: no point is part of replicated state: replicas draw each for themselves.
"""

from typing import Final, Protocol


class Buggify(Protocol):
    """Says whether to take the rarer way."""

    def rare(self, point: str) -> bool:
        """Whether it is to happen at ``point``, this time."""
        ...


APPEND_ONE: Final = "append-one"
"""A leader's append carries one entry."""
COMMIT_WORD_LATE: Final = "commit-word-late"
"""A leader does not tell of a commit at once; the next heartbeat does."""
FLUSH_LATE: Final = "flush-late"
"""A leader sends nothing in this turn: entries, rounds of reads and heartbeats go with a later one."""
HAND_OUT_ONE: Final = "hand-out-one"
"""One committed entry is applied in this turn, the others later."""
HANDS_OVER: Final = "hands-over"
"""A leader hands over although nothing is wrong with it."""
IMPATIENT: Final = "impatient"
"""A follower asks for pre-votes although its leader may live."""
MESSAGES_LATE: Final = "messages-late"
"""What Raft sends in this turn, votes included, leaves in a later one."""
BATCHES_AGAIN: Final = "batches-again"
"""All batches under way are sent again though nothing changed."""
BATCH_ALONE: Final = "batch-alone"
"""Each batch becomes an entry of its own."""
REPLIES_KEPT: Final = "replies-kept"
"""A batch acknowledges no replies: the machine remembers them longer."""
SNAPSHOT_EARLY: Final = "snapshot-early"
"""A snapshot is taken long before it is due."""
SLICE_LATE: Final = "slice-late"
"""A snapshot's next slice waits, while entries are applied."""
CHUNK_AGAIN: Final = "chunk-again"
"""A chunk of a snapshot is sent twice."""
SEGMENT_EARLY: Final = "segment-early"
"""The log goes on to the next segment though this one has room."""
FRAME_ALONE: Final = "frame-alone"
"""A frame takes one record, the others wait for the next."""
REGISTERS_HERE: Final = "registers-here"
"""A write of a register is begun here although another member is preferred for its key."""
REGISTERS_ELSEWHERE: Final = "registers-elsewhere"
"""It goes to a member that is not preferred for its key."""
REGISTERS_SILENT: Final = "registers-silent"
"""A node that had a write forwarded to it does not tell how it ended."""

POINTS: Final = (
    APPEND_ONE, COMMIT_WORD_LATE, FLUSH_LATE, HAND_OUT_ONE, HANDS_OVER, IMPATIENT, MESSAGES_LATE,
    BATCHES_AGAIN, BATCH_ALONE, REPLIES_KEPT, SNAPSHOT_EARLY, SLICE_LATE, CHUNK_AGAIN, SEGMENT_EARLY,
    FRAME_ALONE, REGISTERS_HERE, REGISTERS_ELSEWHERE, REGISTERS_SILENT,
)  # fmt: skip
"""All points that the core knows."""
