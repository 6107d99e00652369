"""The outbox: this node's writes until they are applied here.

- Rule O1: a batch gets its sequence number when it first leaves; one that has never left
  can be withdrawn with a *definite* error, one that has left only with an *indefinite* one.
- Rule O2: whoever is leader gets all batches under way again, in order, from the first;
  the machine's sessions make that harmless.
- Rule O3: a batch that was given up to its clients stays under way until it is applied,
  because its successors can't be applied before it.
"""

from collections import deque

import msgspec

from trivet.core.base.buggify import REPLIES_KEPT, Buggify
from trivet.core.base.ids import Instant, NodeId
from trivet.core.group.run import Run, finish_runs
from trivet.core.machine.entry import Batch, Call, decode_batch, encode_batch
from trivet.core.machine.sessions import NodeSessions
from trivet.core.wire.reply import Error, NotHere, Reply

TIMEOUT_ERROR = Error(
    "TIMEOUT no majority confirmed the command in time: it may have taken effect, or still may"
)
NO_ROOM = Error(
    "OOM the disks of most nodes that hold this are full: writes are refused until space returns, "
    "reads go on; nothing was done"
)
NO_LEADER_ERROR = Error("CLUSTERDOWN no leader: this node is cut off from the majority; nothing was done")


class Parcel:
    """One batch and the client runs that wait for it."""

    __slots__ = ("data", "given_up", "runs", "sequence", "size_bytes", "staged_ms")

    def __init__(self, runs: list[Run], size_bytes: int, staged_ms: Instant) -> None:
        self.runs = runs
        self.size_bytes = size_bytes
        self.staged_ms = staged_ms
        self.sequence = 0
        self.data = b""
        self.given_up = False


class Outbox:
    """Batches waiting to leave, and batches under way."""

    def __init__(
        self,
        node: NodeId,
        incarnation: int,
        in_flight_max: int,
        batch_bytes_max: int,
        buggify: Buggify | None = None,
    ) -> None:
        self._buggify = buggify
        self._node = node
        self._incarnation = incarnation
        self._in_flight_max = in_flight_max
        self._batch_bytes_max = batch_bytes_max
        self._staged: deque[Run] = deque()
        self._staged_ms: deque[Instant] = deque()
        self._open: list[Run] = []
        """Staged in this turn: they may still grow and are not counted yet."""
        self.under_way: deque[Parcel] = deque()
        """Numbered without gaps; the first is the next that the machine will accept."""
        self._last_sequence = 0
        self.misrouted: list[Run] = []
        """Runs with calls that the machine did not run, because it does not hold their keys."""
        self.pending_bytes = 0
        """Staged before this turn, or under way."""

    def stage(self, run: Run, now_ms: Instant) -> None:
        """Take the writes of one client, which may grow until the turn ends; the next parcel takes them."""
        self._staged.append(run)
        self._staged_ms.append(now_ms)
        self._open.append(run)

    def close_turn(self) -> None:
        """What is staged grows no more."""
        for run in self._open:
            self.pending_bytes += run.size_bytes
        self._open.clear()

    def has_staged(self) -> bool:
        """Whether something waits to leave."""
        return bool(self._staged)

    @property
    def has_writes(self) -> bool:
        """Whether something waits to leave or is under way."""
        return bool(self.under_way or self._staged)

    def can_pack(self) -> bool:
        """Whether something waits only for a turn with a leader."""
        return bool(self._staged) and len(self.under_way) < self._in_flight_max

    def pack(self) -> list[Parcel]:
        """Turn what is staged into numbered parcels, as many as may be under way."""
        self.close_turn()
        parcels: list[Parcel] = []
        while self._staged and len(self.under_way) < self._in_flight_max:
            runs: list[Run] = []
            size_bytes = 0
            calls: list[Call] = []
            staged_ms = self._staged_ms[0]
            while self._staged and (
                not runs or size_bytes + self._staged[0].size_bytes <= self._batch_bytes_max
            ):
                run = self._staged.popleft()
                self._staged_ms.popleft()
                runs.append(run)
                calls.extend(run.take_calls())
                size_bytes += run.size_bytes
            parcel = Parcel(runs, size_bytes, staged_ms)
            self._last_sequence += 1
            parcel.sequence = self._last_sequence
            acknowledged = self.under_way[0].sequence - 1 if self.under_way else self._last_sequence - 1
            if self._buggify is not None and self._buggify.rare(REPLIES_KEPT):
                acknowledged = 0
            epoch = min([run.epoch for run in runs])
            parcel.data = encode_batch(
                Batch(self._node, self._incarnation, self._last_sequence, acknowledged, calls, epoch)
            )
            self.under_way.append(parcel)
            parcels.append(parcel)
        return parcels

    def again(self) -> list[Parcel]:
        """Everything under way, to be sent once more. The first says what is answered by now (Rule S5)."""
        if self.under_way:
            first = self.under_way[0]
            batch = decode_batch(first.data)
            if batch.acknowledged != first.sequence - 1:
                first.data = encode_batch(msgspec.structs.replace(batch, acknowledged=first.sequence - 1))
        return list(self.under_way)

    def applied(self, sequence: int, replies: list[Reply], looks: bool = False) -> Parcel | None:
        """The batch was applied: hand its replies to its runs; None when it is not awaited.

        ``looks``: some of the replies may be ``NotHere``.
        """
        if not self.under_way or self.under_way[0].sequence != sequence:
            assert not self.under_way or self.under_way[0].sequence > sequence, (sequence,)
            return None
        parcel = self.under_way.popleft()
        self.pending_bytes -= parcel.size_bytes
        if looks and any(type(reply) is NotHere for reply in replies):
            self._recall(parcel)
        finish_runs(parcel.runs, replies, self.misrouted if looks else None)
        return parcel

    def _recall(self, parcel: Parcel) -> None:
        """Some calls of a batch are to go elsewhere: what they were stands in the batch."""
        calls = decode_batch(parcel.data).calls
        position = 0
        for run in parcel.runs:
            run.sent = calls[position : position + run.count]
            position += run.count

    def skipped_to(self, sequence: int) -> list[Parcel]:
        """Batches up to ``sequence`` were applied, but their replies are lost: give them up."""
        lost: list[Parcel] = []
        while self.under_way and self.under_way[0].sequence <= sequence:
            parcel = self.under_way.popleft()
            self.pending_bytes -= parcel.size_bytes
            for run in parcel.runs:
                run.fail(TIMEOUT_ERROR, whoever=True)
            lost.append(parcel)
        return lost

    def catch_up(self, sessions: NodeSessions) -> None:
        """Batches that a state contains which this node did not apply are answered from it (Rule S2)."""
        session = sessions.by_node.get(self._node)
        if session is None or session.incarnation != self._incarnation:
            return
        for sequence, replies in session.replies.items():
            if self.under_way and self.under_way[0].sequence == sequence:
                self.applied(sequence, replies, True)
        self.skipped_to(session.last_sequence)

    def drain(self) -> list[Run]:
        """Every run without replies: nobody will apply them."""
        self.close_turn()
        runs = [run for parcel in self.under_way for run in parcel.runs]
        runs.extend(self._staged)
        self.under_way.clear()
        self._staged.clear()
        self._staged_ms.clear()
        self.pending_bytes = 0
        return runs

    def drain_apart(self) -> tuple[list[Run], list[Run]]:
        """Every run without replies: those that have left, which may have been applied, and the others."""
        left = [run for parcel in self.under_way for run in parcel.runs]
        return left, self.drain()[len(left) :]

    def expire(self, oldest_ms: Instant) -> None:
        """Answer everything that was staged before ``oldest_ms`` with an error (Rules O1, O3).

        A tick may come between two reads of a client in one turn: what is staged in it may still grow.
        """
        for parcel in self.under_way:
            if parcel.staged_ms >= oldest_ms:
                break
            self._give_up(parcel, TIMEOUT_ERROR)
        kept: list[Run] = []
        while self._staged and self._staged_ms[0] < oldest_ms:
            run = self._staged.popleft()
            self._staged_ms.popleft()
            if run.patient:
                kept.append(run)
            elif run in self._open:
                self._open.remove(run)
                run.fail(NO_LEADER_ERROR)
            else:
                self.pending_bytes -= run.size_bytes
                run.fail(NO_LEADER_ERROR)
        for run in reversed(kept):
            self._staged.appendleft(run)
            self._staged_ms.appendleft(oldest_ms)

    def refuse_staged(self, error: Error) -> None:
        """Answer what has not left with a definite error (Rule O1), once the turn is closed."""
        kept: deque[Run] = deque()
        kept_ms: deque[Instant] = deque()
        for run, staged_ms in zip(self._staged, self._staged_ms, strict=True):
            if run.patient or run in self._open:
                kept.append(run)
                kept_ms.append(staged_ms)
            else:
                self.pending_bytes -= run.size_bytes
                run.fail(error)
        self._staged, self._staged_ms = kept, kept_ms

    def _give_up(self, parcel: Parcel, error: Error) -> None:
        if parcel.given_up:
            return
        parcel.given_up = True
        for run in parcel.runs:
            run.fail(error)
