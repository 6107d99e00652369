"""Two groups and the words between them, in every order: transactions over groups without machines, logs or nodes.

Each group is ``Intents`` and one value, a list of the transactions that have added themselves to it. A node adds two
transactions to both lists, one after the other. Words wait in a line per speaker and group, for as long as a schedule
likes; whoever leads a group may ask for what stands there undecided at any time; the node may fall at any time, and
begin another life. In the end both lists must be the same, hold what was acknowledged, once, and nothing is locked.
"""

from collections import deque

from trivet.core.base.prng import Prng
from trivet.core.transaction.coordinator import Coordinator, End, Phase, Word
from trivet.core.transaction.intents import Intents
from trivet.core.transaction.words import (
    DECIDE,
    FINISH,
    FORGET,
    GRANTED,
    LOCK,
    RESOLVE,
    Effects,
    FinishRequest,
    ForgetRequest,
    LockReply,
    ResolveRequest,
    Stamp,
    TransactionId,
    unpack_effects,
)
from trivet.lab.judges.complaint import Complaint

NAME = "schedules"
WALKS = 1_000
"""Schedules per seed."""
HOME, OTHER = 1, 2
NODE = 7
KEY = (0, b"k")
TRANSACTIONS = 2
ATTEMPTS_MAX = 4
ERRANDS_MAX = 4
"""So often somebody asks for what stands there before its time."""

Choice = tuple[str, int, int]
"""(what, speaker or group, group or number)"""


class Group:
    """One group."""

    def __init__(self) -> None:
        self.intents = Intents()
        self.value: list[int] = []
        self.index = 0


class Life:
    """One life of the node that coordinates."""

    def __init__(self, incarnation: int, names: list[int]) -> None:
        self.incarnation = incarnation
        self.left = names
        self.number = 0
        self.name = 0
        self.tries = 0
        self.live: dict[int, Coordinator] = {}
        self.present: Coordinator | None = None
        self.read: dict[int, list[int]] = {}


class World:
    """A schedule is a list of choices."""

    def __init__(self) -> None:
        self.groups = {HOME: Group(), OTHER: Group()}
        self.lines: dict[tuple[int, int], deque[Word]] = {}
        """(speaker, group) -> words: of the node's lives (0 and below), and of whoever leads a group."""
        self.lives = 1
        self.life: Life | None = Life(1, list(range(1, TRANSACTIONS + 1)))
        self.told: dict[int, bool] = {}
        self.errands: dict[tuple[int, TransactionId], list[Word]] = {}
        self.errands_left = ERRANDS_MAX
        self._begin()

    # -- the node -------------------------------------------------------------------------------

    def _begin(self) -> None:
        life = self.life
        assert life is not None
        if life.tries == 0:
            if not life.left:
                return
            life.name = life.left.pop(0)
        life.number += 1
        life.tries += 1
        number = TransactionId(NODE, life.incarnation, life.number)
        life.present = life.live[life.number] = Coordinator(
            number, Stamp(life.name, NODE, life.name), HOME, -1
        )
        life.read = {}
        life.present.lock({(0, b"k"): (HOME, 1), (0, b"l"): (OTHER, 1)}, [], self._low())
        self._drive(life.present)

    def _low(self) -> int:
        assert self.life is not None
        return min(self.life.live)

    def _drive(self, one: Coordinator) -> None:
        life = self.life
        assert life is not None
        self._say(life, one)
        if one.phase is Phase.RUNNING:
            lists = {
                group: Effects(1, b"".join(b"%d," % name for name in [*life.read[group], life.name]))
                for group in (HOME, OTHER)
            }
            one.decide(lists, self._low())
            self._say(life, one)
        if one.phase is Phase.UNSURE:
            self._say(life, one)
        if one.phase is Phase.OVER:
            life.live.pop(one.id.number, None)
        if one is life.present and one.end is not None:
            life.present = None
            if one.end is End.COMMITTED:
                self.told[life.name] = True
                life.tries = 0
                self._begin()
            elif life.tries < ATTEMPTS_MAX:
                self._begin()
            else:
                self.told[life.name] = False
                life.tries = 0
                self._begin()

    def _say(self, life: Life, one: Coordinator) -> None:
        words, one.words = one.words, []
        for word in words:
            self.lines.setdefault((1 - life.incarnation, word[0]), deque()).append(word)

    def _hear(self, speaker: int, word: Word, answer: object) -> None:
        life = self.life
        if life is None or 1 - life.incarnation != speaker:
            return
        one = life.live.get(word[2].id.number)
        if one is None:
            return
        if word[1] == LOCK:
            assert isinstance(answer, tuple)
            outcome, value = answer
            if outcome == GRANTED:
                life.read[word[0]] = value
            one.on_lock(word[0], LockReply(outcome, 1))
        elif word[1] == DECIDE:
            one.on_decided(bool(answer))
        elif word[1] == FINISH:
            one.on_finished(word[0])
        elif word[1] == FORGET:
            one.on_forgotten()
        self._drive(one)

    # -- the groups -----------------------------------------------------------------------------

    def _apply(self, number: int, word: Word) -> object:
        group, request = self.groups[number], word[2]
        intents = group.intents
        group.index += 1
        if word[1] == LOCK:
            outcome = intents.lock(request, {KEY: 1}, group.index, 1)
            return outcome, list(group.value)
        if word[1] == DECIDE:
            if intents.decide(request, 1) is None:
                return intents.has_committed(request.id)
            self._put(number, dict(request.effects)[number])
            return True
        if word[1] == FINISH:
            if request.id in intents.by_id and request.commits:
                self._put(number, request.effects)
            intents.finish(request.id, request.commits)
            return True
        if word[1] == RESOLVE:
            return intents.resolve(request.id, request.group)[0]
        intents.forget(request.id)
        return True

    def _put(self, number: int, effects: bytes) -> None:
        if effects:
            data = unpack_effects(effects).packets
            self.groups[number].value = [int(name) for name in data.split(b",") if name]

    # -- whoever leads a group --------------------------------------------------------------------

    def _errand(self, number: int, transaction: TransactionId) -> None:
        """The next word about what stands there."""
        group = self.groups[number]
        place = (number, transaction)
        if transaction in group.intents.by_id:
            word: Word = (HOME, RESOLVE, ResolveRequest(transaction, number))
        else:
            effects = group.intents.records[transaction].effects[OTHER]
            word = (OTHER, FINISH, FinishRequest(transaction, True, effects))
        self.errands[place] = [word]
        self.lines.setdefault((number, word[0]), deque()).append(word)

    def _errand_hears(self, speaker: int, word: Word, answer: object) -> None:
        place = (speaker, word[2].id)
        if place not in self.errands:
            return
        if word[1] == RESOLVE:
            effects = answer if isinstance(answer, bytes) else b""
            follow: Word = (speaker, FINISH, FinishRequest(word[2].id, isinstance(answer, bytes), effects))
        elif word[1] == FINISH and word[0] != speaker:
            follow = (speaker, FORGET, ForgetRequest(word[2].id))
        else:
            del self.errands[place]
            return
        self.lines.setdefault((speaker, follow[0]), deque()).append(follow)

    # -- schedules --------------------------------------------------------------------------------

    def choices(self) -> list[Choice]:
        """What may happen next."""
        found = [("deliver", *line) for line, words in self.lines.items() if words]
        if self.life is not None and self.lives == 1:
            found.append(("fall", 0, 0))
        elif self.life is None:
            found.append(("rise", 0, 0))
        if self.errands_left:
            found += [("errand", *place) for place in self._standing()]  # type: ignore[misc]
        return found  # type: ignore[return-value]

    def _standing(self) -> list[tuple[int, TransactionId]]:
        return [
            (number, transaction)
            for number, group in self.groups.items()
            for transaction in [*group.intents.by_id, *group.intents.records]
            if (number, transaction) not in self.errands
        ]

    def take(self, choice: Choice) -> None:
        """One of them."""
        what, first, second = choice
        if what == "deliver":
            word = self.lines[(first, second)].popleft()
            answer = self._apply(second, word)
            if first > 0:
                self._errand_hears(first, word, answer)
            else:
                self._hear(first, word, answer)
        elif what == "fall":
            self.life = None
        elif what == "rise":
            self.lives += 1
            self.life = Life(self.lives, [10])
            self._begin()
        else:
            self.errands_left -= 1
            self._errand(first, second)  # type: ignore[arg-type]
        for group in self.groups.values():
            group.intents.check_invariants()

    def end(self) -> str:
        """All words arrive and all that stands is asked for; what is wrong then."""
        for _ in range(1_000):
            lines = [line for line, words in self.lines.items() if words]
            standing = self._standing()
            if lines:
                self.take(("deliver", *lines[0]))
            elif standing:
                self._errand(*standing[0])
            else:
                break
        home, other = self.groups[HOME], self.groups[OTHER]
        if home.intents.by_id or other.intents.by_id or home.intents.records:
            return "something stands there for ever"
        if home.value != other.value:
            return f"one group holds {home.value}, the other {other.value}"
        if len(set(home.value)) < len(home.value):
            return f"a transaction took effect twice: {home.value}"
        for name, committed in self.told.items():
            if committed is not (name in home.value):
                return (
                    f"the client of {name} was told {'yes' if committed else 'no'}, and there is {home.value}"
                )
        return ""


def walk(prng: Prng) -> str:
    """One schedule; what is wrong with it."""
    world = World()
    for _ in range(200):
        choices = world.choices()
        rare = [choice for choice in choices if choice[0] in ("fall", "errand")]
        common = [choice for choice in choices if choice not in rare]
        if not common:
            break
        pool = rare if rare and prng.below(6) == 0 else common
        world.take(pool[prng.below(len(pool))])
    return world.end()


def play(seed: int) -> list[Complaint]:
    """What is wrong under one seed."""
    prng = Prng(seed * 0x9E3779B1 + 11)
    for _ in range(WALKS):
        try:
            problem = walk(prng)
        except AssertionError as error:
            return [Complaint("crash", f"AssertionError: {error}", [])]
        if problem:
            return [Complaint("schedules", problem, [])]
    return []
