"""Two-phase commit as the books have it (Gray 1978; Bernstein, Hadzilacos, Goodman 1987, §7.3–7.4).

One coordinator asks every participant to *prepare*; each votes. All said yes: commit, else abort.
A participant that has voted yes is *in doubt*: it may neither commit nor abort by itself, and keeps its
locks. In doubt for too long it asks everyone (the cooperative termination protocol); when all of them
are in doubt too, it is *blocked* until the coordinator comes back. This is what the form is known for.
"""

from trivet.core.base.ids import NodeId
from trivet.lab.textbook.machine import Letter, Machine


class Prepare(Letter, frozen=True):
    """Can you do this? ``changes``: account -> amount to add.

    ``participants`` are all who are asked: whoever is in doubt later may ask these, and nobody else. One
    that has no part in it and is asked would find that it has not voted, and veto what may be committed.
    """

    transaction: str
    changes: dict[str, int]
    participants: list[NodeId]

    def label(self) -> str:
        """The order."""
        return f"Prepare {self.transaction}"


class Vote(Letter, frozen=True):
    """A promise to obey the decision, or a veto."""

    transaction: str
    yes: bool

    def label(self) -> str:
        """Yes or no."""
        return f"Vote {'yes' if self.yes else 'no'}"


class Decide(Letter, frozen=True):
    """What became of the transaction."""

    transaction: str
    commit: bool

    def label(self) -> str:
        """Commit or abort."""
        return f"Decide {'commit' if self.commit else 'abort'}"


class Ack(Letter, frozen=True):
    """The decision is written down here."""

    transaction: str


class Inquire(Letter, frozen=True):
    """Does anyone know what became of it?"""

    transaction: str


class Uncertain(Letter, frozen=True):
    """I have voted yes and know no more than you."""

    transaction: str


class Coordinator(Machine):
    """Collects votes, decides, and repeats its decision until everyone has it.

    Durable: ``begun`` (the start record) and ``decided``, written before the letters that follow from them.
    """

    VOTES_MS = 300
    """So long it waits for votes before it aborts."""
    REPEAT_MS = 200

    def __init__(self, number: NodeId, homes: dict[str, NodeId]) -> None:
        super().__init__(number)
        self.homes = homes
        """Which participant keeps an account."""
        self.begun: dict[str, list[NodeId]] = {}
        self.decided: dict[str, bool] = {}
        self._votes: dict[str, list[NodeId]] = {}
        self._acks: dict[str, list[NodeId]] = {}
        self._clients: dict[str, int] = {}

    def start(self) -> None:
        """Recovery: what was begun and not decided is aborted; every decision is told again."""
        self._votes, self._acks, self._clients = {}, {}, {}
        self.role = "coordinator"
        for transaction in self.begun:
            self._acks[transaction] = []
            if transaction in self.decided:
                self._tell(transaction)
            else:
                self._note(f"no decision on {transaction}: abort")
                self._decide(transaction, False)

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """``transfer T1 anna:-10 bert:10``."""
        _, transaction, *changes = words
        parts: dict[NodeId, dict[str, int]] = {}
        for change in changes:
            account, amount = change.split(":")
            parts.setdefault(self.homes[account], {})[account] = int(amount)
        self.begun[transaction] = list(parts)
        self._votes[transaction], self._acks[transaction] = [], []
        self._clients[transaction] = number
        self.role = "collecting votes"
        for participant, own in parts.items():
            self._send(participant, Prepare(transaction, own, list(parts)), sync=True)
        self._timer(self.VOTES_MS, f"votes {transaction}")

    def on_timer(self, name: str) -> None:
        """Votes that do not come are a no; a decision that is not acknowledged is repeated."""
        what, transaction = name.split()
        if what == "votes" and transaction not in self.decided:
            self._note(f"votes are missing: abort {transaction}")
            self._decide(transaction, False)
        elif what == "repeat":
            self._tell(transaction)

    def _on_vote(self, sender: NodeId, vote: Vote) -> None:
        transaction = vote.transaction
        if transaction in self.decided:
            self._send(sender, Decide(transaction, self.decided[transaction]))
        elif not vote.yes:
            self._decide(transaction, False)
        elif transaction in self._votes and sender not in self._votes[transaction]:
            self._votes[transaction].append(sender)
            if len(self._votes[transaction]) == len(self.begun[transaction]):
                self._decide(transaction, True)

    def _on_inquire(self, sender: NodeId, inquiry: Inquire) -> None:
        if inquiry.transaction in self.decided:
            self._send(sender, Decide(inquiry.transaction, self.decided[inquiry.transaction]))

    def _on_ack(self, sender: NodeId, ack: Ack) -> None:
        if sender not in self._acks[ack.transaction]:
            self._acks[ack.transaction].append(sender)

    def _decide(self, transaction: str, commit: bool) -> None:
        """The one moment that counts: the decision is written down."""
        self.decided[transaction] = commit
        self.role = "committed" if commit else "aborted"
        self._tell(transaction)
        client = self._clients.pop(transaction, None)
        if client is not None:
            self._reply(client, self.role, commit)

    def _tell(self, transaction: str) -> None:
        missing = [p for p in self.begun[transaction] if p not in self._acks[transaction]]
        for participant in missing:
            self._send(participant, Decide(transaction, self.decided[transaction]), sync=True)
        if missing:
            self._timer(self.REPEAT_MS, f"repeat {transaction}")


class Participant(Machine):
    """Keeps accounts; votes; obeys. *Prepared* is in doubt.

    Durable: ``balances``, ``prepared`` (what was promised) and ``outcomes``. An account that a prepared
    transaction changes is locked: requests for it wait.
    """

    PATIENCE_MS = 400
    """So long it waits in doubt before it asks around, and again between two rounds."""

    def __init__(self, number: NodeId, coordinator: NodeId, balances: dict[str, int]) -> None:
        super().__init__(number)
        self.coordinator = coordinator
        self.balances = balances
        self.prepared: dict[str, Prepare] = {}
        self.outcomes: dict[str, bool] = {}
        self._uncertain: dict[str, list[NodeId]] = {}
        self._waiting: list[tuple[int, tuple[str, ...]]] = []

    def start(self) -> None:
        """Recovery: what is in doubt stays in doubt."""
        self._uncertain, self._waiting = {}, []
        self.role = "prepared" if self.prepared else "participant"
        for transaction in self.prepared:
            self._ask(transaction)

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """``get anna`` or ``add anna 5``; waits while the account is locked."""
        if self._locked(words[1]):
            self._waiting.append((number, words))
            return
        if words[0] == "add":
            self.balances[words[1]] += int(words[2])
        self._reply(number, str(self.balances[words[1]]))

    def on_timer(self, name: str) -> None:
        """In doubt for too long."""
        _, transaction = name.split()
        if transaction in self.prepared:
            self._ask(transaction)

    def _on_prepare(self, sender: NodeId, prepare: Prepare) -> None:
        transaction = prepare.transaction
        if transaction in self.outcomes:
            # A late copy. It may have been aborted here meanwhile: that stands (a veto is for ever).
            if not self.outcomes[transaction]:
                self._send(sender, Vote(transaction, False))
            return
        if transaction not in self.prepared:
            poor = any(self.balances[a] + amount < 0 for a, amount in prepare.changes.items())
            if poor or any(self._locked(account) for account in prepare.changes):
                self._finish(transaction, False)
                self._send(sender, Vote(transaction, False), sync=True)
                return
            self.prepared[transaction] = prepare
            self.role = "prepared"
            self._timer(self.PATIENCE_MS, f"doubt {transaction}")
        self._send(sender, Vote(transaction, True), sync=True)

    def _on_decide(self, sender: NodeId, decide: Decide) -> None:
        if decide.transaction not in self.outcomes:
            self._finish(decide.transaction, decide.commit)
        self._send(self.coordinator, Ack(decide.transaction), sync=True)

    def _on_inquire(self, sender: NodeId, inquiry: Inquire) -> None:
        transaction = inquiry.transaction
        if transaction in self.prepared:
            self._send(sender, Uncertain(transaction))
            return
        if transaction not in self.outcomes:
            # It has not voted, so nobody can have committed: it may abort, for all (§7.4).
            self._finish(transaction, False)
        self._send(sender, Decide(transaction, self.outcomes[transaction]), sync=True)

    def _on_uncertain(self, sender: NodeId, letter: Uncertain) -> None:
        doubters = self._uncertain.setdefault(letter.transaction, [self.number])
        if letter.transaction not in self.prepared or sender in doubters:
            return
        doubters.append(sender)
        if len(doubters) == len(self.prepared[letter.transaction].participants):
            self.role = "blocked"

    def _ask(self, transaction: str) -> None:
        others = [p for p in self.prepared[transaction].participants if p != self.number]
        for other in (self.coordinator, *others):
            self._send(other, Inquire(transaction))
        self._timer(self.PATIENCE_MS, f"doubt {transaction}")

    def _finish(self, transaction: str, commit: bool) -> None:
        prepare = self.prepared.pop(transaction, None)
        self.outcomes[transaction] = commit
        if commit and prepare is not None:
            for account, amount in prepare.changes.items():
                self.balances[account] += amount
        self.role = "prepared" if self.prepared else "committed" if commit else "aborted"
        waiting, self._waiting = self._waiting, []
        for number, words in waiting:
            self.on_request(number, words)

    def _locked(self, account: str) -> bool:
        return any(account in prepare.changes for prepare in self.prepared.values())


def judge_atomicity(
    coordinator: Coordinator, participants: list[Participant], total: int | None = None
) -> list[str]:
    """Complaints: a transaction that ended in two ways, or (when nothing is in doubt) money made or lost."""
    complaints = []
    for transaction in coordinator.begun:
        ends = {
            m.number: book[transaction]
            for m, book in ((coordinator, coordinator.decided), *((p, p.outcomes) for p in participants))
            if transaction in book
        }
        if len(set(ends.values())) > 1:
            words = ", ".join(f"{n} {'committed' if end else 'aborted'}" for n, end in ends.items())
            complaints.append(f"{transaction} ended in two ways: {words}")
    held = sum(sum(participant.balances.values()) for participant in participants)
    if total is not None and held != total and not any(p.prepared for p in participants):
        complaints.append(f"the accounts hold {held} together, and should hold {total}")
    return complaints
