"""What a group has in slots that go to another one (Rule P23).

On the path: nowhere, until slots are moved. One node lists registers, page by page, with the highest ballot
at which any of a quorum has accepted something (``scans``); and fetches the contents of some of them, first
from a member that was said to have that ballot, then from everybody. While the slots are served, that is a
copy of what may be another a moment later. In a config by which they are sealed it is all that ever was
chosen: an answer in that epoch comes from a member that has accepted its last in them, and every quorum of
former epochs meets the quorum that answers.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import Ballot
from trivet.core.paxos.content import Sealed, is_sound
from trivet.core.paxos.messages import Message, Page, PageReply
from trivet.core.paxos.proposer import Proposer
from trivet.core.paxos.ready import Fetched

FETCH_ROUNDS: Final = 1 << 61
"""Above all round numbers of walks."""
ASKED_MAX: Final = 8
"""After so many times ``patience_ticks`` a fetch ends with what it has."""


class _Fetch:
    """Some registers, being asked for."""

    __slots__ = ("asked", "found", "left", "silent", "ticks", "times", "told")

    def __init__(self, wanted: dict[bytes, Ballot]) -> None:
        self.left = wanted
        """Register -> the lowest ballot that will do."""
        self.found: list[tuple[bytes, Ballot, Sealed]] = []
        self.silent: dict[NodeId, None] = {}
        """Who is to be asked at the end of the turn."""
        self.asked: dict[NodeId, list[bytes]] = {}
        """For what each was asked last."""
        self.told: dict[NodeId, dict[bytes, None]] = {}
        """What each can't tell more of: it has told of it, if only of an earlier ballot, or has it not."""
        self.ticks = 0
        self.times = 0

    def open_at(self, node: NodeId) -> list[bytes]:
        """Of what it can still be asked."""
        told = self.told.get(node)
        return [key for key in self.left if told is None or key not in told]


class Export:
    """All fetches of one node in one group."""

    __slots__ = ("_fetches", "_next_round", "_proposer", "fetched")

    def __init__(self, proposer: Proposer) -> None:
        self._proposer = proposer
        self._next_round = FETCH_ROUNDS
        self._fetches: dict[int, _Fetch] = {}
        self.fetched: list[Fetched] = []

    @property
    def underway(self) -> int:
        """Fetches that have not ended."""
        return len(self._fetches)

    def fetch(self, wanted: dict[bytes, Ballot], holder: NodeId) -> None:
        """Ask for the contents of registers, accepted at these ballots or later."""
        self._next_round += 1
        fetch = self._fetches[self._next_round] = _Fetch(wanted)
        fetch.silent[holder] = None

    def stop(self) -> None:
        """Nobody wants to know any more."""
        self._fetches.clear()
        self.fetched.clear()

    def tick(self) -> None:
        """Who does not answer is asked again, and everybody else too."""
        quorums = self._proposer.quorums
        for round_id, fetch in list(self._fetches.items()):
            fetch.ticks += 1
            if fetch.ticks >= self._proposer.settings.patience_ticks and quorums is not None:
                fetch.times += 1
                if fetch.times >= ASKED_MAX:
                    self._end(round_id, fetch)
                else:
                    self._ask(fetch, [node for node in quorums.members if fetch.open_at(node)])

    def _ask(self, fetch: _Fetch, nodes: list[NodeId]) -> None:
        fetch.ticks = 0
        fetch.silent |= dict.fromkeys(nodes)

    def _end(self, round_id: int, fetch: _Fetch) -> None:
        del self._fetches[round_id]
        self.fetched.append(Fetched(fetch.found, list(fetch.left)))

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Ask whoever is to be asked."""
        config = self._proposer.config
        if config is None:
            return
        for round_id, fetch in self._fetches.items():
            silent, fetch.silent = fetch.silent, {}
            for node in silent:
                settings = self._proposer.settings
                keys = fetch.open_at(node)[: settings.page_keys_max]
                if keys:  # else it has answered meanwhile
                    fetch.asked[node] = keys
                    page = Page(settings.proposer, config.epoch, round_id, None, len(keys), 0, keys)
                    out.append((node, page))

    def on_page_reply(self, sender: NodeId, reply: PageReply) -> None:
        """What one member has, which the proposer has found to count."""
        fetch = self._fetches.get(reply.round_id)
        quorums = self._proposer.quorums
        if fetch is None or quorums is None or sender not in fetch.asked:
            return
        told = fetch.told.setdefault(sender, {})
        open_before = len(fetch.open_at(sender))
        for item in reply.items:
            wanted = fetch.left.get(item.key)
            if wanted is None:
                continue
            told[item.key] = None
            content = item.content
            if content is not None and item.accepted >= wanted and is_sound(item.key, content):
                del fetch.left[item.key]
                fetch.found.append((item.key, item.accepted, content))
        if not reply.more:
            told |= dict.fromkeys(fetch.asked[sender])
        if not fetch.left:
            self._end(reply.round_id, fetch)
        elif 0 < len(fetch.open_at(sender)) < open_before:
            self._ask(fetch, [sender])
        else:
            others = [node for node in quorums.members if node not in fetch.asked]
            if others:
                self._ask(fetch, others)
            elif not any(fetch.open_at(node) for node in quorums.members):
                self._end(reply.round_id, fetch)
