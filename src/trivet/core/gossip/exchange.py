"""Exchanges: how a member gets from another all that it lacks, whatever that is.

Going down the trees of digests it finds in five rounds which keys differ, and gets their states. It *pulls*:
the other does the same for itself.

- Rule X1: an exchange is about what the giver had seen when it began; when it is done, the taker has seen all
  of that. Until then it takes no update that is in it: one whose removal is in it too would stay.
- Rule X2: one pull at a time, and one giving per peer: a new one ends that before it.
- Rule X3: states go with the clock of their moment, so that what the taker holds, and the giver has seen and
  removed, goes; also of keys of which the giver holds nothing.
- Rule X4: what is given is paced, and costs the giver nothing but the list of places that are left. Whoever
  hears nothing of the other for some time gives up, on both sides.
- Rule X5: a state that is refused does not keep the others from being taken; but then not all was seen.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.gossip.messages import Compare, Differ, Keys, OfGossip, States, digest_bytes
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.lattice import Lattice, Watch
from trivet.core.lattice.tree import FANOUT, LEAVES, LEVELS

PLACES_AT_ONCE: Final = 1_024
"""Nodes of the tree in one message."""
STATES_AT_ONCE: Final = 1_000
"""Keys whose states are given at a time: a large one is as much work as many bytes."""
KEY_BYTES: Final = 16


class Pull:
    """What this member is getting from ``peer``."""

    __slots__ = ("clock", "idle_ticks", "is_whole", "last", "number", "peer", "serials", "watch")

    def __init__(self, number: int, peer: NodeId) -> None:
        self.number = number
        self.peer = peer
        self.clock: Clock | None = None
        """What the giver had seen; None: it has not said."""
        self.watch: Watch | None = None
        """The lattice's, over what Rule X1 forbids."""
        self.is_whole = True
        """Nothing was refused (Rule X5)."""
        self.idle_ticks = 0
        self.serials: dict[int, None] = {}
        """Of states that have come."""
        self.last = 0
        """The last of them; 0: not known yet."""

    @property
    def is_done(self) -> bool:
        """Whether everything has come."""
        return self.last > 0 and len(self.serials) == self.last


class Give:
    """What another member is getting from here."""

    __slots__ = ("_asked", "_compared", "_serial", "_states", "clock", "idle_ticks", "number")

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        self.clock = clock
        """What was seen here when it began (Rule X1)."""
        self.idle_ticks = 0
        """Since anything came or went."""
        self._states: deque[bytes] = deque()
        """Keys whose states are to go."""
        self._compared: deque[tuple[int, int]] = deque()
        """(level, place): nodes that differ, and are to be asked for."""
        self._asked: dict[tuple[int, int], None] = {(0, 0): None}
        """Nodes that were asked for, and are not told yet."""
        self._serial = 0

    # -- what comes ----------------------------------------------------------------------------------

    def on_compare(self, lattice: Lattice, message: Compare) -> None:
        """Which of the children differ."""
        tree = lattice.tree
        for place, rows in message.rows:
            if (message.level, place) not in self._asked:
                continue
            del self._asked[(message.level, place)]
            self.idle_ticks = 0
            theirs = dict(rows)
            ours = {child: digest_bytes(total) for child, total in tree.children(message.level, place)}
            for child in range(place * FANOUT, (place + 1) * FANOUT):
                if theirs.get(child) != ours.get(child):
                    self._compared.append((message.level + 1, child))

    def on_keys(self, lattice: Lattice, message: Keys) -> None:
        """Which keys differ."""
        for place, rows in message.rows:
            if (LEVELS, place) not in self._asked:
                continue
            del self._asked[(LEVELS, place)]
            self.idle_ticks = 0
            theirs = dict(rows)
            ours = {key: digest_bytes(total) for key, total in lattice.tree.keys(place)}
            for key in dict.fromkeys([*ours, *theirs]):
                if theirs.get(key) != ours.get(key):
                    self._states.append(key)

    # -- what goes -----------------------------------------------------------------------------------

    def go_on(self, lattice: Lattice, bytes_max: int, message_bytes_max: int, out: list[OfGossip]) -> bool:
        """So much now (Rule X4); whether it is over."""
        self.idle_ticks += 1
        if self._states:
            self.idle_ticks = 0
        left = STATES_AT_ONCE
        while bytes_max > 0 and left > 0 and self._states:
            message, size = self._next_states(lattice, min(bytes_max, message_bytes_max), left)
            out.append(message)
            bytes_max -= size
            left -= len(message.rows)
        if self._states:
            return False
        while self._compared and not self._asked:
            level = self._compared[0][0]
            places: list[int] = []
            while self._compared and self._compared[0][0] == level and len(places) < PLACES_AT_ONCE:
                places.append(self._compared.popleft()[1])
            self._asked = {(level, place): None for place in places}
            out.append(Differ(self.number, level, places, self.clock.encode()))
        if self._asked:
            return False
        self._serial += 1
        out.append(States(self.number, self._serial, self.clock.encode(), [], done=True))
        return True

    def _next_states(self, lattice: Lattice, bytes_max: int, count_max: int) -> tuple[States, int]:
        """Keys of one clock (Rule X3)."""
        rows: list[tuple[bytes, bytes]] = []
        size = 0
        clock = lattice.context(self._states[0])
        while self._states and (not rows or (size < bytes_max and len(rows) < count_max)):
            key = self._states[0]
            if lattice.context(key) is not clock and rows:
                break
            state = lattice.encoded(key)
            if rows and size + len(state) > bytes_max:
                break
            self._states.popleft()
            rows.append((key, state))
            size += len(key) + len(state) + KEY_BYTES
        encoded = clock.encode()
        self._serial += 1
        return States(self.number, self._serial, encoded, rows), size + len(encoded)


def compare_of(lattice: Lattice, number: int, level: int, places: list[int]) -> Compare:
    """What is below these nodes here; ``level`` is theirs."""
    tree = lattice.tree
    rows = [
        (place, [(child, digest_bytes(total)) for child, total in tree.children(level, place)])
        for place in places
        if place < FANOUT**level
    ]
    return Compare(number, level, rows)


def keys_of(lattice: Lattice, number: int, places: list[int], bytes_max: int) -> list[Keys]:
    """The keys of these leaves here, in messages of about so many bytes."""
    messages: list[Keys] = []
    rows: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    size = 0
    for place in places:
        if place >= LEAVES:
            continue
        keys = [(key, digest_bytes(total)) for key, total in lattice.tree.keys(place)]
        rows.append((place, keys))
        size += sum([len(key) + KEY_BYTES for key, _ in keys]) + KEY_BYTES
        if size >= bytes_max:
            messages.append(Keys(number, rows))
            rows, size = [], 0
    if rows:
        messages.append(Keys(number, rows))
    return messages
