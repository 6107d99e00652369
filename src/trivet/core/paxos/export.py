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

    __slots__ = ("asked", "found", "left", "silent", "ticks", "times")

    def __init__(self, wanted: dict[bytes, Ballot]) -> None:
        self.left = wanted
        """Register -> the lowest ballot that will do."""
        self.found: list[tuple[bytes, Ballot, Sealed]] = []
        self.silent: list[NodeId] = []
        """Who is to be asked at the end of the turn."""
        self.asked: dict[NodeId, bool] = {}
        """Who was asked; True: it has told all that it can."""
        self.ticks = 0
        self.times = 0


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
        fetch.silent.append(holder)

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
                    self._ask(fetch, [node for node in quorums.members if not fetch.asked.get(node)])

    def _ask(self, fetch: _Fetch, nodes: list[NodeId]) -> None:
        fetch.ticks = 0
        fetch.silent = nodes

    def _end(self, round_id: int, fetch: _Fetch) -> None:
        del self._fetches[round_id]
        self.fetched.append(Fetched(fetch.found, list(fetch.left)))

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Ask whoever is to be asked."""
        config = self._proposer.config
        if config is None:
            return
        for round_id, fetch in self._fetches.items():
            if not fetch.silent:
                continue
            settings = self._proposer.settings
            keys = list(fetch.left)[: settings.page_keys_max]
            page = Page(settings.proposer, config.epoch, round_id, None, len(keys), 0, keys)
            for node in fetch.silent:
                fetch.asked.setdefault(node, False)
                out.append((node, page))
            fetch.silent = []

    def on_page_reply(self, sender: NodeId, reply: PageReply) -> None:
        """What one member has, which the proposer has found to count."""
        fetch = self._fetches.get(reply.round_id)
        quorums = self._proposer.quorums
        if fetch is None or quorums is None or sender not in fetch.asked:
            return
        for item in reply.items:
            wanted = fetch.left.get(item.key)
            content = item.content
            if wanted is None or content is None or item.accepted < wanted:
                continue
            if is_sound(item.key, content):
                del fetch.left[item.key]
                fetch.found.append((item.key, item.accepted, content))
        if not fetch.left:
            self._end(reply.round_id, fetch)
        elif reply.more and reply.items:
            self._ask(fetch, [sender])
        else:
            fetch.asked[sender] = True
            others = [node for node in quorums.members if node not in fetch.asked]
            if others:
                self._ask(fetch, others)
            elif all(fetch.asked.values()):
                self._end(reply.round_id, fetch)
