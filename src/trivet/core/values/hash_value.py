"""A hash: fields with values. See ``keyed`` for its representation and its order.

A hash some of whose fields have (or had) a deadline of their own is a ``MortalHash``; a
plain one knows nothing of deadlines and pays nothing for them. A field past its deadline
is invisible from then on, and removed when something puts it anew or ``take_due`` comes
to it (rule V3).
"""

from collections.abc import Iterable
from typing import final

from trivet.core.base.prng import Prng
from trivet.core.values.deadlines import Deadlines
from trivet.core.values.keyed import Keyed, shuffled_prefix


@final
class Clock:
    """The time by which fields fall due, Unix ms: one for all databases of a machine."""

    __slots__ = ("now_ms",)

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms


class Hash(Keyed[bytes]):
    """Fields to values, both bytes."""

    __slots__ = ()

    def put_keeping(self, field: bytes, value: bytes) -> bool:
        """As ``put``, but a deadline of the field stays."""
        return self.put(field, value)

    def copy(self) -> "Hash":
        """A hash of its own that behaves identically."""
        twin = Hash(self.shape)
        twin.fill_from(self)
        return twin

    def dump(self) -> tuple[int, list[bytes]]:
        """``(shape, [field, value, field, value, ...])``: all that ``load`` needs."""
        flat: list[bytes] = []
        for field, value in self.items():
            flat.append(field)
            flat.append(value)
        return self.shape, flat

    @staticmethod
    def load(shape: int, flat: list[bytes]) -> "Hash":
        """The hash that ``dump`` described."""
        loaded = Hash(shape)
        loaded.fill(zip(flat[::2], flat[1::2], strict=True))
        return loaded


@final
class MortalHash(Hash):
    """A hash whose fields may have deadlines. ``put`` takes a field's deadline away."""

    __slots__ = ("clock", "deadlines")

    def __init__(self, shape: int, clock: Clock) -> None:
        super().__init__(shape)
        self.clock = clock
        self.deadlines = Deadlines()

    @staticmethod
    def of(value: Hash, clock: Clock) -> "MortalHash":
        """Takes the fields of ``value`` over, which nobody uses any more."""
        made = MortalHash(0, clock)
        made._small = value._small
        made._large = value._large
        return made

    # Deadlines

    def deadline_ms(self, field: bytes) -> int:
        """When the field, which exists, is due; -1: never."""
        deadline_ms = self.deadlines.get(field)
        return -1 if deadline_ms is None else deadline_ms

    def expire_at(self, field: bytes, deadline_ms: int) -> None:
        """Give a field, which exists, a deadline."""
        self.deadlines.put(field, deadline_ms)

    def persist(self, field: bytes) -> bool:
        """Take the deadline of a field, which exists, away; True when there was one."""
        return self.deadlines.drop(field)

    def next_deadline_ms(self) -> int:
        """The earliest deadline of a field; ``deadlines.NEVER`` when there is none."""
        return self.deadlines.next_ms()

    def take_due(self, limit: int) -> int:
        """Remove up to ``limit`` fields past their deadline, earliest first; how many were."""
        removed = 0
        while removed < limit:
            fields = self.deadlines.due(self.clock.now_ms, limit - removed)
            if not fields:
                break
            for field in fields:
                self.deadlines.drop(field)
                super().pop(field)
            removed += len(fields)
        return removed

    def held(self) -> int:
        """How many fields there are, those past their deadline included."""
        return super().__len__()

    def is_gone(self) -> bool:
        """Whether all fields that there are, and there are some, are past their deadline."""
        return self._has_late() and not self.to_list()

    def _has_late(self) -> bool:
        return self.deadlines.count > 0 and self.deadlines.next_ms() <= self.clock.now_ms

    def _is_late(self, field: bytes) -> bool:
        deadline_ms = self.deadlines.get(field)
        return deadline_ms is not None and deadline_ms <= self.clock.now_ms

    # What a hash can do, without the fields past their deadline

    def __len__(self) -> int:
        return len(self.to_list()) if self._has_late() else super().__len__()

    def __contains__(self, key: bytes) -> bool:
        return super().__contains__(key) and not self._is_late(key)

    def get(self, key: bytes) -> bytes | None:
        """The value of a field, or None."""
        value = super().get(key)
        return None if value is None or self._is_late(key) else value

    def put(self, key: bytes, value: bytes) -> bool:
        """Create or replace; True when the field is new. Its deadline goes."""
        was_late = self._is_late(key)
        self.deadlines.drop(key)
        return super().put(key, value) or was_late

    def put_keeping(self, field: bytes, value: bytes) -> bool:
        """As ``put``, but a deadline of the field stays, unless it has passed."""
        return self.put(field, value) if self._is_late(field) else super().put(field, value)

    def pop(self, key: bytes) -> bytes | None:
        """Remove a field and give its value, or None when it is missing."""
        was_late = self._is_late(key)
        self.deadlines.drop(key)
        value = super().pop(key)
        return None if was_late else value

    def keys(self) -> Iterable[bytes]:
        """All fields in order. The hash must not change meanwhile."""
        return self.to_list() if self._has_late() else super().keys()

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All pairs in order. The hash must not change meanwhile."""
        return self.to_dict().items() if self._has_late() else super().items()

    def to_dict(self) -> dict[bytes, bytes]:
        """A dict of its own with all pairs in order."""
        found = super().to_dict()
        if self._has_late():
            found = {field: value for field, value in found.items() if not self._is_late(field)}
        return found

    def to_list(self) -> list[bytes]:
        """A list of its own with all fields in order."""
        found = super().to_list()
        return [field for field in found if not self._is_late(field)] if self._has_late() else found

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Fields from ``cursor`` on, and the cursor to go on from."""
        cursor, found = super().scan(cursor, count)
        return cursor, [field for field in found if not self._is_late(field)]

    def random_key(self, prng: Prng) -> bytes:
        """One field, each about equally likely. The hash is not empty."""
        if not self._has_late():
            return super().random_key(prng)
        fields = self.to_list()
        return fields[prng.below(len(fields))]

    def draw(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` fields, each drawn from all. Not empty."""
        if not self._has_late():
            return super().draw(prng, count)
        fields = self.to_list()
        return [fields[prng.below(len(fields))] for _ in range(count)]

    def sample(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` different fields by chance, or all of them when there are fewer."""
        if not self._has_late():
            return super().sample(prng, count)
        fields = self.to_list()
        return fields if count >= len(fields) else shuffled_prefix(fields, prng, count)

    # As a whole

    def copy(self) -> "MortalHash":
        """A hash of its own that behaves identically."""
        twin = MortalHash(self.shape, self.clock)
        twin.fill_from(self)
        fields = super().keys()
        for field in fields:
            deadline_ms = self.deadlines.get(field)
            if deadline_ms is not None:
                twin.deadlines.put(field, deadline_ms)
        return twin

    def dump(self) -> tuple[int, list[bytes]]:
        """As ``Hash.dump``, with the fields past their deadline."""
        flat: list[bytes] = []
        for field, value in super().items():
            flat.append(field)
            flat.append(value)
        return self.shape, flat

    def dump_deadlines(self) -> list[int]:
        """The deadline of every field that ``dump`` gives, -1 for none."""
        fields = super().keys()
        return [self.deadline_ms(field) for field in fields]

    @staticmethod
    def load_mortal(shape: int, flat: list[bytes], deadlines_ms: list[int]) -> "MortalHash":
        """The hash that both dumps described. Its clock stands still until a database adopts it."""
        loaded = MortalHash.of(Hash.load(shape, flat), Clock())
        for field, deadline_ms in zip(flat[::2], deadlines_ms, strict=True):
            if deadline_ms >= 0:
                loaded.deadlines.put(field, deadline_ms)
        return loaded

    def check_invariants(self) -> None:
        """Whoever has a deadline is there."""
        super().check_invariants()
        self.deadlines.check_invariants()
        assert sum(at >= 0 for at in self.dump_deadlines()) == self.deadlines.count
