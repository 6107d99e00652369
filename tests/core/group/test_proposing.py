"""Batches into the log (Rule G1)."""

from trivet.core.base.prng import Prng
from trivet.core.group.proposing import Proposer
from trivet.core.machine.entry import Batch, decode_batch_head, decode_body, encode_batch, encode_body
from trivet.core.machine.machine import Machine

WALL_MS = 1_700_000_000_000


class Log:
    """Stands for the Raft member: what was proposed, and who shall hear of the commit at once."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.wanted: list[int] = []
        self.refuses = False

    def propose(self, payload: bytes) -> int:
        if self.refuses:
            return 0
        self.entries.append(payload)
        return len(self.entries)

    def want_commit(self, node: int) -> None:
        self.wanted.append(node)

    def numbers(self) -> list[list[tuple[int, int]]]:
        """Per entry: of which node which batch."""
        bodies = [decode_body(entry) for entry in self.entries]
        heads = [[decode_batch_head(bytes(raw)) for raw in body.batches] for body in bodies]
        return [[(head.node, head.sequence) for head in of_entry] for of_entry in heads]


class Stand:
    """A proposer before its log and machine."""

    def __init__(self, batch_bytes_max: int = 10_000) -> None:
        self.log = Log()
        self.machine = Machine(100)
        self.proposer = Proposer(self.log, Prng(1), batch_bytes_max, None)  # type: ignore[arg-type]

    def offer(self, *batches: bytes) -> list[list[tuple[int, int]]]:
        self.proposer.propose(list(batches), self.machine, WALL_MS)
        return self.log.numbers()

    def apply(self) -> None:
        for index in range(self.machine.applied_index + 1, len(self.log.entries) + 1):
            self.machine.apply(index, self.log.entries[index - 1])


def batch(sequence: int, node: int = 2, incarnation: int = 7, value: bytes = b"v") -> bytes:
    return encode_batch(Batch(node, incarnation, sequence, 0, [(0, [b"SET", b"k", value])]))


def test_forwarded_batches_and_own_are_one_entry():
    stand = Stand()
    stand.proposer.forwarded = [batch(1), batch(1, node=3)]
    assert stand.offer(batch(1, node=1)) == [[(2, 1), (3, 1), (1, 1)]]
    assert stand.proposer.forwarded == []
    assert stand.log.wanted == [2, 3, 1]


def test_without_batches_there_is_no_entry():
    stand = Stand()
    assert stand.offer() == []
    assert stand.offer(b"\xc1") == [], "nor for bytes that are none"


def test_what_is_large_together_goes_apart():
    stand = Stand(batch_bytes_max=500)
    large = [batch(number, value=b"v" * 300) for number in (1, 2, 3)]
    assert stand.offer(*large) == [[(2, 1)], [(2, 2)], [(2, 3)]]


def test_a_batch_is_put_in_once_and_in_order():
    stand = Stand()
    stand.offer(batch(1), batch(1), batch(3))
    stand.offer(batch(1), batch(2))
    assert stand.log.numbers() == [[(2, 1)], [(2, 2)]]


def test_what_got_in_without_its_predecessor_and_was_passed_over_may_come_again():
    stand = Stand()
    stand.offer(batch(3))
    assert stand.offer(batch(1)) == [[(2, 3)]], "it is not applied: nobody knows yet"
    stand.apply()
    assert stand.offer(batch(1), batch(2), batch(3)) == [[(2, 3)], [(2, 1), (2, 2), (2, 3)]]


def test_a_new_life_of_the_sender_begins_anew():
    stand = Stand()
    assert stand.offer(batch(1), batch(2), batch(1, incarnation=8)) == [[(2, 1), (2, 2), (2, 1)]]


def test_another_term_begins_anew():
    stand = Stand()
    stand.offer(batch(1))
    stand.proposer.forwarded = [batch(2)]
    stand.proposer.leader_changed()
    assert stand.offer(batch(1)) == [[(2, 1)], [(2, 1)]]


def test_what_the_log_did_not_take_may_come_again():
    stand = Stand()
    stand.log.refuses = True
    assert stand.offer(batch(1)) == []
    stand.log.refuses = False
    assert stand.offer(batch(1)) == [[(2, 1)]]


def test_a_time_entry():
    stand = Stand()
    assert stand.proposer.propose_entry([], WALL_MS) == 1
    body = decode_body(stand.log.entries[0])
    assert (body.time_ms, body.batches) == (WALL_MS, [])
    assert stand.log.entries[0] == encode_body(WALL_MS, body.seed, [])
    stand.log.refuses = True
    assert stand.proposer.propose_entry([], WALL_MS) == 0
