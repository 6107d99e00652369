"""Walks over the keys of a group.

On the path: the owner's SCAN, KEYS and DBSIZE, and the rescan when members change. Every member gives its
next page; a quorum of pages makes one: up to the last key of the shortest page that is not the end, every
key that a quorum has accepted is in one of them. Where a quorum has accepted the same ballot, it is sure
whether the key is there; else the key is *unsure*, and only a read can tell (Rule P18). What changes while
the walk goes on may be seen or not, as in Redis.
"""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.config import Quorums
from trivet.core.paxos.messages import Message, Page, PageReply
from trivet.core.paxos.proposer import Proposer
from trivet.core.paxos.ready import ScanResult

INTERNAL = -1
"""The scan of the rescan: tombstones are named as well, and all keys of which nobody is sure."""


LISTING = -2
"""The scan of an export (Rule P23)."""


class Scan:
    """One page of one walk, under way."""

    __slots__ = ("asked", "cursor", "due", "limit", "mask", "replies", "round_id", "scan_id", "ticks")

    def __init__(self, scan_id: int, cursor: bytes | None, limit: int, due: int) -> None:
        self.scan_id = scan_id
        self.cursor = cursor
        self.limit = limit
        self.due = due
        self.round_id = 0
        self.asked = False
        self.ticks = 0
        self.mask = 0
        self.replies: list[tuple[int, PageReply]] = []
        """By the bit of their sender."""


class Scans:
    """All walks of one member."""

    __slots__ = ("_next_round", "_proposer", "_scans", "results")

    def __init__(self, proposer: Proposer) -> None:
        self._proposer = proposer
        self._scans: dict[int, Scan] = {}
        self._next_round = 0
        self.results: list[ScanResult] = []

    @property
    def underway(self) -> int:
        """Pages that are being asked for."""
        return len(self._scans)

    def start(self, scan_id: int, cursor: bytes | None, limit: int) -> None:
        """Ask for the keys after ``cursor``; ``limit`` is of each member's page."""
        settings = self._proposer.settings
        if len(self._scans) >= settings.scans_max:
            self.results.append(ScanResult(scan_id, False, [], cursor, []))
            return
        due = self._proposer.now + settings.operation_ticks
        self._next_round += 1
        self._scans[self._next_round] = Scan(scan_id, cursor, limit, due)
        self._scans[self._next_round].round_id = self._next_round

    def stop(self, scan_id: int) -> None:
        """Nobody wants to know any more."""
        for round_id, scan in list(self._scans.items()):
            if scan.scan_id == scan_id:
                del self._scans[round_id]
        self.results = [result for result in self.results if result.scan_id != scan_id]

    def restart(self) -> None:
        """Another epoch, or lives: no answer counts so far."""
        for scan in list(self._scans.values()):
            del self._scans[scan.round_id]
            self._next_round += 1
            scan.round_id = self._next_round
            self._scans[scan.round_id] = scan
            scan.asked, scan.mask, scan.replies = False, 0, []

    def tick(self) -> None:
        """Who does not answer is asked again; what takes too long is given up."""
        for scan in list(self._scans.values()):
            scan.ticks += 1
            if self._proposer.now >= scan.due:
                del self._scans[scan.round_id]
                self.results.append(ScanResult(scan.scan_id, False, [], scan.cursor, []))
            elif scan.ticks >= self._proposer.settings.patience_ticks:
                scan.asked = False

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Ask whoever has not answered."""
        quorums, config = self._proposer.quorums, self._proposer.config
        if quorums is None or config is None:
            return
        for scan in self._scans.values():
            if scan.asked:
                continue
            scan.asked = True
            scan.ticks = 0
            page = Page(
                self._proposer.settings.proposer, config.epoch, scan.round_id, scan.cursor, scan.limit
            )  # fmt: skip
            for node, bit in quorums.bits.items():
                if not scan.mask & bit:
                    out.append((node, page))

    def on_page_reply(self, sender: NodeId, reply: PageReply) -> None:
        """One member's page, which the proposer has found to count."""
        quorums = self._proposer.quorums
        scan = self._scans.get(reply.round_id)
        if quorums is None or scan is None or scan.mask & quorums.bits[sender]:
            return
        if reply.more and not reply.items:
            return
        scan.mask |= quorums.bits[sender]
        scan.replies.append((quorums.bits[sender], reply))
        if quorums.is_quorum(scan.mask):
            del self._scans[scan.round_id]
            if scan.scan_id == LISTING:
                self.results.append(_listed(scan.replies, quorums))
            else:
                self.results.append(_joined(scan.scan_id, scan.replies, quorums))


def _horizon(replies: list[tuple[int, PageReply]]) -> bytes | None:
    """How far all of these pages tell; None: to the end."""
    horizon: bytes | None = None
    for _, reply in replies:
        if reply.more and (horizon is None or reply.items[-1].key < horizon):
            horizon = reply.items[-1].key
    return horizon


def _listed(replies: list[tuple[int, PageReply]], quorums: Quorums) -> ScanResult:
    """The keys that these pages tell of, each with its highest ballot, and one who has that."""
    horizon = _horizon(replies)
    best: dict[bytes, tuple[Ballot, NodeId]] = {}
    floor_version = 0
    for bit, reply in replies:
        node = quorums.members[bit.bit_length() - 1]
        floor_version = max(floor_version, reply.standing.floor_version)
        for item in reply.items:
            if horizon is not None and item.key > horizon:
                break
            known = best.get(item.key)
            if item.accepted > (NOTHING if known is None else known[0]):
                best[item.key] = (item.accepted, node)
    keys = sorted(best)
    epoch = replies[0][1].epoch
    return ScanResult(LISTING, True, keys, horizon, [], [best[key] for key in keys], floor_version, epoch)


def _joined(scan_id: int, replies: list[tuple[int, PageReply]], quorums: Quorums) -> ScanResult:
    """The keys that these pages tell of, in order, and how far they tell."""
    horizon = _horizon(replies)
    told: dict[bytes, dict[Ballot, int]] = {}
    there: dict[tuple[bytes, Ballot], bool] = {}
    for bit, reply in replies:
        for item in reply.items:
            if horizon is not None and item.key > horizon:
                break
            ballots = told.setdefault(item.key, {})
            ballots[item.accepted] = ballots.get(item.accepted, 0) | (0 if item.hearsay else bit)
            there[(item.key, item.accepted)] = item.is_there
    keys: list[bytes] = []
    unsure: list[bytes] = []
    for key in sorted(told):
        for ballot, mask in told[key].items():
            if quorums.is_quorum(mask):
                if there[(key, ballot)] or scan_id == INTERNAL:
                    keys.append(key)
                break
        else:
            unsure.append(key)
    return ScanResult(scan_id, True, keys, horizon, unsure)
