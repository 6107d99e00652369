"""Text tests: a script of words to one group, and after ``----`` what it answers.

A transaction is written ``node/incarnation#number``, or ``node#number`` in incarnation 1. A key is one letter
with its mode: ``a!`` exclusive, ``a`` shared, ``a?`` blind.

| command | does |
|---|---|
| ``lock 1#1 age=5 [home=G] [low=N] a! b`` | ``LOCK``; the lower the age, the older |
| ``decide 1#1 [low=N] [keys=N] [G=effects ...]`` | ``DECIDE``, with effects on other groups |
| ``finish 1#1 commit/abort`` | ``FINISH`` |
| ``lacks 1#1 [keys=N]`` | whether a commit of it elsewhere has lost its locks here |
| ``resolve 1#1 G`` | ``RESOLVE``, asked by group G |
| ``forget 1#1`` | ``FORGET`` |
| ``read a``, ``write a`` | what a plain call does that meets the key |
| ``whole [since=N]``, ``flush`` | a read of a whole database; a call that empties it |
| ``pass MS`` | time passes |
| ``reload`` | the state goes through a snapshot |
| ``show`` | who holds what, who waits, what is decided, what is over |
"""

import msgspec

from trivet.core.transaction.intents import Intents
from trivet.core.transaction.intents_state import IntentsState
from trivet.core.transaction.words import (
    BLIND,
    EXCLUSIVE,
    SHARED,
    DecideRequest,
    LockKey,
    LockRequest,
    Stamp,
    TransactionId,
)

Words = list[str]
OUTCOMES = ["granted", "wait", "die", "dirty", "stale"]
MODES = {"": SHARED, "!": EXCLUSIVE, "?": BLIND}


class Conversation:
    """The intents of group 1; each command is one entry of its log."""

    def __init__(self) -> None:
        self.intents = Intents()
        self.index = 0
        self.now_ms = 1_000

    def run(self, command: str) -> list[str]:
        """One command; the lines that came of it."""
        self.index += 1
        name, *words = command.split()
        lines: list[str] = getattr(self, "do_" + name)(words)
        self.intents.check_invariants()
        return lines

    def do_lock(self, words: Words) -> list[str]:
        options, rest = _options(words[1:])
        transaction = _id(words[0])
        stamp = Stamp(int(options["age"]), transaction.node, 0)
        wanted = {(0, word[:1].encode()): MODES[word[1:]] for word in rest}
        keys = [(0, key, mode) for (_, key), mode in wanted.items()]
        request = LockRequest(
            transaction, int(options.get("home", "1")), stamp, int(options.get("low", "0")), -1, keys
        )
        return [OUTCOMES[self.intents.lock(request, wanted, self.index, self.now_ms)]]

    def do_decide(self, words: Words) -> list[str]:
        options, _ = _options(words[1:])
        low, keys = int(options.pop("low", "0")), int(options.pop("keys", "0"))
        effects = [(int(group), data.encode()) for group, data in options.items()]
        request = DecideRequest(_id(words[0]), low, effects, keys)
        freed = self.intents.decide(request, self.now_ms)
        if freed is None:
            return ["committed before" if self.intents.has_committed(request.id) else "aborted"]
        return ["committed" + _free(freed)]

    def do_lacks(self, words: Words) -> list[str]:
        options, _ = _options(words[1:])
        return ["lost" if self.intents.lacks(_id(words[0]), int(options.get("keys", "0"))) else "no"]

    def do_finish(self, words: Words) -> list[str]:
        return ["ok" + _free(self.intents.finish(_id(words[0]), words[1] == "commit"))]

    def do_resolve(self, words: Words) -> list[str]:
        effects, freed = self.intents.resolve(_id(words[0]), int(words[1]))
        said = "abort" if effects is None else f"commit {effects.decode()}".rstrip()
        return [said + _free(freed)]

    def do_forget(self, words: Words) -> list[str]:
        self.intents.forget(_id(words[0]))
        return ["ok"]

    def do_read(self, words: Words) -> list[str]:
        return ["waits" if self.intents.locks.met_by_read((0, words[0].encode())) else "runs"]

    def do_write(self, words: Words) -> list[str]:
        return ["waits" if self.intents.locks.met_by_write((0, words[0].encode())) else "runs"]

    def do_whole(self, words: Words) -> list[str]:
        since = int(_options(words)[0].get("since", self.index))
        return [f"waits, since {since}" if self.intents.met_by_whole_read(since) else "runs"]

    def do_flush(self, words: Words) -> list[str]:
        return ["waits" if self.intents.met_by_flush(self.now_ms) else "runs"]

    def do_pass(self, words: Words) -> list[str]:
        self.now_ms += int(words[0])
        return ["the barrier is gone"] if self.intents.barrier_ends(self.now_ms) else []

    def do_reload(self, words: Words) -> list[str]:
        data = msgspec.msgpack.encode(self.intents.state())
        loaded = Intents()
        loaded.restore(msgspec.msgpack.decode(data, type=IntentsState))
        assert loaded.digest(0, 1) == self.intents.digest(0, 1)
        assert msgspec.msgpack.encode(loaded.state()) == data
        self.intents = loaded
        return []

    def do_show(self, words: Words) -> list[str]:
        intents = self.intents
        lines: list[str] = []
        for intent in intents.by_id.values():
            keys = " ".join(_key(key, mode) for key, mode in intent.keys.items())
            lines.append(
                f"{_name(intent.id)} of home {intent.home} holds {keys}, first at {intent.index}, "
                f"since {intent.since_ms}"
            )
        for key, held in intents.locks.reserved.items():
            lines.append(f"{_key(key, held.mode)} is reserved for age {held.stamp[0]} until {held.until_ms}")
        for transaction, record in intents.records.items():
            effects = " ".join(f"{group}={data.decode()}" for group, data in record.effects.items())
            lines.append(f"{_name(transaction)} is decided: {effects}")
        for node, life in intents.lives.by_node.items():
            over = " ".join(f"#{n} {'committed' if c else 'aborted'}" for n, c in life.over.items())
            lines.append(f"{node}/{life.incarnation} is over below #{life.low}, and {over or 'nothing'}")
        return lines or ["nothing"]


def _options(words: Words) -> tuple[dict[str, str], Words]:
    pairs = [word.split("=", 1) for word in words if "=" in word]
    return dict(pairs), [word for word in words if "=" not in word]


def _id(word: str) -> TransactionId:
    place, number = word.split("#")
    node, _, incarnation = place.partition("/")
    return TransactionId(int(node), int(incarnation or "1"), int(number))


def _name(transaction: TransactionId) -> str:
    node, incarnation, number = transaction
    return f"{node}#{number}" if incarnation == 1 else f"{node}/{incarnation}#{number}"


def _key(key: LockKey, mode: int) -> str:
    return key[1].decode() + ("", "!", "?")[mode]


def _free(keys: list[LockKey]) -> str:
    return "".join([f", {key.decode()} is free" for _, key in keys])
