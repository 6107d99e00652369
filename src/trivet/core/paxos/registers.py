"""The registers of one acceptor, in memory, in the order of their keys.

On the path: every question of a proposer looks one up. A key without a register is not nothing: what was
promised for it lies below the *floor* (Rule P10). Kept beside the table: which registers are
tombstones, oldest first, and which are *bare*, with a promise and nothing accepted.
"""

from collections.abc import Callable, Iterator

from sortedcontainers import SortedDict

from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.content import NO_VALUE, Sealed, is_tombstone

REGISTER_BYTES = 264
"""What a register takes, beside its key and its content."""


class Register:
    """Invariants: ``accepted`` <= ``promised``; ``content`` is None just when nothing is accepted."""

    __slots__ = ("accepted", "content", "hearsay", "promised", "save_id")

    def __init__(self, promised: Ballot, accepted: Ballot, content: Sealed | None) -> None:
        self.promised = promised
        self.accepted = accepted
        self.content = content
        self.hearsay = False
        """It has ``content`` from others, after it lost its own.

        It tells of it, but it may never have accepted it.
        """
        self.save_id = 0
        """The save with which all this is durable."""

    @property
    def is_bare(self) -> bool:
        """Only promised."""
        return self.content is None

    @property
    def is_tombstone(self) -> bool:
        """Deleted."""
        return self.content is not None and is_tombstone(self.content)


class Registers:
    """All registers of one acceptor."""

    __slots__ = ("_table", "bare", "bytes_in_memory", "get", "tombstones")

    def __init__(self) -> None:
        self._table: SortedDict[bytes, Register] = SortedDict()
        self.get: Callable[[bytes], Register | None] = self._table.get
        """The register of a key, if there is one."""
        self.tombstones: dict[bytes, int] = {}
        """Key -> tick since when; oldest first."""
        self.bare: dict[bytes, None] = {}
        """Oldest first."""
        self.bytes_in_memory = 0

    def __len__(self) -> int:
        return len(self._table)

    def add(self, key: bytes, promised: Ballot) -> Register:
        """A new register that has only a promise."""
        assert key not in self._table
        register = Register(promised, NOTHING, None)
        self._table[key] = register
        self.bare[key] = None
        self.bytes_in_memory += REGISTER_BYTES + len(key)
        return register

    def accept(self, key: bytes, register: Register, accepted: Ballot, content: Sealed, now: int) -> None:
        """It holds ``content`` from now on."""
        before = register.content
        if before is None:
            self.bare.pop(key, None)
            self.bytes_in_memory += len(content)
        else:
            self.bytes_in_memory += len(content) - len(before)
        register.accepted = accepted
        register.content = content
        register.hearsay = False
        if content.startswith(NO_VALUE):
            self.tombstones.setdefault(key, now)
        elif self.tombstones:
            self.tombstones.pop(key, None)

    def remove(self, key: bytes) -> None:
        """It is no longer there."""
        register: Register = self._table.pop(key)
        self.bytes_in_memory -= REGISTER_BYTES + len(key) + len(register.content or b"")
        self.tombstones.pop(key, None)
        self.bare.pop(key, None)

    def clear(self) -> None:
        """None is left."""
        self._table.clear()
        self.tombstones.clear()
        self.bare.clear()
        self.bytes_in_memory = 0

    def sample(self, count: int) -> list[bytes]:
        """About so many of their keys, evenly."""
        keys = self._table.keys()
        return [keys[place] for place in range(0, len(keys), max(1, len(keys) // count))]

    def after(self, cursor: bytes | None) -> Iterator[tuple[bytes, Register]]:
        """Registers in order of their keys, those after ``cursor`` (None: all). No change while it runs."""
        for key in self._table.irange(cursor, None, (False, True)):
            yield key, self._table[key]
