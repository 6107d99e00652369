"""What the stories about registers share: members of ``core/paxos`` at the post, and their judges.

A ``Member`` is what a group is to a node: it hands operations and messages to its ``Paxos``, writes down what
it is told to, and sends what comes out. Letters take about 10 ms, a disk 2 ms.
"""

from collections.abc import Callable, Sequence

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.paxos.ballot import Ballot, proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import Sealed
from trivet.core.paxos.messages import Message
from trivet.core.paxos.operation import Change, ChangeFunction, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.preference import preferred
from trivet.core.paxos.ready import Ready, Save, SavedRecord
from trivet.core.paxos.registers import Register
from trivet.core.paxos.settings import PaxosSettings
from trivet.lab.judges.complaint import Complaint
from trivet.lab.pictures.ballot_words import ballot_text, ballot_words, content_text
from trivet.lab.recording import ClientOperation, Recorder
from trivet.lab.recording import Message as Arrow
from trivet.lab.scenarios.scenario import STORY, Facts, Told
from trivet.lab.textbook.histories import judge_linearizability
from trivet.lab.textbook.machine import Letter, Machine
from trivet.lab.textbook.post import MS, Post, PostOptions

TICK_MS = 10
SYNC_MS = 2
JUDGES = "one content per ballot, what each member knows of itself, linearizability"


class Spoken(Letter, frozen=True):
    """What one ``Paxos`` says to another."""

    message: Message

    def kind(self) -> str:
        """The name of the message's class."""
        return type(self.message).__name__

    def label(self) -> str:
        """Its words."""
        return ballot_words(self.message)[0]

    def told(self) -> dict[str, str]:
        """What it holds."""
        return ballot_words(self.message)[1]


class Ask(Letter, frozen=True):
    """Propose this for me: you are preferred for the key, as ``preference.py`` says to every node."""

    number: int
    words: tuple[str, ...]

    def label(self) -> str:
        """The command."""
        return "please: " + " ".join(self.words[2:])


class Answer(Letter, frozen=True):
    """What came of it."""

    number: int
    text: str

    def label(self) -> str:
        """The reply."""
        return f"done: {self.text}"


def change_of(command: Sequence[str]) -> ChangeFunction:
    """What a command does to a value."""
    name, given = command[0], "".join(command[2:]).encode()

    def change(value: bytes | None, version: int) -> Change:
        if name == "SET":
            return Change(True, given, b"OK")
        if name == "INCR":
            number = b"%d" % (int(value or b"0") + 1)
            return Change(True, number, number)
        if name == "DEL":
            return Change(value is not None, None, b"1" if value is not None else b"0")
        assert name == "GET", name
        return Change(False, None, b"nil" if value is None else value)

    return change


class Member(Machine):
    """One node's part in the group. Durable: ``records``, and the number of lives.

    A request is ``ORIGIN SEQ COMMAND KEY …``: a copy of an operation has the same origin and seq.
    """

    def __init__(
        self, number: NodeId, config: GroupConfig, key: bytes, seed: int, settings: dict[str, int]
    ) -> None:
        super().__init__(number)
        self.key = key
        """Whose register the picture shows."""
        self.prefers = False
        """Hand a command to the member that is preferred for its key."""
        self.records: list[SavedRecord] = []
        self.lives = 0
        self.rescanned = 0
        """The last epoch of which it knows that every register is at quorums of both sets."""
        self.contents: dict[Ballot, Sealed] = {}
        """Everything that it ever accepted for ``key``, for the judge."""
        self._seed = seed
        self._config = config
        self._settings = settings

    def start(self) -> None:
        """Wake up with what the disk remembers."""
        self.lives += 1
        settings = PaxosSettings(
            node=self.number, proposer=proposer_of(self.number, self.lives), **self._settings
        )
        self.paxos = Paxos(settings, Prng(self._seed + (self.number << 8) + self.lives), self.records)
        self._saves: list[Save] = []
        self._askers: dict[int, tuple[int, NodeId]] = {}
        self._next = 0
        self.register: Register | None = None
        self.learn(self._config)
        self._timer(TICK_MS, "tick")

    # -- inputs

    def learn(self, config: GroupConfig) -> None:
        """The map says who the members are."""
        self._config = config
        self.paxos.learn(config)
        if config.epoch > 1:
            sets = " + ".join(
                "".join(map(str, voters)) for voters in (config.voters, config.incoming) if voters
            )
            self._note(f"epoch {config.epoch}: {sets}")
        self._turn()

    def rescan(self) -> None:
        """Do the work between the two steps of a change of members."""
        self.paxos.rescan()
        self._turn()

    def on_request(self, number: int, words: tuple[str, ...]) -> None:
        """A client asks."""
        best = preferred(words[3].encode(), self._config.voters)
        if self.prefers and best != self.number:
            self._send(best, Ask(number, words))
            return
        self._submit(number, words, self.number)

    def _on_ask(self, sender: NodeId, ask: Ask) -> None:
        self._submit(ask.number, ask.words, sender)

    def _on_answer(self, sender: NodeId, answer: Answer) -> None:
        self._reply(answer.number, answer.text)

    def _submit(self, number: int, words: tuple[str, ...], asker: NodeId) -> None:
        self._next += 1
        origin, seq, *command = words
        operation = Operation(
            self._next, command[1].encode(), change_of(command), command[0] == "GET", int(origin), int(seq)
        )
        self._askers[self._next] = (number, asker)
        self.paxos.submit(operation)
        self._turn()

    def on_message(self, sender: NodeId, letter: Letter) -> None:
        """From another member, or one of the two letters above."""
        if isinstance(letter, Spoken):
            self.paxos.step(sender, letter.message)
            self._turn()
        else:
            super().on_message(sender, letter)

    def on_timer(self, name: str) -> None:
        """``tick``, or ``saved``: the oldest save is durable."""
        if name == "tick":
            self._timer(TICK_MS, "tick")
            self.paxos.tick()
        else:
            save = self._saves.pop(0)
            self.records += save.records
            self.paxos.saved(save.save_id)
        self._turn()

    # -- outcome

    def _turn(self) -> None:
        """Take what came out."""
        before = self.register
        ready = self.paxos.ready()
        self.paxos.check_invariants()
        if ready is not None:
            self._take_ready(ready)
        register = self.paxos.acceptor.registers.get(self.key)
        if register is None and before is not None and before.is_tombstone:
            self._note(f"dropped; floor {ballot_text(self.paxos.acceptor.floor)}")
        if register is not None and register.content is not None:
            self.contents[register.accepted] = register.content
        self.register = register
        self._show()

    def _take_ready(self, ready: Ready) -> None:
        for node, message in ready.messages:
            self._send(node, Spoken(message))
        if ready.save is not None:
            self._saves.append(ready.save)
            self._timer(SYNC_MS, "saved")
        for operation in ready.finished:
            number, asker = self._askers.pop(operation.op_id)
            if operation.outcome is not Outcome.OK:
                # Of what may have happened nobody is told that it did not.
                assert operation.outcome is Outcome.INDEFINITE, operation.outcome
            elif asker == self.number:
                self._reply(number, operation.reply.decode())
            else:
                self._send(asker, Answer(number, operation.reply.decode()))
        self.rescanned = ready.rescanned or self.rescanned

    def _show(self) -> None:
        """The band: what the acceptor has for the key."""
        register = self.register
        self.term = 0
        if not self._config.joined(self.number):
            self.role = "no_member"
        elif register is None:
            self.role = "nothing"
        elif register.content is None:
            self.role, self.term = "promised", register.promised[0]
        elif register.is_tombstone:
            self.role = "deleted"
        else:
            self.role = content_text(register.content)


class RegisterDirection:
    """Members at the post, clients, the facts of the story, and its narrator."""

    def __init__(
        self, title: str, seed: int, key: str, options: PostOptions | None = None, nodes: int = 3,
        attempt: int = 0, **settings: int,
    ) -> None:  # fmt: skip
        """Nodes 1 to 3 are the members. ``attempt``: another run of the same story."""
        own_seed = seed + (attempt << 32)
        self.key = key
        self.post = Post(own_seed, options, Recorder(title, seed))
        self.facts = Facts()
        config = GroupConfig(1, (1, 2, 3))
        self.members = {
            n: Member(n, config, key.encode(), own_seed, {"patience_ticks": 8, **settings})
            for n in range(1, nodes + 1)
        }
        for number, member in self.members.items():
            self.post.seat(member, f"node {number}")
        self._began_us = 0
        self._seqs: dict[int, int] = {}
        self._words: dict[int, tuple[str, ...]] = {}
        self._retries: dict[int, int] = {}

    # -- the script

    def begin_picture(self) -> None:
        """What came before this moment is not in the picture."""
        self._began_us = self.post.now_us

    def say(self, text: str) -> None:
        """A sentence of the story about this moment."""
        self.post.say(STORY, text)

    def ask(self, client: int, node: NodeId, command: str, *more: str) -> ClientOperation:
        """A client asks a node to do a command with the key."""
        seq = self._seqs[client] = self._seqs.get(client, 0) + 1
        words = (str(100 + client), str(seq), command, self.key, *more)
        return self._request(client, node, words)

    def ask_again(self, node: NodeId, operation: ClientOperation) -> ClientOperation:
        """Its client asks once more for the same operation, somewhere else."""
        again = self._request(operation.client, node, self._words[operation.number])
        self._retries[operation.number] = again.number
        return again

    def _request(self, client: int, node: NodeId, words: tuple[str, ...]) -> ClientOperation:
        operation = self.post.request(client, node, *words, text=" ".join(words[2:]))
        self._words[operation.number] = words
        return operation

    def done(self, operation: ClientOperation) -> ClientOperation:
        """Wait for its reply."""
        self.until(lambda: operation.outcome == "ok", f"{operation.text} is answered")
        return operation

    def until(self, condition: Callable[[], bool], text: str = "it comes so far") -> None:
        """Run until the condition holds."""
        self.facts.demand(self.post.run_until(condition), text)

    def learn(self, config: GroupConfig, *nodes: NodeId) -> None:
        """The map has a new epoch, and these nodes hear of it."""
        for node in nodes:
            self.post.touch(node, lambda node=node: self.members[node].learn(config))  # type: ignore[misc]

    # -- what there is

    def register(self, node: NodeId) -> Register | None:
        """The key's register at a member."""
        return self.members[node].register

    def held(self, node: NodeId) -> str:
        """What a member holds, in words."""
        register = self.register(node)
        return content_text(register.content if register is not None else None)

    def sent(self, kind: str, since_us: int = 0) -> list[Arrow]:
        """The messages of a kind that have left."""
        return [m for m in self.post.recorder.recording.messages if m.kind == kind and m.sent_us >= since_us]

    def refusals(self, since_us: int = 0) -> list[Arrow]:
        """Answers that say no."""
        return [
            m
            for m in self.post.recorder.recording.messages
            if m.label.startswith("no:") and m.sent_us >= since_us
        ]

    def tell(self, verdict: str, tail_ms: int = 20) -> Told:
        """The end: the judges speak, and the story is told."""
        self.post.run_for(tail_ms)
        complaints = judge_linearizability(self.post.operations, self._retries)
        complaints += judge_ballots(list(self.members.values()))
        self.facts.silent(complaints, JUDGES)
        recording = self.post.recording()
        return Told(recording, self.facts.told, verdict, (self._began_us, recording.ended_us))


def ms_of(operation: ClientOperation) -> int:
    """How long its client waited."""
    return (operation.return_us - operation.invoke_us) // MS


def judge_ballots(members: list[Member]) -> list[Complaint]:
    """A ballot has one content, whoever accepted it (Rule P3 of ``core/paxos``)."""
    seen: dict[Ballot, Sealed] = {}
    complaints = []
    for member in members:
        for ballot, content in member.contents.items():
            if seen.setdefault(ballot, content) != content:
                complaints.append(Complaint("ballots", f"{ballot_text(ballot)} has two contents"))
    return complaints
