"""Sessions that hop between nodes with ``CLIENT CAUSAL`` tokens, in a keyspace of mode ``eventual``.

Sets get unique elements, lose some, and are read; most calls are of a session, which its client takes along
to whatever node it comes next, or gives to another client. ``judges/sessions`` asks for the four guarantees.
Now and then a client begins a new session, or says something without any.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome, classify
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values
from trivet.lab.judges.sessions import Act, Step, Verb, judge, judge_quorums
from trivet.lab.resp import OK, ReplyError, Value
from trivet.lab.workloads.copies import is_lossless, keeps_what_is_acknowledged, reads_what_is_acknowledged
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, Picked
from trivet.lab.world.options import RunOptions

FAMILIES = 2
KNOWN_MAX = 20
"""So many elements of a set are remembered, to remove one of them."""
TRIES_MAX = 3
"""So often a client is told that a node is behind, before it begins a new session."""
ENDED_MAX = 8
"""So many sessions that have ended are asked about in the end."""
ON = [b"CLIENT", b"CAUSAL", b"ON"]
TOKEN = [b"CLIENT", b"CAUSAL", b"TOKEN"]
NOTHING: Value = None


class _Thread:
    """What a client takes along: a token, and the acts that it stands for."""

    def __init__(self) -> None:
        self.token = b""
        self.acts: tuple[int, ...] = ()
        self.refused = 0
        """How often it was told that a node is behind, since it got on."""


class Sessions(Base):
    """``K:{family}`` sets."""

    prefixes = (b"K:",)
    weights = ("weight_sessions",)
    on_copies = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"K:": [b"SMEMBERS", b""]}

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self.lossless = is_lossless(options)
        self.keeps = keeps_what_is_acknowledged(options)
        self.quorums_meet = reads_what_is_acknowledged(options)
        self._threads: dict[int, _Thread] = {}
        self._ended: list[_Thread] = []
        self._acts = 0
        self._known: dict[bytes, list[bytes]] = {}

    # -- calls

    def start(self, client: int, prng: Prng) -> Call:
        """One or two commands upon sets of one family."""
        family = prng.below(FAMILIES)
        commands = [self._command(client, family, prng)]
        if prng.chance(0.2):
            commands.append(self._command(client, family, prng))
        return self._call(client, commands, prng)

    def read(self, client: int, prng: Prng) -> Call:
        """One set."""
        return self._call(client, [[b"SMEMBERS", self._set(prng.below(FAMILIES), prng)]], prng)

    def _set(self, family: int, prng: Prng) -> bytes:
        return b"K:{%d}%d" % (family, prng.below(self.options.keys_per_kind + 1))

    def _command(self, client: int, family: int, prng: Prng) -> list[bytes]:
        key = self._set(family, prng)
        if prng.chance(0.45):
            return [b"SMEMBERS", key]
        known = self._known.setdefault(key, [])
        if known and prng.chance(0.15):
            return [b"SREM", key, known[prng.below(len(known))]]
        known.append(self.fresh(client))
        del known[:-KNOWN_MAX]
        return [b"SADD", key, known[-1]]

    def _call(self, client: int, commands: list[list[bytes]], prng: Prng) -> Call:
        keys = [words[1] for words in commands]
        if prng.chance(0.15):
            return Call([[b"ACT", b"0"], *commands], keys, _wire(commands), _plain(len(commands)))
        thread = self._threads.setdefault(client, _Thread())
        if thread.token and (prng.chance(0.03) or thread.refused >= TRIES_MAX):
            self._end(client)
            thread = self._threads[client] = _Thread()
        joined = self._joined(client, thread, prng)
        self._acts += 1
        name = self._acts
        after = [b"%d" % act for one in joined for act in one.acts]
        tokens = [one.token for one in joined if one.token]
        opening = [[*ON, token] for token in tokens] or [ON]
        pick = self._pick(thread, name, len(opening), len(commands))
        return Call(
            [[b"ACT", b"%d" % name, *dict.fromkeys(after)], *commands],
            keys,
            [*opening, *_wire(commands), TOKEN],
            pick,
            then=lambda replies: None,
            leaves=prng.chance(0.4),
        )

    def _joined(self, client: int, thread: _Thread, prng: Prng) -> list[_Thread]:
        """Whose sessions go on in this call: the client's own, now and then another's beside."""
        others = [one for number, one in self._threads.items() if number != client and one.token]
        if others and prng.chance(0.1):
            self.count("handed over")
            return [thread, others[prng.below(len(others))]]
        return [thread]

    def _end(self, client: int) -> None:
        self.count("sessions ended")
        self._ended.append(self._threads[client])
        del self._ended[:-ENDED_MAX]

    def _pick(self, thread: _Thread, name: int, opening: int, count: int) -> Callable[[list[Value]], Picked]:
        def pick(replies: list[Value]) -> Picked:
            middle, token = replies[opening:-1], replies[-1]
            outcome, answers = _outcome(middle, count)
            if any(reply != OK for reply in replies[:opening]):
                # What followed was not of the session.
                return (Outcome.FAIL if outcome is Outcome.FAIL else Outcome.INFO), ()
            if outcome is Outcome.OK and isinstance(token, bytes):
                thread.token, thread.acts, thread.refused = token, (name,), 0
                self.count("tokens")
            elif any(isinstance(one, ReplyError) and one.code() == "TRYAGAIN" for one in middle):
                thread.refused += 1
                self.count("refused")
            return outcome, answers

        return pick

    def finals(self) -> list[Call]:
        """By whoever carries all that any session has seen, where nothing of that may be lost."""
        if not self.lossless:
            return [self._final(key, []) for key in self.used]
        threads = [one for one in [*self._ended, *self._threads.values()] if one.token]
        return [self._final(key, threads) for key in self.used]

    def _final(self, key: bytes, threads: list[_Thread]) -> Call:
        self._acts += 1
        opening = [[*ON, one.token] for one in threads]

        def pick(replies: list[Value]) -> Picked:
            if any(reply != OK for reply in replies[:-1]):
                return Outcome.FAIL, ()
            outcome = classify(replies[-1])
            return outcome, ((OK, replies[-1]) if outcome is Outcome.OK else ())

        words = [b"SMEMBERS", key]
        after = dict.fromkeys([b"%d" % act for one in threads for act in one.acts])
        act = [b"ACT", b"%d" % (self._acts if threads else 0), *after]
        return Call([act, words], [key], [*opening, words], pick, final=True)

    # -- judging

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """The four guarantees; and in the end nothing is lost."""
        acts = [_act_of(number, operation) for number, operation in enumerate(history)]
        found = judge(acts)
        if self.quorums_meet and not found:
            self.count("quorum reads", len([1 for act in acts if act.is_read and act.operation.replies]))
            found = judge_quorums(acts)
        return found or (self._lost(acts, history) if self.keeps else [])

    def _lost(self, acts: list[Act], history: Sequence[Operation]) -> list[Complaint]:
        removed = {
            (step.key, item) for act in acts for step in act.steps if step.verb is Verb.REMOVE
            for item in step.items if act.operation.outcome is not Outcome.FAIL
        }  # fmt: skip
        reads = final_values(history)
        for act in acts:
            if act.operation.outcome is not Outcome.OK:
                continue
            for step in [step for step in act.steps if step.verb is Verb.ADD]:
                for read in reads.get(step.key, []):
                    shown = read.replies[1]
                    kept = isinstance(shown, tuple) and step.items[0] in shown
                    if not kept and (step.key, step.items[0]) not in removed:
                        sentence = f"{step.key.decode()}: {step.items[0].decode()} was added and is lost"
                        return [Complaint("sessions", sentence, [act.operation.text(), read.text()])]
        return []


def _wire(commands: list[list[bytes]]) -> list[list[bytes]]:
    return commands if len(commands) == 1 else [[b"MULTI"], *commands, [b"EXEC"]]


def _outcome(replies: list[Value], count: int) -> Picked:
    """Of one command, or of a transaction; behind the reply to ``ACT``."""
    if count == 1:
        outcome = classify(replies[0])
        return outcome, ((OK, replies[0]) if outcome is Outcome.OK else ())
    answer = replies[-1]
    if isinstance(answer, tuple) and len(answer) == count:
        return Outcome.OK, (OK, *answer)
    return (Outcome.INFO if classify(answer) is Outcome.INFO else Outcome.FAIL), ()


def _plain(count: int) -> Callable[[list[Value]], Picked]:
    return lambda replies: _outcome(replies, count)


def _act_of(number: int, operation: Operation) -> Act:
    """What history says of one call; acts of no session get numbers of their own, below zero."""
    named = int(operation.commands[0][1])
    after = tuple([int(word) for word in operation.commands[0][2:]])
    steps = [
        _step_of(words, operation.replies[place] if operation.replies else NOTHING)
        for place, words in enumerate(operation.commands)
        if place
    ]
    return Act(named or -1 - number, after, named > 0, tuple(steps), operation)


def _step_of(words: tuple[bytes, ...], reply: Value) -> Step:
    if words[0] == b"SMEMBERS":
        items = reply if isinstance(reply, tuple) else ()
        return Step(Verb.READ, words[1], tuple([item for item in items if isinstance(item, bytes)]))
    if words[0] == b"SADD":
        return Step(Verb.ADD, words[1], words[2:])
    return Step(Verb.REMOVE, words[1], () if reply == 0 else words[2:])  # 0: it had not seen it
