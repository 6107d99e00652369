"""A group of consumers of a stream: how far it has read, and what is pending for whom.

An entry is *pending* from its delivery until it is acknowledged. One record per pending entry says
to whom, when and how often it was delivered; the ids stand in order beside it, for the group and for
each consumer. All of it costs O(log n); only a consumer that goes costs what it has pending.
Where order can be seen (names of consumers), it is that of the bytes of the names.
"""

from collections.abc import Iterator
from typing import Final, final

from sortedcontainers import SortedList

from trivet.core.values.stream_id import checked_id, ms_of, pair_of, sequence_of
from trivet.core.values.stream_state import GroupState, PendingState

_PENDING_BYTES: Final = 170
_CONSUMER_BYTES: Final = 600


@final
class Consumer:
    """One of a group, by name; ``seen_ms`` is when it last asked for something."""

    __slots__ = ("name", "pending_ids", "seen_ms")

    def __init__(self, name: bytes, seen_ms: int) -> None:
        self.name = name
        self.seen_ms = seen_ms
        self.pending_ids: SortedList[int] = SortedList()


@final
class Pending:
    """To whom an entry was delivered, when last and how often."""

    __slots__ = ("consumer", "delivered_count", "delivered_ms")

    def __init__(self, consumer: Consumer, delivered_ms: int, delivered_count: int) -> None:
        self.consumer = consumer
        self.delivered_ms = delivered_ms
        self.delivered_count = delivered_count


@final
class ConsumerGroup:
    """The group; its name is where it is kept."""

    __slots__ = ("consumers", "entries_read", "last_id", "pending", "pending_ids")

    def __init__(self, last_id: int, entries_read: int) -> None:
        self.last_id = last_id
        """The last entry that was given to any of its consumers."""
        self.entries_read = entries_read
        """How many entries of the stream there ever were up to ``last_id``; -1 when unknown."""
        self.consumers: dict[bytes, Consumer] = {}
        self.pending: dict[int, Pending] = {}
        self.pending_ids: SortedList[int] = SortedList()

    def about_bytes(self) -> int:
        """About what it takes in memory."""
        return _PENDING_BYTES * len(self.pending) + _CONSUMER_BYTES * len(self.consumers)

    def sorted_consumers(self) -> list[Consumer]:
        """The consumers in the order of their names."""
        return [self.consumers[name] for name in sorted(self.consumers)]

    def add_consumer(self, name: bytes, now_ms: int) -> Consumer:
        """A new consumer; there is none of that name."""
        assert name not in self.consumers
        consumer = self.consumers[name] = Consumer(name, now_ms)
        return consumer

    def remove_consumer(self, consumer: Consumer) -> int:
        """Remove a consumer with all that is pending for it; how many entries that is."""
        del self.consumers[consumer.name]
        for entry_id in consumer.pending_ids:
            del self.pending[entry_id]
        removed = len(consumer.pending_ids)
        if removed == len(self.pending_ids):
            self.pending_ids.clear()
        else:
            for entry_id in consumer.pending_ids:
                self.pending_ids.remove(entry_id)
        return removed

    def deliver(self, entry_id: int, consumer: Consumer, now_ms: int) -> None:
        """The entry is given to ``consumer``, whoever had it before; it counts as its first delivery."""
        held = self.pending.get(entry_id)
        if held is None:
            self.add(entry_id, consumer, now_ms, 1)
            return
        self.pass_on(entry_id, held, consumer)
        held.delivered_ms = now_ms
        held.delivered_count = 1

    def add(self, entry_id: int, consumer: Consumer, delivered_ms: int, delivered_count: int) -> Pending:
        """An entry becomes pending; it was not."""
        pending = self.pending[entry_id] = Pending(consumer, delivered_ms, delivered_count)
        self.pending_ids.add(entry_id)
        consumer.pending_ids.add(entry_id)
        return pending

    def pass_on(self, entry_id: int, pending: Pending, consumer: Consumer) -> None:
        """The pending entry is ``consumer``'s from now on."""
        if pending.consumer is not consumer:
            pending.consumer.pending_ids.remove(entry_id)
            consumer.pending_ids.add(entry_id)
            pending.consumer = consumer

    def acknowledge(self, entry_id: int) -> bool:
        """The entry is pending no more; False when it was not."""
        pending = self.pending.pop(entry_id, None)
        if pending is None:
            return False
        self.pending_ids.remove(entry_id)
        pending.consumer.pending_ids.remove(entry_id)
        return True

    def pending_from(self, start: int, consumer: Consumer | None = None) -> Iterator[int]:
        """The pending ids from ``start`` on, of all or of one consumer. Nothing may change meanwhile."""
        return (self if consumer is None else consumer).pending_ids.irange(start)

    def copy(self) -> "ConsumerGroup":
        """A group of its own that behaves identically."""
        twin = ConsumerGroup(self.last_id, self.entries_read)
        for name, consumer in self.consumers.items():
            twin.add_consumer(name, consumer.seen_ms).pending_ids.update(consumer.pending_ids)
        for entry_id, held in self.pending.items():
            consumer = twin.consumers[held.consumer.name]
            twin.pending[entry_id] = Pending(consumer, held.delivered_ms, held.delivered_count)
        twin.pending_ids.update(self.pending_ids)
        return twin

    def dump(self, name: bytes) -> GroupState:
        """All that ``load`` needs."""
        consumers = self.sorted_consumers()
        places = {consumer.name: place for place, consumer in enumerate(consumers)}
        pending = []
        for entry_id in self.pending_ids:
            held = self.pending[entry_id]
            place = places[held.consumer.name]
            pending.append(
                PendingState(
                    ms_of(entry_id), sequence_of(entry_id), place, held.delivered_ms, held.delivered_count
                )
            )
        return GroupState(
            name,
            pair_of(self.last_id),
            self.entries_read,
            [(consumer.name, consumer.seen_ms) for consumer in consumers],
            pending,
        )

    @staticmethod
    def load(state: GroupState) -> "ConsumerGroup":
        """The group that ``dump`` described. Raises ``ValueError`` when it cannot be one."""
        loaded = ConsumerGroup(checked_id(state.last_id), state.entries_read)
        consumers: list[Consumer] = []
        ids: list[list[int]] = []
        for name, seen_ms in state.consumers:
            if name in loaded.consumers:
                raise ValueError("two consumers of one name")
            consumers.append(loaded.add_consumer(name, seen_ms))
            ids.append([])
        for held in state.pending:
            entry_id = checked_id((held.ms, held.sequence))
            if not 0 <= held.consumer < len(consumers) or entry_id in loaded.pending:
                raise ValueError("an impossible pending entry")
            consumer = consumers[held.consumer]
            loaded.pending[entry_id] = Pending(consumer, held.delivered_ms, held.delivered_count)
            ids[held.consumer].append(entry_id)
        loaded.pending_ids.update(loaded.pending)
        for consumer, own in zip(consumers, ids, strict=True):
            consumer.pending_ids.update(own)
        return loaded

    def check_invariants(self) -> None:
        """Every pending entry is one consumer's, and stands in both orders."""
        assert list(self.pending_ids) == sorted(self.pending)
        assert sum(len(consumer.pending_ids) for consumer in self.consumers.values()) == len(self.pending)
        for name, consumer in self.consumers.items():
            assert consumer.name == name
            assert all(self.pending[entry_id].consumer is consumer for entry_id in consumer.pending_ids)
