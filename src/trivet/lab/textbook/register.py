"""A register that changes, as CASPaxos has it (Rystsov 2018, §2.2), and two tempting shortcuts.

Paxos once more for every command: promises of a majority, the value of the highest ballot among them, the
command run upon it, the outcome accepted by a majority. Every node is proposer and acceptor. So far it is
safe. What is not, and is here to be seen failing: ``hasty`` deletion, which drops a tombstone as soon as a
majority has it, and ``change_members``, which is one step for whoever hears of it. ``core/paxos`` does both
in several steps (Rules P11 and P14 there).
"""

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.textbook.machine import Letter, Machine
from trivet.lab.textbook.paxos import Accept, Accepted, Prepare, Promise, Refuse

TOMBSTONE = "tombstone"
"""The value of what is deleted."""
STRIDE = 10
"""Ballot 21 is the second one of node 1."""


class Drop(Letter, frozen=True):
    """Forget the tombstone of this ballot."""

    ballot: int

    def label(self) -> str:
        """With the ballot."""
        return f"Drop {self.ballot}"


def run(command: tuple[str, ...], value: str) -> tuple[str, str]:
    """The value after a command, and its reply. Empty: there is none."""
    there = value not in ("", TOMBSTONE)
    if command[0] == "SET":
        return command[2], "OK"
    if command[0] == "DEL":
        return TOMBSTONE, "1" if there else "0"
    return value, value if there else "nil"


class Register(Machine):
    """One node. Durable: what it has promised and accepted, who the members are, its last ballot.

    Requests: ``SET KEY VALUE``, ``GET KEY``, ``DEL KEY``; the key is always the same. A change whose
    acceptance was refused may have happened: its client is told nothing.
    """

    SILENCE_MS = 200
    """Without enough answers for so long, it asks again."""
    BACKOFF_MS = 40
    """The longest wait after a refusal; it doubles with each further one, up to 32 times."""

    def __init__(self, number: NodeId, members: list[NodeId], prng: Prng, hasty: bool = False) -> None:
        super().__init__(number)
        self.members = members
        self.hasty = hasty
        self.promised = 0
        self.accepted = 0
        self.value = ""
        self.ballot = 0
        self._prng = prng
        self.start()

    def start(self) -> None:
        """What it was about to do is forgotten; the clients ask again."""
        self._waiting: list[tuple[int, tuple[str, ...]]] = []
        self._phase = ""
        self._refusals = 0
        self._seen = 0
        """The highest ballot that it has heard of."""
        self._reset()
        self._show()

    def _reset(self) -> None:
        self._answered: list[NodeId] = []
        self._highest, self._found = 0, ""
        self._offer, self._reply_text = "", ""

    def change_members(self, members: list[NodeId]) -> None:
        """From now on these are the members, for this node (a shortcut)."""
        self.members = members
        self._note("members " + " ".join(map(str, members)))
        self._show()

    # -- the proposer

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """One at a time."""
        self._waiting.append((number, words))
        if len(self._waiting) == 1:
            self._try()

    def on_timer(self, name: str) -> None:
        """``silence``: answers are missing. ``again``: the wait is over."""
        what, ballot = name.split()
        if not self._waiting or int(ballot) != self.ballot:
            return
        if self._phase == "accepting":
            self._accept()
        elif what == "again" or self._phase == "preparing":
            self._try()

    def _try(self) -> None:
        """Phase 1."""
        self.ballot = (max(self.ballot, self._seen) // STRIDE + 1) * STRIDE + self.number
        self._reset()
        self._phase = "preparing"
        self._timer(self.SILENCE_MS, f"silence {self.ballot}")
        self._tell_all(Prepare(self.ballot))

    def _on_promise(self, sender: NodeId, promise: Promise) -> None:
        if promise.ballot != self.ballot or self._phase != "preparing" or sender in self._answered:
            return
        self._answered.append(sender)
        if promise.accepted > self._highest:
            self._highest, self._found = promise.accepted, promise.value
        if not self._majority():
            return
        self._offer, self._reply_text = run(self._waiting[0][1], self._found)
        if not self._offer:
            self._end()  # nothing is there, and nothing is to be: that needs no acceptance
            return
        self._phase, self._answered = "accepting", []
        self._accept()

    def _accept(self) -> None:
        """Phase 2."""
        self._timer(self.SILENCE_MS, f"silence {self.ballot}")
        self._tell_all(Accept(self.ballot, self._offer))

    def _on_accepted(self, sender: NodeId, letter: Accepted) -> None:
        if letter.ballot != self.ballot or self._phase != "accepting" or sender in self._answered:
            return
        self._answered.append(sender)
        if self._majority():
            if self.hasty and self._offer == TOMBSTONE:
                self._tell_all(Drop(self.ballot))
            self._end()

    def _on_refuse(self, sender: NodeId, refuse: Refuse) -> None:
        self._seen = max(self._seen, refuse.promised)
        if refuse.ballot != self.ballot or not self._phase:
            return
        if self._phase == "accepting" and self._waiting[0][1][0] != "GET":
            self._waiting.pop(0)
        self._phase = ""
        wait_ms = 1 + self._prng.below(self.BACKOFF_MS << min(self._refusals, 5))
        self._refusals += 1
        self._timer(wait_ms, f"again {self.ballot}")

    def _end(self) -> None:
        number, _ = self._waiting.pop(0)
        self._reply(number, self._reply_text)
        self._phase = ""
        self._refusals = 0
        if self._waiting:
            self._try()

    def _majority(self) -> bool:
        return 2 * len([n for n in self._answered if n in self.members]) > len(self.members)

    def _tell_all(self, letter: Letter) -> None:
        """The others first: what it says to itself arrives at once."""
        for node in self.members:
            if node != self.number:
                self._send(node, letter)
        if self.number in self.members:
            self.on_message(self.number, letter)

    # -- the acceptor

    def _tell(self, target: NodeId, letter: Letter, sync: bool) -> None:
        if target == self.number:
            self.on_message(target, letter)
        else:
            self._send(target, letter, sync)

    def _on_prepare(self, sender: NodeId, prepare: Prepare) -> None:
        if prepare.ballot < self.promised:
            self._tell(sender, Refuse(prepare.ballot, self.promised), False)
            return
        self.promised = prepare.ballot
        self._show()
        self._tell(sender, Promise(prepare.ballot, self.accepted, self.value), True)

    def _on_accept(self, sender: NodeId, accept: Accept) -> None:
        if accept.ballot < self.promised:
            self._tell(sender, Refuse(accept.ballot, self.promised), False)
            return
        self.promised = self.accepted = accept.ballot
        self.value = accept.value
        self._show()
        self._tell(sender, Accepted(accept.ballot, accept.value), True)

    def _on_drop(self, sender: NodeId, drop: Drop) -> None:
        """Its promise goes with it: for this node the register has never been."""
        if self.accepted == drop.ballot and self.promised == drop.ballot:
            self.promised = self.accepted = 0
            self.value = ""
            self._note("dropped")
        self._show()

    def _show(self) -> None:
        self.role, self.term = self.value or "nothing", 0
        if self.value == TOMBSTONE:
            self.role = "deleted"
        if self.number not in self.members:
            self.role = "no_member"
        elif self.promised and not self.accepted:
            self.role, self.term = "promised", self.promised
