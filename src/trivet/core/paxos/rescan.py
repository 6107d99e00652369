"""The work between the two steps of a change of members (Rule P14).

On the path: nowhere, until the cluster map has put a second set of voters beside the first. Then any member
may run this: for every key that a quorum of both sets knows, a read; that is answered only when quorums of
both sets have accepted one and the same value (or none), else it makes them. In the end the floors are
brought to quorums of both sets as well. When it is done, the map may leave the former set behind.

Why all keys are seen: a value chosen under the former epoch was accepted there by a majority of the former
set, by each of them before it entered this epoch; a page counts only in this epoch, and every quorum of
pages has those of a majority of the former set. Why it is enough: whatever is accepted in this epoch needs
both sets anyway. Everything in it may be done twice, by several members, and begun again from nothing.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.messages import Message, Raise
from trivet.core.paxos.operation import UNCHANGED, Change, Operation, Outcome
from trivet.core.paxos.proposer import Proposer
from trivet.core.paxos.ready import ScanResult
from trivet.core.paxos.scans import INTERNAL, Scans


def _look(value: bytes | None, version: int) -> Change:
    return UNCHANGED


class Rescan:
    """Of one member; at most one is under way."""

    __slots__ = (
        "_cursor", "_is_last_page", "_keys", "_mask", "_next_round", "_proposer", "_raising_ticks",
        "_round_id", "_run", "_scans", "_underway", "done_epoch", "epoch",
    )  # fmt: skip

    def __init__(self, proposer: Proposer, scans: Scans) -> None:
        self._proposer = proposer
        self._scans = scans
        self.epoch = 0
        """Not 0: under way."""
        self.done_epoch = 0
        """Under this epoch it came to its end, which nobody has been told yet."""
        self._run = 0
        """Reads of a run that was stopped are not missed."""
        self._cursor: bytes | None = None
        self._is_last_page = False
        self._keys: list[bytes] = []
        self._underway = 0
        self._next_round = 0
        self._round_id = 0
        """Not 0: the floors are being raised."""
        self._raising_ticks = 0
        self._mask = 0

    def start(self) -> None:
        """Begin, under the present epoch, from nothing."""
        self.stop()
        config = self._proposer.config
        if config is None:
            return
        self.epoch = config.epoch
        self._cursor = None
        self._is_last_page = False
        self._scans.start(INTERNAL, None, self._proposer.settings.page_keys_max)

    def stop(self) -> None:
        """Another epoch has come, or it is to begin again.

        Reads under way end by themselves, and are not missed.
        """
        self.epoch = 0
        self._run += 1
        self._keys = []
        self._underway = 0
        self._round_id = 0
        self._scans.stop(INTERNAL)

    def on_scan(self, result: ScanResult) -> None:
        """The next page of keys, or it must be asked for again."""
        if not self.epoch:
            return
        if not result.ok:
            self._scans.start(INTERNAL, self._cursor, self._proposer.settings.page_keys_max)
            return
        self._keys = result.keys + result.unsure
        self._cursor = result.cursor
        self._is_last_page = result.cursor is None
        self._go_on()

    def on_finished(self, operation: Operation) -> None:
        """One register was looked at."""
        if operation.op_id != self._run:
            return
        self._underway -= 1
        if operation.outcome is not Outcome.OK:
            self._keys.append(operation.key)
        self._go_on()

    def _go_on(self) -> None:
        while self._keys and self._underway < self._proposer.settings.rescan_max:
            operation = Operation(self._run, self._keys.pop(), _look, True)
            operation.is_internal = True
            operation.wants_content = False
            self._underway += 1
            self._proposer.submit(operation)
        if self._keys or self._underway or self._round_id:
            return
        if self._is_last_page:
            self._next_round += 1
            self._round_id = self._next_round
            self._raising_ticks = 0
            self._mask = 0
        else:
            self._scans.start(INTERNAL, self._cursor, self._proposer.settings.page_keys_max)

    def restart(self) -> None:
        """What was answered so far counts no more; reads and pages that are over do."""
        self._mask = 0
        self._raising_ticks = 0

    def tick(self) -> None:
        """Time passes for the floors."""
        if self._raising_ticks:
            self._raising_ticks -= 1

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Ask those for their floors who have not raised them."""
        proposer = self._proposer
        if not self._round_id or self._raising_ticks or proposer.quorums is None:
            return
        self._raising_ticks = proposer.settings.patience_ticks
        message = Raise(
            proposer.settings.proposer, self.epoch, self._round_id, proposer.floor, proposer.floor_version
        )  # fmt: skip
        for node, bit in proposer.quorums.bits.items():
            if not self._mask & bit:
                out.append((node, message))

    def on_raised(self, sender: NodeId, round_id: int) -> None:
        """One member has the floors, durably."""
        quorums = self._proposer.quorums
        if not self._round_id or round_id != self._round_id or quorums is None:
            return
        self._mask |= quorums.bits[sender]
        if quorums.is_quorum(self._mask):
            self.done_epoch = self.epoch
            self.epoch = 0
            self._round_id = 0
