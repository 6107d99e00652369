"""Single-decree Paxos as Lamport tells it ("Paxos Made Simple", 2001, §2.2–2.4): one value, for ever.

Phase 1: a proposer picks a ballot and asks the acceptors to promise that they ignore lower ones; with the
promise each tells what it has accepted so far. Phase 2: with promises of a majority the proposer asks them
to accept a value: the one of the highest ballot among the answers, and only if there is none, its own. A
value that a majority accepted under one ballot is *chosen*, and no other ever can be. Nothing promises
that it ends: two proposers may outbid each other for ever, which waiting a random while cures.
"""

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.textbook.machine import Letter, Machine


class Prepare(Letter, frozen=True):
    """Promise to ignore ballots below this one (phase 1a)."""

    ballot: int

    def label(self) -> str:
        """With the ballot."""
        return f"Prepare {self.ballot}"


class Promise(Letter, frozen=True):
    """I do, and this is what I have accepted so far; ``accepted`` 0: nothing (phase 1b)."""

    ballot: int
    accepted: int
    value: str

    def label(self) -> str:
        """With the ballot, and what is bound."""
        bound = f" ({self.value} of {self.accepted})" if self.accepted else ""
        return f"Promise {self.ballot}{bound}"


class Accept(Letter, frozen=True):
    """Accept this value under this ballot (phase 2a)."""

    ballot: int
    value: str

    def label(self) -> str:
        """With ballot and value."""
        return f"Accept {self.ballot} {self.value}"


class Accepted(Letter, frozen=True):
    """I have (phase 2b)."""

    ballot: int
    value: str

    def label(self) -> str:
        """With the ballot."""
        return f"Accepted {self.ballot}"


class Refuse(Letter, frozen=True):
    """I have promised a higher ballot (§2.4: not needed, but kind)."""

    ballot: int
    promised: int

    def label(self) -> str:
        """With what stands against it."""
        return f"Refuse {self.ballot} < {self.promised}"


class Acceptor(Machine):
    """Remembers. Durable: all of it, before it answers."""

    def __init__(self, number: NodeId) -> None:
        super().__init__(number)
        self.promised = 0
        self.accepted = 0
        self.value = ""
        self.acceptances: list[tuple[int, str]] = []
        """Everything it ever accepted, for the judge."""

    def start(self) -> None:
        """Nothing to do: it never forgets."""
        self._show()

    def on_timer(self, name: str) -> None:
        """It sets none."""
        raise AssertionError(name)

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """Clients talk to proposers."""
        self._reply(number, "ask a proposer", False)

    def _on_prepare(self, sender: NodeId, prepare: Prepare) -> None:
        if prepare.ballot < self.promised:
            self._send(sender, Refuse(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self._send(sender, Promise(prepare.ballot, self.accepted, self.value), sync=True)
        self._show()

    def _on_accept(self, sender: NodeId, accept: Accept) -> None:
        if accept.ballot < self.promised:
            self._send(sender, Refuse(accept.ballot, self.promised))
            return
        self.promised = self.accepted = accept.ballot
        self.value = accept.value
        if (accept.ballot, accept.value) not in self.acceptances:
            self.acceptances.append((accept.ballot, accept.value))
        self._send(sender, Accepted(accept.ballot, accept.value), sync=True)
        self._show()

    def _show(self) -> None:
        self.role = f"accepted {self.value}" if self.accepted else "promised" if self.promised else "acceptor"
        self.term = self.promised
        bound = f", promised {self.promised}" if self.promised > self.accepted else ""
        if self.accepted:
            self.label = f"accepted {self.value} ({self.accepted}){bound}"
        else:
            self.label = f"promised {self.promised}" if self.promised else "acceptor"


class Proposer(Machine):
    """Tries ballots until a value is chosen. Durable: ``ballot``, the highest that it has tried.

    ``rank`` of ``proposers``: proposer 1 of 2 uses the ballots 1, 3, 5, …, proposer 2 uses 2, 4, 6, …
    The first ``stubborn`` tries follow each other at once, later ones after a random and growing wait.
    """

    SILENCE_MS = 200
    """Without enough answers for so long, it tries again."""
    BACKOFF_MS = 40
    """The longest first wait; it doubles with each try, up to 32 times."""

    def __init__(
        self,
        number: NodeId,
        acceptors: list[NodeId],
        rank: int,
        proposers: int,
        prng: Prng,
        stubborn: int = 0,
    ) -> None:
        super().__init__(number)
        self.acceptors = acceptors
        self.rank = rank
        self.proposers = proposers
        self.stubborn = stubborn
        self.ballot = 0
        self.chosen = ""
        """The value that it has seen chosen."""
        self.tries = 0
        self.waits = 0
        """How often it has waited before a try."""
        self._prng = prng
        self._clients: list[int] = []
        self.start()

    def start(self) -> None:
        """What it was about to propose is forgotten; the clients ask again."""
        self.own = ""
        self._offer = ""
        self._highest = 0
        self._promises: list[NodeId] = []
        self._accepted: list[NodeId] = []
        self._seen = 0
        """The highest ballot that it has heard of."""
        self._clients = []
        self.role = self.label = "proposer"
        self.term = 0

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """``propose VALUE``: answered with the value that was chosen."""
        if self.chosen:
            self._reply(number, self.chosen)
            return
        self._clients.append(number)
        if not self.own:
            self.own = words[1]
            self._try()

    def on_timer(self, name: str) -> None:
        """``silence``: answers are missing. ``again``: the wait is over."""
        _, ballot = name.split()
        if self.own and not self.chosen and int(ballot) == self.ballot:
            self._try()

    def _try(self) -> None:
        """Phase 1a with a ballot of its own above all it has heard of."""
        above = max(self.ballot, self._seen)
        self.ballot = (above // self.proposers) * self.proposers + self.rank
        while self.ballot <= above:
            self.ballot += self.proposers
        self.tries += 1
        self._promises, self._accepted = [], []
        self._offer, self._highest = self.own, 0
        self._show("preparing")
        for acceptor in self.acceptors:
            self._send(acceptor, Prepare(self.ballot))
        self._timer(self.SILENCE_MS, f"silence {self.ballot}")

    def _on_promise(self, sender: NodeId, promise: Promise) -> None:
        if promise.ballot != self.ballot or self.role != "preparing" or sender in self._promises:
            return
        self._promises.append(sender)
        if promise.accepted > self._highest:
            # Bound: this value may be chosen already, so nothing else may be proposed (§2.2, P2c).
            self._highest, self._offer = promise.accepted, promise.value
        if self._majority(self._promises):
            self._show("proposing")
            for acceptor in self.acceptors:
                self._send(acceptor, Accept(self.ballot, self._offer))

    def _on_accepted(self, sender: NodeId, letter: Accepted) -> None:
        if letter.ballot != self.ballot or self.chosen or sender in self._accepted or not self.own:
            return
        self._accepted.append(sender)
        if self._majority(self._accepted):
            self.chosen = letter.value
            self._show("chosen")
            self.label = f"chosen: {letter.value}"
            for number in self._clients:
                self._reply(number, self.chosen)
            self._clients = []

    def _on_refuse(self, sender: NodeId, refuse: Refuse) -> None:
        self._seen = max(self._seen, refuse.promised)
        if refuse.ballot != self.ballot or self.chosen or not self.own or self.role == "waiting":
            return
        if self.tries < self.stubborn:
            self._try()
            return
        self.waits += 1
        self._show("waiting")
        wait_ms = 1 + self._prng.below(self.BACKOFF_MS << min(self.waits - 1, 5))
        self._timer(wait_ms, f"again {self.ballot}")

    def _show(self, role: str) -> None:
        self.role, self.term, self.label = role, self.ballot, f"{role} {self.ballot}"

    def _majority(self, acceptors: list[NodeId]) -> bool:
        return 2 * len(acceptors) > len(self.acceptors)


def chosen_values(acceptors: list[Acceptor]) -> list[tuple[int, str]]:
    """(ballot, value) of all that a majority accepted under one ballot; two values: a broken Paxos."""
    votes: dict[tuple[int, str], int] = {}
    for acceptor in acceptors:
        for acceptance in acceptor.acceptances:
            votes[acceptance] = votes.get(acceptance, 0) + 1
    return sorted(acceptance for acceptance, count in votes.items() if 2 * count > len(acceptors))


def judge_agreement(acceptors: list[Acceptor], proposers: list[Proposer]) -> list[str]:
    """Complaints: two values chosen, or one believed chosen that is not."""
    chosen = chosen_values(acceptors)
    values = list(dict.fromkeys(value for _, value in chosen))
    complaints = [f"two values were chosen: {', '.join(values)}"] if len(values) > 1 else []
    complaints += [
        f"proposer {p.number} believes that {p.chosen} was chosen"
        for p in proposers
        if p.chosen and p.chosen not in values
    ]
    return complaints
